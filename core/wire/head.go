package wire

import "encoding/binary"

// kind is what a value is, after its head.
type kind uint8

const (
	kindBad kind = iota
	kindNil
	kindFalse
	kindTrue
	kindInt   // bits is an int64
	kindUint  // bits is a uint64
	kindFloat // bits is the number as IEEE 754, 32 or 64 wide
	kindFloat32
	kindString // n bytes follow
	kindBytes
	kindExt   // one byte of type, then n bytes
	kindArray // n values follow
	kindMap   // n keys and values follow
)

// format says what follows a first byte from 0xc0 to 0xdf: bytes of number or length, or a fixed length.
type format struct {
	kind  kind
	width uint8
	fixed uint8
}

var formats = [32]format{
	0x00: {kind: kindNil}, 0x02: {kind: kindFalse}, 0x03: {kind: kindTrue},
	0x04: {kindBytes, 1, 0}, 0x05: {kindBytes, 2, 0}, 0x06: {kindBytes, 4, 0},
	0x07: {kindExt, 1, 0}, 0x08: {kindExt, 2, 0}, 0x09: {kindExt, 4, 0},
	0x0a: {kindFloat32, 4, 0}, 0x0b: {kindFloat, 8, 0},
	0x0c: {kindUint, 1, 0}, 0x0d: {kindUint, 2, 0}, 0x0e: {kindUint, 4, 0}, 0x0f: {kindUint, 8, 0},
	0x10: {kindInt, 1, 0}, 0x11: {kindInt, 2, 0}, 0x12: {kindInt, 4, 0}, 0x13: {kindInt, 8, 0},
	0x14: {kindExt, 0, 1}, 0x15: {kindExt, 0, 2}, 0x16: {kindExt, 0, 4}, 0x17: {kindExt, 0, 8}, 0x18: {kindExt, 0, 16},
	0x19: {kindString, 1, 0}, 0x1a: {kindString, 2, 0}, 0x1b: {kindString, 4, 0},
	0x1c: {kindArray, 2, 0}, 0x1d: {kindArray, 4, 0}, 0x1e: {kindMap, 2, 0}, 0x1f: {kindMap, 4, 0},
}

// head reads the head of the value at the front of b: its kind, its number or length, and the bytes behind the head.
// kindBad when b is too short or says what the format does not know.
func head(b []byte) (k kind, bits uint64, rest []byte) {
	if len(b) == 0 {
		return kindBad, 0, nil
	}
	c := b[0]
	b = b[1:]
	switch {
	case c < 0x80:
		return kindInt, uint64(c), b
	case c >= 0xe0:
		return kindInt, uint64(int64(int8(c))), b
	case c < 0x90:
		return kindMap, uint64(c & 15), b
	case c < 0xa0:
		return kindArray, uint64(c & 15), b
	case c < 0xc0:
		return kindString, uint64(c & 31), b
	}
	f := formats[c-0xc0]
	if len(b) < int(f.width) {
		return kindBad, 0, nil
	}
	switch f.width {
	case 0:
		return f.kind, uint64(f.fixed), b
	case 1:
		bits = uint64(b[0])
		if f.kind == kindInt {
			bits = uint64(int64(int8(b[0])))
		}
	case 2:
		bits = uint64(binary.BigEndian.Uint16(b))
		if f.kind == kindInt {
			bits = uint64(int64(int16(bits)))
		}
	case 4:
		bits = uint64(binary.BigEndian.Uint32(b))
		if f.kind == kindInt {
			bits = uint64(int64(int32(bits)))
		}
	case 8:
		bits = binary.BigEndian.Uint64(b)
	}
	return f.kind, bits, b[f.width:]
}
