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
	byName := map[string][]uint32{}
	for index, name := range names {
		byName[name] = append(byName[name], index)
	}
	for _, c := range checks {
		if err := c.apply(m, byName[c.Name], sp.Index, raise.Index, reserve); err != nil {
			return err
		}
	}
	return nil
}

func (c Check) apply(m *wasmbin.Module, indices []uint32, sp, raise, reserve uint32) error {
	first := m.ImportCount(wasmbin.KindFunc)
	done := false
	for _, index := range indices {
		typ, err := m.FuncType(index)
		if err != nil {
			return err
		}
		if index < first || len(typ.Results) != 1 || typ.Results[0] != wasmbin.I32 {
			continue
		}
		body := &m.Code[index-first]
		body.Code = append(c.prologue(sp, raise, reserve), body.Code...)
		done = true
	}
	if !done {
		return fmt.Errorf("stackcheck: no function %s that returns an i32", c.Name)
	}
	return nil
}

// prologue is: if stack pointer < reserve { raise(); return fail }.
func (c Check) prologue(sp, raise, reserve uint32) []byte {
	out := wasmbin.AppendIndexed(nil, wasmbin.OpGlobalGet, sp)
	out = wasmbin.AppendI32Const(out, int32(reserve))
	out = append(out, byte(wasmbin.OpI32LtU), byte(wasmbin.OpIf), 0x40)
	out = wasmbin.AppendIndexed(out, wasmbin.OpCall, raise)
	out = wasmbin.AppendI32Const(out, c.Fail)
	return append(out, byte(wasmbin.OpReturn), byte(wasmbin.OpEnd))
}
