package wire

import (
	"fmt"
	"math/big"
	"strconv"
)

// big writes an integer of any size: as an integer where it fits, else in two's complement.
func (e *encoder) big(v *big.Int) error {
	switch {
	case v.IsInt64():
		e.int(v.Int64())
		return nil
	case v.IsUint64():
		e.uint(v.Uint64())
		return nil
	}
	// One bit more than the magnitude, for the sign.
	n := v.BitLen()/8 + 1
	u := v
	if v.Sign() < 0 {
		if low := v.TrailingZeroBits(); low+1 == uint(v.BitLen()) && low%8 == 7 {
			// -2^(8k-1) needs no bit more.
			n--
		}
		u = new(big.Int).Add(v, new(big.Int).Lsh(big.NewInt(1), uint(8*n)))
	}
	if err := e.length(n, 0xc7, 0xc8, 0xc9); err != nil {
		return err
	}
	e.b = append(e.b, bigInt)
	at := len(e.b)
	e.b = append(e.b, make([]byte, n)...)
	u.FillBytes(e.b[at:])
	return nil
}

// number writes a json.Number: an integer if it is written as one, else a float.
func (e *encoder) number(s string) error {
	if v, err := strconv.ParseInt(s, 10, 64); err == nil {
		e.int(v)
		return nil
	}
	if len(s) <= maxNumber {
		if v, ok := new(big.Int).SetString(s, 10); ok {
			return e.big(v)
		}
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return fmt.Errorf("%w: number %.40q", ErrType, s)
	}
	e.float(v)
	return nil
}

// maxNumber is the longest integer in digits that is converted: the conversion takes more than linear time.
const maxNumber = 100_000
