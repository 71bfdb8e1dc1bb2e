//go:build !linux

package guest

import (
	"fmt"
	"io"
	"os"
)

// region is the linear memory of one instance on platforms without private file mappings of ours: a slice, into
// which the image is copied. It implements wazero's experimental.LinearMemory.
type region struct {
	space []byte
	size  uint64
	limit uint64
	// imageSize is how much of it an image filled.
	imageSize uint64
}

func newRegion(limit uint64) (*region, error) { return &region{limit: limit}, nil }

// mapImage copies img to the start of the region.
func (r *region) mapImage(img *Image) error {
	memory, release, err := img.view()
	if err != nil {
		return err
	}
	defer release()
	copy(r.space, memory)
	r.imageSize = img.size
	return nil
}

// restore makes the memory what it was when img was copied.
func (r *region) restore(img *Image) error {
	if err := r.mapImage(img); err != nil {
		return err
	}
	clear(r.space[img.size:])
	return nil
}

// Reallocate implements experimental.LinearMemory.
func (r *region) Reallocate(size uint64) []byte {
	if size > r.limit {
		return nil
	}
	if size > uint64(cap(r.space)) {
		grown := make([]byte, size, size+size/4)
		copy(grown, r.space)
		r.space = grown
	}
	r.size, r.space = size, r.space[:size]
	return r.space
}

// Free implements experimental.LinearMemory.
func (r *region) Free() { r.space = nil }

// newImageFile returns a temporary file, which is removed when the system allows it.
func newImageFile(size int64) (*os.File, error) {
	f, err := os.CreateTemp("", "eryx-image-")
	if err != nil {
		return nil, fmt.Errorf("create an image: %w", err)
	}
	_ = os.Remove(f.Name())
	return f, f.Truncate(size)
}

// view reads the image's memory.
func (i *Image) view() (memory []byte, release func(), err error) {
	memory = make([]byte, i.size)
	if _, err := io.ReadFull(io.NewSectionReader(i.file, i.offset, int64(i.size)), memory); err != nil {
		return nil, nil, fmt.Errorf("read the image: %w", err)
	}
	return memory, func() {}, nil
}

// capacity is the most that the region can hold, in bytes.
func (r *region) capacity() uint64 { return largeReserve }

// ownPages are the pages that the guest has changed.
func (r *region) ownPages(img *Image) ([]span, error) { return r.differingPages(img) }
