package instrument

import (
	"slices"
	"testing"

	"github.com/eryx-go/eryx/wasm/internal/wasmbin"
)

// bounded is `local = start; loop { body; local += step; br_if (local != stop) }`, with one-byte constants.
func bounded(local byte, start, step, stop int8, body ...byte) []byte {
	c := func(v int8) []byte { return wasmbin.AppendI32Const(nil, int32(v)) }
	return slices.Concat(c(start), []byte{byte(wasmbin.OpLocalSet), local, byte(wasmbin.OpLoop), 0x40}, body,
		[]byte{byte(wasmbin.OpLocalGet), local}, c(step), []byte{byte(wasmbin.OpI32Add), byte(wasmbin.OpLocalTee), local},
		c(stop), []byte{byte(wasmbin.OpI32Ne), byte(wasmbin.OpBrIf), 0, byte(wasmbin.OpEnd)})
}

func block(code ...byte) []byte {
	return slices.Concat([]byte{byte(wasmbin.OpBlock), 0x40}, code, []byte{byte(wasmbin.OpEnd)})
}

func looped(code ...byte) []byte {
	return slices.Concat([]byte{byte(wasmbin.OpLoop), 0x40}, code, []byte{byte(wasmbin.OpEnd)})
}

func TestSkipShort(t *testing.T) {
	const get, set, brIf, br = byte(wasmbin.OpLocalGet), byte(wasmbin.OpLocalSet), byte(wasmbin.OpBrIf), byte(wasmbin.OpBr)
	plain := bounded(2, 0, 1, 24)
	unset := plain[4:] // without the assignment before the loop
	cases := map[string]struct {
		code  []byte
		loops int
		want  int // counted
	}{
		"constant trip count":           {plain, 1, 0},
		"downwards":                     {bounded(2, 24, -8, 0), 1, 0},
		"nothing is known of the start": {unset, 1, 1},
		"the start is another block's":  {slices.Concat(block(plain[:4]...), unset), 1, 1},
		"passes by its end":             {bounded(2, 1, 2, 24), 1, 1},
		"runs away from its end":        {bounded(2, 0, -1, 24), 1, 1},
		"stands still":                  {bounded(2, 0, 0, 24), 1, 1},
		"is set inside":                 {bounded(2, 0, 1, 24, byte(wasmbin.OpI32Const), 0, set, 2), 1, 1},
		"another local steps": {slices.Concat(plain[:len(plain)-9], []byte{byte(wasmbin.OpI32Const), 1, byte(wasmbin.OpI32Add),
			byte(wasmbin.OpLocalTee), 3, byte(wasmbin.OpI32Const), 24, byte(wasmbin.OpI32Ne), brIf, 0, byte(wasmbin.OpEnd)}), 1, 1},
		"comes round without a step": {bounded(2, 0, 1, 24, get, 0, brIf, 0), 1, 1},
		"comes round by a table":     {bounded(2, 0, 1, 24, block(get, 0, byte(wasmbin.OpBrTable), 1, 1, 0)...), 1, 1},
		"leaves early":               {block(bounded(2, 0, 1, 24, get, 0, brIf, 1)...), 1, 0},
		"outer passes inner head":    {looped(slices.Concat(countdown, []byte{br, 0})...), 2, 1},
		"inner head in a block":      {looped(slices.Concat(block(countdown...), []byte{br, 0})...), 2, 1},
		"inner head may be skipped":  {looped(slices.Concat(block(slices.Concat([]byte{get, 0, brIf, 0}, countdown)...), []byte{br, 0})...), 2, 2},
		"inner head is conditional":  {looped(slices.Concat([]byte{get, 0, byte(wasmbin.OpIf), 0x40}, countdown, []byte{byte(wasmbin.OpEnd), br, 0})...), 2, 2},
		"comes round before inner":   {looped(slices.Concat([]byte{get, 0, brIf, 0}, countdown, []byte{br, 0})...), 2, 2},
		"inner head is not counted":  {looped(slices.Concat(plain, []byte{br, 0})...), 2, 1},
		"only the second is counted": {looped(slices.Concat(plain, countdown, []byte{br, 0})...), 3, 2},
		"three deep":                 {looped(looped(slices.Concat(countdown, []byte{br, 0})...)...), 3, 1},
		"bounded but not innermost":  {bounded(2, 0, 1, 24, countdown...), 2, 1},
	}
	for name, c := range cases {
		m := guest(slices.Clone(c.code))
		stats, err := Run(m, SkipShort)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if stats.Loops != c.loops || stats.Heads != c.want {
			t.Errorf("%s: counted %d of %d loops, want %d of %d", name, stats.Heads, stats.Loops, c.want, c.loops)
		}
	}
	if _, err := Run(guest(nil), "sometimes"); err == nil {
		t.Error("an unknown mode was accepted")
	}
}

// TestSkippedLoopsStillRun checks that a skipped loop does its work, and an endless one around it is stopped.
func TestSkippedLoopsStillRun(t *testing.T) {
	code := slices.Concat(looped(slices.Concat(bounded(2, 0, 1, 24), []byte{byte(wasmbin.OpBr), 0})...))
	ticks, _, err := execute(t, guest(code), SkipShort, 0)
	if err == nil || ticks != 100 {
		t.Errorf("%d ticks, %v", ticks, err)
	}
	if ticks, left, err := execute(t, guest(bounded(2, 0, 1, 24)), SkipShort, 0); err != nil || ticks != 0 || left != 0 {
		t.Errorf("%d ticks, %d left, %v", ticks, left, err)
	}
}
