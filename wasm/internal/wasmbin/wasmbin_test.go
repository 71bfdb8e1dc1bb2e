package wasmbin

import (
	"bytes"
	"math"
	"reflect"
	"strings"
	"testing"
)

// sample is a module with every kind of section and segment.
func sample() *Module {
	start, count := uint32(1), uint32(2)
	zero := []byte{byte(OpI32Const), 0, byte(OpEnd)}
	return &Module{
		Types: []FuncType{{}, {Params: []ValType{I32, F64}, Results: []ValType{I64}}},
		Imports: []Import{
			{Module: "host", Name: "f", Kind: KindFunc, Func: 1},
			{Module: "host", Name: "t", Kind: KindTable, Table: Table{Elem: ExternRef, Limits: Limits{Min: 1}}},
			{Module: "host", Name: "g", Kind: KindGlobal, Global: GlobalType{Type: I32}},
		},
		Funcs:    []uint32{0, 0},
		Tables:   []Table{{Elem: FuncRef, Limits: Limits{Min: 4, Max: 4, HasMax: true}}},
		Memories: []Limits{{Min: 1, Max: 65536, HasMax: true}},
		Globals:  []Global{{GlobalType: GlobalType{Type: I32, Mutable: true}, Init: []byte{byte(OpGlobalGet), 0, byte(OpEnd)}}},
		Exports:  []Export{{Name: "run", Kind: KindFunc, Index: 1}, {Name: "memory", Kind: KindMemory}},
		Start:    &start,
		Elements: []Element{
			{Offset: zero, Table: 1, Funcs: []uint32{0, 1}},
			{Mode: Passive, Funcs: []uint32{1}},
			{Mode: Declarative, Funcs: []uint32{2}},
			{Offset: zero, Table: 1, Funcs: []uint32{Null, 1}},
			{Mode: Passive, Funcs: []uint32{Null}},
		},
		DataCount: &count,
		Code: []Body{
			{Locals: []Local{{Count: 2, Type: I32}}, Code: []byte{byte(OpNop), byte(OpEnd)}},
			{Locals: []Local{}, Code: []byte{byte(OpEnd)}},
		},
		Data: []Data{{Offset: zero, Bytes: []byte("hello")}, {Mode: Passive, Bytes: []byte{1}}},
	}
}

func TestRoundTrip(t *testing.T) {
	want := sample()
	SetFunctionNames(want, []string{"f", "g", "h"})
	code := Encode(want)
	have, err := Decode(code)
	if err != nil {
		t.Fatal(err)
	}
	if again := Encode(have); !bytes.Equal(again, code) {
		t.Error("encoding what was decoded gives other bytes")
	}
	if !reflect.DeepEqual(have.Elements, want.Elements) || !reflect.DeepEqual(have.Exports, want.Exports) {
		t.Errorf("decoded %+v\nwant %+v", have, want)
	}
	names, err := FunctionNames(have)
	if err != nil || names[2] != "h" || len(names) != 3 {
		t.Errorf("names are %v, %v", names, err)
	}
}

func TestFuncType(t *testing.T) {
	m := sample()
	for index, want := range []int{1, 0, 0} {
		typ, err := m.FuncType(uint32(index))
		if err != nil || typ.Key() != m.Types[want].Key() {
			t.Errorf("function %d is of type %v, %v", index, typ, err)
		}
	}
	if _, err := m.FuncType(3); err == nil {
		t.Error("a function beyond the last has a type")
	}
	if i := m.TypeIndex(FuncType{Params: []ValType{I32, F64}, Results: []ValType{I64}}); i != 1 {
		t.Errorf("a known type got index %d", i)
	}
	if i := m.TypeIndex(FuncType{Params: []ValType{I64}}); i != 2 || len(m.Types) != 3 {
		t.Errorf("a new type got index %d of %d", i, len(m.Types))
	}
}

// TestTruncated cuts the module at every byte: an error or, between sections, a shorter module; never a panic.
func TestTruncated(t *testing.T) {
	code := Encode(sample())
	failed := 0
	for n := range code {
		if _, err := Decode(code[:n]); err != nil {
			failed++
		}
	}
	if failed < len(code)*9/10 {
		t.Errorf("only %d of %d truncations were refused", failed, len(code))
	}
}

func TestDecodeRefuses(t *testing.T) {
	for name, tail := range map[string]string{
		"unknown section":        "\x7f\x00",
		"section beyond the end": "\x01\x20\x00",
		"bytes left over":        "\x01\x02\x00\x00",
		"vector too long":        "\x01\x05\xff\xff\xff\xff\x0f",
		"unknown value type":     "\x01\x05\x01\x60\x01\x7b\x00",
		"memory64":               "\x05\x03\x01\x04\x01",
		"function without body":  "\x03\x02\x01\x00",
		"body without end":       "\x03\x02\x01\x00\x0a\x05\x01\x03\x00\x01\x01",
		"name is not UTF-8":      "\x07\x05\x01\x01\xff\x00\x00",
	} {
		if _, err := Decode([]byte(string(header) + tail)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := Decode([]byte("\x00asm\x0d\x00\x01\x00")); err == nil {
		t.Error("a component was accepted as a module")
	}
}

func TestSigned(t *testing.T) {
	for _, v := range []int64{0, 1, -1, 63, 64, -64, -65, math.MaxInt32, math.MinInt32, math.MaxInt64, math.MinInt64} {
		r := NewReader(AppendSigned(nil, v))
		if have := r.Signed(64); have != v || r.Err() != nil || r.Len() != 0 {
			t.Errorf("%d reads as %d, %v", v, have, r.Err())
		}
	}
	if r := NewReader(AppendSigned(nil, math.MaxInt32+1)); r.Signed(32) != 0 || r.Err() == nil {
		t.Error("33 bits were read as 32")
	}
	if r := NewReader([]byte{0xff, 0xff, 0xff, 0xff, 0x1f}); r.U32() != 0 || r.Err() == nil {
		t.Error("33 unsigned bits were read as 32")
	}
}

func TestWalk(t *testing.T) {
	code := []byte{byte(OpBlock), 0x40, byte(OpLoop), 0x03}
	code = AppendI32Const(code, -5)
	code = append(code, byte(OpI32Load), 2, 0x90, 0x01)
	code = append(code, byte(OpBrTable), 2, 0, 1, 2)
	code = append(code, 0xfc, 0x0a, 0, 0)
	code = append(AppendIndexed(code, OpCallIndirect, 300), 0)
	code = append(code, byte(OpEnd), byte(OpEnd), byte(OpEnd))
	var ops []Op
	err := Walk(code, func(in Instr) error {
		ops = append(ops, in.Op)
		switch in.Op {
		case OpLoop:
			if index, ok := in.BlockType(); !ok || index != 3 || in.BlockIsEmpty() {
				t.Errorf("loop is of type %d", int64(in.A))
			}
		case OpBlock:
			if _, ok := in.BlockType(); ok || !in.BlockIsEmpty() {
				t.Errorf("block is of type %d", int64(in.A))
			}
		case OpI32Const:
			if in.Signed() != -5 {
				t.Errorf("constant is %d", in.Signed())
			}
		case OpI32Load:
			if in.A != 0x90 || in.B != 2 {
				t.Errorf("offset %d, alignment %d", in.A, in.B)
			}
		case OpBrTable:
			if !reflect.DeepEqual(in.Targets, []uint32{0, 1, 2}) {
				t.Errorf("targets are %v", in.Targets)
			}
		case OpCallIndirect:
			if in.A != 300 || in.B != 0 {
				t.Errorf("call_indirect %d %d", in.A, in.B)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []Op{OpBlock, OpLoop, OpI32Const, OpI32Load, OpBrTable, OpMemoryCopy, OpCallIndirect, OpEnd, OpEnd, OpEnd}
	if !reflect.DeepEqual(ops, want) {
		t.Errorf("walked %x, want %x", ops, want)
	}
	err = Walk([]byte{0xfd, 0x00}, func(Instr) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "0xfd") {
		t.Errorf("SIMD gives %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(Encode(sample()))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Decode(data)
		if err != nil {
			return
		}
		again, err := Decode(Encode(m))
		if err != nil {
			t.Fatalf("what was decoded does not decode again: %v", err)
		}
		if !bytes.Equal(Encode(again), Encode(m)) {
			t.Fatal("encoding is not stable")
		}
	})
}
