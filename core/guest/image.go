package guest

import (
	"fmt"
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

	mu      sync.Mutex
	memory  []byte // a view of it, once it was needed
	release func()
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
