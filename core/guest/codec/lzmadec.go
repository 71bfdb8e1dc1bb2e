package codec

import "fmt"

// The decoder of raw LZMA, after the format's specification (LZMA SDK, public domain). The library that
// compresses here also decompresses, but only in steps of a whole dictionary, and it needs the end of the data to
// be marked: a zip member without a marker, or a stream that arrives slowly, would give nothing.

const (
	lzmaStates     = 12
	lzmaPosStates  = 16
	lzmaLenStates  = 4
	lzmaEndPos     = 14
	lzmaAlignBits  = 4
	lzmaFullDists  = 128
	lzmaProbInit   = 1 << 10
	lzmaMinMatch   = 2
	lzmaLiteral    = 0x300
	lzmaEndMark    = 1<<32 - 1
	lzmaUnknown    = 1<<64 - 1
	lzmaProbsBytes = 32 << 10
)

// rangeDecoder reads bits from at most left bytes of the stream. The first error sticks and makes all later bits 0.
type rangeDecoder struct {
	s         *stream
	left      uint64
	rng, code uint32
	err       error
}

// start reads the five bytes that every LZMA stream begins with.
func (r *rangeDecoder) start(left uint64) error {
	r.left, r.rng, r.code, r.err = left, 1<<32-1, 0, nil
	if r.next() != 0 && r.err == nil {
		r.err = fmt.Errorf("%w: bad first byte", ErrCorrupt)
	}
	for range 4 {
		r.code = r.code<<8 | uint32(r.next())
	}
	return r.err
}

func (r *rangeDecoder) next() byte {
	s := r.s
	if r.left == 0 && r.err == nil {
		r.err = fmt.Errorf("%w: LZMA chunk too short", ErrCorrupt)
	}
	if s.pos == len(s.buf) && r.err == nil {
		r.err = s.fill()
	}
	if r.err != nil {
		return 0
	}
	b := s.buf[s.pos]
	s.pos++
	r.left--
	return b
}

func (r *rangeDecoder) normalize() {
	if r.rng < 1<<24 {
		r.rng <<= 8
		r.code = r.code<<8 | uint32(r.next())
	}
}

func (r *rangeDecoder) bit(p *uint16) uint32 {
	v := uint32(*p)
	bound := (r.rng >> 11) * v
	var b uint32
	if r.code < bound {
		r.rng = bound
		*p = uint16(v + (1<<11-v)>>5)
	} else {
		r.rng -= bound
		r.code -= bound
		*p = uint16(v - v>>5)
		b = 1
	}
	if r.rng < 1<<24 {
		r.normalize()
	}
	return b
}

func (r *rangeDecoder) direct(n uint32) uint32 {
	var v uint32
	for ; n > 0; n-- {
		r.rng >>= 1
		r.code -= r.rng
		t := 0 - r.code>>31
		r.code += r.rng & t
		v = v<<1 + t + 1
		r.normalize()
	}
	return v
}

func (r *rangeDecoder) tree(p []uint16, bits int) uint32 {
	m := uint32(1)
	for range bits {
		m = m<<1 | r.bit(&p[m])
	}
	return m - 1<<bits
}

func (r *rangeDecoder) reverse(p []uint16, bits uint32) uint32 {
	m, v := uint32(1), uint32(0)
	for i := range bits {
		b := r.bit(&p[m])
		m = m<<1 | b
		v |= b << i
	}
	return v
}

type lzmaLength struct {
	choice, choice2 uint16
	low, mid        [lzmaPosStates][8]uint16
	high            [256]uint16
}

func (l *lzmaLength) decode(r *rangeDecoder, posState uint32) uint32 {
	if r.bit(&l.choice) == 0 {
		return r.tree(l.low[posState][:], 3)
	}
	if r.bit(&l.choice2) == 0 {
		return 8 + r.tree(l.mid[posState][:], 3)
	}
	return 16 + r.tree(l.high[:], 8)
}

// lzmaProbs are the adaptive probabilities.
type lzmaProbs struct {
	isMatch, isRep0Long              [lzmaStates][lzmaPosStates]uint16
	isRep, isRepG0, isRepG1, isRepG2 [lzmaStates]uint16
	slot                             [lzmaLenStates][64]uint16
	dist                             [1 + lzmaFullDists - lzmaEndPos]uint16
	align                            [1 << lzmaAlignBits]uint16
	length, repLength                lzmaLength
}

type lzmaDecoder struct {
	rangeDecoder
	w          *window
	lc, lp, pb uint32
	state      uint32
	rep        [4]uint32
	p          lzmaProbs
	literal    []uint16
}

// setProps takes lc, lp and pb in their one-byte form and starts over.
func (d *lzmaDecoder) setProps(b byte) error {
	if b >= 9*5*5 {
		return fmt.Errorf("%w: invalid LZMA properties", ErrCorrupt)
	}
	d.lc, d.lp, d.pb = uint32(b%9), uint32(b/9%5), uint32(b/45)
	if n := lzmaLiteral << (d.lc + d.lp); len(d.literal) < n {
		if err := d.s.reserve(int64(2 * n)); err != nil {
			return err
		}
		d.literal = make([]uint16, n)
	}
	d.reset()
	return nil
}

// reset starts over with the same properties.
func (d *lzmaDecoder) reset() {
	d.state, d.rep = 0, [4]uint32{}
	fill := func(ps []uint16) {
		for i := range ps {
			ps[i] = lzmaProbInit
		}
	}
	fill(d.literal)
	p := &d.p
	for i := range lzmaStates {
		fill(p.isMatch[i][:])
		fill(p.isRep0Long[i][:])
	}
	for _, ps := range [][]uint16{p.isRep[:], p.isRepG0[:], p.isRepG1[:], p.isRepG2[:], p.dist[:], p.align[:]} {
		fill(ps)
	}
	for i := range p.slot {
		fill(p.slot[i][:])
	}
	for _, l := range []*lzmaLength{&p.length, &p.repLength} {
		l.choice, l.choice2 = lzmaProbInit, lzmaProbInit
		for i := range lzmaPosStates {
			fill(l.low[i][:])
			fill(l.mid[i][:])
		}
		fill(l.high[:])
	}
}

func (d *lzmaDecoder) decodeLiteral() error {
	w := d.w
	index := (uint32(w.total)&(1<<d.lp-1))<<d.lc + uint32(w.at(1))>>(8-d.lc)
	p := d.literal[lzmaLiteral*index : lzmaLiteral*(index+1)]
	sym := uint32(1)
	if d.state >= 7 {
		match := uint32(w.at(d.rep[0] + 1))
		for sym < 0x100 {
			mb := match >> 7 & 1
			match <<= 1
			b := d.bit(&p[(1+mb)<<8+sym])
			sym = sym<<1 | b
			if mb != b {
				break
			}
		}
	}
	for sym < 0x100 {
		sym = sym<<1 | d.bit(&p[sym])
	}
	switch {
	case d.state < 4:
		d.state = 0
	case d.state < 10:
		d.state -= 3
	default:
		d.state -= 6
	}
	if d.err != nil {
		return d.err
	}
	return w.put(byte(sym))
}

func (d *lzmaDecoder) distance(length uint32) uint32 {
	slot := d.tree(d.p.slot[min(length, lzmaLenStates-1)][:], 6)
	if slot < 4 {
		return slot
	}
	bits := slot>>1 - 1
	dist := (2 | slot&1) << bits
	if slot < lzmaEndPos {
		return dist + d.reverse(d.p.dist[dist-slot:], bits)
	}
	dist += d.direct(bits-lzmaAlignBits) << lzmaAlignBits
	return dist + d.reverse(d.p.align[:], lzmaAlignBits)
}

// match decodes the rest of a match; end is true at the end marker. n is its length, at dist rep[0]+1.
func (d *lzmaDecoder) match(posState uint32) (n int, end bool) {
	p, state := &d.p, d.state
	after := func(low, high uint32) {
		if state < 7 {
			d.state = low
		} else {
			d.state = high
		}
	}
	if d.bit(&p.isRep[state]) == 0 {
		d.rep[3], d.rep[2], d.rep[1] = d.rep[2], d.rep[1], d.rep[0]
		length := p.length.decode(&d.rangeDecoder, posState)
		after(7, 10)
		d.rep[0] = d.distance(length)
		return int(length) + lzmaMinMatch, d.rep[0] == lzmaEndMark
	}
	switch {
	case d.bit(&p.isRepG0[state]) == 0:
		if d.bit(&p.isRep0Long[state][posState]) == 0 {
			after(9, 11)
			return 1, false
		}
	case d.bit(&p.isRepG1[state]) == 0:
		d.rep[0], d.rep[1] = d.rep[1], d.rep[0]
	case d.bit(&p.isRepG2[state]) == 0:
		d.rep[0], d.rep[1], d.rep[2] = d.rep[2], d.rep[0], d.rep[1]
	default:
		d.rep[0], d.rep[1], d.rep[2], d.rep[3] = d.rep[3], d.rep[0], d.rep[1], d.rep[2]
	}
	after(8, 11)
	return int(p.repLength.decode(&d.rangeDecoder, posState)) + lzmaMinMatch, false
}

// decode decodes size bytes, or up to the end marker; marked says that it saw one.
func (d *lzmaDecoder) decode(size uint64) (marked bool, err error) {
	for done := uint64(0); done < size; {
		posState := uint32(d.w.total) & (1<<d.pb - 1)
		if d.bit(&d.p.isMatch[d.state][posState]) == 0 {
			if err := d.decodeLiteral(); err != nil {
				return false, err
			}
			done++
			continue
		}
		n, end := d.match(posState)
		if d.err != nil || end {
			return end, d.err
		}
		if uint64(n) > size-done {
			return false, fmt.Errorf("%w: match beyond the end", ErrCorrupt)
		}
		if d.rep[0] == lzmaEndMark {
			return false, fmt.Errorf("%w: distance beyond the dictionary", ErrCorrupt)
		}
		if err := d.w.repeat(d.rep[0]+1, n); err != nil {
			return false, err
		}
		done += uint64(n)
	}
	return false, d.err
}

// finish checks that the range coder ended as it must; a marker may still follow known data.
func (d *lzmaDecoder) finish() error {
	if d.code == 0 {
		return nil
	}
	posState := uint32(d.w.total) & (1<<d.pb - 1)
	if d.bit(&d.p.isMatch[d.state][posState]) == 1 {
		if _, end := d.match(posState); end && d.err == nil && d.code == 0 {
			return nil
		}
	}
	if d.err != nil {
		return d.err
	}
	return fmt.Errorf("%w: LZMA data does not end where it should", ErrCorrupt)
}
