//go:build linux

package guest

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// region is the linear memory of one instance: a reserved address range whose start is a private,
// copy-on-write mapping of an image. It implements wazero's experimental.LinearMemory.
type region struct {
	space []byte // the whole reservation
	size  uint64 // bytes the guest may address now
	limit uint64 // bytes it may ever address
	// image is mapped over the first imageSize bytes; nil while an image is being made.
	imageSize uint64
}

// newRegion reserves address space for limit bytes. It costs no memory until it is touched.
func newRegion(limit uint64) (*region, error) {
	space, err := unix.Mmap(-1, 0, int(limit), unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_NORESERVE)
	if err != nil {
		return nil, fmt.Errorf("reserve %d bytes of address space: %w", limit, err)
	}
	// A transparent huge page would turn each first touch into 2 MB of private memory.
	_ = unix.Madvise(space, unix.MADV_NOHUGEPAGE)
	return &region{space: space, limit: limit}, nil
}

// mapImage lays img over the start of the region, copy on write.
func (r *region) mapImage(img *Image) error {
	_, err := unix.MmapPtr(int(img.file.Fd()), img.offset, unsafe.Pointer(&r.space[0]), uintptr(img.size),
		unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_FIXED|unix.MAP_NORESERVE)
	if err != nil {
		return fmt.Errorf("map the image: %w", err)
	}
	r.imageSize = img.size
	return nil
}

// Reallocate implements experimental.LinearMemory: only the length moves, within the limit.
func (r *region) Reallocate(size uint64) []byte {
	if size > r.limit {
		return nil
	}
	r.size = size
	return r.space[:size:r.limit]
}

// Free implements experimental.LinearMemory.
func (r *region) Free() {
	if r.space != nil {
		_ = unix.Munmap(r.space)
		r.space = nil
	}
}

// newImageFile returns an anonymous file in memory of the given size.
func newImageFile(size int64) (*os.File, error) {
	fd, err := unix.MemfdCreate("eryx-image", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("create an image in memory: %w", err)
	}
	f := os.NewFile(uintptr(fd), "eryx-image")
	if err := f.Truncate(size); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("size an image of %d bytes: %w", size, err)
	}
	return f, nil
}

// view maps the image's memory for reading.
func (i *Image) view() (memory []byte, release func(), err error) {
	memory, err = unix.Mmap(int(i.file.Fd()), i.offset, int(i.size), unix.PROT_READ, unix.MAP_PRIVATE)
	if err != nil {
		return nil, nil, fmt.Errorf("map the image: %w", err)
	}
	return memory, func() { _ = unix.Munmap(memory) }, nil
}

func addressOf(b []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(b))) }

// capacity is the most that the region can hold, in bytes.
func (r *region) capacity() uint64 { return uint64(len(r.space)) }
