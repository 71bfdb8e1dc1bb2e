package extension

import (
	"fmt"

	"github.com/eryx-go/eryx/wasm/internal/wasmbin"
)

// What bounds the time and memory that wazero's compiler takes for one function, which grow with the square of some of
// these. The bounds are above what any function of CPython, zlib and SQLite has, and mean about three seconds and 300
// MB at worst: see docs/decisions/0009-native-extensions.md.
const (
	maxFunctionBytes = 512 << 10
	maxLocals        = 20_000 // parameters included
	maxLoops         = 1000   // CPython: 81
	maxDepth         = 2000   // of blocks
	maxLoopDepth     = 32     // of loops in loops
	maxCalls         = 30_000
	maxBranches      = 8000          // blocks, branches and calls through the table; CPython: 2,700
	maxTargets       = 30_000        // of branch tables; CPython: 16,000
	maxProduct       = 1_500_000_000 // of the square of branches and of variables; zlib: 660,000,000
	usualLocals      = 20            // that count for every function
)

// sizes counts what the bounds are about.
type sizes struct {
	locals, loops, calls, branches, targets uint64
	open                                    []bool // the blocks that are open: whether each is a loop
	depth, loopDepth, deepestLoop           uint64
}

// checkSize is an error for a function that would take long to compile.
func checkSize(typ wasmbin.FuncType, body wasmbin.Body) error {
	if len(body.Code) > maxFunctionBytes {
		return fmt.Errorf("its %d bytes of code are more than %d", len(body.Code), maxFunctionBytes)
	}
	s := sizes{locals: uint64(len(typ.Params))}
	for _, l := range body.Locals {
		s.locals += uint64(l.Count)
	}
	if err := wasmbin.Walk(body.Code, s.count); err != nil {
		return err
	}
	for _, bound := range []struct {
		have, most uint64
		what       string
	}{
		{s.locals, maxLocals, "variables"}, {s.loops, maxLoops, "loops"}, {s.depth, maxDepth, "levels of nesting"},
		{s.deepestLoop, maxLoopDepth, "levels of loops"}, {s.calls, maxCalls, "calls"},
		{s.branches, maxBranches, "branches"}, {s.targets, maxTargets, "branch targets"},
		{(s.branches + s.loops) * (s.branches + s.loops) * (s.locals + usualLocals), maxProduct, "branches, squared, times variables"},
	} {
		if bound.have > bound.most {
			return fmt.Errorf("its %d %s are more than %d: split the function", bound.have, bound.what, bound.most)
		}
	}
	return nil
}

func (s *sizes) count(in wasmbin.Instr) error {
	switch in.Op {
	case wasmbin.OpLoop, wasmbin.OpBlock, wasmbin.OpIf:
		s.branches++
		s.open = append(s.open, in.Op == wasmbin.OpLoop)
		s.depth = max(s.depth, uint64(len(s.open)))
		if in.Op == wasmbin.OpLoop {
			s.loops++
			s.loopDepth++
			s.deepestLoop = max(s.deepestLoop, s.loopDepth)
		}
	case wasmbin.OpEnd:
		if n := len(s.open); n > 0 { // the last one is the function's own
			if s.open[n-1] {
				s.loopDepth--
			}
			s.open = s.open[:n-1]
		}
	case wasmbin.OpCall:
		s.calls++
	case wasmbin.OpBrIf, wasmbin.OpCallIndirect:
		s.branches++
	case wasmbin.OpBrTable:
		s.targets += uint64(len(in.Targets))
	}
	return nil
}
