package extension

import (
	"fmt"

	"github.com/eryx-go/eryx/wasm/internal/wasmbin"
)

// rewriteCode translates the bodies into the index spaces of the output, and refuses instructions that would
// reach what is not the library's: the guest's table, the size of its memory. What an instruction does with its
// operands is checked when the result is compiled.
func (b *builder) rewriteCode() error {
	for i, body := range b.in.Code {
		if err := checkSize(b.types[int(b.imports)+i], body); err != nil {
			return fmt.Errorf("its function %d: %w", i, err)
		}
		code, err := b.rewrite(i, body.Code)
		if err != nil {
			return fmt.Errorf("its function %d: %w", i, err)
		}
		b.out.Code = append(b.out.Code, wasmbin.Body{Locals: body.Locals, Code: code})
	}
	return nil
}

func (b *builder) rewrite(definition int, code []byte) ([]byte, error) {
	out := make([]byte, 0, len(code)+len(code)/8)
	err := wasmbin.Walk(code, func(in wasmbin.Instr) error {
		switch in.Op {
		case wasmbin.OpCall:
			if in.A >= uint64(len(b.functions)) {
				return fmt.Errorf("it calls function %d, which there is not", in.A)
			}
			out = wasmbin.AppendIndexed(out, in.Op, b.functions[in.A])
			return nil
		case wasmbin.OpGlobalGet, wasmbin.OpGlobalSet:
			if in.Op == wasmbin.OpGlobalSet && b.settling[definition] { // it has its value
				out = append(out, byte(wasmbin.OpDrop))
				return nil
			}
			index, err := b.outputGlobal(in)
			out = wasmbin.AppendIndexed(out, in.Op, index)
			return err
		case wasmbin.OpCallIndirect:
			if in.B != 0 {
				return fmt.Errorf("it uses table %d, which there is not", in.B)
			}
		case wasmbin.OpMemoryGrow:
			return fmt.Errorf("it grows the memory (memory.grow): use malloc")
		case wasmbin.OpMemoryInit, wasmbin.OpDataDrop, wasmbin.OpTableInit, wasmbin.OpElemDrop, wasmbin.OpTableCopy,
			wasmbin.OpTableGrow, wasmbin.OpTableSize, wasmbin.OpTableFill, wasmbin.OpTableGet, wasmbin.OpTableSet,
			wasmbin.OpRefFunc, wasmbin.OpRefNull, wasmbin.OpRefIsNull, wasmbin.OpReturnCall, wasmbin.OpReturnCallInd:
			return fmt.Errorf("instruction %#x is not supported in extensions", uint16(in.Op))
		}
		out = append(out, code[in.Pos:in.End]...)
		return nil
	})
	return out, err
}

// outputGlobal is the output's global for one of the library's.
func (b *builder) outputGlobal(in wasmbin.Instr) (uint32, error) {
	if in.A >= uint64(len(b.globals)) {
		return 0, fmt.Errorf("it uses global %d, which there is not", in.A)
	}
	g := b.globals[in.A]
	if g.stack {
		return globalStack, nil
	}
	if in.Op == wasmbin.OpGlobalSet {
		return 0, fmt.Errorf("it sets global %d, which is an address", in.A)
	}
	return uint32(globalFirst + g.index), nil
}

// addStubs defines the weak imports that nothing provides: to call one is a trap, as C has it.
func (b *builder) addStubs() error {
	for _, typ := range b.stubs {
		b.addFunction(typ, []byte{byte(wasmbin.OpUnreachable), byte(wasmbin.OpEnd)})
	}
	return nil
}

// addFunction adds a function without locals and returns its index.
func (b *builder) addFunction(typ wasmbin.FuncType, code []byte) uint32 {
	b.out.Funcs = append(b.out.Funcs, b.out.TypeIndex(typ))
	b.out.Code = append(b.out.Code, wasmbin.Body{Code: code})
	return uint32(len(b.guestFunc) + len(b.out.Code) - 1)
}

// initFunction makes the function that calls what initialises the library, in the order of a dynamic loader.
func (b *builder) initFunction() (uint32, error) {
	var code []byte
	call := func(index uint32) error {
		typ, ok := b.types[index], true
		if ok = len(typ.Params)+len(typ.Results) == 0; !ok {
			return fmt.Errorf("its function that initialises it has the signature %s", signature(typ))
		}
		code = wasmbin.AppendIndexed(code, wasmbin.OpCall, b.functions[index])
		return nil
	}
	if start := b.in.Start; start != nil {
		if int(*start) >= len(b.types) {
			return 0, fmt.Errorf("its start function is %d, which there is not", *start)
		}
		if err := call(*start); err != nil {
			return 0, err
		}
	}
	names := []string{"__wasm_apply_data_relocs", "_initialize"}
	if _, ok := b.exports["_initialize"]; !ok {
		names[1] = "__wasm_call_ctors"
	}
	for _, name := range names {
		if _, ok := b.ownFunction(name); !ok {
			continue
		}
		if err := call(b.exports[name].Index); err != nil {
			return 0, err
		}
	}
	return b.addFunction(wasmbin.FuncType{}, append(code, byte(wasmbin.OpEnd))), nil
}

// addLoader adds what the host calls to load the library, and the globals that it sets.
func (b *builder) addLoader() {
	for i := range b.addresses {
		init := append(wasmbin.AppendI32Const(nil, 0), byte(wasmbin.OpEnd))
		b.out.Globals = append(b.out.Globals, wasmbin.Global{GlobalType: wasmbin.GlobalType{Type: wasmbin.I32, Mutable: true}, Init: init})
		b.out.Exports = append(b.out.Exports, wasmbin.Export{Name: GlobalName(i), Kind: wasmbin.KindGlobal, Index: uint32(globalFirst + i)})
	}
	b.out.Elements = []wasmbin.Element{{Mode: wasmbin.Passive, Funcs: b.slots}}
	i32 := []wasmbin.ValType{wasmbin.I32}
	grow := []byte{byte(wasmbin.OpRefNull), byte(wasmbin.FuncRef)}
	grow = wasmbin.AppendIndexed(grow, wasmbin.OpLocalGet, 0)
	grow = append(appendPrefixed(grow, wasmbin.OpTableGrow, 0), byte(wasmbin.OpEnd))
	link := wasmbin.AppendIndexed(nil, wasmbin.OpLocalGet, 0)
	link = wasmbin.AppendI32Const(link, 0)
	link = wasmbin.AppendI32Const(link, int32(len(b.slots)))
	link = append(appendPrefixed(link, wasmbin.OpTableInit, 0, 0), byte(wasmbin.OpEnd))
	export := func(name string, index uint32) {
		b.out.Exports = append(b.out.Exports, wasmbin.Export{Name: name, Kind: wasmbin.KindFunc, Index: index})
	}
	export(GrowFunction, b.addFunction(wasmbin.FuncType{Params: i32, Results: i32}, grow))
	export(LinkFunction, b.addFunction(wasmbin.FuncType{Params: i32}, link))
}

// appendPrefixed writes an instruction behind the prefix 0xfc.
func appendPrefixed(code []byte, op wasmbin.Op, immediates ...uint32) []byte {
	code = wasmbin.AppendU32(append(code, 0xfc), uint32(op&0xff))
	for _, i := range immediates {
		code = wasmbin.AppendU32(code, i)
	}
	return code
}
