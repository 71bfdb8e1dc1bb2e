package codec

import (
	"encoding/binary"
	"fmt"
	"io"
)

const (
	zstdMagic         = 0xfd2fb528
	zstdSkipMagic     = 0x184d2a50
	zstdSkipMask      = 0xfffffff0
	zstdMaxBlock      = 128 << 10
	zstdBlockRaw      = 0
	zstdBlockRLE      = 1
	zstdBlockReserved = 3
	zstdChecksumFlag  = 4
)

// zstdFrame feeds the library exactly one frame and then says EOF, although the library itself would go on to the
// next one. It knows the structure, not the contents: it walks headers and counts the bytes between them. The
// window that a header asks for is checked and accounted for here, before the library allocates it. And it hides that
// a checksum follows, which the library would want to see before it hands over the last block.
type zstdFrame struct {
	s         *stream
	maxWindow uint64

	left  uint64 // bytes to pass before the next part
	then  func(*zstdFrame, []byte) error
	head  []byte // the bytes of a part whose contents matter
	want  int    // how many of them
	crc   bool
	flags bool // the part is the descriptor byte
	start bool
	ended bool
	err   error
}

// Read passes at most the current part.
func (f *zstdFrame) Read(p []byte) (int, error) {
	if !f.start {
		f.start = true
		f.expect(4, (*zstdFrame).magic)
	}
	if f.err != nil {
		return 0, f.err
	}
	if f.ended {
		return 0, io.EOF
	}
	if uint64(len(p)) > f.left {
		p = p[:f.left]
	}
	n, err := f.s.Read(p)
	f.left -= uint64(n)
	if len(f.head) < f.want {
		f.head = append(f.head, p[:n]...)
	}
	if f.flags && n > 0 {
		p[0] &^= zstdChecksumFlag
	}
	for err == nil && f.left == 0 && !f.ended {
		f.err = f.then(f, f.head)
		err = f.err
	}
	return n, err
}

// expect makes the next n bytes a part that then looks at.
func (f *zstdFrame) expect(n int, then func(*zstdFrame, []byte) error) {
	f.left, f.want, f.head, f.then = uint64(n), n, f.head[:0], then
}

// skip passes n bytes unseen.
func (f *zstdFrame) skip(n uint64, then func(*zstdFrame, []byte) error) {
	f.left, f.want, f.head, f.then = n, 0, f.head[:0], then
}

func (f *zstdFrame) end([]byte) error {
	f.ended = true
	return nil
}

func (f *zstdFrame) magic(b []byte) error {
	magic := binary.LittleEndian.Uint32(b)
	switch {
	case magic == zstdMagic:
		f.expect(1, (*zstdFrame).descriptor)
		f.flags = true
	case magic&zstdSkipMask == zstdSkipMagic:
		f.expect(4, func(f *zstdFrame, b []byte) error {
			f.skip(uint64(binary.LittleEndian.Uint32(b)), (*zstdFrame).end)
			return nil
		})
	default:
		return fmt.Errorf("%w: Unknown frame descriptor", ErrCorrupt)
	}
	return nil
}

func (f *zstdFrame) descriptor(b []byte) error {
	d := b[0]
	f.flags = false
	f.crc = d&zstdChecksumFlag != 0
	single := d&0x20 != 0
	dict := []int{0, 1, 2, 4}[d&3]
	size := []int{0, 2, 4, 8}[d>>6]
	if single && size == 0 {
		size = 1
	}
	window := 1
	if single {
		window = 0
	}
	// Never empty: a frame header has a window or a size.
	f.expect(window+dict+size, func(f *zstdFrame, b []byte) error {
		if err := f.checkWindow(b, single, dict, size); err != nil {
			return err
		}
		f.expect(3, (*zstdFrame).block)
		return nil
	})
	return nil
}

// checkWindow refuses a window that is too large, and accounts for what the library will allocate for it.
func (f *zstdFrame) checkWindow(b []byte, single bool, dict, size int) error {
	var window uint64
	if single {
		var le [8]byte
		copy(le[:], b[dict:dict+size])
		window = binary.LittleEndian.Uint64(le[:])
		if size == 2 {
			window += 256
		}
	} else {
		base := uint64(1) << (10 + b[0]>>3)
		window = base + base/8*uint64(b[0]&7)
	}
	if window > f.maxWindow {
		return fmt.Errorf("%w: Frame requires too much memory for decoding", ErrCorrupt)
	}
	return f.s.reserve(int64(window) + 2*zstdMaxBlock)
}

func (f *zstdFrame) block(b []byte) error {
	h := uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16
	size, kind := h>>3, h>>1&3
	if kind == zstdBlockReserved || (kind != zstdBlockRLE && size > zstdMaxBlock) {
		return fmt.Errorf("%w: Data corruption detected", ErrCorrupt)
	}
	if kind == zstdBlockRLE {
		size = 1
	}
	then := func(f *zstdFrame, _ []byte) error {
		f.expect(3, (*zstdFrame).block)
		return nil
	}
	if h&1 != 0 {
		then = (*zstdFrame).end
	}
	f.skip(size, then)
	return nil
}
