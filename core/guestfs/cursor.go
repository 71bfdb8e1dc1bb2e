package guestfs

import (
	"io"

	"github.com/tetratelabs/wazero/experimental/sys"
)

// opened is the state of an open file or directory.
type opened struct{ closed bool }

// cursor is what open files of every kind have in common: the flags they were
// opened with and a position.
type cursor struct {
	of   *opened
	flag sys.Oflag
	pos  int64
}

// readable tells whether the file may be read, writable whether it may be
// written.
func (c *cursor) readable() bool { return !c.of.closed && c.flag&sys.O_WRONLY == 0 }
func (c *cursor) writable() bool { return !c.of.closed && c.flag&writeAccess != 0 }

// IsAppend implements sys.File.
func (c *cursor) IsAppend() bool { return c.flag&sys.O_APPEND != 0 }

// SetAppend implements sys.File.
func (c *cursor) SetAppend(enable bool) sys.Errno {
	if c.of.closed {
		return sys.EBADF
	}
	c.flag &^= sys.O_APPEND
	if enable {
		c.flag |= sys.O_APPEND
	}
	return 0
}

// read reads at the position, and moves it.
func (c *cursor) read(buf []byte, pread func([]byte, int64) (int, sys.Errno)) (int, sys.Errno) {
	n, errno := pread(buf, c.pos)
	c.pos += int64(n)
	return n, errno
}

// position is an int64 under a name of its own: go vet takes a method
// Seek(int64, int) for an io.Seeker and wants it to return an error.
type position = int64

// seek moves the position; size is asked only when it is needed.
func (c *cursor) seek(offset position, whence int, size func() (int64, sys.Errno)) (int64, sys.Errno) {
	if c.of.closed {
		return 0, sys.EBADF
	}
	var from int64
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		from = c.pos
	case io.SeekEnd:
		var errno sys.Errno
		if from, errno = size(); errno != 0 {
			return 0, errno
		}
	default:
		return 0, sys.EINVAL
	}
	// Both are not negative before the sum, so it can only overflow upwards.
	sum := from + offset
	if sum < 0 || (offset > 0 && sum < from) {
		return 0, sys.EINVAL
	}
	c.pos = sum
	return sum, 0
}

// Readdir implements sys.File.
func (c *cursor) Readdir(int) ([]sys.Dirent, sys.Errno) { return nil, sys.ENOTDIR }
