package guest

import (
	"slices"
	"sync"
)

// overlay is what of a memory differs from an image: segments that every guest maps, and runs that are copied over
// them.
type overlay struct {
	segments []segment // each held
	pages    []page
	buffer   *[]byte // which holds the pages' data, nil for none of buffers
}

// page is a run of memory that is copied into a guest.
type page struct {
	At   uint64
	Data []byte
}

// buffers are reused: memory fresh from the system costs more than what is copied into it.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// takeBuffer is a buffer of size bytes with any contents.
func takeBuffer(size int) *[]byte {
	b := buffers.Get().(*[]byte)
	if cap(*b) < size {
		*b = make([]byte, size)
	}
	*b = (*b)[:size]
	return b
}

// newOverlay copies spans of memory: long runs into a layer, the others into pages. It keeps nothing of memory.
func newOverlay(memory []byte, spans []span) *overlay {
	long := atMost(runs(spans), maxSegments)
	segments, err := newLayer(memory, long)
	if err != nil {
		long = nil // copied instead
	}
	return (&overlay{segments: segments}).withPages(memory, without(spans, long))
}

// withPages is o with copies of spans of memory as its pages.
func (o *overlay) withPages(memory []byte, spans []span) *overlay {
	pages := make([]page, len(spans))
	for i, s := range spans {
		pages[i] = page{s.start, memory[s.start:s.end]}
	}
	return o.withCopies(pages)
}

// withCopies is o with copies of pages as its pages.
func (o *overlay) withCopies(pages []page) *overlay {
	size := 0
	for _, p := range pages {
		size += len(p.Data)
	}
	if size == 0 {
		return o
	}
	o.buffer = takeBuffer(size)
	o.pages = make([]page, 0, len(pages))
	rest := *o.buffer
	for _, p := range pages {
		n := copy(rest, p.Data)
		o.pages = append(o.pages, page{p.At, rest[:n:n]})
		rest = rest[n:]
	}
	return o
}

// copyPages copies what of the pages lies between start and end into memory.
func (o *overlay) copyPages(memory []byte, start, end uint64) {
	for _, p := range o.pages {
		at, data := p.At, p.Data
		if at < start {
			skip := min(start-at, uint64(len(data)))
			at, data = at+skip, data[skip:]
		}
		if at < end {
			copy(memory[at:end], data)
		}
	}
}

// copy is o again, with holds of its own.
func (o *overlay) copy() *overlay {
	holdAll(o.segments)
	return (&overlay{segments: slices.Clone(o.segments)}).withCopies(o.pages)
}

// sizeBytes is the memory that o holds.
func (o *overlay) sizeBytes() (n int64) {
	for _, p := range o.pages {
		n += int64(len(p.Data))
	}
	return n + int64(total(spansOf(o.segments)))
}

// release gives up what o holds; it must not be used afterwards.
func (o *overlay) release() {
	releaseAll(o.segments)
	if o.buffer != nil {
		buffers.Put(o.buffer)
	}
	*o = overlay{}
}
