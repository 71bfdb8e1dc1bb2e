package guest

import (
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"sync"
	"sync/atomic"
)

const pageSize = 4096

// Image is the memory of an interpreter at rest, from which any number of guests start, copy on write: a file, or what
// differs from another image. It is immutable and may be used by many goroutines. See docs/architecture.md, "Images".
type Image struct {
	base   *Image   // what over lies on; nil for a file
	over   *overlay // what differs from base
	file   *os.File // in memory or in the cache
	offset int64    // where in file the memory begins, a multiple of the page
	size   uint64   // a multiple of the WebAssembly page
	stack  uint64   // the shadow stack pointer at rest
	info   uint32   // address of the words shared with the guest

	extensions []extensionRecord // loaded in it

	mu      sync.Mutex
	memory  []byte // a view of it, once it was needed
	release func()
	sum     uint32 // its checksum, once summed
	summed  bool

	usual atomic.Pointer[[]span] // the pages that most programs write to, once one has shown
}

// SizeBytes is the length of the image's memory in bytes, most of it shared by all guests made from it.
func (i *Image) SizeBytes() int64 { return int64(i.size) }

// HeldBytes is the memory that the image takes beside the image that it was extended from.
func (i *Image) HeldBytes() int64 {
	if i.over == nil {
		return int64(i.size)
	}
	return i.over.sizeBytes()
}

// root is the image of a file that i lies on.
func (i *Image) root() *Image {
	if i.base == nil {
		return i
	}
	return i.base
}

// Close releases the image. Guests that were made from it must be closed before.
func (i *Image) Close() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.memory != nil {
		i.release()
		i.memory = nil
	}
	if i.over != nil {
		i.over.release()
		return nil
	}
	return i.file.Close()
}

// imageFrom copies memory into a new image, leaving pages of zeros as holes.
func imageFrom(memory []byte, stack uint64, info uint32) (*Image, error) {
	f, err := newImageFile(int64(len(memory)))
	if err != nil {
		return nil, err
	}
	img := &Image{file: f, size: uint64(len(memory)), stack: stack, info: info}
	if err := writeSparse(f, memory); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("write an image: %w", err)
	}
	return img, nil
}

// writeSparse writes the runs of memory that are not zero at their offsets.
func writeSparse(w io.WriterAt, memory []byte) error {
	for start := 0; start < len(memory); {
		if isZero(memory[start:min(start+pageSize, len(memory))]) {
			start += pageSize
			continue
		}
		end := start + pageSize
		for end < len(memory) && !isZero(memory[end:min(end+pageSize, len(memory))]) {
			end += pageSize
		}
		end = min(end, len(memory))
		if _, err := w.WriteAt(memory[start:end], int64(start)); err != nil {
			return err
		}
		start = end
	}
	return nil
}

var zeroPage [pageSize]byte

func isZero(page []byte) bool { return string(page) == string(zeroPage[:len(page)]) }

// pristine is the image's memory, mapped on first use for as long as the image lives.
func (i *Image) pristine() ([]byte, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.memory == nil {
		memory, release, err := i.view()
		if err != nil {
			return nil, err
		}
		i.memory, i.release = memory, release
	}
	return i.memory, nil
}

// checksum identifies the image's contents.
func (i *Image) checksum() (uint32, error) {
	memory, err := i.pristine()
	if err != nil {
		return 0, err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if !i.summed {
		i.sum, i.summed = crc32.Checksum(memory, castagnoli), true
	}
	return i.sum, nil
}

// differingPages compares with the image, where the system cannot be asked.
func (r *region) differingPages(img *Image) ([]span, error) {
	pristine, err := img.pristine()
	if err != nil {
		return nil, err
	}
	return differing(r.space[:r.size], pristine, []span{{0, r.size}}), nil
}

// differing are the pages within spans that are not the same in memory and in old, which is zero behind its end.
func differing(memory, old []byte, spans []span) []span {
	var found []span
	for _, s := range spans {
		for at := s.start; at < s.end; at += pageSize {
			end := min(at+pageSize, s.end)
			if samePage(memory[at:end], old, at) {
				continue
			}
			if k := len(found) - 1; k >= 0 && found[k].end == at {
				found[k].end = end
			} else {
				found = append(found, span{at, end})
			}
		}
	}
	return found
}

// samePage reports that the page is what old has at offset at.
func samePage(page, old []byte, at uint64) bool {
	if at >= uint64(len(old)) {
		return isZero(page)
	}
	return string(page) == string(old[at:at+uint64(len(page))])
}
