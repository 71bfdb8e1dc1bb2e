package extension

import (
	"slices"
	"testing"

	"github.com/eryx-go/eryx/wasm/internal/linker"
	"github.com/eryx-go/eryx/wasm/internal/wasmbin"
)

// Signatures of the test libraries, and their indices.
var (
	void   = wasmbin.FuncType{}
	toI32  = wasmbin.FuncType{Results: []wasmbin.ValType{wasmbin.I32}}
	i32I32 = wasmbin.FuncType{Params: []wasmbin.ValType{wasmbin.I32}, Results: []wasmbin.ValType{wasmbin.I32}}
)

const (
	typeVoid = iota
	typeToI32
	typeI32I32
)

// Imported functions and globals of the test library.
const (
	funcTwice  = iota // env.twice: of the guest, in its table
	funcThrice        // env.thrice: of the guest, not in its table
	funcWeak          // env.weak: of nobody
	firstOwn
)

const (
	globalSP = iota
	globalMemoryBase
	globalTableBase
	globalGotDatum  // GOT.mem.datum, of the guest
	globalGotOwn    // GOT.mem.own
	globalGotTwice  // GOT.func.twice
	globalGotThrice // GOT.func.thrice
	globalGotWeak   // GOT.func.weak
	globalGotMine   // GOT.func.mine
	firstOwnGlobal  // own = 8, an exported datum; behind it memory base + 4
)

// guestSymbols is what the guest of the tests has.
func guestSymbols() linker.Symbols {
	return linker.Symbols{
		Functions: map[string]linker.FunctionSymbol{"twice": {Type: i32I32, Slot: 1}, "thrice": {Type: i32I32}},
		Data:      map[string]uint32{"datum": 0x1234},
	}
}

// library is a shared library whose exported function `mine` (i32 -> i32) has the given code. It has one slot,
// which is mine's, and 32 bytes of data that begin with "abcd".
func library(code []byte) *wasmbin.Module {
	i32 := wasmbin.GlobalType{Type: wasmbin.I32}
	mutable := wasmbin.GlobalType{Type: wasmbin.I32, Mutable: true}
	function := func(name string, typ uint32) wasmbin.Import {
		return wasmbin.Import{Module: "env", Name: name, Kind: wasmbin.KindFunc, Func: typ}
	}
	global := func(module, name string, typ wasmbin.GlobalType) wasmbin.Import {
		return wasmbin.Import{Module: module, Name: name, Kind: wasmbin.KindGlobal, Global: typ}
	}
	return &wasmbin.Module{
		Types: []wasmbin.FuncType{void, toI32, i32I32},
		Imports: []wasmbin.Import{
			{Module: "env", Name: "memory", Kind: wasmbin.KindMemory, Memory: wasmbin.Limits{Min: 1}},
			{Module: "env", Name: "__indirect_function_table", Kind: wasmbin.KindTable, Table: wasmbin.Table{Elem: wasmbin.FuncRef, Limits: wasmbin.Limits{Min: 1}}},
			function("twice", typeI32I32), function("thrice", typeI32I32), function("weak", typeToI32),
			global("env", "__stack_pointer", mutable), global("env", "__memory_base", i32), global("env", "__table_base", i32),
			global("GOT.mem", "datum", mutable), global("GOT.mem", "own", mutable), global("GOT.func", "twice", mutable),
			global("GOT.func", "thrice", mutable), global("GOT.func", "weak", mutable), global("GOT.func", "mine", mutable),
		},
		Funcs: []uint32{typeI32I32},
		Globals: []wasmbin.Global{
			{GlobalType: i32, Init: end(number(8))},
			{GlobalType: i32, Init: end(slices.Concat(getGlobal(globalMemoryBase), number(4), op(wasmbin.OpI32Add)))},
		},
		Exports: []wasmbin.Export{
			{Name: "mine", Kind: wasmbin.KindFunc, Index: firstOwn}, {Name: "own", Kind: wasmbin.KindGlobal, Index: firstOwnGlobal},
		},
		Elements: []wasmbin.Element{{Offset: end(getGlobal(globalTableBase)), Funcs: []uint32{firstOwn}}},
		Code:     []wasmbin.Body{{Code: end(code)}},
		Data:     []wasmbin.Data{{Offset: end(getGlobal(globalMemoryBase)), Bytes: []byte("abcd")}},
		Customs:  []wasmbin.Custom{{Name: "dylink.0", Data: dylink(32, 2, 1, "env", "weak", "GOT.func", "weak")}},
	}
}

// dylink is a dylink.0 section; weak are module and name of the weak imports.
func dylink(memory, align, table uint32, weak ...string) []byte {
	info := slices.Concat(leb(memory), leb(align), leb(table), leb(0))
	section := append([]byte{dylinkMemInfo, byte(len(info))}, info...)
	if len(weak) > 0 {
		part := leb(uint32(len(weak) / 2))
		for i := 0; i < len(weak); i += 2 {
			part = append(wasmbin.AppendName(wasmbin.AppendName(part, weak[i]), weak[i+1]), symbolWeak)
		}
		section = append(append(section, dylinkImportInfo, byte(len(part))), part...)
	}
	return section
}

func leb(v uint32) []byte       { return wasmbin.AppendU32(nil, v) }
func end(code []byte) []byte    { return append(slices.Clone(code), byte(wasmbin.OpEnd)) }
func number(v int32) []byte     { return wasmbin.AppendI32Const(nil, v) }
func getGlobal(i uint32) []byte { return wasmbin.AppendIndexed(nil, wasmbin.OpGlobalGet, i) }
func getLocal(i uint32) []byte  { return wasmbin.AppendIndexed(nil, wasmbin.OpLocalGet, i) }
func call(i uint32) []byte      { return wasmbin.AppendIndexed(nil, wasmbin.OpCall, i) }
func op(codes ...wasmbin.Op) (b []byte) { // opcodes without immediates
	for _, c := range codes {
		b = append(b, byte(c))
	}
	return b
}

func prepare(t *testing.T, m *wasmbin.Module) *Module {
	t.Helper()
	out, err := Prepare(wasmbin.Encode(m), guestSymbols())
	if err != nil {
		t.Fatal(err)
	}
	return out
}
