package codec

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"
)

// Integrity checks of the xz format.
const (
	checkNone   = 0
	checkCRC32  = 1
	checkCRC64  = 4
	checkSHA256 = 10
)

const (
	xzMagic       = "\xfd7zXZ\x00"
	xzFooterMagic = "YZ"
)

var crc64Table = crc64.MakeTable(crc64.ECMA)

// newCheck makes the hash of an integrity check, nil for none.
func newCheck(id byte) (hash.Hash, error) {
	switch id {
	case checkNone:
		return nil, nil
	case checkCRC32:
		return crc32.NewIEEE(), nil
	case checkCRC64:
		return crc64.New(crc64Table), nil
	case checkSHA256:
		return sha256.New(), nil
	}
	return nil, fmt.Errorf("%w: Unsupported integrity check", ErrUnsupported)
}

// checkSum is the hash's value as the format stores it: integers are little endian there.
func checkSum(h hash.Hash) []byte {
	sum := h.Sum(nil)
	if len(sum) <= 8 {
		for i, j := 0, len(sum)-1; i < j; i, j = i+1, j-1 {
			sum[i], sum[j] = sum[j], sum[i]
		}
	}
	return sum
}

// xzDecoder reads one xz stream. It reads every part exactly, so that what follows the stream is left alone.
type xzDecoder struct {
	s        *stream
	memLimit int64
	read     uint64 // bytes read from s, except by the LZMA decoder

	check  byte
	blocks uint64
	sizes  hash.Hash // of the sizes of all blocks, to compare with the index
}

func (d *xzDecoder) full(n int) ([]byte, error) {
	b := make([]byte, n)
	if _, err := io.ReadFull(d.s, b); err != nil {
		return nil, err
	}
	d.read += uint64(n)
	return b, nil
}

func xzCorrupt(what string) error { return fmt.Errorf("%w: xz %s", ErrCorrupt, what) }

func (d *xzDecoder) run() error {
	header, err := d.full(12)
	if err != nil {
		return err
	}
	if string(header[:6]) != xzMagic {
		return fmt.Errorf("%w: Input format not supported by decoder", ErrCorrupt)
	}
	flags := header[6:8]
	if crc32.ChecksumIEEE(flags) != binary.LittleEndian.Uint32(header[8:]) {
		return xzCorrupt("stream header")
	}
	if flags[0] != 0 || flags[1] > 15 {
		return fmt.Errorf("%w: xz stream flags", ErrUnsupported)
	}
	d.check = flags[1]
	d.s.info = uint32(d.check) + 1
	if _, err := newCheck(d.check); err != nil {
		return err
	}
	d.sizes = sha256.New()
	for {
		size, err := d.full(1)
		if err != nil {
			return err
		}
		if size[0] == 0 {
			return d.index(flags)
		}
		if err := d.block(size[0]); err != nil {
			return err
		}
	}
}

// block decodes one block, whose header is (size+1)*4 bytes long.
func (d *xzDecoder) block(size byte) error {
	rest, err := d.full(int(size)*4 + 3)
	if err != nil {
		return err
	}
	header := append([]byte{size}, rest...)
	body := header[1 : len(header)-4]
	if crc32.ChecksumIEEE(header[:len(header)-4]) != binary.LittleEndian.Uint32(header[len(header)-4:]) {
		return xzCorrupt("block header")
	}
	chain, packed, plain, err := parseBlockHeader(body)
	if err != nil {
		return err
	}
	check, err := newCheck(d.check)
	if err != nil {
		return err
	}
	gotPacked, gotPlain, err := d.blockData(chain, check)
	if err != nil {
		return err
	}
	if packed != nil && *packed != gotPacked || plain != nil && *plain != gotPlain {
		return xzCorrupt("block sizes")
	}
	unpadded := uint64(len(header)) + gotPacked
	if err := d.padding(unpadded); err != nil {
		return err
	}
	if check != nil {
		want, err := d.full(check.Size())
		if err != nil {
			return err
		}
		if !bytes.Equal(want, checkSum(check)) {
			return xzCorrupt("integrity check")
		}
		unpadded += uint64(check.Size())
	}
	d.blocks++
	return binary.Write(d.sizes, binary.LittleEndian, [2]uint64{unpadded, gotPlain})
}

// parseBlockHeader reads what lies between a block header's size and its checksum.
func parseBlockHeader(b []byte) (chain []filter, packed, plain *uint64, err error) {
	flags := b[0]
	b = b[1:]
	if flags&0x3c != 0 {
		return nil, nil, nil, fmt.Errorf("%w: xz block flags", ErrUnsupported)
	}
	for i, size := range []**uint64{&packed, &plain} {
		if flags&(0x40<<i) == 0 {
			continue
		}
		v, rest, ok := uvarint(b)
		if !ok {
			return nil, nil, nil, xzCorrupt("block header")
		}
		*size, b = &v, rest
	}
	chain, b, err = chainFromXZ(b, int(flags&3)+1)
	if err != nil {
		return nil, nil, nil, err
	}
	for _, v := range b {
		if v != 0 {
			return nil, nil, nil, xzCorrupt("block header")
		}
	}
	return chain, packed, plain, nil
}

// blockData decodes a block's data and returns how long it was, packed and plain.
func (d *xzDecoder) blockData(chain []filter, check hash.Hash) (packed, plain uint64, err error) {
	out := func(p []byte) error {
		if check != nil {
			check.Write(p)
		}
		plain += uint64(len(p))
		return d.s.emit(p)
	}
	packed, err = decodeChain(d.s, chain, d.memLimit, out)
	return packed, plain, err
}

// padding skips zero bytes up to a multiple of four.
func (d *xzDecoder) padding(n uint64) error {
	pad, err := d.full(int(-n & 3))
	if err != nil {
		return err
	}
	for _, b := range pad {
		if b != 0 {
			return xzCorrupt("padding")
		}
	}
	return nil
}

// index checks the index, whose first byte has been read, and the footer.
func (d *xzDecoder) index(flags []byte) error {
	crc := crc32.NewIEEE()
	crc.Write([]byte{0})
	start := d.read - 1
	number := func() (uint64, error) {
		var b []byte
		for {
			next, err := d.full(1)
			if err != nil {
				return 0, err
			}
			crc.Write(next)
			b = append(b, next[0])
			if next[0]&0x80 == 0 || len(b) == 9 {
				v, _, ok := uvarint(b)
				if !ok {
					return 0, xzCorrupt("index")
				}
				return v, nil
			}
		}
	}
	n, err := number()
	if err != nil {
		return err
	}
	if n != d.blocks {
		return xzCorrupt("index")
	}
	sizes := sha256.New()
	for range n {
		unpadded, err := number()
		if err != nil {
			return err
		}
		plain, err := number()
		if err != nil {
			return err
		}
		if err := binary.Write(sizes, binary.LittleEndian, [2]uint64{unpadded, plain}); err != nil {
			return err
		}
	}
	if !bytes.Equal(sizes.Sum(nil), d.sizes.Sum(nil)) {
		return xzCorrupt("index")
	}
	return d.indexEnd(crc, start, flags)
}

// indexEnd checks the index's padding and checksum, then the footer.
func (d *xzDecoder) indexEnd(crc hash.Hash32, start uint64, flags []byte) error {
	pad := int(-(d.read - start) & 3)
	crc.Write(make([]byte, pad))
	if err := d.padding(d.read - start); err != nil {
		return err
	}
	size := d.read - start + 4
	tail, err := d.full(4 + 12)
	if err != nil {
		return err
	}
	footer := tail[4:]
	switch {
	case binary.LittleEndian.Uint32(tail) != crc.Sum32():
		return xzCorrupt("index checksum")
	case string(footer[10:]) != xzFooterMagic || !bytes.Equal(footer[8:10], flags):
		return xzCorrupt("footer")
	case crc32.ChecksumIEEE(footer[4:10]) != binary.LittleEndian.Uint32(footer):
		return xzCorrupt("footer checksum")
	case (uint64(binary.LittleEndian.Uint32(footer[4:]))+1)*4 != size:
		return xzCorrupt("footer size")
	}
	return nil
}
