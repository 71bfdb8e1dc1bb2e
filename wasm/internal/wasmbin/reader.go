package wasmbin

import (
	"errors"
	"fmt"
	"unicode/utf8"
)

var errShort = errors.New("unexpected end of data")

// Reader takes the binary format's primitives from a slice. The first failure sticks: later calls return
// zero values, and Err tells what went wrong where.
type Reader struct {
	data []byte
	pos  int
	err  error
}

// NewReader returns a reader of data.
func NewReader(data []byte) *Reader { return &Reader{data: data} }

// Err returns the first failure, or nil.
func (r *Reader) Err() error { return r.err }

// Len returns how many bytes are left; 0 after a failure.
func (r *Reader) Len() int {
	if r.err != nil {
		return 0
	}
	return len(r.data) - r.pos
}

func (r *Reader) fail(err error) {
	if r.err == nil {
		r.err = fmt.Errorf("wasmbin: offset %#x: %w", r.pos, err)
	}
}

// Byte reads one byte.
func (r *Reader) Byte() byte {
	if r.Len() < 1 {
		r.fail(errShort)
		return 0
	}
	b := r.data[r.pos]
	r.pos++
	return b
}

// Bytes reads n bytes; the result aliases the input.
func (r *Reader) Bytes(n uint32) []byte {
	if uint64(r.Len()) < uint64(n) {
		r.fail(errShort)
		return nil
	}
	b := r.data[r.pos : r.pos+int(n) : r.pos+int(n)]
	r.pos += int(n)
	return b
}

// U32 reads an unsigned LEB128 of at most 32 bits.
func (r *Reader) U32() uint32 { return uint32(r.unsigned(32)) }

// U64 reads an unsigned LEB128 of at most 64 bits.
func (r *Reader) U64() uint64 { return r.unsigned(64) }

func (r *Reader) unsigned(bits uint) uint64 {
	var v uint64
	for shift := uint(0); shift < bits; shift += 7 {
		b := r.Byte()
		if r.err != nil {
			return 0
		}
		if left := bits - shift; left < 7 && b>>left != 0 {
			break
		}
		v |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return v
		}
	}
	r.fail(fmt.Errorf("integer of more than %d bits", bits))
	return 0
}

// Signed reads a signed LEB128 of at most bits (33 or 64 and so on) bits.
func (r *Reader) Signed(bits uint) int64 {
	var v int64
	for shift := uint(0); shift < bits; shift += 7 {
		b := r.Byte()
		if r.err != nil {
			return 0
		}
		v |= int64(b&0x7f) << shift
		if b >= 0x80 {
			continue
		}
		if b&0x40 != 0 && shift+7 < 64 {
			v |= -1 << (shift + 7)
		}
		if bits < 64 && (v < -1<<(bits-1) || v >= 1<<(bits-1)) {
			break
		}
		return v
	}
	r.fail(fmt.Errorf("integer of more than %d bits", bits))
	return 0
}

// Name reads a length-prefixed UTF-8 string.
func (r *Reader) Name() string {
	b := r.Bytes(r.U32())
	if !utf8.Valid(b) {
		r.fail(errors.New("name is not UTF-8"))
		return ""
	}
	return string(b)
}

// Count reads the length of a vector whose entries take at least one byte each.
func (r *Reader) Count() int {
	n := r.U32()
	if uint64(n) > uint64(r.Len()) {
		r.fail(errShort)
		return 0
	}
	return int(n)
}

// maxEntries bounds the vectors of modules: an entry takes up to a hundred times more memory than input.
const maxEntries = 1 << 18

// vector reads a counted vector of entries.
func vector[T any](r *Reader, entry func(*Reader) T) []T {
	n := r.Count()
	if n > maxEntries {
		r.fail(errors.New("vector has too many entries"))
		return nil
	}
	out := make([]T, 0, n)
	for i := 0; i < n && r.err == nil; i++ {
		out = append(out, entry(r))
	}
	return out
}
