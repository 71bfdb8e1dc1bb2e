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
	space    []byte
	size     uint64
	limit    uint64
	segments []segment // none: there are no layers
}

// checkPages is for what maps pages: nothing here does.
func checkPages(int) error { return nil }

func newRegion(limit uint64) (*region, error) { return &region{limit: limit}, nil }

// lay makes the memory from start to end what img has there, and zero behind it.
func (r *region) lay(img *Image, start, end uint64) error {
	memory, err := img.pristine()
	if err != nil {
		return err
	}
	r.copyImage(memory, span{start, end}.cut(0, r.size))
	return nil
}

// copyImage makes s what memory has there, and zero behind it.
func (r *region) copyImage(memory []byte, s span) {
	at := s.start
	if at < uint64(len(memory)) {
		at += uint64(copy(r.space[at:s.end], memory[at:]))
	}
	clear(r.space[at:s.end])
}

// restore makes the memory what it was when img was copied.
func (r *region) restore(img *Image) error { return r.lay(img, 0, r.size) }

// mapSegment is never called: there are no layers.
func (r *region) mapSegment(segment) (mapped bool, err error) { return false, errNoArena }

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
	root := i.root()
	if _, err := io.ReadFull(io.NewSectionReader(root.file, root.offset, int64(root.size)), memory[:min(root.size, i.size)]); err != nil {
		return nil, nil, fmt.Errorf("read the image: %w", err)
	}
	if i.over != nil {
		i.over.copyPages(memory, 0, i.size)
	}
	return memory, func() {}, nil
}

// capacity is the most that the region can hold, in bytes.
func (r *region) capacity() uint64 { return largeReserve }

// ownPages are the pages that the guest has changed.
func (r *region) ownPages(img *Image) ([]span, error) { return r.differingPages(img) }
