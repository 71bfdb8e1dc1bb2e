package linker

import (
	"fmt"
	"slices"
	"strings"

	"github.com/eryx-go/eryx/wasm/internal/wasmbin"
)

const (
	startName    = "eryx_start"
	stackPointer = "__stack_pointer"
	tableName    = "__indirect_function_table"
	maxPages     = 65536
)

// emit writes what can be reached from the exports and the table.
func (l *linker) emit() (*Result, error) {
	exports, err := l.exports()
	if err != nil {
		return nil, err
	}
	if err := l.checkSymbols(); err != nil {
		return nil, err
	}
	symbols := l.symbolExports()
	exports = append(exports, symbols...)
	if err := l.mark(exports); err != nil {
		return nil, fmt.Errorf("linker: %w", err)
	}
	types := &typeTable{}
	m := &wasmbin.Module{
		Memories: []wasmbin.Limits{{Min: uint64(l.heapEnd/pageSize) + 1, Max: maxPages, HasMax: true}}, // the last page is slack: package bounds
		Globals:  []wasmbin.Global{l.stackGlobal()},
	}
	functions := l.number(m, types)
	if err := l.writeCode(m, types, functions); err != nil {
		return nil, fmt.Errorf("linker: %w", err)
	}
	l.writeTable(m)
	m.Types = types.types
	m.Exports = []wasmbin.Export{
		{Name: "memory", Kind: wasmbin.KindMemory}, {Name: stackPointer, Kind: wasmbin.KindGlobal},
	}
	if l.opts.TableGrowth > 0 {
		m.Exports = append(m.Exports, wasmbin.Export{Name: tableName, Kind: wasmbin.KindTable})
	}
	for _, e := range exports {
		m.Exports = append(m.Exports, wasmbin.Export{Name: e.name, Kind: wasmbin.KindFunc, Index: e.f.index})
	}
	names := make([]string, len(functions))
	for i, f := range functions {
		names[i] = f.name
	}
	wasmbin.SetFunctionNames(m, names)
	res := l.result(m)
	res.Symbols = l.symbolTable(symbols)
	return res, nil
}

func (l *linker) result(m *wasmbin.Module) *Result {
	res := &Result{Module: m, DataStart: l.opts.StackSize, Data: l.memory, HeapBase: l.heapBase}
	for len(res.Data) > 0 && res.Data[len(res.Data)-1] == 0 {
		res.Data = res.Data[:len(res.Data)-1]
	}
	for _, f := range l.stubs {
		if f.live {
			res.Stubs = append(res.Stubs, f.name)
		}
	}
	for name, f := range l.originals {
		if own := l.shim.own(name); own != nil && own != f {
			res.Overrides = append(res.Overrides, name)
		}
	}
	slices.Sort(res.Overrides)
	return res
}

func (l *linker) stackGlobal() wasmbin.Global {
	init := append(wasmbin.AppendI32Const(nil, int32(l.opts.StackSize)), byte(wasmbin.OpEnd))
	return wasmbin.Global{GlobalType: wasmbin.GlobalType{Type: wasmbin.I32, Mutable: true}, Init: init}
}

type export struct {
	name string
	f    *function
}

// exports lists the functions to export: the generated start function and what the options select.
func (l *linker) exports() ([]export, error) {
	out := []export{{startName, l.startFunction()}}
	for _, pattern := range l.opts.Exports {
		prefix, isPrefix := strings.CutSuffix(pattern, "*")
		found := false
		for _, e := range l.shim.module.Exports {
			if e.Kind != wasmbin.KindFunc || (e.Name != pattern && (!isPrefix || !strings.HasPrefix(e.Name, prefix))) {
				continue
			}
			if f := l.shim.own(e.Name); f != nil {
				out = append(out, export{e.Name, f})
				found = true
			}
		}
		if !found {
			return nil, fmt.Errorf("linker: the shim defines nothing to export as %q", pattern)
		}
	}
	slices.SortFunc(out, func(a, b export) int { return strings.Compare(a.name, b.name) })
	return slices.Compact(out), nil
}

// startFunction makes the function that calls the constructors of every library, the ones that others
// need (the later inputs) first.
func (l *linker) startFunction() *function {
	f := &function{name: startName, body: &wasmbin.Body{}}
	starter := &library{name: "start"}
	for _, lib := range slices.Backward(l.libs) {
		ctor := lib.own(symInitialize)
		if ctor == nil {
			ctor = lib.own(symCtors)
		}
		if ctor == nil {
			continue
		}
		f.body.Code = wasmbin.AppendIndexed(f.body.Code, wasmbin.OpCall, uint32(len(starter.funcs)))
		starter.funcs = append(starter.funcs, ctor)
	}
	f.body.Code = append(f.body.Code, byte(wasmbin.OpEnd))
	f.lib = starter
	return f
}

// number orders the live functions (imports first) and gives them their indices.
func (l *linker) number(m *wasmbin.Module, types *typeTable) []*function {
	var imports, defined []*function
	for _, f := range l.order {
		if f.body == nil {
			imports = append(imports, f)
		} else {
			defined = append(defined, f)
		}
	}
	slices.SortFunc(imports, func(a, b *function) int { return strings.Compare(a.name, b.name) })
	for _, f := range imports {
		m.Imports = append(m.Imports, wasmbin.Import{Module: f.module, Name: f.field, Kind: wasmbin.KindFunc,
			Func: types.index(f.typ)})
	}
	all := append(imports, defined...)
	for i, f := range all {
		f.index = uint32(i)
	}
	return all
}

func (l *linker) writeCode(m *wasmbin.Module, types *typeTable, functions []*function) error {
	for _, f := range functions {
		if f.body == nil {
			continue
		}
		m.Funcs = append(m.Funcs, types.index(f.typ))
		body := *f.body
		if f.lib != nil {
			var err error
			if body, err = (&rewriter{lib: f.lib, types: types}).body(f); err != nil {
				return err
			}
		}
		m.Code = append(m.Code, body)
	}
	return nil
}

func (l *linker) writeTable(m *wasmbin.Module) {
	size := uint64(len(l.table))
	m.Tables = []wasmbin.Table{{Elem: wasmbin.FuncRef, Limits: wasmbin.Limits{Min: size, Max: size + uint64(l.opts.TableGrowth), HasMax: true}}}
	segment := func(start int) {
		offset := append(wasmbin.AppendI32Const(nil, int32(start)), byte(wasmbin.OpEnd))
		m.Elements = append(m.Elements, wasmbin.Element{Offset: offset})
	}
	for i, f := range l.table {
		if f == nil {
			continue
		}
		if i == 0 || l.table[i-1] == nil {
			segment(i)
		}
		last := &m.Elements[len(m.Elements)-1]
		last.Funcs = append(last.Funcs, f.index)
	}
}

// mark finds what can be reached, in an order that depends on the inputs only.
func (l *linker) mark(exports []export) error {
	var work []*function
	visit := func(f *function) {
		if f != nil && !f.live {
			f.live = true
			work = append(work, f)
		}
	}
	for _, e := range exports {
		visit(e.f)
	}
	for _, f := range l.table {
		visit(f)
	}
	for len(work) > 0 {
		f := work[len(work)-1]
		work = work[:len(work)-1]
		if err := eachCallee(f, visit); err != nil {
			return err
		}
	}
	for _, lib := range l.libs {
		for _, f := range lib.defs {
			if f.live {
				l.order = append(l.order, f)
			}
		}
	}
	for _, e := range exports {
		if e.f.name == startName { // generated: no library has it
			l.order = append(l.order, e.f)
		}
	}
	for _, f := range sortedByName(l.hosts) {
		if f.live {
			l.order = append(l.order, f)
		}
	}
	return nil
}

// eachCallee calls visit for the functions that the body of f names.
func eachCallee(f *function, visit func(*function)) error {
	if f.body == nil || f.lib == nil {
		return nil
	}
	return wasmbin.Walk(f.body.Code, func(in wasmbin.Instr) error {
		switch in.Op {
		case wasmbin.OpCall, wasmbin.OpReturnCall, wasmbin.OpRefFunc:
			if in.A >= uint64(len(f.lib.funcs)) {
				return fmt.Errorf("%s: %s calls function %d", f.lib.name, f.name, in.A)
			}
			visit(f.lib.funcs[in.A])
		}
		return nil
	})
}

func sortedByName(m map[string]*function) []*function {
	var out []*function
	for _, f := range m {
		out = append(out, f)
	}
	slices.SortFunc(out, func(a, b *function) int { return strings.Compare(a.name, b.name) })
	return out
}
