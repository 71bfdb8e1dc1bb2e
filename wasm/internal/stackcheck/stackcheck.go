// Package stackcheck gives functions of the linked module a check of the shadow stack: when less than a
// reserve is left they set an exception and return their error value, instead of running off the stack.
//
// CPython has such checks, but in the build that the guest is made from the compiler could not read the stack
// pointer and folded them away; docs/decisions/0004-stack-checks.md tells how that was found.
package stackcheck

import (
	"bufio"
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/eryx-go/eryx/wasm/internal/wasmbin"
)

// RaiseFunction is the exported function of type () -> () that sets the exception.
const RaiseFunction = "eryx_recursion_error"

// Check is one function to guard: its name, and what it returns for an error.
type Check struct {
	Name string
	Fail int32
}

// Parse reads a list of checks: a name and a number per line, "#" begins a comment.
func Parse(text []byte) ([]Check, error) {
	var checks []Check
	for s := bufio.NewScanner(bytes.NewReader(text)); s.Scan(); {
		line, _, _ := strings.Cut(s.Text(), "#")
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		if len(fields) != 2 {
			return nil, fmt.Errorf("stackcheck: %q: want a name and a number", line)
		}
		fail, err := strconv.ParseInt(fields[1], 10, 32)
		if err != nil {
			return nil, fmt.Errorf("stackcheck: %q: %w", line, err)
		}
		checks = append(checks, Check{fields[0], int32(fail)})
	}
	return checks, nil
}

// Apply guards the functions of checks in m, which must have its name section: each begins by comparing the
// stack pointer with reserve, in bytes. A name that the module lacks is an error; one that several functions
// share guards all of them that return an i32.
func Apply(m *wasmbin.Module, checks []Check, reserve uint32) error {
	raise, ok := m.Export(RaiseFunction)
	if !ok {
		return fmt.Errorf("stackcheck: no exported function %s", RaiseFunction)
	}
	sp, ok := m.Export("__stack_pointer")
	if !ok {
		return fmt.Errorf("stackcheck: no exported global __stack_pointer")
	}
	names, err := wasmbin.FunctionNames(m)
	if err != nil {
		return err
	}
	g := guard{m: m, names: names, byName: map[string][]uint32{}, sp: sp.Index, raise: raise.Index, reserve: reserve}
	for index, name := range names {
		g.byName[name] = append(g.byName[name], index)
	}
	for _, c := range checks {
		if err := g.function(c); err != nil {
			return err
		}
	}
	list := make([]string, int(m.ImportCount(wasmbin.KindFunc))+len(m.Code))
	for index, name := range g.names {
		list[index] = name
	}
	wasmbin.SetFunctionNames(m, list)
	return nil
}

// frame is what every guarded call takes from the shadow stack, in bytes: many functions use none of it, and
// would let the native stack grow without end.
const frame = 128

type guard struct {
	m                  *wasmbin.Module
	names              map[uint32]string
	byName             map[string][]uint32
	sp, raise, reserve uint32
}

// function moves the body of each function of that name to a new one, and puts the guard in its place.
func (g *guard) function(c Check) error {
	first := g.m.ImportCount(wasmbin.KindFunc)
	done := false
	for _, index := range slices.Sorted(slices.Values(g.byName[c.Name])) {
		typ, err := g.m.FuncType(index)
		if err != nil {
			return err
		}
		if index < first || len(typ.Results) != 1 || typ.Results[0] != wasmbin.I32 {
			continue
		}
		original := first + uint32(len(g.m.Code))
		g.m.Funcs = append(g.m.Funcs, g.m.Funcs[index-first])
		g.m.Code = append(g.m.Code, g.m.Code[index-first])
		g.m.Code[index-first] = wasmbin.Body{Code: g.code(c, len(typ.Params), original)}
		g.names[original] = c.Name + ".unguarded"
		done = true
	}
	if !done {
		return fmt.Errorf("stackcheck: no function %s that returns an i32", c.Name)
	}
	return nil
}

// code is: if sp < reserve { raise(); return fail }; sp -= frame; r = original(parameters...); sp += frame; return r.
func (g *guard) code(c Check, params int, original uint32) []byte {
	out := wasmbin.AppendIndexed(nil, wasmbin.OpGlobalGet, g.sp)
	out = wasmbin.AppendI32Const(out, int32(g.reserve))
	out = append(out, byte(wasmbin.OpI32LtU), byte(wasmbin.OpIf), 0x40)
	out = wasmbin.AppendIndexed(out, wasmbin.OpCall, g.raise)
	out = wasmbin.AppendI32Const(out, c.Fail)
	out = append(out, byte(wasmbin.OpReturn), byte(wasmbin.OpEnd))
	out = g.move(out, wasmbin.OpI32Sub)
	for i := range params {
		out = wasmbin.AppendIndexed(out, wasmbin.OpLocalGet, uint32(i))
	}
	out = wasmbin.AppendIndexed(out, wasmbin.OpCall, original)
	out = g.move(out, wasmbin.OpI32Add)
	return append(out, byte(wasmbin.OpEnd))
}

// move appends sp = sp op frame.
func (g *guard) move(out []byte, op wasmbin.Op) []byte {
	out = wasmbin.AppendIndexed(out, wasmbin.OpGlobalGet, g.sp)
	out = wasmbin.AppendI32Const(out, frame)
	out = append(out, byte(op))
	return wasmbin.AppendIndexed(out, wasmbin.OpGlobalSet, g.sp)
}
