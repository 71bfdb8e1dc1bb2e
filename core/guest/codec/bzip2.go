package codec

import (
	"compress/bzip2"
	"errors"
	"fmt"
	"io"

	bzip2w "github.com/dsnet/compress/bzip2"
)

// Memory of the libraries at block size 900k: the block, its suffix array and tables.
const (
	bz2CompressBytes   = 10 << 20
	bz2DecompressBytes = 5 << 20
)

// compressor is what the libraries' writers have in common.
type compressor interface {
	io.Writer
	Close() error
}

// compressAll writes all input to w and closes it when asked to finish.
func compressAll(s *stream, w compressor) error {
	for {
		chunk, op, err := s.next()
		if err != nil {
			return err
		}
		if _, err := w.Write(chunk); err != nil {
			return err
		}
		if op == FlagFinish {
			return w.Close()
		}
	}
}

func compressBZ2(s *stream, level int) error {
	if err := s.reserve(bz2CompressBytes); err != nil {
		return err
	}
	w, err := bzip2w.NewWriter(s, &bzip2w.WriterConfig{Level: level})
	if err != nil {
		return fmt.Errorf("%w: %v", ErrParams, err)
	}
	return compressAll(s, w)
}

func decompressBZ2(s *stream) error {
	if err := s.reserve(bz2DecompressBytes); err != nil {
		return err
	}
	err := s.copyOut(bzip2.NewReader(&bz2Input{s: s}))
	var bad bzip2.StructuralError
	if errors.As(err, &bad) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: %v", ErrCorrupt, err)
	}
	return err
}

// bz2Input feeds the library one bzip2 stream and then says EOF, although the library itself would go on to look
// for another stream behind it. It reads bytes one at a time, never more than it needs, so that at the end of the
// stream it asks for a byte when the last 80 bits but the padding are the end marker and a checksum.
type bz2Input struct {
	s      *stream
	hi, lo uint64 // the last 16 bytes read
}

const (
	bz2EndMagic = 0x177245385090
	bz2CRCBits  = 32
)

// bz2EndByte marks the values that the sixth byte from the end can have when the stream ends there.
var bz2EndByte = func() (t [256]bool) {
	for pad := range 8 {
		t[byte(uint64(bz2EndMagic)>>(8-pad))] = true
	}
	return t
}()

// atEnd reports whether the end marker, a checksum and 0 to 7 bits of padding were the last bits read.
func (r *bz2Input) atEnd() bool {
	if !bz2EndByte[byte(r.lo>>40)] {
		return false
	}
	for pad := range uint(8) {
		shift := bz2CRCBits + pad
		if (r.lo>>shift|r.hi<<(64-shift))&(1<<48-1) == bz2EndMagic {
			return true
		}
	}
	return false
}

// ReadByte implements io.ByteReader, which the library then uses instead of Read.
func (r *bz2Input) ReadByte() (byte, error) {
	if r.atEnd() {
		return 0, io.EOF
	}
	b, err := r.s.ReadByte()
	r.hi = r.hi<<8 | r.lo>>56
	r.lo = r.lo<<8 | uint64(b)
	return b, err
}

func (r *bz2Input) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	b, err := r.ReadByte()
	if err != nil {
		return 0, err
	}
	p[0] = b
	return 1, nil
}
