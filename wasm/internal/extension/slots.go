package extension

import (
	"errors"
	"fmt"

	"github.com/eryx-go/eryx/wasm/internal/wasmbin"
)

// readSlots reserves the library's own part of the table and numbers its functions: definitions come behind the
// imports of the output.
func (b *builder) readSlots() error {
	for i := range b.in.Funcs {
		b.functions = append(b.functions, uint32(len(b.guestFunc)+i))
	}
	stubs := 0
	for i, f := range b.functions[:b.imports] {
		if f == weakStub {
			b.functions[i] = uint32(len(b.guestFunc) + len(b.in.Funcs) + stubs)
			stubs++
			b.stubs = append(b.stubs, b.types[i])
		}
	}
	b.out.Funcs = append([]uint32(nil), b.in.Funcs...)
	b.slots = make([]uint32, b.tableSlots)
	for i := range b.slots {
		b.slots[i] = wasmbin.Null
	}
	return nil
}

// fillSlots puts the functions of the element segments into the slots.
func (b *builder) fillSlots() error {
	for i, e := range b.in.Elements {
		if e.Mode == wasmbin.Declarative {
			continue
		}
		start, err := b.evaluate(e.Offset)
		if err != nil || e.Mode != wasmbin.Active || e.Table != 0 || start.Base != Table {
			return fmt.Errorf("its element segment %d is not of the kind that shared libraries have", i)
		}
		if uint64(start.Offset)+uint64(len(e.Funcs)) > uint64(b.tableSlots) {
			return fmt.Errorf("its element segment %d leaves its part of the table", i)
		}
		for k, f := range e.Funcs {
			if f == wasmbin.Null {
				continue
			}
			if int(f) >= len(b.functions) {
				return fmt.Errorf("its element segment %d names function %d, which there is not", i, f)
			}
			slot := start.Offset + uint32(k)
			b.slots[slot] = b.functions[f]
			if _, known := b.slotIndex[b.functions[f]]; !known {
				b.slotIndex[b.functions[f]] = slot
			}
		}
	}
	return nil
}

// slotOf is the slot of a function of the output, relative to the first: the one that it has, or a new one. The
// library's own slots count only once they are filled.
func (b *builder) slotOf(f uint32) uint32 {
	slot, known := b.slotIndex[f]
	if !known {
		slot = uint32(len(b.slots))
		b.slots = append(b.slots, f)
		b.slotIndex[f] = slot
	}
	return slot
}

// exportSymbols lists what dlsym may find: exported functions, which get slots, and data.
func (b *builder) exportSymbols() (map[string]Address, error) {
	symbols := map[string]Address{}
	for _, e := range b.in.Exports {
		switch e.Kind {
		case wasmbin.KindFunc:
			f, ok := b.ownFunction(e.Name)
			if !ok {
				continue // an import exported again
			}
			symbols[e.Name] = Address{Base: Table, Offset: b.slotOf(f)}
		case wasmbin.KindGlobal:
			if at, ok := b.ownData(e.Name); ok {
				symbols[e.Name] = at
			}
		default:
			return nil, errors.New("it exports a memory or a table")
		}
	}
	return symbols, nil
}

// data lists the initial memory.
func (b *builder) data() ([]Data, error) {
	var out []Data
	for i, d := range b.in.Data {
		start, err := b.evaluate(d.Offset)
		if err != nil || d.Mode != wasmbin.Active || d.Memory != 0 || start.Base != Memory {
			return nil, fmt.Errorf("its data segment %d is not of the kind that shared libraries have", i)
		}
		if uint64(start.Offset)+uint64(len(d.Bytes)) > uint64(b.memoryBytes) {
			return nil, fmt.Errorf("its data segment %d leaves its part of the memory", i)
		}
		out = append(out, Data{Offset: start.Offset, Bytes: d.Bytes})
	}
	return out, nil
}
