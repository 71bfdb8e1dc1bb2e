package codec

import (
	"encoding/binary"
	"fmt"
)

// Formats of the lzma module.
const (
	formatAuto  = 0
	formatXZ    = 1
	formatAlone = 2
	formatRaw   = 3
)

// lzmaBase is what liblzma counts for a decoder besides its dictionary.
const lzmaBase = 64 << 10

func parseLZMADecompress(p *params) (runner, error) {
	format := p.in(formatAuto, formatRaw)
	limit := p.in(-1, 1<<62)
	chain, err := parseFilters(p)
	if err != nil {
		return nil, err
	}
	if (format == formatRaw) != (len(chain) > 0) {
		return nil, ErrParams
	}
	return func(s *stream) error {
		if err := s.reserve(lzmaProbsBytes); err != nil {
			return err
		}
		switch format {
		case formatXZ:
			return (&xzDecoder{s: s, memLimit: limit}).run()
		case formatAlone:
			return decodeAlone(s, limit)
		case formatRaw:
			_, err := decodeChain(s, chain, limit, s.emit)
			return err
		}
		if err := s.fill(); err != nil {
			return err
		}
		if s.buf[s.pos] == xzMagic[0] {
			return (&xzDecoder{s: s, memLimit: limit}).run()
		}
		s.info = checkNone + 1
		return decodeAlone(s, limit)
	}, nil
}

// decodeChain decodes raw data through a chain of filters and returns how many bytes it took.
func decodeChain(s *stream, chain []filter, limit int64, out func([]byte) error) (packed uint64, err error) {
	last := chain[len(chain)-1]
	if err := checkMemory(last.arg, limit); err != nil {
		return 0, err
	}
	held := s.held
	defer func() { s.release(s.held - held) }()
	to := transformAll(chain, false, func(p []byte) error {
		if p == nil {
			return nil
		}
		return out(p)
	})
	w, err := newWindow(s, last.arg, to)
	if err != nil {
		return 0, err
	}
	s.onEmpty = w.flush
	defer func() { s.onEmpty = nil }()
	d := &lzmaDecoder{rangeDecoder: rangeDecoder{s: s}, w: w}
	if last.id == filterLZMA2 {
		packed, err = decodeLZMA2(d)
	} else {
		err = decodeLZMA1(d, last.props(), lzmaUnknown)
	}
	if err != nil {
		return packed, err
	}
	if err := w.flush(); err != nil {
		return packed, err
	}
	return packed, to(nil)
}

func checkMemory(dict uint32, limit int64) error {
	if limit >= 0 && int64(dict)+lzmaBase > limit {
		return fmt.Errorf("%w: Memory usage limit exceeded", ErrMemory)
	}
	return nil
}

// decodeLZMA1 decodes size bytes (lzmaUnknown: up to the end marker). Nothing after them is read.
func decodeLZMA1(d *lzmaDecoder, props byte, size uint64) error {
	if err := d.setProps(props); err != nil {
		return err
	}
	if err := d.start(lzmaUnknown); err != nil {
		return err
	}
	if size == 0 {
		return d.finish()
	}
	marked, err := d.decode(size)
	if err != nil {
		return err
	}
	if marked {
		if size != lzmaUnknown || d.code != 0 {
			return fmt.Errorf("%w: LZMA end marker in the wrong place", ErrCorrupt)
		}
		return nil
	}
	return d.finish()
}

// decodeAlone decodes a .lzma file: properties, dictionary size, plain size or -1.
func decodeAlone(s *stream, limit int64) error {
	var header [13]byte
	for i := range header {
		b, err := s.ReadByte()
		if err != nil {
			return err
		}
		header[i] = b
		if i == 0 && (b >= 9*5*5 || b%9+b/9%5 > 4) {
			return fmt.Errorf("%w: Input format not supported by decoder", ErrCorrupt)
		}
	}
	dict := binary.LittleEndian.Uint32(header[1:])
	size := binary.LittleEndian.Uint64(header[5:])
	if size != lzmaUnknown && size >= 1<<38 {
		return fmt.Errorf("%w: Input format not supported by decoder", ErrCorrupt)
	}
	if err := checkMemory(dict, limit); err != nil {
		return err
	}
	w, err := newWindow(s, dict, s.emit)
	if err != nil {
		return err
	}
	s.onEmpty = w.flush
	d := &lzmaDecoder{rangeDecoder: rangeDecoder{s: s}, w: w}
	if err := decodeLZMA1(d, header[0], size); err != nil {
		return err
	}
	s.onEmpty = nil
	return w.flush()
}

// decodeLZMA2 decodes chunks up to the end chunk and returns how many bytes they took.
func decodeLZMA2(d *lzmaDecoder) (packed uint64, err error) {
	needDict, needProps := true, true
	for {
		control, err := d.s.ReadByte()
		if err != nil {
			return packed, err
		}
		packed++
		if control == 0 {
			return packed, nil
		}
		if control == 1 || control >= 0xe0 {
			d.w.reset()
			needDict, needProps = false, true
		}
		if needDict || (control < 0x80 && control > 2) {
			return packed, fmt.Errorf("%w: LZMA2 control byte", ErrCorrupt)
		}
		var n uint64
		if control < 0x80 {
			n, err = copyChunk(d)
		} else {
			n, err = decodeChunk(d, control, &needProps)
		}
		packed += n
		if err != nil {
			return packed, err
		}
	}
}

// copyChunk copies an uncompressed chunk.
func copyChunk(d *lzmaDecoder) (uint64, error) {
	n, err := d.number(2)
	if err != nil {
		return 0, err
	}
	for range n + 1 {
		b, err := d.s.ReadByte()
		if err != nil {
			return 0, err
		}
		if err := d.w.put(b); err != nil {
			return 0, err
		}
	}
	return uint64(n) + 3, nil
}

// number reads a big-endian number of n bytes.
func (d *lzmaDecoder) number(n int) (v uint32, err error) {
	for range n {
		b, err := d.s.ReadByte()
		if err != nil {
			return 0, err
		}
		v = v<<8 | uint32(b)
	}
	return v, nil
}

// decodeChunk decodes a compressed chunk; the control byte says what is reset first.
func decodeChunk(d *lzmaDecoder, control byte, needProps *bool) (uint64, error) {
	sizes, err := d.number(4)
	if err != nil {
		return 0, err
	}
	plain := uint64(control&0x1f)<<16 + uint64(sizes>>16) + 1
	packed := uint64(sizes&0xffff) + 1
	used := packed + 4
	switch {
	case control >= 0xc0:
		props, err := d.s.ReadByte()
		if err != nil {
			return 0, err
		}
		used++
		if props >= 9*5*5 || props%9+props/9%5 > 4 {
			return 0, fmt.Errorf("%w: invalid LZMA2 properties", ErrCorrupt)
		}
		if err := d.setProps(props); err != nil {
			return 0, err
		}
		*needProps = false
	case *needProps:
		return 0, fmt.Errorf("%w: LZMA2 chunk without properties", ErrCorrupt)
	case control >= 0xa0:
		d.reset()
	}
	if err := d.start(packed); err != nil {
		return 0, err
	}
	marked, err := d.decode(plain)
	if err != nil {
		return 0, err
	}
	if marked || d.left != 0 || d.code != 0 {
		return 0, fmt.Errorf("%w: LZMA2 chunk", ErrCorrupt)
	}
	return used, nil
}
