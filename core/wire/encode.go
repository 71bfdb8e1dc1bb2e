package wire

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"slices"
	"time"
	"unicode/utf8"
)

// Encode is v as one message, in the shortest form and the same bytes for the same value every time.
//
// v may be what Decode gives, any integer or float type, json.Number, *big.Int, time.Time (as ISO 8601 text), Raw,
// Pairs, pointers, and slices, arrays and string-keyed maps of those. nil slices and maps are empty ones, not nil.
// Errors: ErrType, also for text that is not UTF-8; ErrLimit for what nests too deep or contains itself.
func Encode(v any) ([]byte, error) { return Append(nil, v) }

// Append is Encode to the end of dst.
func Append(dst []byte, v any) ([]byte, error) {
	e := encoder{dst}
	if err := e.value(v, 0); err != nil {
		return dst, err
	}
	return e.b, nil
}

type encoder struct{ b []byte }

// value writes v. What is common is here; the rest goes through reflection.
func (e *encoder) value(v any, depth int) error {
	switch x := v.(type) {
	case nil:
		e.b = append(e.b, 0xc0)
	case bool:
		e.bool(x)
	case string:
		return e.string(x)
	case int:
		e.int(int64(x))
	case int64:
		e.int(x)
	case uint64:
		e.uint(x)
	case float64:
		e.float(x)
	case []byte:
		e.bytes(x)
	case map[string]any:
		return e.mapping(x, depth)
	case []any:
		return e.list(x, depth)
	default:
		return e.special(v, depth)
	}
	return nil
}

// special writes the types that have an encoding of their own.
func (e *encoder) special(v any, depth int) error {
	switch x := v.(type) {
	case *big.Int:
		if x == nil {
			return e.value(nil, depth)
		}
		return e.big(x)
	case big.Int:
		return e.big(&x)
	case time.Time:
		return e.string(x.Format(time.RFC3339Nano))
	case json.Number:
		return e.number(string(x))
	case Raw:
		return e.raw(x, depth)
	case Pairs:
		return e.pairs(x, depth)
	}
	return e.reflected(v, depth)
}

func (e *encoder) bool(v bool) {
	c := byte(0xc2)
	if v {
		c = 0xc3
	}
	e.b = append(e.b, c)
}

func (e *encoder) int(v int64) {
	switch {
	case v >= 0:
		e.uint(uint64(v))
	case v >= -32:
		e.b = append(e.b, byte(v))
	case v >= math.MinInt8:
		e.b = append(e.b, 0xd0, byte(v))
	case v >= math.MinInt16:
		e.b = binary.BigEndian.AppendUint16(append(e.b, 0xd1), uint16(v))
	case v >= math.MinInt32:
		e.b = binary.BigEndian.AppendUint32(append(e.b, 0xd2), uint32(v))
	default:
		e.b = binary.BigEndian.AppendUint64(append(e.b, 0xd3), uint64(v))
	}
}

func (e *encoder) uint(v uint64) {
	switch {
	case v < 0x80:
		e.b = append(e.b, byte(v))
	case v <= math.MaxUint8:
		e.b = append(e.b, 0xcc, byte(v))
	case v <= math.MaxUint16:
		e.b = binary.BigEndian.AppendUint16(append(e.b, 0xcd), uint16(v))
	case v <= math.MaxUint32:
		e.b = binary.BigEndian.AppendUint32(append(e.b, 0xce), uint32(v))
	default:
		e.b = binary.BigEndian.AppendUint64(append(e.b, 0xcf), v)
	}
}

func (e *encoder) float(v float64) {
	e.b = binary.BigEndian.AppendUint64(append(e.b, 0xcb), math.Float64bits(v))
}

// length writes a length with the 8-bit (0: there is none), 16 and 32-bit tags. Longer things do not fit in memory
// that a message may take; their length would be cut off, so it is an error.
func (e *encoder) length(n int, t8, t16, t32 byte) error {
	switch {
	case t8 != 0 && n <= math.MaxUint8:
		e.b = append(e.b, t8, byte(n))
	case n <= math.MaxUint16:
		e.b = binary.BigEndian.AppendUint16(append(e.b, t16), uint16(n))
	case uint64(n) <= math.MaxUint32:
		e.b = binary.BigEndian.AppendUint32(append(e.b, t32), uint32(n))
	default:
		return fmt.Errorf("%w: longer than 4 GiB", ErrLimit)
	}
	return nil
}

func (e *encoder) string(s string) error {
	if !utf8.ValidString(s) {
		return fmt.Errorf("%w: text that is not UTF-8: %.40q", ErrType, s)
	}
	if len(s) < 32 {
		e.b = append(e.b, 0xa0|byte(len(s)))
	} else if err := e.length(len(s), 0xd9, 0xda, 0xdb); err != nil {
		return err
	}
	e.b = append(e.b, s...)
	return nil
}

func (e *encoder) bytes(b []byte) error {
	if err := e.length(len(b), 0xc4, 0xc5, 0xc6); err != nil {
		return err
	}
	e.b = append(e.b, b...)
	return nil
}

func (e *encoder) arrayHead(n, depth int) error {
	if depth >= MaxDepth {
		return fmt.Errorf("%w: value nests deeper than %d levels, or contains itself", ErrLimit, MaxDepth)
	}
	if n < 16 {
		e.b = append(e.b, 0x90|byte(n))
		return nil
	}
	return e.length(n, 0, 0xdc, 0xdd)
}

func (e *encoder) mapHead(n, depth int) error {
	if depth >= MaxDepth {
		return fmt.Errorf("%w: value nests deeper than %d levels, or contains itself", ErrLimit, MaxDepth)
	}
	if n < 16 {
		e.b = append(e.b, 0x80|byte(n))
		return nil
	}
	return e.length(n, 0, 0xde, 0xdf)
}

func (e *encoder) list(list []any, depth int) error {
	if err := e.arrayHead(len(list), depth); err != nil {
		return err
	}
	for _, v := range list {
		if err := e.value(v, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (e *encoder) mapping(m map[string]any, depth int) error {
	if err := e.mapHead(len(m), depth); err != nil {
		return err
	}
	var small [16]string
	keys := small[:0]
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		if err := e.string(k); err != nil {
			return err
		}
		if err := e.value(m[k], depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (e *encoder) pairs(pairs Pairs, depth int) error {
	if err := e.mapHead(len(pairs), depth); err != nil {
		return err
	}
	for _, p := range pairs {
		if err := e.string(p.Key); err != nil {
			return err
		}
		if err := e.value(p.Value, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (e *encoder) raw(b Raw, depth int) error {
	// A level less than the whole may have: what contains it counts too.
	if depth >= MaxDepth {
		return fmt.Errorf("%w: value nests deeper than %d levels", ErrLimit, MaxDepth)
	}
	if err := Validate(b, Limits{Depth: MaxDepth - depth}); err != nil {
		return err
	}
	e.b = append(e.b, b...)
	return nil
}
