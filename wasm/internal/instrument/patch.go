package instrument

import "github.com/eryx-go/eryx/wasm/internal/wasmbin"

// patcher rewrites the body of one function.
type patcher struct {
	fuel, wrapper uint32
	mode          Mode
	stats         Stats
}

func (p *patcher) function(m *wasmbin.Module, index uint32, body *wasmbin.Body) error {
	typ, err := m.FuncType(index)
	if err != nil {
		return err
	}
	scratch := uint32(len(typ.Params))
	for _, l := range body.Locals {
		scratch += l.Count
	}
	heads, err := p.heads(body.Code)
	if err != nil || len(heads) == 0 {
		return err
	}
	out := make([]byte, 0, len(body.Code)+20*len(heads))
	done := 0
	for _, head := range heads {
		out = append(out, body.Code[done:head]...)
		out = p.count(out, scratch)
		done = head
	}
	body.Code = append(out, body.Code[done:]...)
	body.Locals = append(append([]wasmbin.Local{}, body.Locals...), wasmbin.Local{Count: 1, Type: wasmbin.I32})
	return nil
}

// heads returns the offsets behind the loop instructions to count at.
func (p *patcher) heads(code []byte) ([]int, error) {
	var list []wasmbin.Instr
	err := wasmbin.Walk(code, func(in wasmbin.Instr) error {
		list = append(list, in)
		return nil
	})
	if err != nil {
		return nil, err
	}
	loops := findLoops(list)
	if p.mode == SkipShort {
		skipShort(list, loops)
	}
	p.stats.Loops += len(loops)
	var heads []int
	for _, l := range loops {
		if l.counted && p.mode != None {
			heads = append(heads, list[l.head].End)
		}
	}
	p.stats.Counted += len(heads)
	return heads, nil
}

// count appends: fuel -= 1; if fuel < 0 then wrapper().
func (p *patcher) count(out []byte, scratch uint32) []byte {
	out = wasmbin.AppendIndexed(out, wasmbin.OpGlobalGet, p.fuel)
	out = wasmbin.AppendI32Const(out, 1)
	out = append(out, byte(wasmbin.OpI32Sub))
	out = wasmbin.AppendIndexed(out, wasmbin.OpLocalTee, scratch)
	out = wasmbin.AppendIndexed(out, wasmbin.OpGlobalSet, p.fuel)
	out = wasmbin.AppendIndexed(out, wasmbin.OpLocalGet, scratch)
	out = wasmbin.AppendI32Const(out, 0)
	out = append(out, byte(wasmbin.OpI32LtS), byte(wasmbin.OpIf), 0x40)
	out = wasmbin.AppendIndexed(out, wasmbin.OpCall, p.wrapper)
	return append(out, byte(wasmbin.OpEnd))
}
