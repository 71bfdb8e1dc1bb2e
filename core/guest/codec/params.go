package codec

import "encoding/binary"

// maxParams bounds the parameters of one stream: a zstd dictionary is the only large one.
const maxParams = 16 << 20

// params reads the parameters of Open: 64-bit integers, then raw bytes. Reading past the end sets bad.
type params struct {
	b   []byte
	bad bool
}

func (p *params) int() int64 {
	if len(p.b) < 8 {
		p.bad = true
		return 0
	}
	v := int64(binary.LittleEndian.Uint64(p.b))
	p.b = p.b[8:]
	return v
}

// in reads an integer that must lie in [low, high].
func (p *params) in(low, high int64) int64 {
	v := p.int()
	if v < low || v > high {
		p.bad = true
		return low
	}
	return v
}

// rest takes all that is left, as a copy: the guest's memory may change.
func (p *params) rest() []byte {
	b := append([]byte(nil), p.b...)
	p.b = nil
	return b
}

// done reports whether all parameters were read and were in range.
func (p *params) done() error {
	if p.bad || len(p.b) != 0 {
		return ErrParams
	}
	return nil
}

// parse makes the body of a stream from its parameters.
func parse(kind Kind, raw []byte) (runner, error) {
	if len(raw) > maxParams {
		return nil, ErrParams
	}
	p := &params{b: raw}
	var run runner
	var err error
	switch kind {
	case BZ2Compress:
		level := int(p.in(1, 9))
		run = func(s *stream) error { return compressBZ2(s, level) }
	case BZ2Decompress:
		run = decompressBZ2
	case LZMACompress:
		run, err = parseLZMACompress(p)
	case LZMADecompress:
		run, err = parseLZMADecompress(p)
	case ZstdCompress:
		run, err = parseZstdCompress(p)
	case ZstdDecompress:
		run, err = parseZstdDecompress(p)
	case ZstdTrain:
		run, err = parseZstdTrain(p)
	default:
		return nil, ErrParams
	}
	if err == nil {
		err = p.done()
	}
	if err != nil {
		return nil, err
	}
	return run, nil
}
