package wasmbin

import (
	"bytes"
	"errors"
	"fmt"
)

// Section numbers of the binary format.
const (
	secCustom    = 0
	secType      = 1
	secImport    = 2
	secFunction  = 3
	secTable     = 4
	secMemory    = 5
	secGlobal    = 6
	secExport    = 7
	secStart     = 8
	secElement   = 9
	secCode      = 10
	secData      = 11
	secDataCount = 12
)

const maxCustoms = 10_000

var header = []byte("\x00asm\x01\x00\x00\x00")

// Decode reads a core module. The result aliases data.
func Decode(data []byte) (*Module, error) {
	if !bytes.HasPrefix(data, header) {
		return nil, errors.New("wasmbin: not a core module of version 1")
	}
	m := &Module{}
	r := NewReader(data)
	r.pos = len(header)
	for r.Len() > 0 {
		id := r.Byte()
		size := r.U32()
		start := r.pos
		body := r.Bytes(size)
		if r.err != nil {
			break
		}
		s := &Reader{data: data[:start+len(body)], pos: start}
		m.section(id, s)
		if s.err == nil && s.Len() != 0 {
			s.fail(errors.New("bytes left over"))
		}
		if s.err != nil {
			return nil, fmt.Errorf("section %d: %w", id, s.err)
		}
	}
	if r.err != nil {
		return nil, r.err
	}
	if len(m.Funcs) != len(m.Code) {
		return nil, fmt.Errorf("wasmbin: %d functions but %d bodies", len(m.Funcs), len(m.Code))
	}
	return m, nil
}

func (m *Module) section(id byte, r *Reader) {
	switch id {
	case secCustom:
		name := r.Name()
		if len(m.Customs) >= maxCustoms {
			r.fail(errors.New("too many custom sections"))
		}
		m.Customs = append(m.Customs, Custom{Name: name, Data: r.Bytes(uint32(r.Len()))})
	case secType:
		m.Types = vector(r, readFuncType)
	case secImport:
		m.Imports = vector(r, readImport)
	case secFunction:
		m.Funcs = vector(r, (*Reader).U32)
	case secTable:
		m.Tables = vector(r, readTable)
	case secMemory:
		m.Memories = vector(r, readLimits)
	case secGlobal:
		m.Globals = vector(r, readGlobal)
	case secExport:
		m.Exports = vector(r, readExport)
	case secStart:
		start := r.U32()
		m.Start = &start
	case secElement:
		m.Elements = vector(r, readElement)
	case secCode:
		m.Code = vector(r, readBody)
	case secData:
		m.Data = vector(r, readData)
	case secDataCount:
		n := r.U32()
		m.DataCount = &n
	default:
		r.fail(fmt.Errorf("unknown section %d", id))
	}
}

func readValType(r *Reader) ValType {
	v := ValType(r.Byte())
	switch v {
	case I32, I64, F32, F64, FuncRef, ExternRef:
	default:
		r.fail(fmt.Errorf("unsupported value type %#x", byte(v)))
	}
	return v
}

func readFuncType(r *Reader) FuncType {
	if form := r.Byte(); form != 0x60 {
		r.fail(fmt.Errorf("unsupported type form %#x", form))
	}
	return FuncType{Params: vector(r, readValType), Results: vector(r, readValType)}
}

func readLimits(r *Reader) Limits {
	flag := r.Byte()
	if flag > 1 {
		r.fail(fmt.Errorf("unsupported limits %#x", flag))
	}
	l := Limits{Min: uint64(r.U32()), HasMax: flag == 1}
	if l.HasMax {
		l.Max = uint64(r.U32())
	}
	return l
}

func readTable(r *Reader) Table {
	return Table{Elem: readValType(r), Limits: readLimits(r)}
}

func readGlobalType(r *Reader) GlobalType {
	t := GlobalType{Type: readValType(r)}
	switch r.Byte() {
	case 0:
	case 1:
		t.Mutable = true
	default:
		r.fail(errors.New("unsupported mutability"))
	}
	return t
}

func readGlobal(r *Reader) Global {
	return Global{GlobalType: readGlobalType(r), Init: readExpr(r)}
}

func readImport(r *Reader) Import {
	i := Import{Module: r.Name(), Name: r.Name(), Kind: Kind(r.Byte())}
	switch i.Kind {
	case KindFunc:
		i.Func = r.U32()
	case KindTable:
		i.Table = readTable(r)
	case KindMemory:
		i.Memory = readLimits(r)
	case KindGlobal:
		i.Global = readGlobalType(r)
	default:
		r.fail(fmt.Errorf("unsupported import kind %d", i.Kind))
	}
	return i
}

func readExport(r *Reader) Export {
	e := Export{Name: r.Name(), Kind: Kind(r.Byte()), Index: r.U32()}
	if e.Kind > KindGlobal {
		r.fail(fmt.Errorf("unsupported export kind %d", e.Kind))
	}
	return e
}

func readElement(r *Reader) Element {
	flag := r.U32()
	if flag > 7 {
		r.fail(fmt.Errorf("unsupported element segment %d", flag))
		return Element{}
	}
	var e Element
	explicit := flag&2 != 0
	switch {
	case flag&1 == 0:
		if explicit {
			e.Table = r.U32()
		}
		e.Offset = readExpr(r)
	case explicit:
		e.Mode = Declarative
	default:
		e.Mode = Passive
	}
	exprs := flag&4 != 0
	if explicit || e.Mode != Active {
		if kind := r.Byte(); (exprs && ValType(kind) != FuncRef) || (!exprs && kind != 0) {
			r.fail(errors.New("unsupported element type"))
		}
	}
	if exprs {
		e.Funcs = vector(r, readFuncExpr)
	} else {
		e.Funcs = vector(r, (*Reader).U32)
	}
	return e
}

// readFuncExpr reads `ref.func f end` or `ref.null func end`.
func readFuncExpr(r *Reader) uint32 {
	f := Null
	switch op := r.Byte(); op {
	case byte(OpRefFunc):
		f = r.U32()
	case byte(OpRefNull):
		r.Byte()
	default:
		r.fail(fmt.Errorf("unsupported element expression %#x", op))
	}
	if r.Byte() != byte(OpEnd) {
		r.fail(errors.New("unsupported element expression"))
	}
	return f
}

func readBody(r *Reader) Body {
	size := r.U32()
	start := r.pos
	code := r.Bytes(size)
	if r.err != nil {
		return Body{}
	}
	b := &Reader{data: r.data[:start+len(code)], pos: start}
	body := Body{Locals: vector(b, readLocal)}
	body.Code = b.Bytes(uint32(b.Len()))
	if b.err == nil && (len(body.Code) == 0 || body.Code[len(body.Code)-1] != byte(OpEnd)) {
		b.fail(errors.New("function does not end"))
	}
	if b.err != nil {
		r.err = b.err
	}
	return body
}

func readLocal(r *Reader) Local { return Local{Count: r.U32(), Type: readValType(r)} }

func readData(r *Reader) Data {
	var d Data
	switch flag := r.U32(); flag {
	case 0:
		d.Offset = readExpr(r)
	case 1:
		d.Mode = Passive
	case 2:
		d.Memory = r.U32()
		d.Offset = readExpr(r)
	default:
		r.fail(fmt.Errorf("unsupported data segment %d", flag))
	}
	d.Bytes = r.Bytes(r.U32())
	return d
}

// readExpr reads a constant expression up to and including its `end`.
func readExpr(r *Reader) []byte {
	start := r.pos
	for r.err == nil {
		if in := readInstr(r); in.Op == OpEnd {
			return r.data[start:r.pos:r.pos]
		}
	}
	return nil
}
