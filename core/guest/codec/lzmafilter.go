package codec

import (
	"encoding/binary"
	"fmt"
)

// Filter ids of the xz format, as CPython's lzma module numbers them.
const (
	filterLZMA1    = 0x4000000000000001
	filterLZMA2    = 0x21
	filterDelta    = 3
	filterX86      = 4
	filterPowerPC  = 5
	filterIA64     = 6
	filterARM      = 7
	filterARMThumb = 8
	filterSPARC    = 9
)

// maxFilters is the longest chain, of the xz format and of liblzma.
const maxFilters = 4

// filter is one member of a chain.
type filter struct {
	id         int64
	arg        uint32 // dictionary size in bytes, distance, or start offset
	lc, lp, pb byte
}

// props is the one-byte form of lc, lp and pb.
func (f filter) props() byte { return (f.pb*5+f.lp)*9 + f.lc }

// parseFilters reads a chain: a count, then id, arg, lc, lp, pb of each. Only the last one compresses.
func parseFilters(p *params) ([]filter, error) {
	n := p.in(0, maxFilters)
	chain := make([]filter, 0, maxFilters)
	for range n {
		f := filter{id: p.int(), arg: uint32(p.in(0, 1<<32-1))}
		f.lc, f.lp, f.pb = byte(p.in(0, 4)), byte(p.in(0, 4)), byte(p.in(0, 4))
		if f.lc+f.lp > 4 {
			return nil, ErrParams
		}
		chain = append(chain, f)
	}
	if p.bad {
		return nil, ErrParams
	}
	return chain, checkChain(chain)
}

func checkChain(chain []filter) error {
	for i, f := range chain {
		last := i == len(chain)-1
		switch f.id {
		case filterLZMA1, filterLZMA2:
			if !last {
				return fmt.Errorf("%w: filter chain", ErrParams)
			}
		case filterDelta:
			if last || f.arg < 1 || f.arg > 256 {
				return fmt.Errorf("%w: delta filter", ErrParams)
			}
		case filterX86, filterPowerPC, filterIA64, filterARM, filterARMThumb, filterSPARC:
			if last || f.arg%uint32(branchAlign[f.id]) != 0 {
				return fmt.Errorf("%w: branch filter", ErrParams)
			}
		default:
			return fmt.Errorf("%w: filter %#x", ErrUnsupported, f.id)
		}
	}
	return nil
}

// sink takes data; a nil slice means that there is no more.
type sink func([]byte) error

// transform makes the sink that filters what it takes, one way or the other, and hands it to next.
func (f filter) transform(encode bool, next sink) sink {
	if f.id == filterDelta {
		return deltaSink(int(f.arg), encode, next)
	}
	convert := branchConverter(f.id, encode)
	pos := f.arg
	var buf []byte
	return func(p []byte) error {
		if p == nil {
			if len(buf) > 0 {
				if err := next(buf); err != nil {
					return err
				}
			}
			return next(nil)
		}
		buf = append(buf, p...)
		n := convert(buf, pos)
		pos += uint32(n)
		if n == 0 {
			return nil
		}
		err := next(buf[:n])
		buf = buf[:copy(buf, buf[n:])]
		return err
	}
}

// transformAll chains all but the last filter in front of (encode) or behind (decode) the one that compresses.
func transformAll(chain []filter, encode bool, next sink) sink {
	n := len(chain) - 1
	for i := range n {
		f := chain[i]
		if encode {
			f = chain[n-1-i]
		}
		next = f.transform(encode, next)
	}
	return next
}

func deltaSink(dist int, encode bool, next sink) sink {
	var history [256]byte
	var pos int
	var out []byte
	return func(p []byte) error {
		if p == nil {
			return next(nil)
		}
		out = out[:0]
		for _, b := range p {
			old := history[(pos+256-dist)%256]
			if encode {
				history[pos] = b
				b -= old
			} else {
				b += old
				history[pos] = b
			}
			pos = (pos + 1) % 256
			out = append(out, b)
		}
		return next(out)
	}
}

// branchAlign is what the start offset of a branch filter must be a multiple of.
var branchAlign = map[int64]int{
	filterX86: 1, filterPowerPC: 4, filterIA64: 16, filterARM: 4, filterARMThumb: 2, filterSPARC: 4,
}

// chainFromXZ reads the filter flags of an xz block header.
func chainFromXZ(b []byte, n int) (chain []filter, rest []byte, err error) {
	bad := fmt.Errorf("%w: xz block header", ErrCorrupt)
	for range n {
		id, b1, ok := uvarint(b)
		if !ok {
			return nil, nil, bad
		}
		size, b2, ok := uvarint(b1)
		if !ok || size > uint64(len(b2)) {
			return nil, nil, bad
		}
		f, err := filterFromProps(int64(id), b2[:size])
		if err != nil {
			return nil, nil, err
		}
		chain = append(chain, f)
		b = b2[size:]
	}
	if err := checkChain(chain); err != nil || chain[n-1].id != filterLZMA2 {
		return nil, nil, fmt.Errorf("%w: xz filter chain", ErrUnsupported)
	}
	return chain, b, nil
}

// filterFromProps reads a filter's properties as the xz format stores them.
func filterFromProps(id int64, props []byte) (filter, error) {
	f := filter{id: id}
	switch {
	case id == filterLZMA2 && len(props) == 1 && props[0] <= 40:
		f.arg = dictFromBits(props[0])
	case id == filterDelta && len(props) == 1:
		f.arg = uint32(props[0]) + 1
	case branchAlign[id] != 0 && len(props) == 0:
	case branchAlign[id] != 0 && len(props) == 4:
		f.arg = binary.LittleEndian.Uint32(props)
	default:
		return f, fmt.Errorf("%w: xz filter %#x", ErrUnsupported, id)
	}
	return f, nil
}

// xzProps is the inverse of filterFromProps.
func (f filter) xzProps() []byte {
	switch {
	case f.id == filterLZMA2:
		return []byte{bitsFromDict(f.arg)}
	case f.id == filterDelta:
		return []byte{byte(f.arg - 1)}
	case f.arg == 0:
		return nil
	}
	return binary.LittleEndian.AppendUint32(nil, f.arg)
}

// dictFromBits is the dictionary size that the LZMA2 property byte (at most 40) stands for.
func dictFromBits(b byte) uint32 {
	if b == 40 {
		return 1<<32 - 1
	}
	return (2 | uint32(b)&1) << (b/2 + 11)
}

// bitsFromDict is the smallest property byte whose dictionary holds size bytes.
func bitsFromDict(size uint32) byte {
	var b byte
	for b < 40 && dictFromBits(b) < size {
		b++
	}
	return b
}

// uvarint reads a number of the xz format: at most nine bytes, no superfluous ones.
func uvarint(b []byte) (uint64, []byte, bool) {
	var v uint64
	for i := range min(len(b), 9) {
		v |= uint64(b[i]&0x7f) << (7 * i)
		if b[i]&0x80 == 0 {
			return v, b[i+1:], b[i] != 0 || i == 0
		}
	}
	return 0, nil, false
}
