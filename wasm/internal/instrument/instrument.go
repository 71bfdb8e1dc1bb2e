// Package instrument adds the preemption counter to a linked module: at the heads of loops the code decrements
// a global, and calls the guest's tick function when it falls below zero.
//
// A guest that runs for ever runs through loop heads for ever (recursion is bounded by the stack), so that the
// host gets control after at most one slice of loop heads: to let others run, to charge fuel, or to end it.
package instrument

import (
	"fmt"

	"github.com/eryx-go/eryx/wasm/internal/wasmbin"
)

// FuelGlobal is the name under which the counter is exported, TickFunction that of the function of type
// () -> i32 that returns the next slice.
const (
	FuelGlobal   = "eryx_fuel"
	TickFunction = "eryx_tick"
)

// Mode says which loops are counted.
type Mode string

// The modes. CountAll counts at every loop head; SkipShort leaves out loops that provably end soon or that
// cannot run without passing a counted head; None counts nowhere.
const (
	CountAll  Mode = "count-all"
	SkipShort Mode = "skip-short"
	None      Mode = "none"
)

// Stats says what was done.
type Stats struct {
	Loops, Counted int
}

// Run instruments the module in place.
func Run(m *wasmbin.Module, mode Mode) (Stats, error) {
	if mode != CountAll && mode != SkipShort && mode != None {
		return Stats{}, fmt.Errorf("instrument: unknown mode %q", mode)
	}
	tick, err := findTick(m)
	if err != nil {
		return Stats{}, err
	}
	fuel := addFuel(m)
	wrapper := addWrapper(m, tick, fuel)
	var stats Stats
	first := m.ImportCount(wasmbin.KindFunc)
	for i := range m.Code {
		index := first + uint32(i)
		if index == wrapper {
			continue
		}
		p := patcher{fuel: fuel, wrapper: wrapper, mode: mode}
		if err := p.function(m, index, &m.Code[i]); err != nil {
			return stats, fmt.Errorf("instrument: function %d: %w", index, err)
		}
		stats.Loops += p.stats.Loops
		stats.Counted += p.stats.Counted
	}
	return stats, nil
}

func findTick(m *wasmbin.Module) (uint32, error) {
	e, ok := m.Export(TickFunction)
	if !ok || e.Kind != wasmbin.KindFunc {
		return 0, fmt.Errorf("instrument: no exported function %s", TickFunction)
	}
	typ, err := m.FuncType(e.Index)
	if err != nil {
		return 0, err
	}
	if want := (wasmbin.FuncType{Results: []wasmbin.ValType{wasmbin.I32}}); typ.Key() != want.Key() {
		return 0, fmt.Errorf("instrument: %s is not of type () -> i32", TickFunction)
	}
	return e.Index, nil
}

// addFuel adds the exported counter, which starts at zero: the first loop head asks for a slice.
func addFuel(m *wasmbin.Module) uint32 {
	index := m.ImportCount(wasmbin.KindGlobal) + uint32(len(m.Globals))
	m.Globals = append(m.Globals, wasmbin.Global{
		GlobalType: wasmbin.GlobalType{Type: wasmbin.I32, Mutable: true},
		Init:       append(wasmbin.AppendI32Const(nil, 0), byte(wasmbin.OpEnd)),
	})
	m.Exports = append(m.Exports, wasmbin.Export{Name: FuelGlobal, Kind: wasmbin.KindGlobal, Index: index})
	return index
}

// tickSlice is how many loop heads the guest's tick function itself, and what it calls, may pass before it
// would be called again from within: enough for never, few enough to end.
const tickSlice = 1 << 20

// addWrapper adds the function that stores what tick returns.
func addWrapper(m *wasmbin.Module, tick, fuel uint32) uint32 {
	code := wasmbin.AppendI32Const(nil, tickSlice)
	code = wasmbin.AppendIndexed(code, wasmbin.OpGlobalSet, fuel)
	code = wasmbin.AppendIndexed(code, wasmbin.OpCall, tick)
	code = wasmbin.AppendIndexed(code, wasmbin.OpGlobalSet, fuel)
	m.Funcs = append(m.Funcs, m.TypeIndex(wasmbin.FuncType{}))
	m.Code = append(m.Code, wasmbin.Body{Code: append(code, byte(wasmbin.OpEnd))})
	return m.ImportCount(wasmbin.KindFunc) + uint32(len(m.Code)) - 1
}
