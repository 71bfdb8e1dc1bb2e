// Package instrument adds the preemption counter to a linked module: at the heads of loops, before calls through
// the table, and at the entries of functions through which direct recursion must pass, the code decrements a global,
// and calls the guest's tick function when it falls below zero.
//
// A guest that runs long passes such points all the time, so that the host gets control after at most one slice of
// them: to let others run, to charge fuel, or to end it. Loops alone are not enough: recursion is bounded by the
// stack in depth, but not in time when a function calls itself twice, as hash() of nested slices does.
package instrument

import (
	"fmt"
	"slices"

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
// cannot run without passing a counted head; LoopsOnly leaves out calls and entries as well, which is not
// safe and only for measurements; None counts nowhere.
const (
	CountAll  Mode = "count-all"
	SkipShort Mode = "skip-short"
	LoopsOnly Mode = "loops-only"
	None      Mode = "none"
)

// Stats says what was done: how many loops there are, and at how many of their heads, at how many calls through the
// table, and at how many entries of functions the module counts.
type Stats struct {
	Loops, Heads, Calls, Entries int
}

// String describes the statistics in one line.
func (s Stats) String() string {
	return fmt.Sprintf("counting at %d of %d loops, %d indirect calls, %d entries", s.Heads, s.Loops, s.Calls, s.Entries)
}

// Run instruments the module in place.
func Run(m *wasmbin.Module, mode Mode) (Stats, error) {
	if !slices.Contains([]Mode{CountAll, SkipShort, LoopsOnly, None}, mode) {
		return Stats{}, fmt.Errorf("instrument: unknown mode %q", mode)
	}
	tick, err := findTick(m)
	if err != nil {
		return Stats{}, err
	}
	all, stats, err := analyseAll(m, mode)
	if err != nil {
		return stats, err
	}
	stats.Entries = chooseEntries(all)
	return stats, patchAll(m, all, addFuel(m), tick)
}

// Extension instruments in place a module that is linked to an instrumented one at run time and counts with it:
// fuel is the index of the imported counter, tick that of the imported tick function. The module may be anybody's,
// so that the work is linear in its size: every function of a knot counts, not only the few that break it.
func Extension(m *wasmbin.Module, fuel, tick uint32) error {
	all, _, err := analyseAll(m, SkipShort)
	if err != nil {
		return err
	}
	for _, knot := range findKnots(all) {
		for _, f := range knot {
			all[f].entry = true
		}
	}
	return patchAll(m, all, fuel, tick)
}

func analyseAll(m *wasmbin.Module, mode Mode) (all []points, stats Stats, err error) {
	all = make([]points, len(m.Code))
	first := m.ImportCount(wasmbin.KindFunc)
	for i := range m.Code {
		if all[i], err = analyse(m.Code[i].Code, first, mode); err != nil {
			return nil, stats, fmt.Errorf("instrument: function %d: %w", first+uint32(i), err)
		}
		stats.Loops += all[i].loops
		stats.Heads += all[i].heads
		stats.Calls += all[i].calls
	}
	return all, stats, nil
}

// patchAll puts the counts in place.
func patchAll(m *wasmbin.Module, all []points, fuel, tick uint32) error {
	first := m.ImportCount(wasmbin.KindFunc)
	wrapper := addWrapper(m, tick, fuel)
	for i, p := range all {
		if err := patch(m, first+uint32(i), p, fuel, wrapper); err != nil {
			return err
		}
	}
	return nil
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
