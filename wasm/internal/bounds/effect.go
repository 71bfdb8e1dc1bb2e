package bounds

import (
	"errors"
	"fmt"

	"github.com/eryx-go/eryx/wasm/internal/wasmbin"
)

var errTrailing = errors.New("code behind the end of the function")

// block follows the begin, middle or end of a block.
func (f *function) block(in wasmbin.Instr) error {
	top := &f.frames[len(f.frames)-1]
	switch in.Op {
	case wasmbin.OpElse:
		f.stack = f.stack[:top.height]
		f.shift(0, top.params)
		copy(f.covered, top.saved)
		copy(f.named, top.names)
	case wasmbin.OpEnd:
		f.end()
	default:
		if in.Op == wasmbin.OpIf {
			f.pop()
		}
		params, results, err := f.blockType(in)
		if err != nil {
			return err
		}
		f.shift(params, 0)
		opened := frame{op: in.Op, height: len(f.stack), params: params, results: results}
		if in.Op == wasmbin.OpLoop { // whatever is read inside has another name
			clear(f.covered)
			for i := range f.named {
				f.named[i] = true
			}
		}
		opened.saved = append([]bool{}, f.covered...)
		opened.names = append([]bool{}, f.named...)
		f.frames = append(f.frames, opened)
		f.shift(0, params)
	}
	return nil
}

func (f *function) end() {
	closed := f.frames[len(f.frames)-1]
	f.frames = f.frames[:len(f.frames)-1]
	f.stack = f.stack[:closed.height]
	if len(f.frames) == 0 {
		return
	}
	f.shift(0, closed.results)
	outer := &f.frames[len(f.frames)-1]
	outer.changed = append(outer.changed, closed.changed...)
	outer.loops = outer.loops || closed.loops || closed.op == wasmbin.OpLoop
	if closed.op != wasmbin.OpLoop {
		clear(f.named)
	}
	switch {
	case closed.op == wasmbin.OpLoop: // its end is reached from inside only
	case closed.loops:
		clear(f.covered)
	default:
		copy(f.covered, closed.saved)
		for _, local := range closed.changed {
			f.covered[local] = false
		}
	}
}

func (f *function) blockType(in wasmbin.Instr) (params, results int, err error) {
	if in.BlockIsEmpty() {
		return 0, 0, nil
	}
	index, ok := in.BlockType()
	if !ok {
		return 0, 1, nil
	}
	if int(index) >= len(f.module.Types) {
		return 0, 0, fmt.Errorf("no type %d", index)
	}
	t := f.module.Types[index]
	return len(t.Params), len(t.Results), nil
}

// effect says how many operands an instruction takes and leaves.
func (f *function) effect(in wasmbin.Instr) (pops, pushes int, err error) {
	switch in.Op {
	case wasmbin.OpBr, wasmbin.OpBrIf, wasmbin.OpBrTable, wasmbin.OpReturn, wasmbin.OpUnreachable:
		f.exits++
	}
	switch in.Op {
	case wasmbin.OpCall:
		t, err := f.module.FuncType(uint32(in.A))
		return len(t.Params), len(t.Results), err
	case wasmbin.OpCallIndirect:
		if int(in.A) >= len(f.module.Types) {
			return 0, 0, fmt.Errorf("no type %d", in.A)
		}
		t := f.module.Types[in.A]
		return len(t.Params) + 1, len(t.Results), nil
	case wasmbin.OpUnreachable, wasmbin.OpBr, wasmbin.OpBrTable, wasmbin.OpReturn:
		f.stack = f.stack[:f.frames[len(f.frames)-1].height]
		return 0, 0, nil
	case wasmbin.OpNop, wasmbin.OpDataDrop, wasmbin.OpElemDrop:
		return 0, 0, nil
	case wasmbin.OpBrIf, wasmbin.OpDrop, wasmbin.OpGlobalSet:
		return 1, 0, nil
	case wasmbin.OpSelect, wasmbin.OpSelectTyped:
		return 3, 1, nil
	case wasmbin.OpGlobalGet, wasmbin.OpMemorySize, wasmbin.OpTableSize, wasmbin.OpRefNull, wasmbin.OpRefFunc,
		wasmbin.OpI64Const, wasmbin.OpF32Const, wasmbin.OpF64Const:
		return 0, 1, nil
	case wasmbin.OpTableGet, wasmbin.OpMemoryGrow, wasmbin.OpRefIsNull:
		return 1, 1, nil
	case wasmbin.OpTableSet:
		return 2, 0, nil
	case wasmbin.OpTableGrow:
		return 2, 1, nil
	case wasmbin.OpMemoryInit, wasmbin.OpMemoryCopy, wasmbin.OpMemoryFill, wasmbin.OpTableInit, wasmbin.OpTableCopy,
		wasmbin.OpTableFill:
		return 3, 0, nil
	}
	return numeric(in.Op)
}

// numeric is the effect of an arithmetic instruction: one value from two, or from one. The ranges are those of the
// binary format (WebAssembly core specification, 5.4.7).
func numeric(op wasmbin.Op) (pops, pushes int, err error) {
	for _, r := range [][2]wasmbin.Op{{0x46, 0x4f}, {0x51, 0x5a}, {0x5b, 0x66}, {0x6a, 0x78}, {0x7c, 0x8a}, {0x92, 0x98}, {0xa0, 0xa6}} {
		if op >= r[0] && op <= r[1] {
			return 2, 1, nil
		}
	}
	if op >= wasmbin.OpI32Eqz && op <= wasmbin.OpI64Extend32S || op >= 0xfc00 && op <= wasmbin.OpI64TruncSatF64U {
		return 1, 1, nil
	}
	return 0, 0, fmt.Errorf("unsupported instruction %#x", uint16(op))
}

// accessWidth is how many bytes a load or store moves, 0 for other instructions.
func accessWidth(op wasmbin.Op) uint64 {
	if op < wasmbin.OpI32Load || op > wasmbin.OpI64Store32 {
		return 0
	}
	return []uint64{4, 8, 4, 8, 1, 1, 2, 2, 1, 1, 2, 2, 4, 4, 4, 8, 4, 8, 1, 2, 1, 2, 4}[op-wasmbin.OpI32Load]
}

func isStore(op wasmbin.Op) bool { return op >= wasmbin.OpI32Store && op <= wasmbin.OpI64Store32 }
