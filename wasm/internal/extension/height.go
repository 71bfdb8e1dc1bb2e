package extension

import "github.com/eryx-go/eryx/wasm/internal/wasmbin"

// heights follows how many operands a function has on the stack. wazero keeps those of a call that waits in the native
// frame, so that they count for what a guarded call takes. What is no valid code gives any number: it is refused when
// it is compiled.
type heights struct {
	b         *builder
	now, most int
	open      []blockHeights
}

// blockHeights is an open block: the height below it, and what it takes and leaves.
type blockHeights struct{ below, params, results int }

// operands is the most that a body has on the stack at once.
func (b *builder) operands(code []byte) int {
	h := &heights{b: b}
	// The code has been walked before: there is no error.
	_ = wasmbin.Walk(code, func(in wasmbin.Instr) error {
		h.step(in)
		h.most = max(h.most, h.now)
		return nil
	})
	return h.most
}

func (h *heights) step(in wasmbin.Instr) {
	switch in.Op {
	case wasmbin.OpBlock, wasmbin.OpLoop, wasmbin.OpIf:
		if in.Op == wasmbin.OpIf {
			h.now--
		}
		t := h.blockType(in)
		h.open = append(h.open, blockHeights{below: h.now - len(t.Params), params: len(t.Params), results: len(t.Results)})
	case wasmbin.OpElse:
		if n := len(h.open); n > 0 {
			h.now = h.open[n-1].below + h.open[n-1].params
		}
	case wasmbin.OpEnd:
		if n := len(h.open); n > 0 {
			h.now = h.open[n-1].below + h.open[n-1].results
			h.open = h.open[:n-1]
		}
	case wasmbin.OpCall:
		if in.A < uint64(len(h.b.types)) {
			h.call(h.b.types[in.A])
		}
	case wasmbin.OpCallIndirect:
		h.now--
		if in.A < uint64(len(h.b.in.Types)) {
			h.call(h.b.in.Types[in.A])
		}
	default:
		h.now += netEffect(in.Op)
	}
}

func (h *heights) call(t wasmbin.FuncType) { h.now += len(t.Results) - len(t.Params) }

func (h *heights) blockType(in wasmbin.Instr) wasmbin.FuncType {
	index, ok := in.BlockType()
	switch {
	case ok && int(index) < len(h.b.in.Types):
		return h.b.in.Types[index]
	case ok || in.BlockIsEmpty():
		return wasmbin.FuncType{}
	}
	return wasmbin.FuncType{Results: []wasmbin.ValType{wasmbin.I32}} // one value, of whatever type
}

// binary are the instructions that make one value of two (WebAssembly core specification, 5.4.7).
var binary = [][2]wasmbin.Op{{0x46, 0x4f}, {0x51, 0x66}, {0x6a, 0x78}, {0x7c, 0x8a}, {0x92, 0x98}, {0xa0, 0xa6}}

// netEffect is how many operands more there are behind an instruction without immediates that matter.
func netEffect(op wasmbin.Op) int {
	switch {
	case op == wasmbin.OpLocalGet, op == wasmbin.OpGlobalGet, op == wasmbin.OpMemorySize, op >= wasmbin.OpI32Const && op <= wasmbin.OpF64Const:
		return 1
	case op == wasmbin.OpLocalSet, op == wasmbin.OpGlobalSet, op == wasmbin.OpDrop, op == wasmbin.OpBrIf, op == wasmbin.OpBrTable:
		return -1
	case op == wasmbin.OpSelect, op == wasmbin.OpSelectTyped, op >= wasmbin.OpI32Store && op <= wasmbin.OpI64Store32:
		return -2
	case op == wasmbin.OpMemoryCopy, op == wasmbin.OpMemoryFill:
		return -3
	}
	for _, r := range binary {
		if op >= r[0] && op <= r[1] {
			return -1
		}
	}
	return 0
}
