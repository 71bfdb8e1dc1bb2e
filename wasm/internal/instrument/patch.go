package instrument

import (
	"errors"

	"github.com/eryx-go/eryx/wasm/internal/wasmbin"
)

// points is where one function counts, and how it may come back to itself without doing so.
type points struct {
	loops   int      // how many it has
	heads   int      // how many of them count
	calls   int      // calls through the table that count
	places  []int    // offsets in the code at which to count: behind loop instructions, before such calls
	entry   bool     // count at the entry too
	callees []uint32 // functions called before any count at a head, as indices of definitions
}

// analyse finds the loops to count, and the calls that are not inside one of them: before the others, the
// function has counted already. Calls through the table may lead anywhere, so they count; direct calls are
// looked at by chooseEntries.
func analyse(code []byte, imports uint32, mode Mode) (points, error) {
	list, err := instructions(code)
	if err != nil {
		return points{}, err
	}
	loops := findLoops(list)
	p := points{loops: len(loops)}
	if mode == None {
		return p, nil
	}
	if mode != CountAll {
		skipShort(list, loops)
	}
	covered := 0 // the end of the counted loops so far
	for i, in := range list {
		if in.Op == wasmbin.OpLoop {
			if l := loops[0]; l.counted {
				p.heads++
				p.places = append(p.places, in.End)
				covered = max(covered, l.tail)
			}
			loops = loops[1:]
		}
		if i < covered || mode == LoopsOnly {
			continue
		}
		if in.Op == wasmbin.OpCallIndirect {
			p.calls++
			p.places = append(p.places, in.Pos)
		} else if in.Op == wasmbin.OpCall && uint32(in.A) >= imports {
			p.callees = append(p.callees, uint32(in.A)-imports)
		}
	}
	return p, nil
}

func instructions(code []byte) ([]wasmbin.Instr, error) {
	var list []wasmbin.Instr
	err := wasmbin.Walk(code, func(in wasmbin.Instr) error {
		if in.Op == wasmbin.OpReturnCall || in.Op == wasmbin.OpReturnCallInd {
			return errors.New("tail calls would loop without a head")
		}
		list = append(list, in)
		return nil
	})
	return list, err
}

// patch rewrites one function.
func patch(m *wasmbin.Module, index uint32, p points, fuel, wrapper uint32) error {
	if len(p.places) == 0 && !p.entry {
		return nil
	}
	typ, err := m.FuncType(index)
	if err != nil {
		return err
	}
	body := &m.Code[index-m.ImportCount(wasmbin.KindFunc)]
	scratch := uint32(len(typ.Params))
	for _, l := range body.Locals {
		scratch += l.Count
	}
	out := make([]byte, 0, len(body.Code)+20*(len(p.places)+1))
	if p.entry {
		out = count(out, fuel, wrapper, scratch)
	}
	done := 0
	for _, place := range p.places {
		out = append(out, body.Code[done:place]...)
		out = count(out, fuel, wrapper, scratch)
		done = place
	}
	body.Code = append(out, body.Code[done:]...)
	body.Locals = append(append([]wasmbin.Local{}, body.Locals...), wasmbin.Local{Count: 1, Type: wasmbin.I32})
	return nil
}

// count appends: fuel -= 1; if fuel < 0 then wrapper().
func count(out []byte, fuel, wrapper, scratch uint32) []byte {
	out = wasmbin.AppendIndexed(out, wasmbin.OpGlobalGet, fuel)
	out = wasmbin.AppendI32Const(out, 1)
	out = append(out, byte(wasmbin.OpI32Sub))
	out = wasmbin.AppendIndexed(out, wasmbin.OpLocalTee, scratch)
	out = wasmbin.AppendIndexed(out, wasmbin.OpGlobalSet, fuel)
	out = wasmbin.AppendIndexed(out, wasmbin.OpLocalGet, scratch)
	out = wasmbin.AppendI32Const(out, 0)
	out = append(out, byte(wasmbin.OpI32LtS), byte(wasmbin.OpIf), 0x40)
	out = wasmbin.AppendIndexed(out, wasmbin.OpCall, wrapper)
	return append(out, byte(wasmbin.OpEnd))
}
