package guest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
)

// An image file is one page of header, then the memory with its zeros as holes, so that it can be mapped as it
// is. The header is: magic, the build id, then little-endian 64-bit size, stack, info, and the CRC of the memory.
const (
	imageMagic  = "eryx-image-1\n"
	imageHeader = pageSize
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// SaveImage writes img to a file, atomically.
func SaveImage(img *Image, name string) error {
	dir := filepath.Dir(name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, "new-image-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	memory, release, err := img.view()
	if err != nil {
		return err
	}
	defer release()
	if err := f.Truncate(imageHeader + int64(img.size)); err != nil {
		return err
	}
	if err := writeSparse(io.NewOffsetWriter(f, imageHeader), memory); err != nil {
		return err
	}
	if _, err := f.WriteAt(header(img, crc32.Checksum(memory, castagnoli)), 0); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

func header(img *Image, sum uint32) []byte {
	b := make([]byte, 0, imageHeader)
	b = append(b, imageMagic...)
	b = append(b, BuildID()...)
	for _, v := range []uint64{img.size, img.stack, uint64(img.info), uint64(sum)} {
		b = binary.LittleEndian.AppendUint64(b, v)
	}
	return b[:imageHeader:imageHeader]
}

// LoadImage opens an image that SaveImage wrote. Another build's, a damaged or a truncated one is refused with
// ErrImage. The file is mapped, so it must not be changed while the image is in use.
func LoadImage(name string) (*Image, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	img, err := readImage(f)
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("%w: %s: %w", ErrImage, name, err)
	}
	return img, nil
}

func readImage(f *os.File) (*Image, error) {
	b := make([]byte, imageHeader)
	if _, err := io.ReadFull(f, b); err != nil {
		return nil, errors.New("the header is cut short")
	}
	id := BuildID()
	if string(b[:len(imageMagic)]) != imageMagic {
		return nil, errors.New("not an image file")
	}
	b = b[len(imageMagic):]
	if string(b[:len(id)]) != id {
		return nil, errors.New("made by another build")
	}
	b = b[len(id):]
	word := func(i int) uint64 { return binary.LittleEndian.Uint64(b[8*i:]) }
	img := &Image{file: f, offset: imageHeader, size: word(0), stack: word(1), info: uint32(word(2))}
	stat, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if img.size == 0 || img.size%wasmPage != 0 || img.size > largeReserve || stat.Size() != imageHeader+int64(img.size) {
		return nil, errors.New("its size is wrong")
	}
	memory, release, err := img.view()
	if err != nil {
		return nil, err
	}
	defer release()
	img.sum, img.summed = uint32(word(3)), true
	if crc32.Checksum(memory, castagnoli) != img.sum {
		return nil, errors.New("its checksum is wrong")
	}
	return img, nil
}
