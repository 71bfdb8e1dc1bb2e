//go:build linux

package guest

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// region is the linear memory of one instance: a reserved address range whose start is a private,
// copy-on-write mapping of an image, with segments of layers over it. It implements wazero's
// experimental.LinearMemory.
type region struct {
	space    []byte    // the whole reservation
	size     uint64    // bytes the guest may address now
	limit    uint64    // bytes it may ever address
	segments []segment // what is mapped of layers, each held
}

// checkPages refuses systems whose pages are larger than an image's: kernels for arm64 may have pages of 16 or 64 KiB, and
// what is mapped of images and layers begins and ends at any 4 KiB.
func checkPages(size int) error {
	if size <= pageSize {
		return nil
	}
	return fmt.Errorf("this kernel's memory pages have %d bytes, and eryx maps pages of %d bytes: start a kernel with 4 KiB pages (getconf PAGESIZE tells; on a Raspberry Pi 5: kernel=kernel8.img in config.txt)", size, pageSize)
}

// newRegion reserves address space for limit bytes. It costs no memory until it is touched.
func newRegion(limit uint64) (*region, error) {
	space, err := unix.Mmap(-1, 0, int(limit), unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_NORESERVE)
	if err == unix.ENOMEM {
		return nil, fmt.Errorf("reserve %d bytes of address space: %w: every session needs two mappings of the %s that vm.max_map_count allows, and address space that ulimit -v may bound; close sessions, move them to disk with a session store, or raise those", limit, err, mostMappings())
	}
	if err != nil {
		return nil, fmt.Errorf("reserve %d bytes of address space: %w", limit, err)
	}
	// A transparent huge page would turn each first touch into 2 MB of private memory.
	_ = unix.Madvise(space, unix.MADV_NOHUGEPAGE)
	return &region{space: space, limit: limit}, nil
}

// lay makes the memory from start to end what img has there, copy on write, and zero behind it.
func (r *region) lay(img *Image, start, end uint64) error {
	r.forget(span{start, end})
	root := img.root()
	if s := (span{start, end}).cut(0, root.size); s.size() > 0 {
		if err := r.mapFile(int(root.file.Fd()), root.offset+int64(s.start), s); err != nil {
			return fmt.Errorf("map the image: %w", err)
		}
	}
	if s := (span{start, end}).cut(root.size, r.capacity()); s.size() > 0 {
		if err := r.mapNothing(s); err != nil {
			return fmt.Errorf("clear memory behind the image: %w", err)
		}
	}
	if img.over == nil {
		return nil
	}
	for _, s := range img.over.segments {
		if c := s.cut(start, end); c.size() > 0 {
			c.ofImage = true
			if _, err := r.mapSegment(c); err != nil {
				return err
			}
		}
	}
	img.over.copyPages(r.space, start, end)
	return nil
}

// mapSegment lays s over the region and holds its layer. Where there are too many mappings, its memory is copied
// instead.
func (r *region) mapSegment(s segment) (mapped bool, err error) {
	if segmentMaps.Add(mapsOfSegment) > maxSegmentMaps() {
		segmentMaps.Add(-mapsOfSegment)
		return false, arena.read(r.space[s.start:s.end], s.at)
	}
	if err := r.mapFile(arena.fd, int64(s.at), s.span); err != nil {
		segmentMaps.Add(-mapsOfSegment)
		// An error may have left a hole in the address space: then this fails too, instead of the process.
		if arena.read(r.space[s.start:s.end], s.at) != nil {
			return false, fmt.Errorf("map shared memory: %w", err)
		}
		return false, nil
	}
	holdAll([]segment{s})
	before := len(r.segments)
	r.segments = over(r.segments, []segment{s})
	segmentMaps.Add(mapsOfSegment * int64(len(r.segments)-before-1))
	return true, nil
}

// forget gives up the segments within s, which are mapped no longer.
func (r *region) forget(s span) {
	before := len(r.segments)
	if before == 0 {
		return
	}
	var left []segment
	for _, old := range r.segments {
		for _, keep := range without([]span{old.span}, []span{s}) {
			left = append(left, old.cut(keep.start, keep.end))
		}
	}
	holdAll(left)
	releaseAll(r.segments)
	r.segments = left
	segmentMaps.Add(mapsOfSegment * int64(len(left)-before))
}

// mapFile lays the memory of a file over s, copy on write.
func (r *region) mapFile(fd int, offset int64, s span) error {
	_, err := unix.MmapPtr(fd, offset, unsafe.Pointer(&r.space[s.start]), uintptr(s.size()),
		unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_FIXED|unix.MAP_NORESERVE)
	return err
}

// mapNothing makes s what newRegion made it.
func (r *region) mapNothing(s span) error {
	_, err := unix.MmapPtr(-1, 0, unsafe.Pointer(&r.space[s.start]), uintptr(s.size()),
		unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_FIXED|unix.MAP_NORESERVE)
	if err == nil {
		_ = unix.Madvise(r.space[s.start:s.end], unix.MADV_NOHUGEPAGE)
	}
	return err
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
		r.forget(span{0, r.capacity()})
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
	if i.over == nil {
		memory, err = unix.Mmap(int(i.file.Fd()), i.offset, int(i.size), unix.PROT_READ, unix.MAP_PRIVATE)
		if err != nil {
			return nil, nil, fmt.Errorf("map the image: %w", err)
		}
		return memory, func() { _ = unix.Munmap(memory) }, nil
	}
	r, err := newRegion(i.size)
	if err != nil {
		return nil, nil, err
	}
	if err := r.lay(i, 0, i.size); err != nil {
		r.Free()
		return nil, nil, err
	}
	return r.space[:i.size:i.size], r.Free, nil
}

func addressOf(b []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(b))) }

// capacity is the most that the region can hold, in bytes.
func (r *region) capacity() uint64 { return uint64(len(r.space)) }
