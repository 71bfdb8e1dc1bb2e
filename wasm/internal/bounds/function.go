package bounds

import (
	"fmt"

	"github.com/eryx-go/eryx/wasm/internal/wasmbin"
)

// function rewrites one function: it follows the operands to see which local, or which constant, an address is.
type function struct {
	module *wasmbin.Module
	static uint32
	stats  *Stats

	zero     uint32   // the local that is never set
	versions []uint32 // by local: how often it was set so far
	covered  []bool   // by local: its value of now has been checked at reach
	named    []bool   // by local: reading it once more gives what wazero knows by the same name
	bases    []bool   // by local: it is the address of some access
	stack    []operand
	frames   []frame
	exits    int // branches so far
	edits    []edit
}

// operand is what is known of a value on the stack.
type operand struct {
	kind    byte   // unknown, isLocal or isConstant
	local   uint32 // isLocal: which
	version uint32 // and which of its values
	value   uint32 // isConstant
	from    int    // isLocal: where a probe goes; isConstant: where the instruction begins
	to      int    // isConstant: where it ends
	exits   int    // how many branches there were before it
}

const (
	unknown byte = iota
	isLocal
	isConstant
)

// frame is an open block.
type frame struct {
	op      wasmbin.Op
	height  int    // of the stack below the block's parameters
	params  int    // values it takes
	results int    // values it leaves
	saved   []bool // covered at its beginning
	names   []bool // named at its beginning
	changed []uint32
	loops   bool // has a loop inside: values read there have other names in wazero, so nothing is known behind
}

func (f *function) rewrite(index uint32, body *wasmbin.Body) error {
	typ, err := f.module.FuncType(index)
	if err != nil {
		return err
	}
	locals := uint32(len(typ.Params))
	for _, l := range body.Locals {
		locals += l.Count
	}
	f.zero, f.bases = locals, make([]bool, locals+1)
	stats := *f.stats
	for range 2 { // the first time to see which locals are addresses
		*f.stats = stats
		f.begin(locals+1, len(typ.Results))
		if err := wasmbin.Walk(body.Code, f.visit); err != nil {
			return err
		}
	}
	if len(f.edits) > 0 {
		body.Code = apply(body.Code, f.edits)
		body.Locals = append(append([]wasmbin.Local{}, body.Locals...), wasmbin.Local{Count: 1, Type: wasmbin.I32})
	}
	return nil
}

func (f *function) begin(locals uint32, results int) {
	f.versions, f.covered, f.named = make([]uint32, locals), make([]bool, locals), make([]bool, locals)
	f.stack, f.edits = f.stack[:0], nil
	for i := range f.named {
		f.named[i] = true
	}
	f.frames = []frame{{op: wasmbin.OpBlock, results: results, saved: make([]bool, locals), names: make([]bool, locals)}}
}

func (f *function) pop() operand {
	if last := len(f.stack) - 1; last >= f.frames[len(f.frames)-1].height {
		o := f.stack[last]
		f.stack = f.stack[:last]
		return o
	}
	return operand{} // code that is never reached has as many as it likes
}

func (f *function) shift(pops, pushes int) {
	for range pops {
		f.pop()
	}
	for range pushes {
		f.stack = append(f.stack, operand{})
	}
}

func (f *function) visit(in wasmbin.Instr) error {
	if len(f.frames) == 0 {
		return errTrailing
	}
	switch in.Op {
	case wasmbin.OpLocalGet, wasmbin.OpLocalSet, wasmbin.OpLocalTee:
		if in.A >= uint64(f.zero) {
			return fmt.Errorf("no local %d", in.A)
		}
	}
	switch in.Op {
	case wasmbin.OpLocalGet:
		l := uint32(in.A)
		if !f.named[l] && f.bases[l] {
			f.edits = append(f.edits, edit{from: in.Pos, to: in.End, text: f.read(l)})
		}
		f.stack = append(f.stack, operand{kind: isLocal, local: l, version: f.versions[l], from: in.Pos, exits: f.exits})
	case wasmbin.OpLocalSet:
		f.set(uint32(in.A), f.pop())
	case wasmbin.OpLocalTee:
		l := uint32(in.A)
		f.set(l, f.pop())
		f.stack = append(f.stack, operand{kind: isLocal, local: l, version: f.versions[l], from: in.End, exits: f.exits})
	case wasmbin.OpI32Const:
		f.stack = append(f.stack, operand{kind: isConstant, value: uint32(in.A), from: in.Pos, to: in.End})
	case wasmbin.OpBlock, wasmbin.OpLoop, wasmbin.OpIf, wasmbin.OpElse, wasmbin.OpEnd:
		return f.block(in)
	default:
		if width := accessWidth(in.Op); width > 0 {
			f.access(in, width)
			return nil
		}
		pops, pushes, err := f.effect(in)
		if err != nil {
			return err
		}
		f.shift(pops, pushes)
	}
	return nil
}

// set follows an assignment to a local.
func (f *function) set(local uint32, value operand) {
	known := value.kind == isLocal && f.versions[value.local] == value.version && f.covered[value.local]
	f.versions[local]++
	f.named[local] = true
	f.covered[local] = known
	top := &f.frames[len(f.frames)-1]
	top.changed = append(top.changed, local)
}

// access follows a load or store, and puts a probe before the address where it is due: there only where no branch
// lies between, so that nothing is probed that would not be accessed.
func (f *function) access(in wasmbin.Instr, width uint64) {
	if isStore(in.Op) {
		f.pop()
	}
	address := f.pop()
	if !isStore(in.Op) {
		f.stack = append(f.stack, operand{})
	}
	f.stats.Accesses++
	switch address.kind {
	case isLocal:
		if in.A+width <= reach && address.exits == f.exits { // else the address may never be used
			f.bases[address.local] = true
			f.probe(address.local, address.version, address.from, reach-1)
		}
	case isConstant:
		if target := uint64(address.value) + in.A; target+width <= uint64(f.static) {
			f.stats.Constant++
			f.bases[f.zero] = true
			f.probe(f.zero, 0, address.from, f.static-1)
			f.edits = append(f.edits,
				edit{from: address.from, to: address.to, text: f.read(f.zero)},
				edit{from: in.Pos, to: in.End, text: access(in, target)})
		}
	}
}

// probe puts a probe at a place unless the local's value has been checked.
func (f *function) probe(local, version uint32, at int, offset uint32) {
	current := f.versions[local] == version
	if current && f.covered[local] {
		return
	}
	f.covered[local] = f.covered[local] || current
	f.stats.Widened++
	f.edits = append(f.edits, edit{from: at, to: at, text: probe(local, offset)})
}

// access is the load or store with another offset.
func access(in wasmbin.Instr, offset uint64) []byte {
	return wasmbin.AppendU64(wasmbin.AppendU32([]byte{byte(in.Op)}, uint32(in.B)), offset)
}

// read is a local.get that keeps the name. Behind a merge of paths wazero calls the same value by another name from
// the second reading on; writing back what the first has given keeps the first name.
func (f *function) read(local uint32) []byte {
	text := wasmbin.AppendIndexed(nil, wasmbin.OpLocalGet, local)
	if !f.named[local] {
		text = wasmbin.AppendIndexed(text, wasmbin.OpLocalTee, local)
	}
	f.named[local] = true
	return text
}
