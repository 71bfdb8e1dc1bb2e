package guest

import (
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/eryx-go/eryx/core/guest/wasip1"
)

// State is a guest at rest, between two calls: what differs from the image that it started from, and what of it
// the host keeps. It can be loaded into any number of guests of the same image. It lives until it was released as
// often as it was held; making it is the first hold.
type State struct {
	image       *Image
	over        *overlay
	size        uint64 // bytes of memory in use
	stack       uint64
	descriptors []wasip1.DescriptorState
	extensions  []extensionRecord // loaded beyond those of the image
	holds       atomic.Int64
}

// Hold adds a hold.
func (s *State) Hold() *State {
	s.holds.Add(1)
	return s
}

// Release gives up a hold; the last one frees the state. Without effect on nil.
func (s *State) Release() {
	if s != nil && s.holds.Add(-1) == 0 {
		s.over.release()
	}
}

// SizeBytes is the memory that the state refers to, most of it shared with the guest it was saved of and those it
// was loaded into.
func (s *State) SizeBytes() int64 { return s.over.sizeBytes() }

// newState is a state of g's without its memory, held once.
func (g *Guest) newState() *State {
	s := &State{
		image: g.image, size: g.inUse(), stack: g.sp.Get(), descriptors: g.process.Descriptors(),
		extensions: g.extensionRecords(len(g.image.extensions)),
	}
	s.holds.Store(1)
	return s
}

// Save copies the guest's state; long runs of its memory become a layer, which the guest itself maps from then on. The
// guest must be at rest and not dead. An error may leave it dead.
func (g *Guest) Save() (*State, error) {
	if g.dead != nil {
		return nil, g.dead
	}
	own, err := g.ownSpans()
	if err != nil {
		return nil, err
	}
	s := g.newState()
	segments, err := newLayer(g.memory.space, g.longRuns(own))
	if err != nil {
		segments = nil // they are copied instead
	}
	mapped, err := g.memory.take(segments)
	if err != nil {
		g.dead = fmt.Errorf("%w: %w", ErrImage, err)
		return nil, g.dead
	}
	s.over = g.memory.ownOverlay(s.size).withPages(g.memory.space, without(own, mapped))
	return s, nil
}

// ownSpans are the pages of the memory in use that differ from the image and are in no layer.
func (g *Guest) ownSpans() ([]span, error) {
	pristine, err := g.image.pristine()
	if err != nil {
		return nil, err
	}
	all, err := g.memory.ownPages(g.image)
	if err != nil {
		return nil, fmt.Errorf("%w: find the pages that differ: %w", ErrImage, err)
	}
	size := g.inUse()
	var plain, inSegments []span // pages over a segment may be the image's and differ from the segment
	layered := g.memory.ownSegments()
	for _, s := range all {
		if s = s.cut(0, size); s.size() == 0 {
			continue
		}
		outside := without([]span{s}, layered)
		plain = append(plain, outside...)
		inSegments = append(inSegments, without([]span{s}, outside)...)
	}
	return union(differing(g.memory.space[:size], pristine, plain), inSegments), nil
}

// longRuns are the runs of own that are to be shared. With too many segments they take in those and what lies between.
func (g *Guest) longRuns(own []span) []span {
	long := runs(own)
	if len(long) == 0 {
		return nil
	}
	layered := g.memory.ownSegments()
	if len(without(layered, long))+len(long) <= maxSegments {
		return long
	}
	return atMost(union(layered, long), maxSegments)
}

// take maps segments over what they are copies of, and takes over their holds. It returns what was mapped.
func (r *region) take(segments []segment) (mapped []span, err error) {
	defer releaseAll(segments)
	for _, s := range segments {
		did, err := r.mapSegment(s)
		if err != nil {
			return nil, err
		}
		if did {
			mapped = append(mapped, s.span)
		}
	}
	return mapped, nil
}

// ownSegments are the spans of the segments that the image does not have.
func (r *region) ownSegments() []span {
	var spans []span
	for _, s := range r.segments {
		if !s.ofImage {
			spans = append(spans, s.span)
		}
	}
	return spans
}

// ownOverlay is the segments that the image does not have, up to size, each held.
func (r *region) ownOverlay(size uint64) *overlay {
	o := &overlay{}
	for _, s := range r.segments {
		if c := s.cut(0, size); !s.ofImage && c.size() > 0 {
			o.segments = append(o.segments, c)
		}
	}
	holdAll(o.segments)
	return o
}

// WithoutLost is the state, held once more or anew, with descriptors out of use where a file was open that has been
// deleted, which cannot be opened again.
func (s *State) WithoutLost() *State {
	if immovable(s.descriptors) == nil {
		return s.Hold()
	}
	left := &State{image: s.image, over: s.over.copy(), size: s.size, stack: s.stack}
	left.holds.Store(1)
	for _, d := range s.descriptors {
		if d.Lost != "" {
			d = wasip1.DescriptorState{FD: d.FD, Kind: wasip1.DescriptorReserved}
		}
		left.descriptors = append(left.descriptors, d)
	}
	return left
}

// Load makes the guest, which must be pristine and of the same image, what the saved one was. Files that were
// open are opened again. A failure leaves the guest unusable: close it.
func (g *Guest) Load(s *State) error {
	if g.image != s.image {
		return fmt.Errorf("%w: it belongs to another image of the interpreter", ErrImage)
	}
	if s.size > g.memory.limit {
		return fmt.Errorf("%w: its %d bytes of memory exceed the limit of %d", ErrImage, s.size, g.limit)
	}
	if grow := int64(s.size) - int64(g.memory.size); grow > 0 {
		if _, ok := g.module.Memory().Grow(uint32(grow / wasmPage)); !ok {
			return fmt.Errorf("%w: its memory cannot be grown to %d bytes", ErrImage, s.size)
		}
	}
	if err := g.attachAll(slices.Concat(g.image.extensions, s.extensions)); err != nil {
		return err
	}
	for _, segment := range s.over.segments {
		segment.ofImage = false
		if _, err := g.memory.mapSegment(segment); err != nil {
			return fmt.Errorf("%w: %w", ErrImage, err)
		}
	}
	s.over.copyPages(g.memory.space, 0, g.memory.size)
	g.sp.Set(s.stack)
	g.setWord(wordMemoryLimit, uint32(min(g.limit, 0xffff0000)))
	if err := g.process.Reopen(s.descriptors); err != nil {
		return fmt.Errorf("%w: %w", ErrImage, err)
	}
	return nil
}
