package wire

import (
	"math"
	"math/big"
)

// Decode is the value of one message, within the default limits. Errors: ErrMalformed, ErrLimit.
func Decode(b []byte) (any, error) { return DecodeLimits(b, Limits{}) }

// DecodeLimits is Decode within limits of the caller's; keys are strings in any case.
func DecodeLimits(b []byte, limits Limits) (any, error) {
	limits.AnyKeys = false
	if err := Validate(b, limits); err != nil {
		return nil, err
	}
	d := decoder{rest: b}
	if len(b) <= sharedText {
		d.text = string(b)
	}
	return d.value(), nil
}

// sharedText is the longest message of which all texts share one copy: one allocation instead of one for each. In a
// longer one a short text that is kept must not keep the whole message.
const sharedText = 2048

// decoder decodes bytes that Validate has passed, so that nothing can go wrong and every length is real.
type decoder struct {
	rest []byte
	text string // the whole message, or empty
}

func (d *decoder) value() any {
	k, n, rest := head(d.rest)
	d.rest = rest
	switch k {
	case kindFalse:
		return false
	case kindTrue:
		return true
	case kindInt:
		return int64(n)
	case kindUint:
		if n <= math.MaxInt64 {
			return int64(n)
		}
		return n
	case kindFloat:
		return math.Float64frombits(n)
	case kindFloat32:
		return float64(math.Float32frombits(uint32(n)))
	case kindString:
		return d.string(n)
	case kindBytes:
		return append([]byte{}, d.take(n)...)
	case kindExt:
		return bigValue(d.take(n + 1)[1:])
	case kindArray:
		return d.array(n)
	case kindMap:
		return d.mapping(n)
	}
	return nil
}

func (d *decoder) take(n uint64) []byte {
	b := d.rest[:n]
	d.rest = d.rest[n:]
	return b
}

func (d *decoder) string(n uint64) string {
	if d.text == "" {
		return string(d.take(n))
	}
	at := len(d.text) - len(d.rest)
	d.rest = d.rest[n:]
	return d.text[at : at+int(n)]
}

func (d *decoder) array(n uint64) []any {
	list := make([]any, n)
	for i := range list {
		list[i] = d.value()
	}
	return list
}

func (d *decoder) mapping(n uint64) map[string]any {
	m := make(map[string]any, n)
	for range n {
		_, size, rest := head(d.rest)
		d.rest = rest
		key := d.string(size)
		m[key] = d.value()
	}
	return m
}

// bigValue is the integer in two's complement, in the smallest of the types for integers.
func bigValue(b []byte) any {
	v := new(big.Int).SetBytes(b)
	if b[0]&0x80 != 0 {
		v.Sub(v, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	switch {
	case v.IsInt64():
		return v.Int64()
	case v.IsUint64():
		return v.Uint64()
	}
	return v
}
