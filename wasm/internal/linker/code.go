package linker

import (
	"fmt"
	"math"

	"github.com/eryx-go/eryx/wasm/internal/wasmbin"
)

// rewriter translates function bodies of one library into the output's index spaces.
type rewriter struct {
	lib   *library
	types *typeTable
	out   []byte
	// Where the last two instructions written begin, when they were constants: the sum of two
	// constants is folded at once, since every access to the library's data is `base + offset`.
	consts [2]constant
}

type constant struct {
	set   bool
	start int
	value uint32
}

// body returns the translated code of a function.
func (w *rewriter) body(f *function) (wasmbin.Body, error) {
	code := f.body.Code
	w.out = make([]byte, 0, len(code))
	w.consts = [2]constant{}
	err := wasmbin.Walk(code, func(in wasmbin.Instr) error { return w.instr(code, in) })
	if err != nil {
		return wasmbin.Body{}, fmt.Errorf("%s: %s: %w", w.lib.name, f.name, err)
	}
	return wasmbin.Body{Locals: f.body.Locals, Code: w.out}, nil
}

func (w *rewriter) instr(code []byte, in wasmbin.Instr) error {
	switch in.Op {
	case wasmbin.OpI32Const:
		w.constant(uint32(in.Signed()))
		return nil
	case wasmbin.OpGlobalGet:
		g, err := w.global(in.A)
		if err == nil && g.constant {
			w.constant(g.value)
			return nil
		}
		w.consts = [2]constant{}
		return w.indexed(in.Op, g.index, err)
	case wasmbin.OpI32Add:
		if w.consts[0].set && w.consts[1].set {
			w.out = w.out[:w.consts[0].start]
			sum := w.consts[0].value + w.consts[1].value
			w.consts = [2]constant{}
			w.constant(sum)
			return nil
		}
	}
	w.consts = [2]constant{}
	return w.plain(code, in)
}

// plain translates an instruction that is not a constant.
func (w *rewriter) plain(code []byte, in wasmbin.Instr) error {
	switch in.Op {
	case wasmbin.OpCall, wasmbin.OpReturnCall, wasmbin.OpRefFunc:
		f, err := w.function(in.A)
		if err != nil {
			return err
		}
		return w.indexed(in.Op, f.index, nil)
	case wasmbin.OpGlobalSet:
		g, err := w.global(in.A)
		if err == nil && g.constant {
			err = fmt.Errorf("global %d is set but constant", in.A)
		}
		return w.indexed(in.Op, g.index, err)
	case wasmbin.OpCallIndirect, wasmbin.OpReturnCallInd:
		typ, err := w.typeIndex(in.A)
		if err := w.indexed(in.Op, typ, err); err != nil {
			return err
		}
		w.out = wasmbin.AppendU32(w.out, uint32(in.B))
		return nil
	case wasmbin.OpBlock, wasmbin.OpLoop, wasmbin.OpIf:
		if index, ok := in.BlockType(); ok {
			typ, err := w.typeIndex(uint64(index))
			w.out = wasmbin.AppendSigned(append(w.out, byte(in.Op)), int64(typ))
			return err
		}
	case wasmbin.OpMemoryInit, wasmbin.OpDataDrop, wasmbin.OpTableInit, wasmbin.OpElemDrop:
		return fmt.Errorf("passive segments (instruction %#x) are not supported", uint16(in.Op))
	}
	w.out = append(w.out, code[in.Pos:in.End]...)
	return nil
}

func (w *rewriter) constant(v uint32) {
	w.consts[0], w.consts[1] = w.consts[1], constant{set: true, start: len(w.out), value: v}
	w.out = wasmbin.AppendI32Const(w.out, int32(v))
}

func (w *rewriter) indexed(op wasmbin.Op, index uint32, err error) error {
	w.out = wasmbin.AppendIndexed(w.out, op, index)
	return err
}

func (w *rewriter) global(index uint64) (global, error) {
	if index >= uint64(len(w.lib.globals)) {
		return global{}, fmt.Errorf("global %d is beyond the last", index)
	}
	return w.lib.globals[index], nil
}

func (w *rewriter) function(index uint64) (*function, error) {
	if index >= uint64(len(w.lib.funcs)) {
		return nil, fmt.Errorf("function %d is beyond the last", index)
	}
	return w.lib.funcs[index], nil
}

func (w *rewriter) typeIndex(index uint64) (uint32, error) {
	if index >= uint64(len(w.lib.module.Types)) {
		return 0, fmt.Errorf("type %d is beyond the last", index)
	}
	return w.types.index(w.lib.module.Types[index]), nil
}

// typeTable interns signatures in the order of their first use.
type typeTable struct {
	types []wasmbin.FuncType
	byKey map[string]uint32
}

func (t *typeTable) index(typ wasmbin.FuncType) uint32 {
	if t.byKey == nil {
		t.byKey = map[string]uint32{}
	}
	key := typ.Key()
	i, ok := t.byKey[key]
	if !ok && len(t.types) < math.MaxInt32 {
		i = uint32(len(t.types))
		t.types = append(t.types, typ)
		t.byKey[key] = i
	}
	return i
}
