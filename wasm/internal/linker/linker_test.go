package linker

import (
	"context"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/eryx-go/eryx/wasm/internal/wasmbin"
)

// libc makes a library with a function `value` that it calls, takes the address of, and puts into its data.
func libc() *testLibrary {
	l := newLibrary()
	got := l.global("GOT.func", "value")
	l.memorySize, l.tableSize = 20, 1
	value := l.function("value", toI32, number(1))
	l.m.Exports = append(l.m.Exports, wasmbin.Export{Name: "alias", Kind: wasmbin.KindFunc, Index: value})
	l.function("direct", toI32, call(value))
	indirect := slices.Concat(getGlobal(1), number(0), op(wasmbin.OpI32Add), []byte{byte(wasmbin.OpCallIndirect)},
		wasmbin.AppendU32(nil, l.m.TypeIndex(toI32)), []byte{0})
	l.function("indirect", toI32, indirect)
	l.function("constructed", toI32, slices.Concat(getGlobal(0), []byte{byte(wasmbin.OpI32Load), 2, 16}))
	l.function("_initialize", void, slices.Concat(getGlobal(0), number(77), []byte{byte(wasmbin.OpI32Store), 2, 16}))
	l.function(symRelocs, void, slices.Concat(
		number(4), getGlobal(0), op(wasmbin.OpI32Add), getGlobal(0), []byte{byte(wasmbin.OpI32Store), 2, 0},
		number(8), getGlobal(0), op(wasmbin.OpI32Add), getGlobal(got), []byte{byte(wasmbin.OpI32Store), 2, 0}))
	start := l.function("", void, slices.Concat(number(12), getGlobal(0), op(wasmbin.OpI32Add), number(7), number(2),
		[]byte{0xfc, 0x0b, 0}))
	l.m.Start = &start
	l.datum("datum", 2)
	l.m.Elements = []wasmbin.Element{{Offset: end(getGlobal(1)), Funcs: []uint32{value}}}
	l.m.Data = []wasmbin.Data{{Offset: end(getGlobal(0)), Bytes: []byte("abcd")}}
	return l
}

// shim makes a library that replaces `value` by ten more than the original, and exports the rest of libc.
func shim() *testLibrary {
	l := newLibrary()
	l.memorySize = 4
	datum, slot := l.global("GOT.mem", "datum"), l.global("GOT.func", "value")
	heap, weak := l.global("GOT.mem", "__heap_base"), l.global("GOT.func", "absent")
	l.weak = []string{"env", "absent"}
	original := l.importFunction("env", "__real_value", toI32)
	direct, indirect := l.importFunction("env", "direct", toI32), l.importFunction("env", "indirect", toI32)
	alias, constructed := l.importFunction("env", "alias", toI32), l.importFunction("env", "constructed", toI32)
	l.function("value", toI32, slices.Concat(call(original), number(10), op(wasmbin.OpI32Add)))
	for name, code := range map[string][]byte{
		"direct": call(direct), "indirect": call(indirect), "alias": call(alias), "constructed": call(constructed),
		"datum": getGlobal(datum), "slot": getGlobal(slot), "heap": getGlobal(heap), "weak": getGlobal(weak),
	} {
		l.function("eryx_"+name, toI32, code)
	}
	return l
}

// instance runs a linked module as a host does.
func instance(t *testing.T, r *Result) func(name string) uint32 {
	t.Helper()
	ctx := context.Background()
	runtime := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter())
	t.Cleanup(func() { runtime.Close(ctx) })
	m, err := runtime.InstantiateWithConfig(ctx, wasmbin.Encode(r.Module), wazero.NewModuleConfig().WithStartFunctions())
	if err != nil {
		t.Fatal(err)
	}
	if !m.Memory().Write(r.DataStart, r.Data) {
		t.Fatal("data does not fit into memory")
	}
	run := func(name string) uint32 {
		t.Helper()
		out, err := m.ExportedFunction(name).Call(ctx)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return api.DecodeU32(append(out, 0)[0])
	}
	run("eryx_start")
	return run
}

// TestLink links both. The shim still reaches the original under another name of it.
func TestLink(t *testing.T) {
	r := mustLink(t, Options{}, shim(), libc())
	run := instance(t, r)
	const libcBase = 65536 + 16 // behind the stack and the shim's 4 bytes
	for name, want := range map[string]uint32{
		"eryx_direct": 11, "eryx_indirect": 11, "eryx_alias": 1, "eryx_constructed": 77,
		"eryx_datum": libcBase + 2, "eryx_slot": 1, "eryx_heap": libcBase + 32, "eryx_weak": 0,
	} {
		if have := run(name); have != want {
			t.Errorf("%s is %d, want %d", name, have, want)
		}
	}
	data := r.Data[libcBase-r.DataStart:]
	if string(data[:4]) != "abcd" || data[12] != 7 || data[13] != 7 {
		t.Errorf("data is %q", data)
	}
	if at := binary.LittleEndian.Uint32(data[4:]); at != libcBase {
		t.Errorf("relocated address is %#x", at)
	}
	if slot := binary.LittleEndian.Uint32(data[8:]); slot != 1 {
		t.Errorf("relocated function is %d", slot)
	}
	if len(r.Module.Data) != 0 || r.Module.Start != nil || len(r.Module.Imports) != 0 {
		t.Error("the module has data, a start function or imports")
	}
	if !slices.Equal(r.Overrides, []string{"value"}) || len(r.Stubs) != 0 {
		t.Errorf("overrides %v, stubs %v", r.Overrides, r.Stubs)
	}
}

func TestLinkIsDeterministic(t *testing.T) {
	s, c := shim(), libc()
	want := wasmbin.Encode(mustLink(t, Options{}, s, c).Module)
	for range 20 {
		if have := wasmbin.Encode(mustLink(t, Options{}, s, c).Module); string(have) != string(want) {
			t.Fatal("two runs give different modules")
		}
	}
}

func TestHostImportsAndStubs(t *testing.T) {
	l := newLibrary()
	host := l.importFunction("host", "now", toI32)
	l.importFunction("host", "unused", toI32)
	drop := l.importFunction("wasi:x/y", "[resource-drop]z", wasmbin.FuncType{Params: []wasmbin.ValType{wasmbin.I32}})
	gone := l.importFunction("wasi:x/y", "get", toI32)
	l.function("eryx_now", toI32, slices.Concat(number(3), call(drop), call(host)))
	l.function("other", toI32, call(gone))
	r := mustLink(t, Options{HostModules: []string{"host"}, StubPrefix: "wasi:"}, l)
	if len(r.Module.Imports) != 1 || r.Module.Imports[0].Name != "now" {
		t.Errorf("imports are %v", r.Module.Imports)
	}
	if !slices.Equal(r.Stubs, []string{"wasi:x/y.[resource-drop]z"}) {
		t.Errorf("stubs are %v", r.Stubs)
	}
	if names := len(r.Module.Code); names != 3 { // eryx_start, eryx_now, the stub
		t.Errorf("%d functions are left", names)
	}
}

func TestLinkErrors(t *testing.T) {
	for name, c := range map[string]struct {
		change func(shim, libc *testLibrary)
		want   string
	}{
		"unresolved function": {func(s, _ *testLibrary) {
			s.m.Imports = append(s.m.Imports, wasmbin.Import{Module: "env", Name: "nowhere", Kind: wasmbin.KindFunc})
		}, "env.nowhere (function, needed by shim)"},
		"unresolved address": {func(s, _ *testLibrary) { s.weak = nil }, "GOT.func.absent (address, needed by shim)"},
		"unresolved original": {func(s, _ *testLibrary) {
			s.m.Imports = append(s.m.Imports, wasmbin.Import{Module: "env", Name: "__real_nowhere", Kind: wasmbin.KindFunc})
		}, "env.__real_nowhere"},
		"import of another signature": {func(s, c *testLibrary) {
			c.m.Funcs[1] = c.m.TypeIndex(i32I32)
		}, "import env.direct has another signature"},
		"override of another signature": {func(s, c *testLibrary) {
			s.m.Funcs[0] = s.m.TypeIndex(i32I32)
		}, "the shim's value has another signature"},
		"data beyond the library": {func(_, c *testLibrary) {
			c.m.Data[0].Bytes = make([]byte, 21)
		}, "is not the library's"},
		"relocation that branches": {func(_, c *testLibrary) {
			c.m.Code[5].Code = end([]byte{byte(wasmbin.OpBlock), 0x40, byte(wasmbin.OpEnd)})
		}, "cannot be run at link time"},
		"element beyond the library": {func(_, c *testLibrary) {
			c.m.Elements[0].Funcs = []uint32{0, 0}
		}, "leaves the library's part of the table"},
		"call beyond the last function": {func(_, c *testLibrary) {
			c.m.Code[1].Code = end(call(99))
		}, "calls function 99"},
		"passive data": {func(_, c *testLibrary) { c.m.Data[0].Mode = wasmbin.Passive }, "not active"},
	} {
		s, l := shim(), libc()
		c.change(s, l)
		if _, err := tryLink(Options{}, s, l); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
	if _, err := tryLink(Options{Exports: []string{"nothing_*"}}, shim(), libc()); err == nil {
		t.Error("an export that nothing defines was accepted")
	}
	if _, err := tryLink(Options{StackSize: 100}, shim(), libc()); err == nil {
		t.Error("a stack of 100 bytes was accepted")
	}
	if _, err := Link([]Input{{Name: "x", Wasm: wasmbin.Encode(&wasmbin.Module{})}}, Options{StackSize: 65536}); err == nil {
		t.Error("a module without dylink.0 was accepted")
	}
}

// TestSymbols exports functions of the libraries for extensions, and describes them.
func TestSymbols(t *testing.T) {
	r := mustLink(t, Options{Symbols: []string{"val*", "alias"}, TableGrowth: 10}, shim(), libc())
	for _, name := range []string{"value", "alias", "__indirect_function_table"} {
		if _, ok := r.Module.Export(name); !ok {
			t.Errorf("%s is not exported", name)
		}
	}
	if table := r.Module.Tables[0].Limits; table.Max != table.Min+10 {
		t.Errorf("the table is %v", table)
	}
	value, alias := r.Symbols.Functions["value"], r.Symbols.Functions["alias"]
	if len(r.Symbols.Functions) != 2 || value.Type.Key() != toI32.Key() || value.Slot == 0 || alias.Slot != value.Slot {
		t.Errorf("functions are %v", r.Symbols.Functions)
	}
	again, err := ParseSymbols(r.Symbols.Marshal())
	if err != nil || string(again.Marshal()) != string(r.Symbols.Marshal()) {
		t.Errorf("parsed again: %v, %v", again, err)
	}
	for _, text := range []string{"f", "f x 3e", "f x 3e z", "f x zz 1", "f x 7f 1", "d x", "d x -1", "q x 1"} {
		if _, err := ParseSymbols([]byte(text)); err == nil {
			t.Errorf("%q was parsed", text)
		}
	}
	if _, err := tryLink(Options{Symbols: []string{"nothing"}}, shim(), libc()); err == nil || !strings.Contains(err.Error(), "nothing") {
		t.Errorf("a symbol that nothing defines: %v", err)
	}
}
