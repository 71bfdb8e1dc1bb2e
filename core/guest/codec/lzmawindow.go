package codec

import "fmt"

// window is the history of an LZMA decoder: a ring that starts small and grows to the dictionary's size, so that a
// header which claims a huge dictionary costs nothing until the data is there.
type window struct {
	s     *stream
	sink  func([]byte) error // takes the output
	size  int                // the dictionary's size
	buf   []byte
	pos   int    // where the next byte goes
	sent  int    // up to where sink has had it
	total uint64 // bytes written since the last reset of the dictionary
}

const (
	windowStart = 64 << 10
	// windowStep is how much output gathers before it is handed on.
	windowStep = 32 << 10
)

func newWindow(s *stream, size uint32, sink func([]byte) error) (*window, error) {
	n := max(int(size), 4096)
	w := &window{s: s, sink: sink, size: n}
	if err := s.reserve(int64(min(n, windowStart))); err != nil {
		return nil, err
	}
	w.buf = make([]byte, min(n, windowStart))
	return w, nil
}

// flush hands on what was written since the last flush.
func (w *window) flush() error {
	if w.sent == w.pos {
		return nil
	}
	b := w.buf[w.sent:w.pos]
	w.sent = w.pos
	return w.sink(b)
}

// room makes place for at least one byte: it hands on what has gathered, grows or starts over at the front.
func (w *window) room() error {
	if w.pos-w.sent >= windowStep || w.pos == len(w.buf) {
		if err := w.flush(); err != nil {
			return err
		}
	}
	if w.pos < len(w.buf) {
		return nil
	}
	if len(w.buf) == w.size {
		w.pos, w.sent = 0, 0
		return nil
	}
	n := min(2*len(w.buf), w.size)
	if err := w.s.reserve(int64(n - len(w.buf))); err != nil {
		return err
	}
	w.buf = append(make([]byte, 0, n), w.buf...)[:n]
	return nil
}

// put writes one byte.
func (w *window) put(b byte) error {
	if w.pos == len(w.buf) || w.pos-w.sent >= windowStep {
		if err := w.room(); err != nil {
			return err
		}
	}
	w.buf[w.pos] = b
	w.pos++
	w.total++
	return nil
}

// at is the byte dist back, 1 for the last one; 0 where nothing was written.
func (w *window) at(dist uint32) byte {
	if uint64(dist) > w.total {
		return 0
	}
	i := w.pos - int(dist)
	if i < 0 {
		i += len(w.buf)
	}
	if i < 0 {
		return 0
	}
	return w.buf[i]
}

// repeat copies n bytes from dist back.
func (w *window) repeat(dist uint32, n int) error {
	if uint64(dist) > w.total || int64(dist) > int64(w.size) {
		return fmt.Errorf("%w: distance beyond the dictionary", ErrCorrupt)
	}
	for n > 0 {
		if err := w.room(); err != nil {
			return err
		}
		from := w.pos - int(dist)
		if from < 0 {
			from += len(w.buf)
		}
		k := min(n, len(w.buf)-w.pos, len(w.buf)-from)
		// Byte by byte where the ranges overlap: that is how LZ77 says "again and again".
		if from+k <= w.pos || from > w.pos {
			copy(w.buf[w.pos:w.pos+k], w.buf[from:from+k])
		} else {
			for i := range k {
				w.buf[w.pos+i] = w.buf[from+i]
			}
		}
		w.pos += k
		w.total += uint64(k)
		n -= k
	}
	return nil
}

// reset forgets the history.
func (w *window) reset() { w.total = 0 }
