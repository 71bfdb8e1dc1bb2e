package guest

import (
	"fmt"
	"slices"
)

// ExtendImage makes an image from a guest that started from another: what packages, imports and a program's
// globals have added. It holds only what differs; the other image must be closed after it. The guest is of no use
// afterwards but to be closed.
func (g *Guest) ExtendImage(limits Limits) (*Image, error) {
	h := &bootHost{}
	g.host = h
	g.Begin(limits)
	if err := g.prepare(h, []any{"extend_image"}); err != nil {
		return nil, err
	}
	if g.image.base != nil {
		return nil, fmt.Errorf("%w: an extended image cannot be extended again", ErrImage)
	}
	own, err := g.ownSpans()
	if err != nil {
		return nil, err
	}
	spans := union(own, g.memory.ownSegments())
	img := g.image.extended(newOverlay(g.memory.space, spans), g.inUse(), g.sp.Get())
	img.extensions = g.extensionRecords(0)
	return img, nil
}

// extended is the image of i with over on it.
func (i *Image) extended(over *overlay, size, stack uint64) *Image {
	return &Image{base: i, over: over, size: max(size, i.size), stack: stack, info: i.info}
}

// AppendDifference appends to b what makes the image of the one that it was extended from.
func (i *Image) AppendDifference(b []byte) ([]byte, error) {
	if i.base == nil {
		return nil, fmt.Errorf("%w: it was extended from no other", ErrImage)
	}
	memory, err := i.pristine()
	if err != nil {
		return nil, err
	}
	spans := spansOf(i.over.segments)
	for _, p := range i.over.pages {
		spans = append(spans, span{p.At, p.At + uint64(len(p.Data))})
	}
	s := &State{image: i.base, size: i.size, stack: i.stack, extensions: i.extensions[len(i.base.extensions):]}
	return s.append(b, union(spans, nil), memory)
}

// Derive makes the image that AppendDifference described, of the same base. ErrImage for anything else.
func (i *Image) Derive(b []byte) (*Image, error) {
	s, err := i.ReadState(b, 0)
	if err != nil {
		return nil, err
	}
	defer s.Release()
	img := i.extended(s.over.settled(), s.size, s.stack)
	img.extensions = slices.Concat(i.extensions, s.extensions)
	return img, nil
}

// settled is o, whose memory is in pages only, with long runs in a layer.
func (o *overlay) settled() *overlay {
	settled := &overlay{}
	var short []page
	for _, p := range o.pages {
		run := span{p.At, p.At + uint64(len(p.Data))}
		if run.size() >= shareBytes && len(settled.segments) < maxSegments {
			if segments, err := newLayer(p.Data, []span{{0, run.size()}}); err == nil {
				segments[0].span = run
				settled.segments = append(settled.segments, segments...)
				continue
			}
		}
		short = append(short, p)
	}
	return settled.withCopies(short)
}
