// Package wire encodes and decodes the values that cross a boundary: host and guest, library and binding.
//
// The format is msgpack, strictly: one value per message, maps with string keys, text in UTF-8, no extension types but
// one. An integer beyond 64 bits is extension type 1: its two's complement, big endian, at least one byte.
//
// Bytes from outside are hostile. Everything here first walks them with [Validate], which allocates nothing, so that
// no length in a message is believed before the bytes are there. The general-purpose library cannot do this part: it
// crashes on the five inputs of its tests here, and takes four times as long on small values; the package's tests use
// it to check what is written here.
//
// Go types of decoded values: nil, bool, int64, uint64 (only above the range of int64), *big.Int (only beyond 64
// bits), float64, string, []byte, []any, map[string]any.
package wire

import "errors"

// The errors of this package; errors.Is finds them.
var (
	// ErrMalformed: not exactly one value in the format above.
	ErrMalformed = errors.New("malformed message")
	// ErrLimit: well-formed as far as was looked at, but too deep or too large.
	ErrLimit = errors.New("message exceeds a limit")
	// ErrType: a Go value that has no encoding.
	ErrType = errors.New("value cannot be encoded")
)

// MaxDepth is the deepest nesting that anything accepts, the guest too (MAX_DEPTH in wasm/guest/shim/msgpack.c).
const MaxDepth = 200

// bigInt is the extension type of integers beyond 64 bits.
const bigInt = 1

// Limits bound a message. The zero value means the defaults.
type Limits struct {
	// Depth is the deepest nesting: 0 means MaxDepth, which it cannot exceed.
	Depth int
	// Items is the number of values in the message, at all levels, which bounds the memory of the decoded
	// value; 0 means 1<<22.
	Items int
	// Bytes is the length of the message; 0 means no limit of its own.
	Bytes int
	// AnyKeys allows keys of maps that are not strings. Decode does not.
	AnyKeys bool
}

// defaultItems takes about 100 MB when decoded.
const defaultItems = 1 << 22

func (l Limits) withDefaults() Limits {
	if l.Depth <= 0 || l.Depth > MaxDepth {
		l.Depth = MaxDepth
	}
	if l.Items <= 0 {
		l.Items = defaultItems
	}
	return l
}

// Raw is one encoded value. Encode copies it into the message, after validating it.
type Raw []byte

// Pairs is a map whose entries Encode writes in their order. Other maps are written in the order of their keys.
type Pairs []Pair

// Pair is an entry of Pairs.
type Pair struct {
	Key   string
	Value any
}
