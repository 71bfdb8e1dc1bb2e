// Package linker merges position independent WebAssembly libraries (modules with a dylink.0 section) into one
// core module with a fixed layout, and its initial memory into flat bytes.
//
// What a dynamic loader would do at run time is done here, once: data is placed, relocated and taken out of the
// module; GOT entries and memory and table bases become constants in the code; functions that the first library
// (the shim) defines replace those of the same name everywhere. What remains is plain code without data
// segments, without a start function and with nothing imported but what a host provides.
package linker

import (
	"errors"
	"fmt"

	"github.com/eryx-go/eryx/wasm/internal/wasmbin"
)

const pageSize = 65536

// Input is one library. The first input is the shim: its functions override those of the others.
// The others are searched in the order given.
type Input struct {
	Name string
	Wasm []byte
}

// Options says what to build.
type Options struct {
	StackSize   uint32   // bytes of shadow stack, at address 0 upward; a multiple of 64 KiB
	Exports     []string // functions of the shim to export; "prefix*" stands for all that begin so
	Symbols     []string // functions of the libraries to export for extensions; "prefix*" stands for all that begin so
	TableGrowth uint32   // slots that extensions may add to the table, which is then exported; 0 for none
	HostModules []string // import modules that the host provides
	StubPrefix  string   // import modules that begin so are replaced by functions that trap
}

// Result is what Link makes.
type Result struct {
	Module    *wasmbin.Module
	DataStart uint32   // address of the first byte of Data
	Data      []byte   // initial memory from DataStart on; memory behind it is zero
	HeapBase  uint32   // first address that no library owns
	Stubs     []string // replaced imports that something can still reach, as module "." name
	Overrides []string // functions of the libraries that the shim replaced
	Symbols   Symbols  // what extensions can link against
}

// function is a function of the output: defined by a library, imported from the host, or generated.
type function struct {
	name   string
	typ    wasmbin.FuncType
	lib    *library      // whose body it is; nil for imports and generated functions
	body   *wasmbin.Body // nil for an import
	module string        // import module of an import
	field  string
	stub   bool

	live  bool
	index uint32
}

type linker struct {
	opts  Options
	shim  *library
	libs  []*library
	hosts map[string]*function // by module "." name
	stubs []*function
	table []*function
	slots map[*function]uint32

	symbols   map[string]*function // every exported function, the shim's first
	originals map[string]*function // the same without the shim
	data      map[string]uint32    // addresses of exported data
	missing   []string
	order     []*function // live functions, in the order of the output

	memory   []byte // from dataStart on
	dataEnd  uint32
	heapBase uint32
	heapEnd  uint32
	errs     []error
}

// Link merges the libraries.
func Link(inputs []Input, opts Options) (*Result, error) {
	if opts.StackSize%pageSize != 0 || opts.StackSize == 0 {
		return nil, fmt.Errorf("linker: stack size %d is not a multiple of %d", opts.StackSize, pageSize)
	}
	if len(inputs) == 0 {
		return nil, errors.New("linker: no libraries")
	}
	l := &linker{
		opts: opts, hosts: map[string]*function{}, slots: map[*function]uint32{}, table: []*function{nil},
		symbols: map[string]*function{}, originals: map[string]*function{}, data: map[string]uint32{},
	}
	for _, in := range inputs {
		lib, err := load(in)
		if err != nil {
			return nil, fmt.Errorf("linker: %s: %w", in.Name, err)
		}
		l.libs = append(l.libs, lib)
	}
	l.shim = l.libs[0]
	l.place()
	l.defineSymbols()
	for _, step := range []func() error{l.bindFunctions, l.bindBases, l.fillTable, l.bindAddresses, l.initialise} {
		if err := step(); err != nil {
			return nil, fmt.Errorf("linker: %w", err)
		}
	}
	return l.emit()
}

// place gives every library its memory and its part of the table.
func (l *linker) place() {
	address, slot := l.opts.StackSize, uint32(1)
	for _, lib := range l.libs {
		address = alignUp(address, lib.memoryAlign)
		lib.memoryBase = address
		address += lib.memorySize
		slot = alignUp(slot, lib.tableAlign)
		lib.tableBase = slot
		slot += lib.tableSize
	}
	l.dataEnd = address
	l.heapBase = alignUp(address, 16)
	l.heapEnd = alignUp(l.heapBase, pageSize)
	l.memory = make([]byte, l.dataEnd-l.opts.StackSize)
	l.table = make([]*function, slot)
}

func alignUp(v, align uint32) uint32 { return (v + align - 1) &^ (align - 1) }
