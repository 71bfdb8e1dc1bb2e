// Package extension makes a shared library of an author's, a CPython extension module for WASI, ready to be
// instantiated beside a running guest.
//
// The library is untrusted: whatever is wrong with it is an error here, and what comes out can touch nothing but
// the guest's memory, its own part of the table, and the guest's exported functions. It counts as the guest does,
// so that it can be stopped, and its recursion is bounded by the guest's shadow stack.
//
// What a dynamic loader does is left for load time, in a form that needs no more than setting globals: every
// address that depends on the guest (memory base, table base, GOT entries) becomes an exported global of the
// module. So the machine code of one library serves every guest, wherever its data lies.
package extension

import (
	"errors"
	"fmt"
	"strings"

	"github.com/eryx-go/eryx/wasm/internal/instrument"
	"github.com/eryx-go/eryx/wasm/internal/linker"
	"github.com/eryx-go/eryx/wasm/internal/wasmbin"
)

// Names in the module that Prepare makes. It imports from GuestModule only.
const (
	GuestModule  = "guest"
	GrowFunction = "eryx_grow" // (count) -> first new slot, or -1: makes room in the table
	LinkFunction = "eryx_link" // (first slot): puts the functions there
)

// Limits of a library. They bound what preparing and compiling it may cost.
const (
	MaxModuleBytes = 32 << 20
	maxTypes       = 2000
	maxFunctions   = 100_000
	maxTableSlots  = 1 << 14
	maxMemoryBytes = 1 << 30
	maxAlignLog2   = 16
)

// Base says what an Address is relative to.
type Base byte

// Bases of addresses.
const (
	Absolute Base = iota
	Memory        // the library's own data
	Table         // the library's own slots
)

// Address is an address of data or of a function that is known when the library is loaded.
type Address struct {
	Base   Base
	Offset uint32
}

// Data is a run of the library's initial memory.
type Data struct {
	Offset uint32 // from the library's memory base
	Bytes  []byte
}

// Module is a library made ready.
type Module struct {
	Wasm        []byte             // the module to instantiate
	MemoryBytes uint32             // what its data needs
	MemoryAlign uint32             // a power of two
	Slots       uint32             // what it needs of the table
	Data        []Data             // what is not zero of its data
	Globals     []Address          // the values of its exported globals, by number: see GlobalName
	Shared      map[string]uint32  // guest functions that got a slot here, since they have none in the guest's table
	SharedIn    map[int]string     // globals that are addresses of such functions
	Symbols     map[string]Address // what dlsym finds
	Init        uint32             // the slot, relative to the first, of the function that initialises it; type () -> ()
}

// GlobalName is the export that holds address i.
func GlobalName(i int) string { return fmt.Sprintf("a%d", i) }

// builder holds the library while it is prepared.
type builder struct {
	guest linker.Symbols
	in    *wasmbin.Module
	out   *wasmbin.Module
	dylinkInfo

	types     []wasmbin.FuncType // of the library's functions, imports included
	imports   uint32             // how many functions it imports
	functions []uint32           // from its function indices to those of the output
	globals   []global           // its global index space
	guestFunc map[string]uint32  // imported functions of the output, by name
	addresses []Address          // of the output's globals, in their order
	mutable   bool               // it has mutable globals
	settling  map[int]bool       // the definitions that set them, see settle
	sharedIn  map[int]string
	shared    map[string]uint32
	slots     []uint32 // contents of its part of the table, as indices of the output
	slotIndex map[uint32]uint32
	exports   map[string]wasmbin.Export
	stubs     []wasmbin.FuncType // weak imports that nothing defines
}

// Prepare checks the library and makes it ready to be loaded into a guest with the given symbols.
func Prepare(library []byte, guest linker.Symbols) (*Module, error) {
	if len(library) > MaxModuleBytes {
		return nil, fmt.Errorf("its %d bytes are more than %d", len(library), MaxModuleBytes)
	}
	if err := checkMagic(library); err != nil {
		return nil, err
	}
	in, err := wasmbin.Decode(library)
	if err != nil {
		return nil, fmt.Errorf("it is damaged, or uses a feature of WebAssembly that is not supported: %w", err)
	}
	b := &builder{
		guest: guest, in: in, out: &wasmbin.Module{Types: in.Types},
		guestFunc: map[string]uint32{}, shared: map[string]uint32{}, sharedIn: map[int]string{},
		slotIndex: map[uint32]uint32{}, exports: map[string]wasmbin.Export{},
	}
	for _, step := range []func() error{
		b.readDylink, b.checkShape, b.readTypes, b.importFunctions, b.readSlots, b.bindGlobals, b.settle, b.rewriteCode,
		b.addStubs, b.fillSlots,
	} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return b.finish()
}

// checkMagic says what else the file is, when it is no WebAssembly module.
func checkMagic(library []byte) error {
	for magic, kind := range map[string]string{"\x7fELF": "Linux", "MZ": "Windows", "\xcf\xfa\xed\xfe": "macOS", "\xca\xfe\xba\xbe": "macOS"} {
		if strings.HasPrefix(string(library), magic) {
			return fmt.Errorf("it is built for %s, not for WASI", kind)
		}
	}
	if !strings.HasPrefix(string(library), "\x00asm\x01\x00\x00\x00") {
		return errors.New("it is no WebAssembly module")
	}
	return nil
}

// checkShape refuses what a shared library does not have.
func (b *builder) checkShape() error {
	switch m := b.in; {
	case len(m.Memories)+len(m.Tables) != 0:
		return errors.New("it defines a memory or a table of its own: link it with -shared")
	case b.memoryBytes > maxMemoryBytes:
		return fmt.Errorf("its %d bytes of data are more than %d", b.memoryBytes, maxMemoryBytes)
	case b.tableSlots > maxTableSlots:
		return fmt.Errorf("its %d addresses of functions are more than %d", b.tableSlots, maxTableSlots)
	case len(m.Types) > maxTypes || len(m.Code) > maxFunctions || len(m.Imports) > maxFunctions || len(m.Globals) > maxFunctions:
		return errors.New("it has too many types, functions, imports or globals")
	}
	for _, e := range b.in.Exports {
		b.exports[e.Name] = e
	}
	for _, t := range b.in.Types {
		if len(t.Params) > 1000 || len(t.Results) > 1000 {
			return errors.New("it has a function of more than 1000 parameters or results")
		}
	}
	return nil
}

// readTypes finds the signature of each function.
func (b *builder) readTypes() error {
	typ := func(index uint32) error {
		if int(index) >= len(b.in.Types) {
			return fmt.Errorf("it has a function of type %d, which there is not", index)
		}
		b.types = append(b.types, b.in.Types[index])
		return nil
	}
	for _, i := range b.in.Imports {
		if i.Kind == wasmbin.KindFunc {
			if err := typ(i.Func); err != nil {
				return err
			}
		}
	}
	b.imports = uint32(len(b.types))
	for _, f := range b.in.Funcs {
		if err := typ(f); err != nil {
			return err
		}
	}
	return nil
}

// finish generates what the loader calls, instruments all, and encodes the result.
func (b *builder) finish() (*Module, error) {
	fuel, tick := b.importFuel()
	init, err := b.initFunction()
	if err != nil {
		return nil, err
	}
	initSlot := b.slotOf(init)
	symbols, err := b.exportSymbols()
	if err != nil {
		return nil, err
	}
	if len(b.slots) > maxTableSlots {
		return nil, fmt.Errorf("its %d addresses of functions are more than %d", len(b.slots), maxTableSlots)
	}
	guarded := b.guarded()
	if err := instrument.Extension(b.out, fuel, tick); err != nil {
		return nil, err
	}
	b.guard(guarded)
	b.addLoader()
	m := &Module{
		Wasm: wasmbin.Encode(b.out), MemoryBytes: b.memoryBytes, MemoryAlign: 1 << b.alignLog2,
		Slots: uint32(len(b.slots)), Globals: b.addresses, Shared: b.shared, SharedIn: b.sharedIn,
		Symbols: symbols, Init: initSlot,
	}
	m.Data, err = b.data()
	return m, err
}
