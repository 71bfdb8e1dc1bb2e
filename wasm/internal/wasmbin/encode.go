package wasmbin

// AppendU32 appends an unsigned LEB128.
func AppendU32(b []byte, v uint32) []byte { return AppendU64(b, uint64(v)) }

// AppendU64 appends an unsigned LEB128.
func AppendU64(b []byte, v uint64) []byte {
	for v >= 0x80 {
		b = append(b, byte(v)|0x80)
		v >>= 7
	}
	return append(b, byte(v))
}

// AppendSigned appends a signed LEB128.
func AppendSigned(b []byte, v int64) []byte {
	for {
		low := byte(v & 0x7f)
		v >>= 7
		if (v == 0 && low&0x40 == 0) || (v == -1 && low&0x40 != 0) {
			return append(b, low)
		}
		b = append(b, low|0x80)
	}
}

// AppendName appends a length-prefixed string.
func AppendName(b []byte, s string) []byte {
	return append(AppendU32(b, uint32(len(s))), s...)
}

// AppendI32Const appends the instruction i32.const.
func AppendI32Const(b []byte, v int32) []byte {
	return AppendSigned(append(b, byte(OpI32Const)), int64(v))
}

// AppendIndexed appends an instruction of one byte with one index: a call, a local, a global, a branch.
func AppendIndexed(b []byte, op Op, index uint32) []byte {
	return AppendU32(append(b, byte(op)), index)
}

// Encode writes the module. The same module gives the same bytes.
func Encode(m *Module) []byte {
	out := append([]byte{}, header...)
	out = appendSection(out, secType, m.Types, appendFuncType)
	out = appendSection(out, secImport, m.Imports, appendImport)
	out = appendSection(out, secFunction, m.Funcs, AppendU32)
	out = appendSection(out, secTable, m.Tables, appendTable)
	out = appendSection(out, secMemory, m.Memories, appendLimits)
	out = appendSection(out, secGlobal, m.Globals, appendGlobal)
	out = appendSection(out, secExport, m.Exports, appendExport)
	if m.Start != nil {
		out = appendRaw(out, secStart, AppendU32(nil, *m.Start))
	}
	out = appendSection(out, secElement, m.Elements, appendElement)
	if m.DataCount != nil {
		out = appendRaw(out, secDataCount, AppendU32(nil, *m.DataCount))
	}
	out = appendSection(out, secCode, m.Code, appendBody)
	out = appendSection(out, secData, m.Data, appendData)
	for _, c := range m.Customs {
		out = appendRaw(out, secCustom, append(AppendName(nil, c.Name), c.Data...))
	}
	return out
}

func appendRaw(out []byte, id byte, body []byte) []byte {
	return append(AppendU32(append(out, id), uint32(len(body))), body...)
}

func appendSection[T any](out []byte, id byte, entries []T, entry func([]byte, T) []byte) []byte {
	if len(entries) == 0 {
		return out
	}
	return appendRaw(out, id, appendVector(nil, entries, entry))
}

func appendVector[T any](out []byte, entries []T, entry func([]byte, T) []byte) []byte {
	out = AppendU32(out, uint32(len(entries)))
	for _, e := range entries {
		out = entry(out, e)
	}
	return out
}

func appendValType(b []byte, v ValType) []byte { return append(b, byte(v)) }

func appendFuncType(b []byte, t FuncType) []byte {
	b = appendVector(append(b, 0x60), t.Params, appendValType)
	return appendVector(b, t.Results, appendValType)
}

func appendLimits(b []byte, l Limits) []byte {
	if !l.HasMax {
		return AppendU64(append(b, 0), l.Min)
	}
	return AppendU64(AppendU64(append(b, 1), l.Min), l.Max)
}

func appendTable(b []byte, t Table) []byte { return appendLimits(append(b, byte(t.Elem)), t.Limits) }

func appendGlobalType(b []byte, t GlobalType) []byte {
	mutable := byte(0)
	if t.Mutable {
		mutable = 1
	}
	return append(b, byte(t.Type), mutable)
}

func appendGlobal(b []byte, g Global) []byte {
	return append(appendGlobalType(b, g.GlobalType), g.Init...)
}

func appendImport(b []byte, i Import) []byte {
	b = append(AppendName(AppendName(b, i.Module), i.Name), byte(i.Kind))
	switch i.Kind {
	case KindTable:
		return appendTable(b, i.Table)
	case KindMemory:
		return appendLimits(b, i.Memory)
	case KindGlobal:
		return appendGlobalType(b, i.Global)
	default:
		return AppendU32(b, i.Func)
	}
}

func appendExport(b []byte, e Export) []byte {
	return AppendU32(append(AppendName(b, e.Name), byte(e.Kind)), e.Index)
}

// appendElement writes indices where it can (the compact form) and expressions where a slot is empty.
func appendElement(b []byte, e Element) []byte {
	exprs := uint32(0)
	for _, f := range e.Funcs {
		if f == Null {
			exprs = 4
		}
	}
	explicit := true
	switch {
	case e.Mode == Passive:
		b = AppendU32(b, 1|exprs)
	case e.Mode == Declarative:
		b = AppendU32(b, 3|exprs)
	case e.Table == 0:
		b = append(AppendU32(b, exprs), e.Offset...)
		explicit = false
	default:
		b = append(AppendU32(AppendU32(b, 2|exprs), e.Table), e.Offset...)
	}
	if exprs == 0 {
		if explicit {
			b = append(b, 0)
		}
		return appendVector(b, e.Funcs, AppendU32)
	}
	if explicit {
		b = append(b, byte(FuncRef))
	}
	return appendVector(b, e.Funcs, appendFuncExpr)
}

func appendFuncExpr(b []byte, f uint32) []byte {
	if f == Null {
		return append(b, byte(OpRefNull), byte(FuncRef), byte(OpEnd))
	}
	return append(AppendIndexed(b, OpRefFunc, f), byte(OpEnd))
}

func appendLocal(b []byte, l Local) []byte { return append(AppendU32(b, l.Count), byte(l.Type)) }

func appendBody(b []byte, body Body) []byte {
	locals := appendVector(nil, body.Locals, appendLocal)
	b = AppendU32(b, uint32(len(locals)+len(body.Code)))
	return append(append(b, locals...), body.Code...)
}

func appendData(b []byte, d Data) []byte {
	switch {
	case d.Mode == Passive:
		b = AppendU32(b, 1)
	case d.Memory != 0:
		b = append(AppendU32(AppendU32(b, 2), d.Memory), d.Offset...)
	default:
		b = append(AppendU32(b, 0), d.Offset...)
	}
	return append(AppendU32(b, uint32(len(d.Bytes))), d.Bytes...)
}
