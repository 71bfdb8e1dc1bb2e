package extension

import (
	"errors"

	"github.com/eryx-go/eryx/wasm/internal/wasmbin"
)

// Linkers that cannot write sums into constant expressions (without the feature extended-const) make a mutable global of
// each such address, and a start function of straight code that sets it once. settle works that out, so that the
// global is an address like the others, and the start function drops what it would set.

var errNotSettled = errors.New("it has mutable globals whose values a loader cannot work out (link with --extra-features=extended-const)")

// settle evaluates the start function, if there are mutable globals.
func (b *builder) settle() error {
	b.settling = map[int]bool{}
	if !b.mutable || b.in.Start == nil {
		return nil // they stay what they are: nothing else may set them
	}
	return b.settleBy(*b.in.Start)
}

const unknown = Base(0xff) // the base of a value that is not an address

// settleBy evaluates a function of the library without parameters, and what it calls, each once.
func (b *builder) settleBy(index uint32) error {
	own := int(index) - int(b.imports)
	if own < 0 || own >= len(b.in.Code) || len(b.types[index].Params)+len(b.types[index].Results) != 0 || b.settling[own] {
		return errNotSettled
	}
	b.settling[own] = true
	var stack []Address
	return wasmbin.Walk(b.in.Code[own].Code, func(in wasmbin.Instr) error {
		pops, ok := settleable[in.Op]
		if !ok || len(stack) < pops {
			return errNotSettled
		}
		args := stack[len(stack)-pops:]
		stack = stack[:len(stack)-pops]
		switch in.Op {
		case wasmbin.OpI32Const:
			stack = append(stack, Address{Offset: uint32(in.Signed())})
		case wasmbin.OpGlobalGet:
			value := Address{Base: unknown}
			if in.A < uint64(len(b.globals)) && !b.globals[in.A].stack {
				value = b.addresses[b.globals[in.A].index]
			}
			stack = append(stack, value)
		case wasmbin.OpI32Add:
			stack = append(stack, sum(args[0], args[1]))
		case wasmbin.OpGlobalSet:
			first := b.in.ImportCount(wasmbin.KindGlobal)
			if in.A < uint64(first) || in.A >= uint64(len(b.globals)) || !b.in.Globals[uint32(in.A)-first].Mutable || args[0].Base == unknown {
				return errNotSettled
			}
			b.addresses[b.globals[in.A].index] = args[0]
		case wasmbin.OpCall:
			if in.A >= uint64(len(b.types)) {
				return errNotSettled
			}
			return b.settleBy(uint32(in.A))
		}
		return nil
	})
}

// settleable are the instructions of such start functions, with how many operands each takes.
var settleable = map[wasmbin.Op]int{
	wasmbin.OpI32Const: 0, wasmbin.OpGlobalGet: 0, wasmbin.OpI32Add: 2, wasmbin.OpGlobalSet: 1, wasmbin.OpCall: 0,
	wasmbin.OpMemoryFill: 3, wasmbin.OpI32Store: 2, wasmbin.OpEnd: 0, wasmbin.OpNop: 0,
}

// sum is the sum of two addresses, of which one must be a number.
func sum(x, y Address) Address {
	if x.Base == unknown || y.Base == unknown || x.Base != Absolute && y.Base != Absolute {
		return Address{Base: unknown}
	}
	return Address{Base: x.Base | y.Base, Offset: x.Offset + y.Offset}
}
