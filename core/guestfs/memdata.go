package guestfs

import (
	"math"
	"slices"

	"github.com/tetratelabs/wazero/experimental/sys"
)

// chunkSize is how much of a file is kept in one piece, in bytes.
const chunkSize = 128 << 10

// chunk is a piece of a file. It holds the bytes up to the last one that was
// written; after them, up to the end of the chunk or the file, are zeros.
type chunk struct {
	owner *owner
	b     []byte
}

// readAt copies from a file and returns the number of bytes, 0 at its end.
func (n *inode) readAt(buf []byte, off int64) int {
	if off >= n.size {
		return 0
	}
	buf = buf[:min(int64(len(buf)), n.size-off)]
	for done := 0; done < len(buf); {
		i, at := (off+int64(done))/chunkSize, int((off+int64(done))%chunkSize)
		part := buf[done:min(len(buf), done+chunkSize-at)]
		copied := 0
		if i < int64(len(n.chunks)) && at < len(n.chunks[i].b) {
			copied = copy(part, n.chunks[i].b[at:])
		}
		clear(part[copied:])
		done += len(part)
	}
	return len(buf)
}

// writeAt writes to a file. At the limit it writes what fits; ENOSPC is only
// said when nothing does.
func (m *MemFS) writeAt(n *inode, buf []byte, off int64) (int, sys.Errno) {
	switch {
	case off < 0:
		return 0, sys.EINVAL
	case off > math.MaxInt64-int64(len(buf)):
		return 0, EFBIG
	case len(buf) == 0:
		return 0, 0
	}
	if errno := m.copyUp(n); errno != 0 {
		return 0, errno
	}
	if grow := off + int64(len(buf)) - n.size; grow > 0 {
		free := n.account.takeUpTo(grow)
		buf = buf[:max(0, int64(len(buf))-(grow-free))]
		if len(buf) == 0 {
			n.account.give(free, 0)
			return 0, ENOSPC
		}
		n.size += free
	}
	m.put(n, buf, off)
	if m.mask != nil {
		m.applyMask(n, int64(len(buf)), off)
	}
	n.changed()
	return len(buf), 0
}

// put copies buf into a file that is long enough.
func (m *MemFS) put(n *inode, buf []byte, off int64) {
	for done := 0; done < len(buf); {
		i, at := (off+int64(done))/chunkSize, int((off+int64(done))%chunkSize)
		part := buf[done:min(len(buf), done+chunkSize-at)]
		m.chunk(n, i).write(m.owner, part, at, i > 0)
		done += len(part)
	}
}

// applyMask overwrites what must not be stored in or around size bytes that were written at off.
func (m *MemFS) applyMask(n *inode, size, off int64) {
	beside := int64(m.mask.Bytes - 1)
	from := max(0, off-beside)
	window := make([]byte, min(n.size, off+size+beside)-from)
	n.readAt(window, from)
	if m.mask.Apply(window) {
		m.put(n, window, from)
	}
}

// chunk is chunk i of a file, which is long enough to have it.
func (m *MemFS) chunk(n *inode, i int64) *chunk {
	if missing := i + 1 - int64(len(n.chunks)); missing > 0 {
		n.chunks = append(n.chunks, make([]chunk, missing)...)
	}
	return &n.chunks[i]
}

// write copies buf into the chunk, after making it the owner's own. Room for
// all of a chunk is made at once if the file has others: then memory is below
// twice what is counted, as it is by doubling.
func (c *chunk) write(own *owner, buf []byte, at int, whole bool) {
	length := max(len(c.b), at+len(buf))
	b := c.b
	if c.owner != own {
		c.owner = own
		b = append(make([]byte, 0, length), c.b...)
	}
	if length > cap(b) {
		room := max(length, min(2*cap(b), chunkSize))
		if whole {
			room = chunkSize
		}
		b = slices.Grow(b, room-len(b))
	}
	if at > len(b) {
		clear(b[len(b):at])
	}
	b = b[:length]
	copy(b[at:], buf)
	c.b = b
}

// truncate sets the size of a file.
func (m *MemFS) truncate(n *inode, size int64) sys.Errno {
	if size < 0 {
		return sys.EINVAL
	}
	own := m.copyUp
	if size == 0 && n.under != nil {
		own = m.dropUnder
	}
	if errno := own(n); errno != 0 {
		return errno
	}
	if grow := size - n.size; grow > 0 {
		if errno := n.account.take(grow, 0); errno != 0 {
			return errno
		}
	} else {
		n.account.give(-grow, 0)
		m.cut(n, size)
	}
	n.size = size
	n.changed()
	return 0
}

// cut lets go of what lies beyond size.
func (m *MemFS) cut(n *inode, size int64) {
	whole, rest := size/chunkSize, int(size%chunkSize)
	keep := whole
	if rest > 0 {
		keep++
	}
	if int64(len(n.chunks)) > keep {
		n.chunks = slices.Clip(slices.Delete(n.chunks, int(keep), len(n.chunks)))
		if cap(n.chunks) > 2*len(n.chunks) {
			n.chunks = slices.Clone(n.chunks)
		}
	}
	if int64(len(n.chunks)) <= whole {
		return
	}
	c := &n.chunks[whole]
	if len(c.b) <= rest {
		return
	}
	// The tail is copied off: it is not counted any more, and may be shared.
	c.b, c.owner = append(make([]byte, 0, rest), c.b[:rest]...), m.owner
}
