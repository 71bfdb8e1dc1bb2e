package extension

import (
	"fmt"
	"slices"
	"strings"

	"github.com/eryx-go/eryx/wasm/internal/instrument"
	"github.com/eryx-go/eryx/wasm/internal/wasmbin"
)

// Indices of the output's globals: those of the guest come first, then the addresses.
const (
	globalStack = iota
	globalFuel
	globalFirst
)

const (
	stackPointer = "__stack_pointer"
	weakStub     = ^uint32(0) // in functions: a weak import that nothing defines, see addStubs
)

// importFunctions binds the imported functions to the guest's. All that are missing are named at once.
func (b *builder) importFunctions() error {
	b.importGuest()
	var missing []string
	next := 0
	for _, imp := range b.in.Imports {
		switch imp.Kind {
		case wasmbin.KindFunc:
			typ := b.types[next]
			next++
			if f, ok := b.guest.Functions[imp.Name]; !ok || imp.Module != "env" {
				if !b.weak[imp.Module+"."+imp.Name] {
					missing = append(missing, imp.Module+"."+imp.Name)
				}
				b.functions = append(b.functions, weakStub)
			} else if f.Type.Key() != typ.Key() {
				return fmt.Errorf("it takes %s to have another signature than it has: %s instead of %s", imp.Name, signature(typ), signature(f.Type))
			} else {
				b.functions = append(b.functions, b.guestFunction(imp.Name))
			}
		case wasmbin.KindTable:
			if imp.Module+"."+imp.Name != "env.__indirect_function_table" || imp.Table.Elem != wasmbin.FuncRef {
				return fmt.Errorf("it imports the table %.100s.%.100s", imp.Module, imp.Name)
			}
		case wasmbin.KindMemory:
			if imp.Module+"."+imp.Name != "env.memory" {
				return fmt.Errorf("it imports the memory %.100s.%.100s", imp.Module, imp.Name)
			}
		}
	}
	return missingError(missing)
}

const maxNamed = 20 // missing symbols that an error names

func missingError(missing []string) error {
	if len(missing) == 0 {
		return nil
	}
	slices.Sort(missing)
	missing = slices.Compact(missing)
	more := ""
	if len(missing) > maxNamed {
		more = fmt.Sprintf(" and %d more", len(missing)-maxNamed)
		missing = missing[:maxNamed]
	}
	for i, name := range missing {
		missing[i] = fmt.Sprintf("%.100s", name)
	}
	return fmt.Errorf("it imports what the sandbox does not have: %s%s (docs/native-extensions.md lists what there is)", strings.Join(missing, ", "), more)
}

// importGuest imports the memory, the table, and the globals that are shared.
func (b *builder) importGuest() {
	number := wasmbin.GlobalType{Type: wasmbin.I32, Mutable: true}
	b.out.Imports = []wasmbin.Import{
		{Module: GuestModule, Name: "memory", Kind: wasmbin.KindMemory},
		{Module: GuestModule, Name: "__indirect_function_table", Kind: wasmbin.KindTable, Table: wasmbin.Table{Elem: wasmbin.FuncRef}},
		{Module: GuestModule, Name: stackPointer, Kind: wasmbin.KindGlobal, Global: number},
		{Module: GuestModule, Name: instrument.FuelGlobal, Kind: wasmbin.KindGlobal, Global: number},
	}
	for _, imp := range b.in.Imports { // all before code is rewritten: definitions are numbered behind the imports
		if imp.Kind == wasmbin.KindFunc && imp.Module == "env" {
			if _, ok := b.guest.Functions[imp.Name]; ok {
				b.guestFunction(imp.Name)
			}
		}
		if imp.Kind == wasmbin.KindGlobal && imp.Module == "GOT.func" && b.wantsSlot(imp.Name) {
			b.guestFunction(imp.Name)
		}
	}
	b.addImport(instrument.TickFunction, wasmbin.FuncType{Results: []wasmbin.ValType{wasmbin.I32}})
}

// guestFunction is the index of a function of the guest's in the output, which imports it.
func (b *builder) guestFunction(name string) uint32 {
	if index, ok := b.guestFunc[name]; ok {
		return index
	}
	return b.addImport(name, b.guest.Functions[name].Type)
}

func (b *builder) addImport(name string, typ wasmbin.FuncType) uint32 {
	index := uint32(len(b.guestFunc))
	b.guestFunc[name] = index
	b.out.Imports = append(b.out.Imports, wasmbin.Import{Module: GuestModule, Name: name, Kind: wasmbin.KindFunc, Func: b.out.TypeIndex(typ)})
	return index
}

// importFuel returns the indices of counter and tick function, which importGuest has imported.
func (b *builder) importFuel() (fuel, tick uint32) {
	return globalFuel, b.guestFunc[instrument.TickFunction]
}

// signature writes a type for error messages.
func signature(t wasmbin.FuncType) string {
	names := map[wasmbin.ValType]string{wasmbin.I32: "i32", wasmbin.I64: "i64", wasmbin.F32: "f32", wasmbin.F64: "f64"}
	list := func(types []wasmbin.ValType) string {
		var words []string
		for _, v := range types {
			words = append(words, names[v])
		}
		return strings.Join(words, ", ")
	}
	return "(" + list(t.Params) + ") -> (" + list(t.Results) + ")"
}
