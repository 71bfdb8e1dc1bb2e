package extension

import (
	"errors"
	"fmt"

	"github.com/eryx-go/eryx/wasm/internal/wasmbin"
)

// global is a global of the library: the guest's stack pointer, or an address, which the output keeps in a
// global of its own.
type global struct {
	stack bool
	index int // in addresses
}

var null = Address{}

// bindGlobals makes an address of every global but the stack pointer.
func (b *builder) bindGlobals() error {
	var missing []string
	for _, imp := range b.in.Imports {
		if imp.Kind != wasmbin.KindGlobal {
			continue
		}
		if imp.Global.Type != wasmbin.I32 {
			return fmt.Errorf("its imported global %.100s is not an i32", imp.Name)
		}
		if imp.Module == "env" && imp.Name == stackPointer {
			if !imp.Global.Mutable {
				return errors.New("it imports an immutable stack pointer")
			}
			b.globals = append(b.globals, global{stack: true})
			continue
		}
		address, ok := b.resolve(imp)
		if !ok {
			missing = append(missing, imp.Module+"."+imp.Name)
		}
		b.addGlobal(address)
	}
	if err := missingError(missing); err != nil {
		return err
	}
	for i, g := range b.in.Globals {
		address, err := b.evaluate(g.Init)
		if g.Type != wasmbin.I32 {
			err = errors.New("it is no address")
		}
		b.mutable = b.mutable || g.Mutable
		if err != nil {
			return fmt.Errorf("its global %d: %w", i, err)
		}
		b.addGlobal(address)
	}
	return nil
}

func (b *builder) addGlobal(a Address) {
	b.globals = append(b.globals, global{index: len(b.addresses)})
	b.addresses = append(b.addresses, a)
}

// resolve finds what an imported global stands for.
func (b *builder) resolve(imp wasmbin.Import) (Address, bool) {
	weak := b.weak[imp.Module+"."+imp.Name] || b.weak["env."+imp.Name]
	switch imp.Module {
	case "env":
		switch imp.Name {
		case "__memory_base":
			return Address{Base: Memory}, true
		case "__table_base":
			return Address{Base: Table}, true
		}
	case "GOT.mem":
		if own, ok := b.ownData(imp.Name); ok {
			return own, true
		}
		if at, ok := b.guest.Data[imp.Name]; ok {
			return Address{Offset: at}, true
		}
		return null, weak
	case "GOT.func":
		if own, ok := b.ownFunction(imp.Name); ok {
			return Address{Base: Table, Offset: b.slotOf(own)}, true
		}
		if f, ok := b.guest.Functions[imp.Name]; ok && f.Slot != 0 {
			return Address{Offset: f.Slot}, true
		} else if ok {
			slot := b.slotOf(b.guestFunction(imp.Name))
			b.shared[imp.Name] = slot
			b.sharedIn[len(b.addresses)] = imp.Name
			return Address{Base: Table, Offset: slot}, true
		}
		return null, weak
	}
	return null, false
}

// wantsSlot says whether the address of that name is a function of the guest's that has no slot there.
func (b *builder) wantsSlot(name string) bool {
	f, ok := b.guest.Functions[name]
	return ok && f.Slot == 0
}

// ownData finds the library's own definition of a datum.
func (b *builder) ownData(name string) (Address, bool) {
	e, ok := b.exports[name]
	first := b.in.ImportCount(wasmbin.KindGlobal)
	if !ok || e.Kind != wasmbin.KindGlobal || e.Index < first || int(e.Index-first) >= len(b.in.Globals) {
		return null, false
	}
	a, err := b.evaluate(b.in.Globals[e.Index-first].Init)
	if err != nil || a.Base != Absolute {
		return null, false
	}
	return Address{Base: Memory, Offset: a.Offset}, true // exported as an offset from the memory base
}

// ownFunction finds the library's own definition of a function, as an index of the output.
func (b *builder) ownFunction(name string) (uint32, bool) {
	e, ok := b.exports[name]
	if !ok || e.Kind != wasmbin.KindFunc || e.Index < b.imports || int(e.Index) >= len(b.types) {
		return 0, false
	}
	return b.functions[e.Index], true
}

// evaluate works out a constant expression: an address, plus or minus constants.
func (b *builder) evaluate(expr []byte) (Address, error) {
	notAddress := errors.New("it is no address")
	var stack []Address
	err := wasmbin.Walk(expr, func(in wasmbin.Instr) error {
		switch in.Op {
		case wasmbin.OpEnd:
		case wasmbin.OpI32Const:
			stack = append(stack, Address{Offset: uint32(in.Signed())})
		case wasmbin.OpGlobalGet:
			if in.A >= uint64(len(b.globals)) || b.globals[in.A].stack {
				return notAddress
			}
			stack = append(stack, b.addresses[b.globals[in.A].index])
		case wasmbin.OpI32Add:
			if len(stack) < 2 {
				return notAddress
			}
			total := sum(stack[len(stack)-2], stack[len(stack)-1])
			if total.Base == unknown {
				return notAddress
			}
			stack = append(stack[:len(stack)-2], total)
		default:
			return notAddress
		}
		return nil
	})
	if err != nil || len(stack) != 1 {
		return null, notAddress
	}
	return stack[0], nil
}
