package guest

import (
	"fmt"
	"slices"
)

// ExtendImage makes an image from a guest that started from another: what packages, imports and a program's
// globals have added. The guest is of no use afterwards but to be closed.
func (g *Guest) ExtendImage(limits Limits) (*Image, error) {
	h := &bootHost{}
	g.host = h
	g.Begin(limits)
	return g.prepare(h, []any{"extend_image"})
}

// Difference is what makes the image of base, from which it was extended.
func (i *Image) Difference(base *Image) (*State, error) {
	sum, err := base.checksum()
	if err != nil {
		return nil, err
	}
	old, err := base.pristine()
	if err != nil {
		return nil, err
	}
	memory, err := i.pristine()
	if err != nil {
		return nil, err
	}
	s := &State{image: sum, size: i.size, stack: i.stack, extensions: i.extensions[len(base.extensions):]}
	for start := 0; start < len(memory); {
		if samePage(memory, old, start) {
			start += pageSize
			continue
		}
		end := start + pageSize
		for end < len(memory) && !samePage(memory, old, end) {
			end += pageSize
		}
		s.pages = append(s.pages, page{uint64(start), append([]byte(nil), memory[start:end]...)})
		start = end
	}
	return s, nil
}

// samePage reports that the page at offset at is the same in both; what is beyond old is zero there.
func samePage(memory, old []byte, at int) bool {
	p := memory[at : at+pageSize]
	if at >= len(old) {
		return isZero(p)
	}
	return string(p) == string(old[at:at+pageSize])
}

// Derive makes the image that Difference described, of the same base. ErrImage for a state of another base.
func (i *Image) Derive(s *State) (*Image, error) {
	sum, err := i.checksum()
	if err != nil {
		return nil, err
	}
	if sum != s.image {
		return nil, fmt.Errorf("%w: it belongs to another image of the interpreter", ErrImage)
	}
	memory, err := i.pristine()
	if err != nil {
		return nil, err
	}
	f, err := newImageFile(int64(s.size))
	if err != nil {
		return nil, err
	}
	derived := &Image{file: f, size: s.size, stack: s.stack, info: i.info, extensions: slices.Concat(i.extensions, s.extensions)}
	err = writeSparse(f, memory[:min(i.size, s.size)])
	for _, p := range s.pages {
		if err == nil {
			_, err = f.WriteAt(p.Data, int64(p.At))
		}
	}
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("%w: write it: %w", ErrImage, err)
	}
	return derived, nil
}
