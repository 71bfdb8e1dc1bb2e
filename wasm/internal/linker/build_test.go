package linker

import (
	"testing"

	"github.com/eryx-go/eryx/wasm/internal/wasmbin"
)

// Signatures of the test libraries.
var (
	toI32  = wasmbin.FuncType{Results: []wasmbin.ValType{wasmbin.I32}}
	i32I32 = wasmbin.FuncType{Params: []wasmbin.ValType{wasmbin.I32}, Results: []wasmbin.ValType{wasmbin.I32}}
	void   = wasmbin.FuncType{}
)

// library under construction, with the imports that every library has: global 0 is the memory base, 1 the
// table base. Imports must be added before definitions.
type testLibrary struct {
	m                     wasmbin.Module
	memorySize, tableSize uint32
	weak                  []string
	functions, globals    uint32
}

func newLibrary() *testLibrary {
	l := &testLibrary{}
	l.m.Imports = []wasmbin.Import{
		{Module: "env", Name: "memory", Kind: wasmbin.KindMemory},
		{Module: "env", Name: "__indirect_function_table", Kind: wasmbin.KindTable, Table: wasmbin.Table{Elem: wasmbin.FuncRef}},
	}
	l.global("env", "__memory_base")
	l.global("env", "__table_base")
	return l
}

func (l *testLibrary) global(module, name string) uint32 {
	l.m.Imports = append(l.m.Imports, wasmbin.Import{Module: module, Name: name, Kind: wasmbin.KindGlobal,
		Global: wasmbin.GlobalType{Type: wasmbin.I32, Mutable: module != "env"}})
	l.globals++
	return l.globals - 1
}

func (l *testLibrary) importFunction(module, name string, typ wasmbin.FuncType) uint32 {
	l.m.Imports = append(l.m.Imports, wasmbin.Import{Module: module, Name: name, Kind: wasmbin.KindFunc,
		Func: l.m.TypeIndex(typ)})
	l.functions++
	return l.functions - 1
}

// function defines and exports a function; an empty name exports nothing.
func (l *testLibrary) function(name string, typ wasmbin.FuncType, code []byte) uint32 {
	l.m.Funcs = append(l.m.Funcs, l.m.TypeIndex(typ))
	l.m.Code = append(l.m.Code, wasmbin.Body{Code: append(code, byte(wasmbin.OpEnd))})
	if name != "" {
		l.m.Exports = append(l.m.Exports, wasmbin.Export{Name: name, Kind: wasmbin.KindFunc, Index: l.functions})
	}
	l.functions++
	return l.functions - 1
}

// datum exports a data symbol at an offset of the library's memory.
func (l *testLibrary) datum(name string, offset int32) {
	l.m.Globals = append(l.m.Globals, wasmbin.Global{GlobalType: wasmbin.GlobalType{Type: wasmbin.I32},
		Init: end(wasmbin.AppendI32Const(nil, offset))})
	l.m.Exports = append(l.m.Exports, wasmbin.Export{Name: name, Kind: wasmbin.KindGlobal, Index: l.globals})
	l.globals++
}

// encode writes the library with its dylink.0 section.
func (l *testLibrary) encode() []byte {
	mem := wasmbin.AppendU32(wasmbin.AppendU32(wasmbin.AppendU32(wasmbin.AppendU32(nil, l.memorySize), 4), l.tableSize), 0)
	section := append(wasmbin.AppendU32([]byte{dylinkMemInfo}, uint32(len(mem))), mem...)
	if len(l.weak) > 0 {
		info := wasmbin.AppendU32(nil, uint32(len(l.weak)/2))
		for i := 0; i < len(l.weak); i += 2 {
			info = wasmbin.AppendU32(wasmbin.AppendName(wasmbin.AppendName(info, l.weak[i]), l.weak[i+1]), symbolWeak)
		}
		section = append(wasmbin.AppendU32(append(section, dylinkImportInfo), uint32(len(info))), info...)
	}
	l.m.Customs = []wasmbin.Custom{{Name: "dylink.0", Data: section}}
	return wasmbin.Encode(&l.m)
}

func end(code []byte) []byte    { return append(code, byte(wasmbin.OpEnd)) }
func number(v int32) []byte     { return wasmbin.AppendI32Const(nil, v) }
func getGlobal(i uint32) []byte { return wasmbin.AppendIndexed(nil, wasmbin.OpGlobalGet, i) }
func call(i uint32) []byte      { return wasmbin.AppendIndexed(nil, wasmbin.OpCall, i) }
func op(codes ...wasmbin.Op) (b []byte) { // opcodes without immediates
	for _, c := range codes {
		b = append(b, byte(c))
	}
	return b
}

func mustLink(t *testing.T, opts Options, libraries ...*testLibrary) *Result {
	t.Helper()
	result, err := tryLink(opts, libraries...)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func tryLink(opts Options, libraries ...*testLibrary) (*Result, error) {
	names := []string{"shim", "libpython", "libc"}
	var inputs []Input
	for i, l := range libraries {
		inputs = append(inputs, Input{Name: names[i], Wasm: l.encode()})
	}
	if opts.StackSize == 0 {
		opts.StackSize = 65536
	}
	if opts.Exports == nil {
		opts.Exports = []string{"eryx_*"}
	}
	return Link(inputs, opts)
}
