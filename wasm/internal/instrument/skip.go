package instrument

import "github.com/eryx-go/eryx/wasm/internal/wasmbin"

// maxTrips bounds the passes of a loop that is not counted: few enough to be over in microseconds.
const maxTrips = 1024

// loop is a loop of a function body; head and tail are the positions of its `loop` and `end` in the list of
// instructions.
type loop struct {
	head, tail int
	inner      []int // indices of the loops directly inside
	backEdges  int   // branches to its head
	counted    bool
	ticks      bool // whatever passes the head passes a counted head, this one or one further in
}

// findLoops lists the loops of a body, outer ones before inner ones.
func findLoops(code []wasmbin.Instr) []loop {
	var loops []loop
	var open []int // per open block: the index of its loop, or -1
	branch := func(depth uint32) {
		if at := len(open) - 1 - int(depth); at >= 0 && open[at] >= 0 {
			loops[open[at]].backEdges++
		}
	}
	for i, in := range code {
		switch in.Op {
		case wasmbin.OpBlock, wasmbin.OpIf:
			open = append(open, -1)
		case wasmbin.OpLoop:
			if parent := innermost(open); parent >= 0 {
				loops[parent].inner = append(loops[parent].inner, len(loops))
			}
			open = append(open, len(loops))
			loops = append(loops, loop{head: i, counted: true, ticks: true})
		case wasmbin.OpEnd:
			if len(open) == 0 {
				continue // the function's own
			}
			if l := open[len(open)-1]; l >= 0 {
				loops[l].tail = i
			}
			open = open[:len(open)-1]
		case wasmbin.OpBr, wasmbin.OpBrIf:
			branch(uint32(in.A))
		case wasmbin.OpBrTable:
			for _, depth := range in.Targets {
				branch(depth)
			}
		}
	}
	return loops
}

func innermost(open []int) int {
	for i := len(open) - 1; i >= 0; i-- {
		if open[i] >= 0 {
			return open[i]
		}
	}
	return -1
}

// skipShort clears counted for the loops that need no counting: those that run a small constant number of
// times, and those that cannot come round without passing the head of a counted loop.
func skipShort(code []wasmbin.Instr, loops []loop) {
	for i := range loops {
		if len(loops[i].inner) == 0 && isBounded(code, loops[i]) {
			loops[i].counted, loops[i].ticks = false, false
		}
	}
	for i := len(loops) - 1; i >= 0; i-- { // inner loops first
		l := &loops[i]
		if len(l.inner) > 0 && loops[l.inner[0]].ticks && leadsTo(code, l.head, loops[l.inner[0]]) {
			l.counted = false
		}
	}
}

// leadsTo says whether whatever passes the head at position from reaches the head of the inner loop: nothing
// between them branches. Blocks only begin there, and a call that does not return does not come round either.
func leadsTo(code []wasmbin.Instr, from int, inner loop) bool {
	for _, in := range code[from+1 : inner.head] {
		if isControl(in.Op) && in.Op != wasmbin.OpBlock {
			return false
		}
	}
	return true
}

// isControl says whether an instruction begins, ends or leaves a block. Calls are none.
func isControl(op wasmbin.Op) bool {
	switch op {
	case wasmbin.OpCall, wasmbin.OpCallIndirect, wasmbin.OpNop:
		return false
	}
	return op <= wasmbin.OpReturnCallInd
}

// isBounded recognises `i = start; loop { ...; i += step; br_if (i != stop) }` with constants and at most
// maxTrips passes, where nothing else in the loop sets i and nothing else branches to its head.
func isBounded(code []wasmbin.Instr, l loop) bool {
	const tail = 7 // local.get, const, add, local.tee, const, ne, br_if
	if l.backEdges != 1 || l.tail-l.head <= tail {
		return false
	}
	end := code[l.tail-tail : l.tail]
	for i, op := range []wasmbin.Op{wasmbin.OpLocalGet, wasmbin.OpI32Const, wasmbin.OpI32Add, wasmbin.OpLocalTee,
		wasmbin.OpI32Const, wasmbin.OpI32Ne, wasmbin.OpBrIf} {
		if end[i].Op != op {
			return false
		}
	}
	local := end[0].A
	if end[3].A != local || end[6].A != 0 {
		return false
	}
	for _, in := range code[l.head : l.tail-tail] {
		if setsLocal(in, local) {
			return false
		}
	}
	start, ok := constantBefore(code, l.head, local)
	if !ok {
		return false
	}
	step, distance := end[1].Signed(), end[4].Signed()-start
	return step != 0 && distance%step == 0 && distance/step > 0 && distance/step <= maxTrips
}

func setsLocal(in wasmbin.Instr, local uint64) bool {
	return (in.Op == wasmbin.OpLocalSet || in.Op == wasmbin.OpLocalTee) && in.A == local
}

// constantBefore finds the constant that a local holds when control reaches position at: the last one set in
// the straight line before it.
func constantBefore(code []wasmbin.Instr, at int, local uint64) (int64, bool) {
	for i := at - 1; i > 0 && !isControl(code[i].Op); i-- {
		if setsLocal(code[i], local) {
			return code[i-1].Signed(), code[i-1].Op == wasmbin.OpI32Const
		}
	}
	return 0, false
}
