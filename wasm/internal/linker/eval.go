package linker

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/eryx-go/eryx/wasm/internal/wasmbin"
)

// evaluator runs constant expressions, and the straight-line functions that a loader would call before any
// other code of a library: those that relocate its data and clear its memory.
type evaluator struct {
	lib    *library // whose constant globals may be read; nil for none
	memory []byte   // writable memory, from address base on
	base   uint32
	stack  []uint32
}

// constant evaluates a constant expression of type i32.
func (e *evaluator) constant(expr []byte) (uint32, error) {
	if err := wasmbin.Walk(expr, e.step); err != nil {
		return 0, err
	}
	if len(e.stack) != 1 {
		return 0, errors.New("not a constant expression")
	}
	return e.stack[0], nil
}

// run executes a function without parameters and results.
func (e *evaluator) run(body *wasmbin.Body) error {
	if len(body.Locals) != 0 {
		return errors.New("function with locals cannot be run at link time")
	}
	return wasmbin.Walk(body.Code, e.step)
}

func (e *evaluator) push(v uint32) { e.stack = append(e.stack, v) }

// pop takes n operands, the deepest first.
func (e *evaluator) pop(n int) ([]uint32, error) {
	if len(e.stack) < n {
		return nil, errors.New("operand missing")
	}
	top := e.stack[len(e.stack)-n:]
	e.stack = e.stack[:len(e.stack)-n]
	return top, nil
}

var arity = map[wasmbin.Op]int{
	wasmbin.OpI32Add: 2, wasmbin.OpI32Sub: 2, wasmbin.OpI32Store: 2, wasmbin.OpI32Load: 1, wasmbin.OpMemoryFill: 3,
}

func (e *evaluator) step(in wasmbin.Instr) error {
	arg, err := e.pop(arity[in.Op])
	if err != nil {
		return err
	}
	switch in.Op {
	case wasmbin.OpEnd, wasmbin.OpNop:
	case wasmbin.OpI32Const:
		e.push(uint32(in.Signed()))
	case wasmbin.OpGlobalGet:
		if e.lib == nil || in.A >= uint64(len(e.lib.globals)) || !e.lib.globals[in.A].constant {
			return fmt.Errorf("global %d is not a constant", in.A)
		}
		e.push(e.lib.globals[in.A].value)
	case wasmbin.OpI32Add:
		e.push(arg[0] + arg[1])
	case wasmbin.OpI32Sub:
		e.push(arg[0] - arg[1])
	case wasmbin.OpI32Load:
		m, err := e.slice(uint64(arg[0])+in.A, 4)
		if err != nil {
			return err
		}
		e.push(binary.LittleEndian.Uint32(m))
	case wasmbin.OpI32Store:
		m, err := e.slice(uint64(arg[0])+in.A, 4)
		if err != nil {
			return err
		}
		binary.LittleEndian.PutUint32(m, arg[1])
	case wasmbin.OpMemoryFill:
		m, err := e.slice(uint64(arg[0]), arg[2])
		if err != nil {
			return err
		}
		for i := range m {
			m[i] = byte(arg[1])
		}
	default:
		return fmt.Errorf("instruction %#x cannot be run at link time", uint16(in.Op))
	}
	return nil
}

func (e *evaluator) slice(address uint64, n uint32) ([]byte, error) {
	start := address - uint64(e.base)
	if address < uint64(e.base) || start+uint64(n) > uint64(len(e.memory)) {
		return nil, fmt.Errorf("address %#x is not the library's", address)
	}
	return e.memory[start : start+uint64(n)], nil
}

// initialise makes the initial memory: every library's data, then its start function, then its relocations.
func (l *linker) initialise() error {
	for _, lib := range l.libs {
		start := lib.memoryBase - l.opts.StackSize
		e := &evaluator{lib: lib, memory: l.memory[start : start+lib.memorySize], base: lib.memoryBase}
		for i, d := range lib.module.Data {
			if err := e.load(d); err != nil {
				return fmt.Errorf("%s: data segment %d: %w", lib.name, i, err)
			}
		}
		var steps []*function
		if lib.module.Start != nil {
			steps = append(steps, lib.defined(*lib.module.Start))
		}
		if relocs := lib.own(symRelocs); relocs != nil {
			steps = append(steps, relocs)
		}
		for _, f := range steps {
			if f == nil {
				return fmt.Errorf("%s: start function is imported", lib.name)
			}
			if err := e.run(f.body); err != nil {
				return fmt.Errorf("%s: %s: %w", lib.name, f.name, err)
			}
		}
	}
	return nil
}

func (e *evaluator) load(d wasmbin.Data) error {
	if d.Mode != wasmbin.Active || d.Memory != 0 {
		return errors.New("not active")
	}
	address, err := (&evaluator{lib: e.lib}).constant(d.Offset)
	if err != nil {
		return err
	}
	m, err := e.slice(uint64(address), uint32(len(d.Bytes)))
	if err != nil {
		return err
	}
	copy(m, d.Bytes)
	return nil
}
