package guest

import (
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"sync"
)

const pageSize = 4096

// Image is the memory of an interpreter at rest, from which any number of guests start, copy on write.
// It is immutable and may be used by many goroutines. See docs/architecture.md, "Images".
type Image struct {
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
}

// SizeBytes is the length of the image's memory in bytes, most of it shared by all guests made from it.
func (i *Image) SizeBytes() int64 { return int64(i.size) }

// Close releases the image. Guests that were made from it keep their memory.
func (i *Image) Close() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.memory != nil {
		i.release()
		i.memory = nil
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

// span is a run of memory: offsets of its first byte and of the first behind it.
type span struct{ start, end uint64 }

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
	var spans []span
	for at := uint64(0); at < r.size; at += pageSize {
		end := min(at+pageSize, r.size)
		now := r.space[at:end]
		if at < img.size && string(now) == string(pristine[at:end]) || at >= img.size && isZero(now) {
			continue
		}
		if k := len(spans) - 1; k >= 0 && spans[k].end == at {
			spans[k].end = end
		} else {
			spans = append(spans, span{at, end})
		}
	}
	return spans, nil
}
