package wasmbin

import (
	"errors"
	"fmt"
)

// Op is an opcode. Opcodes behind the prefix 0xfc are 0xfc00 plus their number.
type Op uint16

// The opcodes that linking, instrumenting and constant folding look at.
const (
	OpUnreachable     Op = 0x00
	OpNop             Op = 0x01
	OpBlock           Op = 0x02
	OpLoop            Op = 0x03
	OpIf              Op = 0x04
	OpElse            Op = 0x05
	OpEnd             Op = 0x0b
	OpBr              Op = 0x0c
	OpBrIf            Op = 0x0d
	OpBrTable         Op = 0x0e
	OpReturn          Op = 0x0f
	OpCall            Op = 0x10
	OpCallIndirect    Op = 0x11
	OpReturnCall      Op = 0x12
	OpReturnCallInd   Op = 0x13
	OpDrop            Op = 0x1a
	OpSelect          Op = 0x1b
	OpSelectTyped     Op = 0x1c
	OpLocalGet        Op = 0x20
	OpLocalSet        Op = 0x21
	OpLocalTee        Op = 0x22
	OpGlobalGet       Op = 0x23
	OpGlobalSet       Op = 0x24
	OpTableGet        Op = 0x25
	OpTableSet        Op = 0x26
	OpI32Load         Op = 0x28
	OpI32Load8U       Op = 0x2d
	OpI32Store        Op = 0x36
	OpI64Store32      Op = 0x3e
	OpMemorySize      Op = 0x3f
	OpMemoryGrow      Op = 0x40
	OpI32Const        Op = 0x41
	OpI64Const        Op = 0x42
	OpF32Const        Op = 0x43
	OpF64Const        Op = 0x44
	OpI32Eqz          Op = 0x45
	OpI32Ne           Op = 0x47
	OpI32LtS          Op = 0x48
	OpI32LtU          Op = 0x49
	OpI32Add          Op = 0x6a
	OpI32Sub          Op = 0x6b
	OpI64ExtendI32S   Op = 0xac
	OpI64Extend32S    Op = 0xc4
	OpRefNull         Op = 0xd0
	OpRefIsNull       Op = 0xd1
	OpRefFunc         Op = 0xd2
	OpI64TruncSatF64U Op = 0xfc07
	OpMemoryInit      Op = 0xfc08
	OpDataDrop        Op = 0xfc09
	OpMemoryCopy      Op = 0xfc0a
	OpMemoryFill      Op = 0xfc0b
	OpTableInit       Op = 0xfc0c
	OpElemDrop        Op = 0xfc0d
	OpTableCopy       Op = 0xfc0e
	OpTableGrow       Op = 0xfc0f
	OpTableSize       Op = 0xfc10
	OpTableFill       Op = 0xfc11
	blockEmpty           = int64(-64)
	firstMemArg          = OpI32Load
	lastMemArg           = OpI64Store32
	firstPlain           = OpI32Eqz
	lastPlain            = OpI64Extend32S
	maxBranchTargets     = 1 << 20
)

// Instr is one instruction. What A and B mean depends on Op: A is the index of a call, local, global,
// branch, data, or element instruction, the type index of call_indirect, the offset of a load or store, the
// bits of a constant; B is the table of call_indirect, the alignment of a load or store. For block, loop and
// if, A is the block type as a signed number (negative: a value type or nothing). Targets is br_table's.
type Instr struct {
	Op      Op
	Pos     int // offset of the opcode in the code
	End     int // offset behind the last immediate
	A, B    uint64
	Targets []uint32
}

// BlockType returns the type index of a block, loop or if, when it has one.
func (i Instr) BlockType() (index uint32, ok bool) {
	if t := int64(i.A); t >= 0 {
		return uint32(t), true
	}
	return 0, false
}

// BlockIsEmpty says whether a block, loop or if takes and gives nothing.
func (i Instr) BlockIsEmpty() bool { return int64(i.A) == blockEmpty }

// Signed returns the value of i32.const or i64.const.
func (i Instr) Signed() int64 { return int64(i.A) }

// Walk calls visit for each instruction of code (a function body or a constant expression) in order.
// It stops at the first error, visit's or the code's own.
func Walk(code []byte, visit func(Instr) error) error {
	r := NewReader(code)
	for r.Len() > 0 {
		in := readInstr(r)
		if r.err != nil {
			return r.err
		}
		if err := visit(in); err != nil {
			return err
		}
	}
	return r.err
}

// ConstantI32 returns the value of a constant expression that is one i32.const.
func ConstantI32(expr []byte) (uint32, error) {
	r := NewReader(expr)
	in, end := readInstr(r), readInstr(r)
	if r.err == nil && (in.Op != OpI32Const || end.Op != OpEnd || r.Len() != 0) {
		r.fail(errors.New("not a constant"))
	}
	return uint32(in.Signed()), r.err
}

func readInstr(r *Reader) Instr {
	in := Instr{Pos: r.pos}
	in.Op = Op(r.Byte())
	if in.Op == 0xfc {
		in.Op = 0xfc00 + Op(min(r.U32(), 0xff))
	}
	readImmediates(r, &in)
	in.End = r.pos
	return in
}

func readImmediates(r *Reader, in *Instr) {
	switch op := in.Op; {
	case op >= firstPlain && op <= lastPlain, op <= OpNop, op == OpElse, op == OpEnd, op == OpReturn,
		op == OpDrop, op == OpSelect, op == OpRefIsNull, op >= 0xfc00 && op <= OpI64TruncSatF64U:
	case op >= firstMemArg && op <= lastMemArg:
		in.B = uint64(r.U32())
		in.A = r.U64()
		if in.B > 4 {
			r.fail(errors.New("unsupported memory argument"))
		}
	case op == OpBlock, op == OpLoop, op == OpIf:
		in.A = uint64(r.Signed(33))
	case op == OpBr, op == OpBrIf, op == OpCall, op == OpReturnCall, op == OpRefFunc, op == OpDataDrop,
		op == OpElemDrop, op >= OpLocalGet && op <= OpTableSet, op == OpTableGrow, op == OpTableSize, op == OpTableFill:
		in.A = uint64(r.U32())
	case op == OpCallIndirect, op == OpReturnCallInd, op == OpMemoryInit, op == OpMemoryCopy,
		op == OpTableInit, op == OpTableCopy:
		in.A = uint64(r.U32())
		in.B = uint64(r.U32())
	case op == OpMemorySize, op == OpMemoryGrow, op == OpMemoryFill, op == OpRefNull:
		in.A = uint64(r.Byte())
	case op == OpI32Const:
		in.A = uint64(r.Signed(32))
	case op == OpI64Const:
		in.A = uint64(r.Signed(64))
	case op == OpF32Const:
		in.A = littleEndian(r.Bytes(4))
	case op == OpF64Const:
		in.A = littleEndian(r.Bytes(8))
	case op == OpBrTable:
		readTargets(r, in)
	case op == OpSelectTyped:
		vector(r, readValType)
	default:
		r.fail(fmt.Errorf("unsupported instruction %#x%s", uint16(op), feature(op)))
	}
}

// feature names the extension of WebAssembly that an unsupported opcode is of, where that is known.
func feature(op Op) string {
	switch op {
	case 0xfd:
		return " (SIMD)"
	case 0xfe:
		return " (threads)"
	case 0xfb:
		return " (garbage collection)"
	case 0x06, 0x07, 0x08, 0x09, 0x0a, 0x18, 0x19, 0x1f:
		return " (exceptions)"
	}
	return ""
}

func readTargets(r *Reader, in *Instr) {
	n := r.Count()
	if n > maxBranchTargets {
		r.fail(errors.New("branch table is too long"))
		return
	}
	in.Targets = make([]uint32, 0, n+1)
	for i := 0; i <= n && r.err == nil; i++ {
		in.Targets = append(in.Targets, r.U32())
	}
}

func littleEndian(b []byte) uint64 {
	var v uint64
	for i, x := range b {
		v |= uint64(x) << (8 * i)
	}
	return v
}
