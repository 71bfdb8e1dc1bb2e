package guestfs

import (
	"io"

	"github.com/tetratelabs/wazero/experimental/sys"
	wazerosys "github.com/tetratelabs/wazero/sys"
)

// dirSize is the size that every directory reports, in bytes.
const dirSize = 4096

// nsFile is a file of a mount, with the mount's device number.
type nsFile struct {
	sys.File
	dev uint64
}

// Dev implements sys.File.
func (f *nsFile) Dev() (uint64, sys.Errno) { return f.dev, 0 }

// Stat implements sys.File.
func (f *nsFile) Stat() (wazerosys.Stat_t, sys.Errno) {
	st, errno := f.File.Stat()
	st.Dev = f.dev
	return st, errno
}

// nsDir is a directory with mount points in it: they are listed first, and
// what the filesystem has under their names is not.
type nsDir struct {
	sys.File
	node   *mountNode
	dev    uint64
	held   bool // only the mount table has it: File is unimplemented
	closed bool

	points  []sys.Dirent // mount points that are not listed yet
	started bool
}

// Dev implements sys.File.
func (d *nsDir) Dev() (uint64, sys.Errno) {
	if d.held {
		return d.node.dev, 0
	}
	return d.dev, 0
}

// Ino implements sys.File.
func (d *nsDir) Ino() (wazerosys.Inode, sys.Errno) {
	if d.held {
		return d.node.stat().Ino, 0
	}
	return d.File.Ino()
}

// IsDir implements sys.File.
func (d *nsDir) IsDir() (bool, sys.Errno) {
	if d.held {
		return true, 0
	}
	return d.File.IsDir()
}

// Stat implements sys.File.
func (d *nsDir) Stat() (wazerosys.Stat_t, sys.Errno) {
	if d.held {
		return d.node.stat(), 0
	}
	st, errno := d.File.Stat()
	st.Dev = d.dev
	return st, errno
}

// Read implements sys.File.
func (d *nsDir) Read([]byte) (int, sys.Errno) { return 0, sys.EISDIR }

// Pread implements sys.File.
func (d *nsDir) Pread([]byte, int64) (int, sys.Errno) { return 0, sys.EISDIR }

// Write implements sys.File.
func (d *nsDir) Write([]byte) (int, sys.Errno) { return 0, sys.EBADF }

// Pwrite implements sys.File.
func (d *nsDir) Pwrite([]byte, int64) (int, sys.Errno) { return 0, sys.EBADF }

// Truncate implements sys.File.
func (d *nsDir) Truncate(int64) sys.Errno { return sys.EISDIR }

// Utimens implements sys.File.
func (d *nsDir) Utimens(atim, mtim int64) sys.Errno {
	if d.held {
		return sys.EROFS
	}
	return d.File.Utimens(atim, mtim)
}

// Seek implements sys.File: only back to the start.
func (d *nsDir) Seek(offset position, whence int) (int64, sys.Errno) {
	if offset != 0 || whence != io.SeekStart {
		return 0, sys.EINVAL
	}
	d.started = false
	if d.held {
		return 0, 0
	}
	return d.File.Seek(0, io.SeekStart)
}

// Readdir implements sys.File.
func (d *nsDir) Readdir(n int) ([]sys.Dirent, sys.Errno) {
	if d.closed {
		return nil, sys.EBADF
	}
	if !d.started {
		d.points, d.started = d.node.entries(), true
	}
	take := len(d.points)
	if n > 0 {
		take = min(take, n)
	}
	list := d.points[:take:take]
	d.points = d.points[take:]
	for !d.held && (n <= 0 || len(list) < n) {
		want := n
		if n > 0 {
			want = n - len(list)
		}
		page, errno := d.File.Readdir(want)
		if errno != 0 {
			return nil, errno
		}
		for _, entry := range page {
			if d.node.children[entry.Name] == nil {
				list = append(list, entry)
			}
		}
		if n <= 0 || len(page) < want {
			break
		}
	}
	return list, 0
}

// Close implements sys.File.
func (d *nsDir) Close() sys.Errno {
	d.closed = true
	return d.File.Close()
}
