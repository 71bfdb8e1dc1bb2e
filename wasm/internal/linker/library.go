package linker

import (
	"errors"
	"fmt"

	"github.com/eryx-go/eryx/wasm/internal/wasmbin"
)

// Names that every library exports for the loader; they are no symbols for others.
const (
	symRelocs     = "__wasm_apply_data_relocs"
	symInitialize = "_initialize"
	symCtors      = "__wasm_call_ctors"
)

// library is one input with what the linker found out about it.
type library struct {
	name   string
	module *wasmbin.Module
	needed []string

	memorySize, memoryAlign, memoryBase uint32
	tableSize, tableAlign, tableBase    uint32

	weak  map[string]bool // weak imports by module "." name
	names map[uint32]string

	defs    []*function // the functions it defines
	funcs   []*function // its function index space after resolution; overridden ones replaced
	globals []global    // its global index space
}

// global is a global of a library: a constant, or one that the output keeps.
type global struct {
	constant bool
	value    uint32
	index    uint32 // of the output's global, when not constant
}

func load(in Input) (*library, error) {
	m, err := wasmbin.Decode(in.Wasm)
	if err != nil {
		return nil, err
	}
	lib := &library{name: in.Name, module: m, weak: map[string]bool{}, memoryAlign: 1, tableAlign: 1}
	section := m.Custom("dylink.0")
	if section == nil {
		return nil, errors.New("no dylink.0 section: not a shared library")
	}
	if err := lib.readDylink(section); err != nil {
		return nil, err
	}
	if len(m.Memories)+len(m.Tables) != 0 {
		return nil, errors.New("library defines a memory or a table")
	}
	names, err := wasmbin.FunctionNames(m)
	if err != nil {
		return nil, err
	}
	lib.names = names
	return lib, lib.define()
}

// define makes a function for each one that the library defines.
func (lib *library) define() error {
	first := lib.module.ImportCount(wasmbin.KindFunc)
	for i := range lib.module.Code {
		typ, err := lib.module.FuncType(first + uint32(i))
		if err != nil {
			return err
		}
		name := lib.names[first+uint32(i)]
		if name == "" {
			name = fmt.Sprintf("%s.%d", lib.name, i)
		}
		lib.defs = append(lib.defs, &function{name: name, typ: typ, lib: lib, body: &lib.module.Code[i]})
	}
	return nil
}

// Sub-sections of dylink.0 and the flag of a weak symbol, as in tool-conventions/DynamicLinking.md.
const (
	dylinkMemInfo    = 1
	dylinkNeeded     = 2
	dylinkImportInfo = 4
	symbolWeak       = 1
)

func (lib *library) readDylink(section []byte) error {
	r := wasmbin.NewReader(section)
	for r.Len() > 0 {
		kind := r.Byte()
		s := wasmbin.NewReader(r.Bytes(r.U32()))
		switch kind {
		case dylinkMemInfo:
			lib.memorySize, lib.memoryAlign = s.U32(), 1<<(s.U32()&31)
			lib.tableSize, lib.tableAlign = s.U32(), 1<<(s.U32()&31)
		case dylinkNeeded:
			for range s.Count() {
				lib.needed = append(lib.needed, s.Name())
			}
		case dylinkImportInfo:
			for range s.Count() {
				name := s.Name() + "." + s.Name()
				lib.weak[name] = s.U32()&symbolWeak != 0
			}
		}
		if s.Err() != nil {
			return fmt.Errorf("dylink.0: %w", s.Err())
		}
	}
	return r.Err()
}

// defined returns the definition behind a function index; nil when the index is an import's.
func (lib *library) defined(index uint32) *function {
	first := lib.module.ImportCount(wasmbin.KindFunc)
	if index < first || int(index-first) >= len(lib.defs) {
		return nil
	}
	return lib.defs[index-first]
}

// internal says whether an export is for the loader only.
func internal(name string) bool {
	return name == symRelocs || name == symInitialize || name == symCtors
}

// own returns the library's own definition that it exports under a name, or nil.
func (lib *library) own(name string) *function {
	e, ok := lib.module.Export(name)
	if !ok || e.Kind != wasmbin.KindFunc {
		return nil
	}
	return lib.defined(e.Index)
}
