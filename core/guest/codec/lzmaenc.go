package codec

import (
	"encoding/binary"
	"fmt"
	"hash"
	"hash/crc32"

	"github.com/ulikunitz/xz/lzma"
)

const (
	// lzmaGather is how much input is looked at before the encoder is made: a short input gets a dictionary of
	// its own size, not one of megabytes.
	lzmaGather = 1 << 20
	// lzmaMaxDict bounds the dictionary of an encoder; the stream still is valid for a larger one.
	lzmaMaxDict = 16 << 20
	// lzmaPerByte is what the library's encoder allocates for each byte of dictionary.
	lzmaPerByte = 8
)

func parseLZMACompress(p *params) (runner, error) {
	format := p.in(formatXZ, formatRaw)
	check := byte(p.in(0, 15))
	chain, err := parseFilters(p)
	if err != nil {
		return nil, err
	}
	if len(chain) == 0 {
		return nil, ErrParams
	}
	last := chain[len(chain)-1]
	lzma1 := last.id == filterLZMA1
	if !lzma1 && last.id != filterLZMA2 || last.arg < lzma.MinDictCap {
		return nil, fmt.Errorf("%w: filter chain", ErrParams)
	}
	if format == formatXZ {
		if _, err := newCheck(check); err != nil {
			return nil, err
		}
		if lzma1 {
			return nil, fmt.Errorf("%w: filter chain", ErrParams)
		}
	}
	if format == formatAlone && (!lzma1 || len(chain) != 1) {
		return nil, fmt.Errorf("%w: filter chain", ErrParams)
	}
	e := &lzmaEncoder{format: format, checkID: check, chain: chain}
	return e.run, nil
}

// lzmaEncoder compresses in one of the three formats. The library does LZMA; the xz container, which the library
// knows without filters only, is written here.
type lzmaEncoder struct {
	s       *stream
	format  int64
	checkID byte
	chain   []filter
	dict    uint32 // the dictionary that is used, at most the one asked for

	w      compressor
	in     sink
	check  hash.Hash
	packed uint64
	plain  uint64
	skip   int // bytes of the library's .lzma header that a raw stream does not have
}

func (e *lzmaEncoder) run(s *stream) error {
	e.s = s
	var first []byte
	for {
		chunk, op, err := s.next()
		if err != nil {
			return err
		}
		if e.w == nil {
			first = append(first, chunk...)
			if op != FlagFinish && len(first) < lzmaGather {
				continue
			}
			chunk = first
			if err := e.start(len(first)); err != nil {
				return err
			}
		}
		if err := e.write(chunk); err != nil {
			return err
		}
		first = nil
		if op == FlagFinish {
			return e.finish()
		}
	}
}

// start makes the encoder for at least size bytes of input.
func (e *lzmaEncoder) start(size int) error {
	last := &e.chain[len(e.chain)-1]
	e.dict = min(last.arg, lzmaMaxDict)
	if size < lzmaGather {
		e.dict = min(e.dict, max(1<<12, dictFromBits(bitsFromDict(uint32(size)))))
	}
	last.arg = e.dict
	if err := e.s.reserve(lzmaPerByte*int64(e.dict) + 2*lzmaGather); err != nil {
		return err
	}
	props := &lzma.Properties{LC: int(last.lc), LP: int(last.lp), PB: int(last.pb)}
	var err error
	if last.id == filterLZMA2 {
		if e.format == formatXZ {
			if err := e.header(); err != nil {
				return err
			}
		}
		e.w, err = lzma.Writer2Config{Properties: props, DictCap: int(e.dict)}.NewWriter2(e)
	} else {
		if e.format == formatRaw {
			e.skip = lzma.HeaderLen
		}
		e.w, err = lzma.WriterConfig{Properties: props, DictCap: int(e.dict), EOSMarker: true}.NewWriter(e)
	}
	if err != nil {
		return fmt.Errorf("%w: %v", ErrParams, err)
	}
	e.in = transformAll(e.chain, true, func(p []byte) error {
		if len(p) == 0 {
			return nil
		}
		_, err := e.w.Write(p)
		return err
	})
	return nil
}

// Write takes what the library compressed.
func (e *lzmaEncoder) Write(p []byte) (int, error) {
	n := len(p)
	k := min(n, e.skip)
	e.skip -= k
	p = p[k:]
	e.packed += uint64(len(p))
	return n, e.s.emit(p)
}

// write compresses input in small pieces, so that a step of the library is short.
func (e *lzmaEncoder) write(p []byte) error {
	for len(p) > 0 {
		piece := p[:min(len(p), chunkBytes)]
		p = p[len(piece):]
		e.plain += uint64(len(piece))
		if e.check != nil {
			e.check.Write(piece)
		}
		if err := e.in(piece); err != nil {
			return err
		}
	}
	return nil
}

func (e *lzmaEncoder) finish() error {
	if err := e.in(nil); err != nil {
		return err
	}
	if err := e.w.Close(); err != nil {
		return err
	}
	if e.format != formatXZ {
		return nil
	}
	return e.footer()
}

// blockHeader is an xz block header without sizes: they are not known yet.
func (e *lzmaEncoder) blockHeader() []byte {
	b := []byte{0, byte(len(e.chain) - 1)}
	for _, f := range e.chain {
		props := f.xzProps()
		b = binary.AppendUvarint(b, uint64(f.id))
		b = binary.AppendUvarint(b, uint64(len(props)))
		b = append(b, props...)
	}
	b = pad4(b)
	b[0] = byte(len(b) / 4)
	return binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
}

func pad4(b []byte) []byte {
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

// header writes the stream's and the block's header.
func (e *lzmaEncoder) header() error {
	var err error
	if e.check, err = newCheck(e.checkID); err != nil {
		return err
	}
	flags := []byte{0, e.checkID}
	b := append([]byte(xzMagic), flags...)
	b = binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(flags))
	return e.s.emit(append(b, e.blockHeader()...))
}

// footer writes the rest of the block, the index and the stream's footer.
func (e *lzmaEncoder) footer() error {
	unpadded := uint64(len(e.blockHeader())) + e.packed
	b := make([]byte, int(-unpadded&3))
	if e.check != nil {
		sum := checkSum(e.check)
		b = append(b, sum...)
		unpadded += uint64(len(sum))
	}
	index := binary.AppendUvarint([]byte{0, 1}, unpadded)
	index = pad4(binary.AppendUvarint(index, e.plain))
	index = binary.LittleEndian.AppendUint32(index, crc32.ChecksumIEEE(index))
	footer := binary.LittleEndian.AppendUint32(nil, uint32(len(index)/4-1))
	footer = append(footer, 0, e.checkID)
	b = append(b, index...)
	b = binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(footer))
	b = append(b, footer...)
	return e.s.emit(append(b, xzFooterMagic...))
}
