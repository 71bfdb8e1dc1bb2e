package linker

import (
	"fmt"

	"github.com/eryx-go/eryx/wasm/internal/wasmbin"
)

// fillTable puts the functions of the libraries' element segments into the table. Functions whose address is
// taken only across libraries get slots behind these; see slot.
func (l *linker) fillTable() error {
	for _, lib := range l.libs {
		for _, e := range lib.module.Elements {
			if e.Mode != wasmbin.Active || e.Table != 0 {
				return fmt.Errorf("%s: element segment is not active", lib.name)
			}
			start, err := (&evaluator{lib: lib}).constant(e.Offset)
			if err != nil {
				return fmt.Errorf("%s: element segment: %w", lib.name, err)
			}
			if start < lib.tableBase || uint64(start)+uint64(len(e.Funcs)) > uint64(lib.tableBase)+uint64(lib.tableSize) {
				return fmt.Errorf("%s: element segment leaves the library's part of the table", lib.name)
			}
			for i, index := range e.Funcs {
				if int(index) >= len(lib.funcs) {
					return fmt.Errorf("%s: element segment names function %d", lib.name, index)
				}
				f, slot := lib.funcs[index], start+uint32(i)
				l.table[slot] = f
				if _, known := l.slots[f]; !known {
					l.slots[f] = slot
				}
			}
		}
	}
	return nil
}

// slot returns the address of a function. One function has one address across all libraries, as C demands:
// the slot that its own library gave it, or else a new one.
func (l *linker) slot(f *function) uint32 {
	if s, ok := l.slots[f]; ok {
		return s
	}
	s := uint32(len(l.table))
	l.table = append(l.table, f)
	l.slots[f] = s
	return s
}
