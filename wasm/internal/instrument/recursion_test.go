package instrument

import (
	"errors"
	"slices"
	"testing"

	"github.com/eryx-go/eryx/wasm/internal/wasmbin"
)

// tree is the code of a function that calls itself twice with its parameter less one, until that is zero: without
// a loop it runs for 2^n calls. call is how it calls itself.
func tree(call ...byte) []byte {
	again := slices.Concat([]byte{byte(wasmbin.OpLocalGet), 0, byte(wasmbin.OpI32Const), 1, byte(wasmbin.OpI32Sub)}, call)
	return slices.Concat([]byte{byte(wasmbin.OpLocalGet), 0, byte(wasmbin.OpIf), 0x40}, again, again, []byte{byte(wasmbin.OpEnd)})
}

// withTable lets slot 0 of a table hold the function `run`.
func withTable(m *wasmbin.Module) *wasmbin.Module {
	m.Tables = []wasmbin.Table{{Elem: wasmbin.FuncRef, Limits: wasmbin.Limits{Min: 1}}}
	m.Elements = []wasmbin.Element{{Offset: []byte{byte(wasmbin.OpI32Const), 0, byte(wasmbin.OpEnd)}, Funcs: []uint32{2}}}
	return m
}

// TestRecursionIsStopped runs functions that would call themselves 2^60 times without a loop.
func TestRecursionIsStopped(t *testing.T) {
	direct := guest(tree(byte(wasmbin.OpCall), 2))
	indirect := withTable(guest(tree(byte(wasmbin.OpI32Const), 0, byte(wasmbin.OpCallIndirect), 1, 0)))
	mutual := guest(tree(byte(wasmbin.OpCall), 3))
	mutual.Funcs = append(mutual.Funcs, 1)
	mutual.Code = append(mutual.Code, wasmbin.Body{Code: append(tree(byte(wasmbin.OpCall), 2), byte(wasmbin.OpEnd))})
	for name, m := range map[string]*wasmbin.Module{"direct": direct, "indirect": indirect, "mutual": mutual} {
		if ticks, _, err := execute(t, m, SkipShort, 60); !errors.Is(err, errKilled) || ticks != 100 {
			t.Errorf("%s: %d ticks, %v", name, ticks, err)
		}
	}
}

func TestChooseEntries(t *testing.T) {
	for name, c := range map[string]struct {
		calls [][]uint32
		want  []int
	}{
		"no recursion":          {[][]uint32{{1, 2}, {2}, {}}, nil},
		"itself":                {[][]uint32{{1}, {1}}, []int{1}},
		"two":                   {[][]uint32{{1}, {0}}, []int{0}},
		"a hub":                 {[][]uint32{{1}, {0, 2, 3}, {1}, {1}}, []int{1}},
		"two knots":             {[][]uint32{{1}, {0, 2}, {3}, {2}}, []int{0, 2}},
		"a knot inside a knot":  {[][]uint32{{1}, {2}, {3, 1}, {0}}, []int{1}},
		"a call of the unknown": {[][]uint32{{9}}, nil},
	} {
		all := make([]points, len(c.calls))
		for i, callees := range c.calls {
			all[i].callees = callees
		}
		n := chooseEntries(all)
		var have []int
		for i := range all {
			if all[i].entry {
				have = append(have, i)
			}
		}
		if n != len(have) || !slices.Equal(have, c.want) {
			t.Errorf("%s: entries %v (%d), want %v", name, have, n, c.want)
		}
		if knots := findKnots(all); len(knots) != 0 {
			t.Errorf("%s: knots %v are left", name, knots)
		}
	}
}

// TestCallsInsideCountedLoops checks that a call is not counted again where its loop is.
func TestCallsInsideCountedLoops(t *testing.T) {
	call := []byte{byte(wasmbin.OpI32Const), 1, byte(wasmbin.OpI32Const), 0, byte(wasmbin.OpCallIndirect), 1, 0}
	inside := looped(slices.Concat(call, []byte{byte(wasmbin.OpBr), 0})...)
	for name, c := range map[string]struct {
		code  []byte
		heads int
		calls int
	}{
		"inside":  {inside, 1, 0},
		"outside": {slices.Concat(call, forever), 1, 1},
		"after":   {slices.Concat(block(looped(byte(wasmbin.OpBr), 1)...), call), 1, 1},
		"bounded": {bounded(2, 0, 1, 24, call...), 0, 1},
	} {
		stats, err := Run(withTable(guest(c.code)), SkipShort)
		if err != nil || stats.Heads != c.heads || stats.Calls != c.calls || stats.Entries != 0 {
			t.Errorf("%s: %v, %v", name, stats, err)
		}
	}
	if _, err := Run(guest([]byte{byte(wasmbin.OpReturnCall), 2}), SkipShort); err == nil {
		t.Error("a tail call was accepted")
	}
}
