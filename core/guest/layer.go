package guest

import (
	"cmp"
	"slices"
	"sync/atomic"
)

// layer is memory that many guests map, copy on write: what a session had made its own when it was forked, or what a
// factory has imported. It lives in the arena, and goes with its last hold.
type layer struct {
	where span // in the arena
	holds atomic.Int64
}

// segment is a run of a guest's memory that lies in a layer.
type segment struct {
	span
	layer   *layer
	at      uint64 // where in the arena it begins
	ofImage bool   // the guest's image has it too
}

// cut is the part of s between start and end; empty when nothing is left.
func (s segment) cut(start, end uint64) segment {
	c := s
	if c.span = s.span.cut(start, end); c.size() > 0 {
		c.at += c.start - s.start
	}
	return c
}

// newLayer copies runs of memory into a layer, held once for each of its segments. Without an arena it has none.
func newLayer(memory []byte, runs []span) ([]segment, error) {
	size := total(runs)
	if size == 0 {
		return nil, nil
	}
	where, err := arena.take(size)
	if err != nil {
		return nil, err
	}
	l := &layer{where: where}
	segments := make([]segment, 0, len(runs))
	at := where.start
	for _, run := range runs {
		if err := arena.write(memory[run.start:run.end], at); err != nil {
			arena.give(where)
			return nil, err
		}
		segments = append(segments, segment{span: run, layer: l, at: at})
		at += run.size()
	}
	l.holds.Store(int64(len(segments)))
	return segments, nil
}

// holdAll adds a hold of each segment's layer.
func holdAll(segments []segment) {
	for _, s := range segments {
		s.layer.holds.Add(1)
	}
}

// releaseAll gives up a hold of each segment's layer.
func releaseAll(segments []segment) {
	for _, s := range segments {
		if s.layer.holds.Add(-1) == 0 {
			arena.give(s.layer.where)
		}
	}
}

// over lays fresh segments over old ones. The holds go over to the result; what is covered is released.
func over(old, fresh []segment) []segment {
	var all []segment
	holes := spansOf(fresh)
	for _, s := range old {
		for _, left := range without([]span{s.span}, holes) {
			all = append(all, s.cut(left.start, left.end))
		}
	}
	holdAll(all)
	releaseAll(old)
	all = append(all, fresh...)
	slices.SortFunc(all, func(x, y segment) int { return cmp.Compare(x.start, y.start) })
	return joinSegments(all)
}

// joinSegments makes one segment of neighbours that are neighbours in their layer, too, as the system does of mappings.
func joinSegments(segments []segment) []segment {
	joined := segments[:0]
	for _, s := range segments {
		if k := len(joined) - 1; k >= 0 && joined[k].continues(s) {
			joined[k].end = s.end
			releaseAll([]segment{s}) // the other one holds the layer
			continue
		}
		joined = append(joined, s)
	}
	return joined
}

// continues reports that next goes on where s ends.
func (s segment) continues(next segment) bool {
	return s.layer == next.layer && s.end == next.start && s.at+s.size() == next.at && s.ofImage == next.ofImage
}

func spansOf(segments []segment) []span {
	spans := make([]span, len(segments))
	for i, s := range segments {
		spans[i] = s.span
	}
	return spans
}
