//go:build linux

package guest

import (
	"encoding/binary"
	"os"
	"runtime"
	"slices"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Restoring a used instance by dropping its pages makes the next life pay a page fault, of one to two
// microseconds, for each page that it reads or writes anew: most of the time of a small program. So the pages
// that the guest has made its own are asked of the kernel, and copied back from the image, or cleared behind
// it, which takes a tenth of the time. See docs/decisions/0006-recycling.md for the figures.

// maxOwnPages is how many pages are copied back, and stay with the idle instance; what is beyond is dropped.
const maxOwnPages = 1024

// pagemap is /proc/self/pagemap, nil where it cannot be opened.
var pagemap = sync.OnceValue(func() *os.File {
	f, err := os.Open("/proc/self/pagemap")
	if err != nil {
		return nil
	}
	return f
})

// restore makes the memory what it was when img was laid.
func (r *region) restore(img *Image) error {
	for _, s := range r.segments {
		if !s.ofImage {
			return r.relay(img)
		}
	}
	pristine, err := img.pristine()
	if err != nil {
		return r.drop(img, 0)
	}
	spans, err := r.ownPages(img)
	if err != nil {
		return r.drop(img, 0)
	}
	img.learn(spans)
	left := uint64(maxOwnPages * pageSize)
	for _, s := range spans {
		if s.size() > left {
			return r.drop(img, s.start)
		}
		left -= s.size()
		n := s.start
		if n < img.size {
			n += uint64(copy(r.space[n:s.end], pristine[n:]))
		}
		clear(r.space[n:s.end])
	}
	return nil
}

// relay is restore of a region that has mapped segments of its own.
func (r *region) relay(img *Image) error {
	for _, s := range slices.Clone(r.segments) {
		if s.ofImage {
			continue
		}
		if err := r.lay(img, s.start, s.end); err != nil {
			return err
		}
	}
	return r.restore(img)
}

// drop gives back all pages from offset start on: they are the image's again, or zero behind it.
func (r *region) drop(img *Image, start uint64) error {
	if start >= r.size {
		return nil
	}
	if img.over != nil { // some of which is copied, not mapped
		return r.lay(img, start, r.size)
	}
	return unix.Madvise(r.space[start:r.size], unix.MADV_DONTNEED)
}

// ownPages are the pages that the guest does not share with its image or its segments, in order.
func (r *region) ownPages(img *Image) ([]span, error) {
	if pagemap() == nil {
		return r.differingPages(img)
	}
	if spans, err := r.scanPages(); err == nil {
		return spans, nil
	}
	return r.readPages()
}

// scanArgument is the kernel's struct pm_scan_arg (linux/fs.h, since 6.7).
type scanArgument struct {
	size, flags, start, end, walkEnd, vec, vecLen, maxPages       uint64
	categoryInverted, categoryMask, categoryAnyofMask, returnMask uint64
}

type scanRegion struct{ start, end, categories uint64 }

var scanBuffers = sync.Pool{New: func() any { return new([scanRegions]scanRegion) }}

const (
	pagemapScan   = 0xc0606610 // PAGEMAP_SCAN
	pageIsFile    = 1 << 2
	pageIsPresent = 1 << 3
	pageIsSwapped = 1 << 4 // or is being moved to another place in memory
	scanRegions   = 512
)

// scanPages asks with PAGEMAP_SCAN for the pages that exist and are not of a file.
func (r *region) scanPages() ([]span, error) {
	base := uint64(addressOf(r.space))
	// The kernel is given the address as a number, so this must be on the heap, where nothing moves: a slice
	// made here would be on the goroutine's stack.
	found := scanBuffers.Get().(*[scanRegions]scanRegion)
	defer scanBuffers.Put(found)
	a := scanArgument{
		start: base, end: base + r.size, vec: uint64(uintptr(unsafe.Pointer(&found[0]))), vecLen: scanRegions,
		categoryInverted: pageIsFile, categoryMask: pageIsFile, categoryAnyofMask: pageIsPresent | pageIsSwapped,
		returnMask: pageIsFile,
	}
	a.size = uint64(unsafe.Sizeof(a))
	var spans []span
	for a.start < a.end {
		n, _, errno := unix.Syscall(unix.SYS_IOCTL, pagemap().Fd(), pagemapScan, uintptr(unsafe.Pointer(&a)))
		runtime.KeepAlive(found)
		if errno != 0 {
			return nil, errno
		}
		spans = slices.Grow(spans, int(n))
		for _, f := range found[:n] {
			spans = append(spans, span{f.start - base, f.end - base})
		}
		if n < scanRegions || a.walkEnd <= a.start {
			break
		}
		a.start = a.walkEnd
	}
	return spans, nil
}

// readPages is scanPages for older kernels: it reads an entry for each page.
func (r *region) readPages() ([]span, error) {
	const present, swapped, shared = 1 << 63, 1 << 62, 1 << 61 // shared: of a file
	raw := make([]byte, 8*(r.size/pageSize))
	if _, err := pagemap().ReadAt(raw, int64(addressOf(r.space)/pageSize*8)); err != nil {
		return nil, err
	}
	var spans []span
	for i := uint64(0); i < r.size/pageSize; i++ {
		entry := binary.LittleEndian.Uint64(raw[8*i:])
		if entry&(present|swapped) == 0 || entry&shared != 0 {
			continue
		}
		at := i * pageSize
		if k := len(spans) - 1; k >= 0 && spans[k].end == at {
			spans[k].end += pageSize
		} else {
			spans = append(spans, span{at, at + pageSize})
		}
	}
	return spans, nil
}
