package extension

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/eryx-go/eryx/wasm/internal/wasmbin"
)

const (
	memoryBase = 1 << 20
	stackBytes = 192 << 10 // of the guest's shadow stack
	tableMin   = 2
)

var errKilled = errors.New("killed")

// guestModule exports what extensions import: two functions, memory, table, stack pointer, counter and tick.
func guestModule() []byte {
	mutable := func(v int32) wasmbin.Global {
		return wasmbin.Global{GlobalType: wasmbin.GlobalType{Type: wasmbin.I32, Mutable: true}, Init: end(number(v))}
	}
	times := func(n int32) wasmbin.Body {
		return wasmbin.Body{Code: end(slices.Concat(getLocal(0), number(n), []byte{0x6c}))} // i32.mul
	}
	return wasmbin.Encode(&wasmbin.Module{
		Types:    []wasmbin.FuncType{void, toI32, i32I32},
		Imports:  []wasmbin.Import{{Module: "host", Name: "tick", Kind: wasmbin.KindFunc, Func: typeToI32}},
		Funcs:    []uint32{typeI32I32, typeI32I32, typeToI32},
		Code:     []wasmbin.Body{times(2), times(3), {Code: end(call(0))}},
		Tables:   []wasmbin.Table{{Elem: wasmbin.FuncRef, Limits: wasmbin.Limits{Min: tableMin, Max: 100, HasMax: true}}},
		Memories: []wasmbin.Limits{{Min: 32}},
		Globals:  []wasmbin.Global{mutable(stackBytes), mutable(0)},
		Elements: []wasmbin.Element{{Offset: end(number(1)), Funcs: []uint32{1}}},
		Exports: []wasmbin.Export{
			{Name: "memory", Kind: wasmbin.KindMemory}, {Name: "__indirect_function_table", Kind: wasmbin.KindTable},
			{Name: "__stack_pointer", Kind: wasmbin.KindGlobal}, {Name: "eryx_fuel", Kind: wasmbin.KindGlobal, Index: 1},
			{Name: "twice", Kind: wasmbin.KindFunc, Index: 1}, {Name: "thrice", Kind: wasmbin.KindFunc, Index: 2},
			{Name: "eryx_tick", Kind: wasmbin.KindFunc, Index: 3},
		},
	})
}

// loader loads extensions as the host does. The guest is killed at its 100th tick.
type loader struct {
	ctx     context.Context
	runtime wazero.Runtime
	guest   api.Module
	ticks   int
}

func newLoader(t *testing.T) *loader {
	t.Helper()
	l := &loader{ctx: context.Background()}
	l.runtime = wazero.NewRuntimeWithConfig(l.ctx, wazero.NewRuntimeConfigInterpreter())
	t.Cleanup(func() { l.runtime.Close(l.ctx) })
	_, err := l.runtime.NewHostModuleBuilder("host").NewFunctionBuilder().WithFunc(func() int32 {
		if l.ticks++; l.ticks >= 100 {
			panic(errKilled)
		}
		return 10
	}).Export("tick").Instantiate(l.ctx)
	if err == nil {
		l.guest, err = l.runtime.Instantiate(l.ctx, guestModule())
	}
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// load gives the instance of an extension, and its first slot.
func (l *loader) load(t *testing.T, m *Module) (api.Module, uint32) {
	t.Helper()
	ctx := experimental.WithImportResolver(l.ctx, func(name string) api.Module {
		if name != GuestModule {
			t.Errorf("the extension imports from %q", name)
		}
		return l.guest
	})
	instance, err := l.runtime.InstantiateWithConfig(ctx, m.Wasm, wazero.NewModuleConfig().WithName(""))
	if err != nil {
		t.Fatal(err)
	}
	first, err := instance.ExportedFunction(GrowFunction).Call(ctx, uint64(m.Slots))
	if err != nil {
		t.Fatal(err)
	}
	for i, a := range m.Globals {
		value := a.Offset + map[Base]uint32{Memory: memoryBase, Table: uint32(first[0])}[a.Base]
		instance.ExportedGlobal(GlobalName(i)).(api.MutableGlobal).Set(uint64(value))
	}
	for _, d := range m.Data {
		l.guest.Memory().Write(memoryBase+d.Offset, d.Bytes)
	}
	if _, err := instance.ExportedFunction(LinkFunction).Call(ctx, first[0]); err != nil {
		t.Fatal(err)
	}
	return instance, uint32(first[0])
}

// callSlot is code that calls the function in a slot, relative to the table base of the module to run it.
func (l *loader) callSlot(t *testing.T, slot, argument uint32) (uint32, error) {
	t.Helper()
	m := &wasmbin.Module{
		Types: []wasmbin.FuncType{i32I32},
		Imports: []wasmbin.Import{{Module: "g", Name: "__indirect_function_table", Kind: wasmbin.KindTable,
			Table: wasmbin.Table{Elem: wasmbin.FuncRef}}},
		Funcs:   []uint32{0},
		Code:    []wasmbin.Body{{Code: end(slices.Concat(getLocal(0), number(int32(slot)), []byte{byte(wasmbin.OpCallIndirect), 0, 0}))}},
		Exports: []wasmbin.Export{{Name: "call", Kind: wasmbin.KindFunc}},
	}
	ctx := experimental.WithImportResolver(l.ctx, func(string) api.Module { return l.guest })
	instance, err := l.runtime.InstantiateWithConfig(ctx, wasmbin.Encode(m), wazero.NewModuleConfig().WithName(""))
	if err != nil {
		t.Fatal(err)
	}
	out, err := instance.ExportedFunction("call").Call(l.ctx, uint64(argument))
	if err != nil {
		return 0, err
	}
	return uint32(out[0]), nil
}

// evaluate is mine(argument) of a library of that code.
func evaluate(t *testing.T, code []byte, argument uint32) (*loader, uint32, error) {
	t.Helper()
	l := newLoader(t)
	m := prepare(t, library(code))
	_, first := l.load(t, m)
	mine, ok := m.Symbols["mine"]
	if !ok || mine.Base != Table {
		t.Fatalf("mine is %v", mine)
	}
	out, err := l.callSlot(t, first+mine.Offset, argument)
	return l, out, err
}

func TestAddresses(t *testing.T) {
	const newSlots = tableMin + 1 // behind the library's own slot
	for name, c := range map[string]struct {
		code []byte
		want uint32
	}{
		"memory base":           {getGlobal(globalMemoryBase), memoryBase},
		"table base":            {getGlobal(globalTableBase), tableMin},
		"datum of the guest":    {getGlobal(globalGotDatum), 0x1234},
		"own datum":             {getGlobal(globalGotOwn), memoryBase + 8},
		"function in the table": {getGlobal(globalGotTwice), 1},
		"another function":      {getGlobal(globalGotThrice), newSlots},
		"weak":                  {getGlobal(globalGotWeak), 0},
		"own function":          {getGlobal(globalGotMine), newSlots + 1},
		"own address":           {getGlobal(firstOwnGlobal + 1), memoryBase + 4},
		"direct call":           {slices.Concat(getLocal(0), call(funcTwice), getLocal(0), call(funcThrice), op(wasmbin.OpI32Add)), 5 * 7},
		"call through the GOT":  {slices.Concat(getLocal(0), getGlobal(globalGotThrice), []byte{byte(wasmbin.OpCallIndirect), typeI32I32, 0}), 3 * 7},
		"data":                  {slices.Concat(getGlobal(globalMemoryBase), []byte{byte(wasmbin.OpI32Load), 0, 0}), 0x64636261},
	} {
		t.Run(name, func(t *testing.T) {
			if _, have, err := evaluate(t, c.code, 7); err != nil || have != c.want {
				t.Errorf("it is %#x (%v), want %#x", have, err, c.want)
			}
		})
	}
}

func TestWeakCallTraps(t *testing.T) {
	if _, _, err := evaluate(t, call(funcWeak), 0); err == nil || !strings.Contains(err.Error(), "unreachable") {
		t.Errorf("a weak function was called: %v", err)
	}
}

// endless is code that never returns, in several ways.
var endless = map[string][]byte{
	"loop": slices.Concat([]byte{byte(wasmbin.OpLoop), 0x40, byte(wasmbin.OpBr), 0, byte(wasmbin.OpEnd)}, number(0)),
	"calls": slices.Concat([]byte{byte(wasmbin.OpBlock), 0x40}, getLocal(0), number(40), []byte{0x4b /* i32.gt_u */, byte(wasmbin.OpBrIf), 0},
		getLocal(0), number(1), op(wasmbin.OpI32Add), call(firstOwn), op(wasmbin.OpDrop),
		getLocal(0), number(1), op(wasmbin.OpI32Add), call(firstOwn), op(wasmbin.OpDrop), op(wasmbin.OpEnd), number(0)),
}

func TestEndlessCodeTicks(t *testing.T) {
	for name, code := range endless {
		t.Run(name, func(t *testing.T) {
			if l, _, err := evaluate(t, code, 0); !errors.Is(err, errKilled) {
				t.Errorf("it ended with %v after %d ticks", err, l.ticks)
			}
		})
	}
}

// TestRecursionIsBounded has a function that calls itself for ever; the trap leaves a stack pointer of 0.
func TestRecursionIsBounded(t *testing.T) {
	through := slices.Concat(getLocal(0), getGlobal(globalTableBase), []byte{byte(wasmbin.OpCallIndirect), typeI32I32, 0})
	for name, code := range map[string][]byte{
		"direct": slices.Concat(getLocal(0), call(firstOwn), number(1), op(wasmbin.OpI32Add)),
		"in a counted loop": slices.Concat([]byte{byte(wasmbin.OpLoop), 0x40}, getLocal(0), call(firstOwn), op(wasmbin.OpDrop),
			[]byte{byte(wasmbin.OpBr), 0, byte(wasmbin.OpEnd)}, number(0)),
		"through the table": slices.Concat(through, number(1), op(wasmbin.OpI32Add)),
	} {
		t.Run(name, func(t *testing.T) {
			l := newLoader(t)
			l.ticks = -1 << 20
			m := prepare(t, library(code))
			_, first := l.load(t, m)
			_, err := l.callSlot(t, first+m.Symbols["mine"].Offset, 0)
			if err == nil || !strings.Contains(err.Error(), "unreachable") || l.guest.ExportedGlobal("__stack_pointer").Get() != 0 {
				t.Errorf("it ended with %v, stack pointer %d", err, l.guest.ExportedGlobal("__stack_pointer").Get())
			}
		})
	}
}

// TestGuardsKeepTheStack checks that guarded calls give back what they take, which is a multiple of 16 bytes.
func TestGuardsKeepTheStack(t *testing.T) {
	seen := slices.Concat(getGlobal(globalSP), getLocal(0), call(funcTwice), op(wasmbin.OpDrop))
	if _, sp, err := evaluate(t, seen, 4); err != nil || sp >= stackBytes-guardFrame || sp%stackAlign != 0 {
		t.Errorf("inside, the stack pointer is %d of %d (%v)", sp, stackBytes, err)
	}
	l, have, err := evaluate(t, slices.Concat(getLocal(0), call(funcTwice)), 4)
	if sp := l.guest.ExportedGlobal("__stack_pointer").Get(); err != nil || have != 8 || sp != stackBytes {
		t.Errorf("twice 4 is %d (%v), the stack pointer is %d", have, err, sp)
	}
}

// TestInit checks the order: start function, relocations, constructors.
func TestInit(t *testing.T) {
	store := func(offset uint32, v int32) []byte { // own data at offset = 10 * (that before) + v
		at := slices.Concat(getGlobal(globalMemoryBase))
		return slices.Concat(at, at, []byte{byte(wasmbin.OpI32Load), 0, 16}, number(10), []byte{0x6c}, number(v), op(wasmbin.OpI32Add),
			[]byte{byte(wasmbin.OpI32Store), 0, byte(offset)})
	}
	lib := library(number(0))
	for i, name := range []string{"", "__wasm_apply_data_relocs", "__wasm_call_ctors"} {
		lib.Funcs = append(lib.Funcs, typeVoid)
		lib.Code = append(lib.Code, wasmbin.Body{Code: end(store(16, int32(i+1)))})
		if name != "" {
			lib.Exports = append(lib.Exports, wasmbin.Export{Name: name, Kind: wasmbin.KindFunc, Index: uint32(firstOwn + 1 + i)})
		}
	}
	start := uint32(firstOwn + 1)
	lib.Start = &start
	l := newLoader(t)
	m := prepare(t, lib)
	instance, first := l.load(t, m)
	if v, _ := l.guest.Memory().ReadUint32Le(memoryBase + 16); v != 0 {
		t.Errorf("something ran before init: %d", v)
	}
	_ = instance
	if _, err := l.callInit(t, first+m.Init); err != nil {
		t.Fatal(err)
	}
	if v, _ := l.guest.Memory().ReadUint32Le(memoryBase + 16); v != 123 {
		t.Errorf("the order was %d, want 123", v)
	}
}

func (l *loader) callInit(t *testing.T, slot uint32) ([]uint64, error) {
	t.Helper()
	m := &wasmbin.Module{
		Types: []wasmbin.FuncType{void},
		Imports: []wasmbin.Import{{Module: "g", Name: "__indirect_function_table", Kind: wasmbin.KindTable,
			Table: wasmbin.Table{Elem: wasmbin.FuncRef}}},
		Funcs:   []uint32{0},
		Code:    []wasmbin.Body{{Code: end(slices.Concat(number(int32(slot)), []byte{byte(wasmbin.OpCallIndirect), 0, 0}))}},
		Exports: []wasmbin.Export{{Name: "call", Kind: wasmbin.KindFunc}},
	}
	ctx := experimental.WithImportResolver(l.ctx, func(string) api.Module { return l.guest })
	instance, err := l.runtime.InstantiateWithConfig(ctx, wasmbin.Encode(m), wazero.NewModuleConfig().WithName(""))
	if err != nil {
		t.Fatal(err)
	}
	return instance.ExportedFunction("call").Call(l.ctx)
}

// TestTheSameBytes checks that one library gives one module: its machine code is cached by it.
func TestTheSameBytes(t *testing.T) {
	want := prepare(t, library(endless["calls"]))
	for range 20 {
		if have := prepare(t, library(endless["calls"])); string(have.Wasm) != string(want.Wasm) {
			t.Fatal("two runs give different modules")
		}
	}
}

// TestSettledGlobals has mutable globals that a start function sets, in a function that it calls.
func TestSettledGlobals(t *testing.T) {
	set := func(global uint32, code []byte) []byte {
		return slices.Concat(code, wasmbin.AppendIndexed(nil, wasmbin.OpGlobalSet, global))
	}
	lib := library(slices.Concat(getGlobal(firstOwnGlobal+1), getGlobal(firstOwnGlobal+2), op(wasmbin.OpI32Sub)))
	zero := wasmbin.Global{GlobalType: wasmbin.GlobalType{Type: wasmbin.I32, Mutable: true}, Init: end(number(0))}
	lib.Globals = []wasmbin.Global{lib.Globals[0], zero, zero}
	settledBy(lib, end(call(firstOwn+2)))
	lib.Globals[0].Mutable = false
	lib.Funcs = append(lib.Funcs, typeVoid)
	lib.Code = append(lib.Code, wasmbin.Body{Code: end(slices.Concat(
		set(firstOwnGlobal+1, slices.Concat(getGlobal(globalMemoryBase), number(20), op(wasmbin.OpI32Add))),
		set(firstOwnGlobal+2, slices.Concat(number(3), getGlobal(globalTableBase), op(wasmbin.OpI32Add))),
		slices.Concat(getGlobal(firstOwnGlobal+1), number(1), number(4), []byte{0xfc, 0x0b, 0}), // memory.fill
	))})
	l := newLoader(t)
	m := prepare(t, lib)
	_, first := l.load(t, m)
	if _, err := l.callInit(t, first+m.Init); err != nil {
		t.Fatal(err)
	}
	if have, err := l.callSlot(t, first+m.Symbols["mine"].Offset, 0); err != nil || have != memoryBase+20-first-3 {
		t.Errorf("the difference is %d (%v)", have, err)
	}
	if v, _ := l.guest.Memory().ReadUint32Le(memoryBase + 20); v != 0x01010101 {
		t.Errorf("the start function filled %#x", v)
	}
}
