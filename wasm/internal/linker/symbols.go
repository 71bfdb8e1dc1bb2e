package linker

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/eryx-go/eryx/wasm/internal/wasmbin"
)

// realPrefix lets the shim import the definition that it overrides.
const realPrefix = "__real_"

// defineSymbols fills the symbol tables from the exports of the libraries; the first definition of a name wins.
func (l *linker) defineSymbols() {
	for _, lib := range l.libs {
		for _, e := range lib.module.Exports {
			if e.Kind != wasmbin.KindFunc || internal(e.Name) {
				continue
			}
			f := lib.defined(e.Index)
			if f == nil {
				continue // an import exported again: its provider defines the name
			}
			setDefault(l.symbols, e.Name, f)
			if lib != l.shim {
				setDefault(l.originals, e.Name, f)
			}
		}
	}
	for name, address := range map[string]uint32{
		"__heap_base": l.heapBase, "__heap_end": l.heapEnd, "__data_end": l.dataEnd, "__dso_handle": 0,
		"__stack_low": 0, "__stack_high": l.opts.StackSize, "__global_base": l.opts.StackSize,
	} {
		l.data[name] = address
	}
}

func setDefault[V any](m map[string]V, name string, v V) {
	if _, taken := m[name]; !taken {
		m[name] = v
	}
}

// bindFunctions fills the function index spaces of the libraries.
func (l *linker) bindFunctions() error {
	for _, lib := range l.libs {
		for _, imp := range lib.module.Imports {
			if imp.Kind == wasmbin.KindFunc {
				lib.funcs = append(lib.funcs, l.bindImport(lib, imp))
			}
		}
		lib.funcs = append(lib.funcs, lib.defs...)
	}
	l.override()
	l.overrideAliases()
	l.exportData()
	return errors.Join(l.errs...)
}

// unresolved tells which symbols nothing defines, all at once.
func (l *linker) unresolved() error {
	if len(l.missing) == 0 {
		return nil
	}
	slices.Sort(l.missing)
	return fmt.Errorf("unresolved symbols:\n  %s", strings.Join(slices.Compact(l.missing), "\n  "))
}

// bindImport returns what provides an imported function.
func (l *linker) bindImport(lib *library, imp wasmbin.Import) *function {
	id := imp.Module + "." + imp.Name
	if int(imp.Func) >= len(lib.module.Types) {
		l.errs = append(l.errs, fmt.Errorf("%s: %s has no type", lib.name, id))
		return nil
	}
	typ := lib.module.Types[imp.Func]
	f := l.provider(imp.Module, imp.Name)
	switch {
	case f != nil:
	case slices.Contains(l.opts.HostModules, imp.Module):
		f = &function{name: id, typ: typ, module: imp.Module, field: imp.Name}
		l.hosts[id] = f
	case strings.HasPrefix(imp.Module, l.opts.StubPrefix) && l.opts.StubPrefix != "", lib.weak[id]:
		f = trap(id, typ)
		l.hosts[id] = f
		l.stubs = append(l.stubs, f)
	default:
		l.missing = append(l.missing, fmt.Sprintf("%s (function, needed by %s)", id, lib.name))
		return nil
	}
	if f.typ.Key() != typ.Key() {
		l.errs = append(l.errs, fmt.Errorf("%s: import %s has another signature than its definition", lib.name, id))
	}
	return f
}

// provider finds the function for an import by name: a library's, or one bound before.
func (l *linker) provider(module, name string) *function {
	if module != "env" {
		return l.hosts[module+"."+name]
	}
	if f := l.symbols[name]; f != nil {
		return f
	}
	if original, ok := strings.CutPrefix(name, realPrefix); ok {
		return l.originals[original]
	}
	return l.hosts[module+"."+name]
}

// trap makes the function that stands for an import that nothing provides. Dropping a handle of a resource
// that can never have been made is harmless; all else traps.
func trap(name string, typ wasmbin.FuncType) *function {
	code := []byte{byte(wasmbin.OpUnreachable), byte(wasmbin.OpEnd)}
	if strings.Contains(name, "[resource-drop]") {
		code = code[1:]
	}
	return &function{name: name, typ: typ, body: &wasmbin.Body{Code: code}, stub: true}
}

// override replaces, in the index space of every other library, what the shim defines under the same name:
// direct calls and addresses taken inside the library follow.
func (l *linker) override() {
	for _, lib := range l.libs[1:] {
		first := len(lib.funcs) - len(lib.defs)
		for _, e := range lib.module.Exports {
			f := l.shim.own(e.Name)
			if e.Kind != wasmbin.KindFunc || f == nil || internal(e.Name) || lib.defined(e.Index) == nil {
				continue
			}
			old := lib.defs[int(e.Index)-first]
			if old.typ.Key() != f.typ.Key() {
				l.errs = append(l.errs, fmt.Errorf("%s: the shim's %s has another signature", lib.name, e.Name))
			}
			lib.funcs[e.Index] = f
		}
	}
}

// overrideAliases lets the other names of an overridden function follow it in all libraries but the shim, whose
// imports are what they say.
func (l *linker) overrideAliases() {
	replaced := map[*function]*function{}
	for _, lib := range l.libs[1:] {
		first := len(lib.funcs) - len(lib.defs)
		for i, def := range lib.defs {
			if now := lib.funcs[first+i]; now != def {
				replaced[def] = now
			}
		}
	}
	for name, f := range l.symbols {
		if now := replaced[f]; now != nil {
			l.symbols[name] = now
		}
	}
	for _, lib := range l.libs[1:] {
		for i, f := range lib.funcs {
			if now := replaced[f]; now != nil {
				lib.funcs[i] = now
			}
		}
	}
}

// exportData enters the exported data of the libraries. A constant is relative to the library's memory.
func (l *linker) exportData() {
	for _, lib := range l.libs {
		first := lib.module.ImportCount(wasmbin.KindGlobal)
		for _, e := range lib.module.Exports {
			if e.Kind != wasmbin.KindGlobal || e.Index < first || int(e.Index-first) >= len(lib.module.Globals) {
				continue
			}
			g := lib.module.Globals[e.Index-first]
			offset, err := (&evaluator{}).constant(g.Init)
			if g.Mutable || err != nil {
				l.errs = append(l.errs, fmt.Errorf("%s: exported global %s is not an offset", lib.name, e.Name))
				continue
			}
			setDefault(l.data, e.Name, lib.memoryBase+offset)
		}
	}
}

// bindBases fills the global index spaces with what is known before the table is: the stack pointer and
// the bases. Addresses stay empty until bindAddresses.
func (l *linker) bindBases() error {
	for _, lib := range l.libs {
		for _, imp := range lib.module.Imports {
			if imp.Kind != wasmbin.KindGlobal {
				continue
			}
			if imp.Global.Type != wasmbin.I32 {
				return fmt.Errorf("%s: global %s.%s is not an i32", lib.name, imp.Module, imp.Name)
			}
			g := global{} // the stack pointer is global 0 of the output
			switch imp.Module + "." + imp.Name {
			case "env.__memory_base":
				g = global{constant: true, value: lib.memoryBase}
			case "env.__table_base":
				g = global{constant: true, value: lib.tableBase}
			}
			lib.globals = append(lib.globals, g)
		}
	}
	return nil
}

// bindAddresses completes the global index spaces: GOT entries, then the globals that the libraries define,
// which are addresses too.
func (l *linker) bindAddresses() error {
	for _, lib := range l.libs {
		i := 0
		for _, imp := range lib.module.Imports {
			if imp.Kind != wasmbin.KindGlobal {
				continue
			}
			if imp.Module != "env" {
				lib.globals[i] = l.address(lib, imp)
			} else if imp.Name != stackPointer && !lib.globals[i].constant {
				l.missing = append(l.missing, fmt.Sprintf("env.%s (global, needed by %s)", imp.Name, lib.name))
			}
			i++
		}
		for i, g := range lib.module.Globals {
			value, err := (&evaluator{lib: lib}).constant(g.Init)
			if err != nil || g.Mutable || g.Type != wasmbin.I32 {
				return fmt.Errorf("%s: global %d is not an address (%v)", lib.name, i, err)
			}
			lib.globals = append(lib.globals, global{constant: true, value: value})
		}
	}
	return l.unresolved()
}

// address returns the constant for an entry of the global offset table.
func (l *linker) address(lib *library, imp wasmbin.Import) global {
	address, isData := l.data[imp.Name]
	f := l.provider("env", imp.Name)
	switch {
	case imp.Module == "GOT.mem" && isData:
		return global{constant: true, value: address}
	case imp.Module == "GOT.func" && f != nil:
		return global{constant: true, value: l.slot(f)}
	case lib.weak[imp.Module+"."+imp.Name], lib.weak["env."+imp.Name]:
		return global{constant: true}
	}
	l.missing = append(l.missing, fmt.Sprintf("%s.%s (address, needed by %s)", imp.Module, imp.Name, lib.name))
	return global{constant: true}
}
