// Package wasmbin reads and writes WebAssembly binaries, and walks their instructions.
//
// It holds as much of a module's structure as linking and instrumenting need: every section is decoded except
// function bodies, which stay bytes and are visited with [Walk]. It accepts what the libraries of the guest
// use (the 2.0 instruction set without SIMD, plus extended constant expressions and tail calls) and refuses
// everything else with an error that says where.
package wasmbin

import "fmt"

// ValType is a value type, as its byte in the binary format.
type ValType byte

// The value types that modules here may use.
const (
	I32       ValType = 0x7f
	I64       ValType = 0x7e
	F32       ValType = 0x7d
	F64       ValType = 0x7c
	FuncRef   ValType = 0x70
	ExternRef ValType = 0x6f
)

// Kind says what an import or an export is.
type Kind byte

// The kinds of imports and exports.
const (
	KindFunc   Kind = 0
	KindTable  Kind = 1
	KindMemory Kind = 2
	KindGlobal Kind = 3
)

// FuncType is the signature of a function.
type FuncType struct {
	Params, Results []ValType
}

// Key returns a string that is equal exactly for equal signatures.
func (t FuncType) Key() string {
	return string(asBytes(t.Params)) + ">" + string(asBytes(t.Results))
}

func asBytes(vs []ValType) []byte {
	out := make([]byte, len(vs))
	for i, v := range vs {
		out[i] = byte(v)
	}
	return out
}

// Limits bounds a memory (in pages of 64 KiB) or a table (in entries).
type Limits struct {
	Min    uint64
	Max    uint64
	HasMax bool
}

// Table describes a table.
type Table struct {
	Elem   ValType
	Limits Limits
}

// GlobalType is the type of a global.
type GlobalType struct {
	Type    ValType
	Mutable bool
}

// Global is a global that the module defines. Init is a constant expression, its final `end` included.
type Global struct {
	GlobalType
	Init []byte
}

// Import is one import. Only the field that belongs to Kind is meaningful.
type Import struct {
	Module, Name string
	Kind         Kind
	Func         uint32 // type index
	Table        Table
	Memory       Limits
	Global       GlobalType
}

// Export is one export; Index is in the index space of Kind.
type Export struct {
	Name  string
	Kind  Kind
	Index uint32
}

// Element is an element segment. Funcs holds the function indices; Null marks an empty slot.
type Element struct {
	Mode   SegmentMode
	Table  uint32
	Offset []byte // constant expression of an active segment, its `end` included
	Funcs  []uint32
}

// Null is the function index of an empty slot of an element segment (ref.null).
const Null = ^uint32(0)

// SegmentMode says when an element or data segment is applied.
type SegmentMode byte

// The modes of segments.
const (
	Active SegmentMode = iota
	Passive
	Declarative
)

// Data is a data segment.
type Data struct {
	Mode   SegmentMode
	Memory uint32
	Offset []byte // constant expression of an active segment, its `end` included
	Bytes  []byte
}

// Local is a run of locals of one type.
type Local struct {
	Count uint32
	Type  ValType
}

// Body is the code of one function. Code ends with the `end` of the function.
type Body struct {
	Locals []Local
	Code   []byte
}

// Custom is a custom section.
type Custom struct {
	Name string
	Data []byte
}

// Module is a decoded module. Funcs holds the type indices of the functions it defines, in the order of Code.
type Module struct {
	Types     []FuncType
	Imports   []Import
	Funcs     []uint32
	Tables    []Table
	Memories  []Limits
	Globals   []Global
	Exports   []Export
	Start     *uint32
	Elements  []Element
	DataCount *uint32
	Code      []Body
	Data      []Data
	Customs   []Custom
}

// ImportCount returns how many imports are of the given kind, which is also the index of the first
// definition of that kind.
func (m *Module) ImportCount(kind Kind) uint32 {
	var n uint32
	for i := range m.Imports {
		if m.Imports[i].Kind == kind {
			n++
		}
	}
	return n
}

// FuncType returns the signature of a function of the module by its index, imports included.
func (m *Module) FuncType(index uint32) (FuncType, error) {
	i := index
	for k := range m.Imports {
		if m.Imports[k].Kind != KindFunc {
			continue
		}
		if i == 0 {
			return m.typeAt(m.Imports[k].Func)
		}
		i--
	}
	if int(i) >= len(m.Funcs) {
		return FuncType{}, fmt.Errorf("wasmbin: function %d is beyond the last", index)
	}
	return m.typeAt(m.Funcs[i])
}

func (m *Module) typeAt(i uint32) (FuncType, error) {
	if int(i) >= len(m.Types) {
		return FuncType{}, fmt.Errorf("wasmbin: type %d is beyond the last", i)
	}
	return m.Types[i], nil
}

// Export returns the export of that name.
func (m *Module) Export(name string) (Export, bool) {
	for _, e := range m.Exports {
		if e.Name == name {
			return e, true
		}
	}
	return Export{}, false
}

// TypeIndex returns the index of a signature in Types, adding it when it is new.
func (m *Module) TypeIndex(t FuncType) uint32 {
	for i := range m.Types {
		if m.Types[i].Key() == t.Key() {
			return uint32(i)
		}
	}
	m.Types = append(m.Types, t)
	return uint32(len(m.Types) - 1)
}

// Custom returns the contents of the first custom section of that name, or nil.
func (m *Module) Custom(name string) []byte {
	for _, c := range m.Customs {
		if c.Name == name {
			return c.Data
		}
	}
	return nil
}
