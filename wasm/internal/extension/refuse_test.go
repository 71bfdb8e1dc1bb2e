package extension

import (
	"slices"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"

	"github.com/eryx-go/eryx/wasm/internal/wasmbin"
)

// TestRefused has libraries that are wrong in one way each, and the reason that is given.
func TestRefused(t *testing.T) {
	prefixed := func(op wasmbin.Op, immediates ...uint32) func(*wasmbin.Module) {
		return func(m *wasmbin.Module) { m.Code[0].Code = end(appendPrefixed(nil, op, immediates...)) }
	}
	code := func(bytes ...byte) func(*wasmbin.Module) {
		return func(m *wasmbin.Module) { m.Code[0].Code = end(bytes) }
	}
	section := func(data []byte) func(*wasmbin.Module) {
		return func(m *wasmbin.Module) { m.Customs[0].Data = data }
	}
	for name, c := range map[string]struct {
		change func(*wasmbin.Module)
		want   string
	}{
		"no dylink":           {func(m *wasmbin.Module) { m.Customs = nil }, "no dylink.0 section"},
		"cut dylink":          {section([]byte{dylinkMemInfo, 9, 1}), "dylink.0 section is damaged"},
		"short dylink part":   {section([]byte{dylinkMemInfo, 1, 1}), "dylink.0 section is damaged"},
		"huge memory":         {section(dylink(1<<31, 0, 1)), "bytes of data are more than"},
		"huge table":          {section(dylink(0, 0, 1<<30)), "addresses of functions are more than"},
		"huge alignment":      {section(dylink(0, 40, 0)), "aligned to 2^40"},
		"another library":     {section(append(dylink(32, 0, 1), slices.Concat([]byte{dylinkNeeded, 11, 1}, wasmbin.AppendName(nil, "libmag.so"))...)), "libmag.so"},
		"own memory":          {func(m *wasmbin.Module) { m.Memories = []wasmbin.Limits{{Min: 1}} }, "a memory or a table of its own"},
		"own table":           {func(m *wasmbin.Module) { m.Tables = []wasmbin.Table{{Elem: wasmbin.FuncRef}} }, "a memory or a table of its own"},
		"missing function":    {func(m *wasmbin.Module) { m.Imports[2].Name = "fork" }, "env.fork"},
		"host function":       {func(m *wasmbin.Module) { m.Imports[2].Module = "eryx" }, "eryx.twice"},
		"WASI function":       {func(m *wasmbin.Module) { m.Imports[2].Module, m.Imports[2].Name = "wasi_snapshot_preview1", "fd_write" }, "wasi_snapshot_preview1.fd_write"},
		"wrong signature":     {func(m *wasmbin.Module) { m.Imports[2].Func = typeVoid }, "another signature than it has: () -> () instead of (i32) -> (i32)"},
		"no such type":        {func(m *wasmbin.Module) { m.Imports[2].Func = 77 }, "type 77"},
		"no such own type":    {func(m *wasmbin.Module) { m.Funcs[0] = 77 }, "type 77"},
		"missing datum":       {func(m *wasmbin.Module) { m.Imports[8].Name = "nothing" }, "GOT.mem.nothing"},
		"missing address":     {func(m *wasmbin.Module) { m.Imports[10].Name = "nothing" }, "GOT.func.nothing"},
		"strange global":      {func(m *wasmbin.Module) { m.Imports[6].Name = "eryx_fuel" }, "env.eryx_fuel"},
		"wide global":         {func(m *wasmbin.Module) { m.Imports[6].Global.Type = wasmbin.I64 }, "not an i32"},
		"constant stack":      {func(m *wasmbin.Module) { m.Imports[5].Global.Mutable = false }, "immutable stack pointer"},
		"another memory":      {func(m *wasmbin.Module) { m.Imports[0].Name = "heap" }, "the memory env.heap"},
		"another table":       {func(m *wasmbin.Module) { m.Imports[1].Name = "functions" }, "the table env.functions"},
		"table of references": {func(m *wasmbin.Module) { m.Imports[1].Table.Elem = wasmbin.ExternRef }, "the table"},
		"settled twice": {func(m *wasmbin.Module) {
			set := end(slices.Concat(number(1), []byte{byte(wasmbin.OpGlobalSet), firstOwnGlobal}, call(firstOwn+1)))
			settledBy(m, set)
		}, "mutable globals"},
		"settled in a branch": {func(m *wasmbin.Module) {
			settledBy(m, end(slices.Concat([]byte{byte(wasmbin.OpBlock), 0x40}, number(1), []byte{byte(wasmbin.OpGlobalSet), firstOwnGlobal}, op(wasmbin.OpEnd))))
		}, "mutable globals"},
		"settled to the stack": {func(m *wasmbin.Module) {
			settledBy(m, end(slices.Concat(getGlobal(globalSP), []byte{byte(wasmbin.OpGlobalSet), firstOwnGlobal})))
		}, "mutable globals"},
		"settled the stack": {func(m *wasmbin.Module) {
			settledBy(m, end(slices.Concat(number(1), []byte{byte(wasmbin.OpGlobalSet), globalSP})))
		}, "mutable globals"},
		"set elsewhere": {func(m *wasmbin.Module) {
			m.Globals[0].Mutable = true
			m.Code[0].Code = end(slices.Concat(number(1), []byte{byte(wasmbin.OpGlobalSet), firstOwnGlobal}, number(0)))
		}, "which is an address"},
		"wide own global":     {func(m *wasmbin.Module) { m.Globals[1].Type = wasmbin.I64 }, "no address"},
		"global of the stack": {func(m *wasmbin.Module) { m.Globals[1].Init = end(getGlobal(globalSP)) }, "no address"},
		"sum of two bases": {func(m *wasmbin.Module) {
			m.Globals[1].Init = end(slices.Concat(getGlobal(globalMemoryBase), getGlobal(globalMemoryBase), op(wasmbin.OpI32Add)))
		}, "no address"},
		"global of none": {func(m *wasmbin.Module) { m.Globals[1].Init = end(getGlobal(99)) }, "no address"},
		"data outside": {func(m *wasmbin.Module) {
			m.Data[0].Offset = end(slices.Concat(getGlobal(globalMemoryBase), number(29), op(wasmbin.OpI32Add)))
		}, "leaves its part of the memory"},
		"data before": {func(m *wasmbin.Module) {
			m.Data[0].Offset = end(slices.Concat(getGlobal(globalMemoryBase), number(-1), op(wasmbin.OpI32Add)))
		}, "leaves its part of the memory"},
		"data at an address":   {func(m *wasmbin.Module) { m.Data[0].Offset = end(number(64)) }, "data segment 0"},
		"passive data":         {func(m *wasmbin.Module) { m.Data[0].Mode = wasmbin.Passive }, "data segment 0"},
		"slots outside":        {func(m *wasmbin.Module) { m.Elements[0].Funcs = []uint32{firstOwn, firstOwn} }, "leaves its part of the table"},
		"slots of the guest":   {func(m *wasmbin.Module) { m.Elements[0].Offset = end(number(0)) }, "element segment 0"},
		"slot of no function":  {func(m *wasmbin.Module) { m.Elements[0].Funcs = []uint32{99} }, "function 99"},
		"start of no function": {func(m *wasmbin.Module) { m.Start = new(uint32); *m.Start = 99 }, "start function is 99"},
		"start with arguments": {func(m *wasmbin.Module) { m.Start = new(uint32); *m.Start = firstOwn }, "(i32) -> (i32)"},
		"constructor with arguments": {func(m *wasmbin.Module) {
			m.Exports = append(m.Exports, wasmbin.Export{Name: "_initialize", Index: firstOwn})
		}, "(i32) -> (i32)"},
		"exported memory": {func(m *wasmbin.Module) {
			m.Exports = append(m.Exports, wasmbin.Export{Name: "memory", Kind: wasmbin.KindMemory})
		}, "exports a memory"},
		"call of no function":  {code(byte(wasmbin.OpCall), 99), "function 99"},
		"no such global":       {code(byte(wasmbin.OpGlobalGet), 99), "global 99"},
		"set an address":       {code(byte(wasmbin.OpI32Const), 1, byte(wasmbin.OpGlobalSet), globalMemoryBase), "sets global 1"},
		"another table's call": {code(byte(wasmbin.OpI32Const), 1, byte(wasmbin.OpCallIndirect), 0, 1), "table 1"},
		"memory.grow":          {code(byte(wasmbin.OpI32Const), 1, byte(wasmbin.OpMemoryGrow), 0), "memory.grow"},
		"table.set":            {code(byte(wasmbin.OpTableSet), 0), "0x26"},
		"table.grow":           {prefixed(wasmbin.OpTableGrow, 0), "0xfc0f"},
		"table.copy":           {prefixed(wasmbin.OpTableCopy, 0, 0), "0xfc0e"},
		"table.fill":           {prefixed(wasmbin.OpTableFill, 0), "0xfc11"},
		"table.init":           {prefixed(wasmbin.OpTableInit, 0, 0), "0xfc0c"},
		"memory.init":          {prefixed(wasmbin.OpMemoryInit, 0, 0), "0xfc08"},
		"tail call":            {code(byte(wasmbin.OpReturnCall), firstOwn), "0x12"},
		"SIMD":                 {code(0xfd, 0), "SIMD"},
		"threads":              {code(0xfe, 0, 2, 0), "threads"},
		"too many variables": {func(m *wasmbin.Module) {
			m.Code[0].Locals = []wasmbin.Local{{Count: 1 << 31, Type: wasmbin.I32}, {Count: 1 << 31, Type: wasmbin.I32}}
		}, "variables are more than"},
		"a huge function": {code(make([]byte, maxFunctionBytes)...), "bytes of code are more than"},
		"many types":      {func(m *wasmbin.Module) { m.Types = append(m.Types, make([]wasmbin.FuncType, maxTypes)...) }, "too many types"},
		"many functions":  {func(m *wasmbin.Module) { manyFunctions(m, maxFunctions+1) }, "too many types, functions"},
		"a huge vector":   {func(m *wasmbin.Module) { manyFunctions(m, 1<<18) }, "too many entries"},
	} {
		t.Run(name, func(t *testing.T) {
			m := library(number(0))
			c.change(m)
			_, err := Prepare(wasmbin.Encode(m), guestSymbols())
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("refused with %v, want %q", err, c.want)
			}
		})
	}
}

// settledBy gives m a mutable global, and a start function of that code.
func settledBy(m *wasmbin.Module, code []byte) {
	m.Globals[0].Mutable = true
	m.Funcs = append(m.Funcs, typeVoid)
	m.Code = append(m.Code, wasmbin.Body{Code: code})
	m.Start = new(uint32)
	*m.Start = firstOwn + 1
}

func manyFunctions(m *wasmbin.Module, n int) {
	for range n {
		m.Funcs = append(m.Funcs, typeVoid)
		m.Code = append(m.Code, wasmbin.Body{Code: end(nil)})
	}
}

func TestOtherFiles(t *testing.T) {
	good := wasmbin.Encode(library(number(0)))
	for data, want := range map[string]string{
		"": "no WebAssembly module", "\x7fELF\x02\x01": "built for Linux", "MZ\x90": "built for Windows",
		"\xcf\xfa\xed\xfe\x07": "built for macOS", "\x00asm\x0d\x00\x01\x00": "no WebAssembly module", // a component
		"#!/bin/sh": "no WebAssembly module", string(good[:len(good)/2]): "it is damaged",
		strings.Repeat("x", MaxModuleBytes+1): "are more than",
	} {
		if _, err := Prepare([]byte(data), guestSymbols()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q was refused with %v, want %q", data, err, want)
		}
	}
}

// TestManyMissing checks that an error has a bounded length.
func TestManyMissing(t *testing.T) {
	m := library(number(0))
	for i := range 5000 {
		m.Imports = append(m.Imports, wasmbin.Import{Module: "env", Name: strings.Repeat("n", i), Kind: wasmbin.KindFunc})
	}
	_, err := Prepare(wasmbin.Encode(m), guestSymbols())
	if err == nil || !strings.Contains(err.Error(), "more (docs") || len(err.Error()) > 4096 {
		t.Errorf("%d bytes: %.200v", len(err.Error()), err)
	}
}

// FuzzPrepare looks for panics, and for modules that the engine takes although they could do what they must not.
func FuzzPrepare(f *testing.F) {
	for _, code := range endless {
		f.Add(wasmbin.Encode(library(code)))
	}
	ctx := f.Context()
	runtime := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter())
	f.Cleanup(func() { runtime.Close(ctx) })
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Prepare(data, guestSymbols())
		if err != nil {
			return
		}
		compiled, err := runtime.CompileModule(ctx, m.Wasm)
		if err != nil {
			return // what instructions do with their operands is the engine's to check
		}
		defer compiled.Close(ctx)
		for _, imp := range compiled.ImportedFunctions() {
			if module, name, _ := imp.Import(); module != GuestModule {
				t.Errorf("it imports %s.%s", module, name)
			}
		}
		for _, d := range m.Data {
			if uint64(d.Offset)+uint64(len(d.Bytes)) > uint64(m.MemoryBytes) {
				t.Errorf("data at %d of %d", d.Offset, m.MemoryBytes)
			}
		}
		for name, a := range m.Symbols {
			if a.Base == Table && a.Offset >= m.Slots {
				t.Errorf("%q is in slot %d of %d", name, a.Offset, m.Slots)
			}
		}
	})
}
