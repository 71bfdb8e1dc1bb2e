package extension

import (
	"errors"
	"fmt"
	"slices"

	"github.com/eryx-go/eryx/wasm/internal/wasmbin"
)

// dylinkInfo is what the section dylink.0 says.
type dylinkInfo struct {
	memoryBytes, alignLog2, tableSlots uint32
	weak                               map[string]bool // weak imports, by module "." name
}

// Parts of dylink.0 and the flag of a weak symbol, as in tool-conventions/DynamicLinking.md.
const (
	dylinkMemInfo    = 1
	dylinkNeeded     = 2
	dylinkImportInfo = 4
	symbolWeak       = 1
)

// provided are the libraries that are part of the guest.
var provided = []string{
	"libc.so", "libpython3.14.so", "libpython3.so", "libwasi-emulated-getpid.so", "libwasi-emulated-mman.so",
	"libwasi-emulated-process-clocks.so", "libwasi-emulated-signal.so", "libm.so",
}

func (b *builder) readDylink() error {
	section := b.in.Custom("dylink.0")
	if section == nil {
		return errors.New("it has no dylink.0 section: it is no shared library (compile with -fPIC, link with -shared)")
	}
	b.weak = map[string]bool{}
	r := wasmbin.NewReader(section)
	for r.Len() > 0 {
		kind := r.Byte()
		if err := b.readPart(kind, wasmbin.NewReader(r.Bytes(r.U32()))); err != nil {
			return err
		}
	}
	if r.Err() != nil {
		return fmt.Errorf("its dylink.0 section is damaged: %w", r.Err())
	}
	return nil
}

func (b *builder) readPart(kind byte, r *wasmbin.Reader) error {
	switch kind {
	case dylinkMemInfo:
		b.memoryBytes, b.alignLog2, b.tableSlots = r.U32(), r.U32(), r.U32()
		if tableAlign := r.U32(); b.alignLog2 > maxAlignLog2 || tableAlign > maxAlignLog2 {
			return fmt.Errorf("it wants its data aligned to 2^%d bytes and its functions to 2^%d slots", b.alignLog2, tableAlign)
		}
	case dylinkNeeded:
		for range r.Count() {
			if name := r.Name(); r.Err() == nil && !slices.Contains(provided, name) {
				return fmt.Errorf("it needs the library %.100q: link that statically", name)
			}
		}
	case dylinkImportInfo:
		for range r.Count() {
			name := r.Name() + "." + r.Name()
			b.weak[name] = r.U32()&symbolWeak != 0
		}
	}
	if r.Err() != nil {
		return fmt.Errorf("its dylink.0 section is damaged: %w", r.Err())
	}
	return nil
}
