package extension

import "github.com/eryx-go/eryx/wasm/internal/wasmbin"

// Recursion is bounded by the guest's shadow stack, but most functions use none of it while wazero's stack grows.
// So the functions that every recursion must pass take some of it at each call: those of cycles of direct calls,
// and those that can be called through the table, from the guest or from here. The guest itself raises
// RecursionError well before the stack is used up; where a recursion does not pass through it, the call traps.

const (
	guardReserve = 128 << 10 // bytes of shadow stack that an extension leaves
	guardFrame   = 128       // bytes that a guarded call takes, as in wasm/internal/stackcheck
	valueBytes   = 8         // and for each variable and operand, which may be on wazero's stack
	stackAlign   = 16        // which compilers rely on
	manyValues   = 256       // a function with more is guarded in any case
)

// guarded lists the functions, by index of definition, that must take shadow stack.
func (b *builder) guarded() []int {
	first := uint32(len(b.guestFunc))
	calls := make([][]int, len(b.out.Code))
	leaf := make([]bool, len(b.out.Code))
	for i := range b.out.Code {
		calls[i], leaf[i] = directCalls(b.out.Code[i].Code, first)
	}
	wanted := cyclic(calls)
	for _, f := range b.slots {
		if f != wasmbin.Null && f >= first {
			wanted[f-first] = true
		}
	}
	var out []int
	for i := range b.out.Code {
		if !leaf[i] && (wanted[i] || b.values(i) > manyValues) {
			out = append(out, i)
		}
	}
	return out
}

// directCalls lists the definitions that a body calls, and says whether it makes no calls at all.
func directCalls(code []byte, first uint32) (calls []int, leaf bool) {
	leaf = true
	// The code has been walked before: there is no error.
	_ = wasmbin.Walk(code, func(in wasmbin.Instr) error {
		switch in.Op {
		case wasmbin.OpCall:
			leaf = false
			if uint32(in.A) >= first {
				calls = append(calls, int(uint32(in.A)-first))
			}
		case wasmbin.OpCallIndirect:
			leaf = false
		}
		return nil
	})
	return calls, leaf
}

// cyclic marks the nodes of cycles, and those on ways from one cycle to another: what is left when again and again
// those are taken away that call nothing that is left, then those that nothing calls.
func cyclic(calls [][]int) []bool {
	callers := make([][]int, len(calls))
	for f, list := range calls {
		for _, g := range list {
			callers[g] = append(callers[g], f)
		}
	}
	left := make([]bool, len(calls))
	for i := range left {
		left[i] = true
	}
	peel(left, calls, callers)
	peel(left, callers, calls)
	return left
}

// peel takes away nodes without an edge to one that is left; back holds the edges reversed.
func peel(left []bool, edges, back [][]int) {
	degree := make([]int, len(edges))
	var work []int
	for f, list := range edges {
		if !left[f] {
			continue
		}
		for _, g := range list {
			if left[g] {
				degree[f]++
			}
		}
		if degree[f] == 0 {
			work = append(work, f)
		}
	}
	for len(work) > 0 {
		g := work[len(work)-1]
		work = work[:len(work)-1]
		left[g] = false
		for _, f := range back[g] {
			if degree[f]--; degree[f] == 0 && left[f] {
				work = append(work, f)
			}
		}
	}
}

// values is how many parameters, locals and operands a definition may have at once.
func (b *builder) values(i int) int {
	n := 0
	if i < len(b.in.Code) { // else it is generated
		n = b.operands(b.in.Code[i].Code)
	}
	n += len(b.out.Types[b.out.Funcs[i]].Params)
	for _, l := range b.out.Code[i].Locals {
		n += int(l.Count)
	}
	return n
}

// guard moves the bodies of functions to new ones and puts guards in their places.
func (b *builder) guard(functions []int) {
	for _, i := range functions {
		typ := b.out.Types[b.out.Funcs[i]]
		frame := uint32(guardFrame+valueBytes*b.values(i)+stackAlign-1) &^ (stackAlign - 1)
		b.out.Funcs = append(b.out.Funcs, b.out.Funcs[i])
		b.out.Code = append(b.out.Code, b.out.Code[i])
		original := uint32(len(b.guestFunc) + len(b.out.Code) - 1)
		b.out.Code[i] = wasmbin.Body{Code: guardCode(len(typ.Params), frame, original)}
	}
}

// guardCode is: if sp < frame + reserve { sp = 0; trap }; sp -= frame; original(parameters...); sp += frame. The
// stack pointer of a trap that is 0 tells the host that the stack was full.
func guardCode(params int, frame, original uint32) []byte {
	out := wasmbin.AppendIndexed(nil, wasmbin.OpGlobalGet, globalStack)
	out = wasmbin.AppendI32Const(out, int32(frame+guardReserve))
	out = append(out, byte(wasmbin.OpI32LtU), byte(wasmbin.OpIf), 0x40)
	out = wasmbin.AppendI32Const(out, 0)
	out = wasmbin.AppendIndexed(out, wasmbin.OpGlobalSet, globalStack)
	out = append(out, byte(wasmbin.OpUnreachable), byte(wasmbin.OpEnd))
	move := func(op wasmbin.Op) {
		out = wasmbin.AppendIndexed(out, wasmbin.OpGlobalGet, globalStack)
		out = wasmbin.AppendI32Const(out, int32(frame))
		out = append(out, byte(op))
		out = wasmbin.AppendIndexed(out, wasmbin.OpGlobalSet, globalStack)
	}
	move(wasmbin.OpI32Sub)
	for i := range params {
		out = wasmbin.AppendIndexed(out, wasmbin.OpLocalGet, uint32(i))
	}
	out = wasmbin.AppendIndexed(out, wasmbin.OpCall, original)
	move(wasmbin.OpI32Add)
	return append(out, byte(wasmbin.OpEnd))
}
