package guestfs

import (
	"io"
	"io/fs"
	"strings"

	"github.com/tetratelabs/wazero/experimental/sys"
	wazerosys "github.com/tetratelabs/wazero/sys"
)

// find is the node of a clean path.
func (a *ArchiveFS) find(path string) (*archiveNode, sys.Errno) {
	if n := a.nodes[path]; n != nil {
		return n, 0
	}
	if n := a.made(path); n != nil {
		return n, 0
	}
	// What stops the walk is the longest part of the path that is there.
	for i := strings.LastIndexByte(path, '/'); i > 0; i = strings.LastIndexByte(path[:i], '/') {
		n := a.nodes[path[:i]]
		switch {
		case n == nil:
			continue
		case n.stat.Mode.IsDir():
			return nil, sys.ENOENT
		case n.stat.Mode&fs.ModeSymlink != 0:
			return nil, sys.ELOOP
		}
		return nil, sys.ENOTDIR
	}
	return nil, sys.ENOENT
}

// OpenFile implements sys.FS.
func (a *ArchiveFS) OpenFile(path string, flag sys.Oflag, _ fs.FileMode) (sys.File, sys.Errno) {
	if errno := a.open(path, flag); errno != 0 {
		return nil, errno
	}
	n, errno := a.find(path)
	switch {
	case errno != 0:
		return nil, errno
	case n.stat.Mode&fs.ModeSymlink != 0:
		return nil, sys.ELOOP
	case n.stat.Mode.IsDir():
		return &archiveDir{archiveHead: archiveHead{n: n}}, 0
	case flag&sys.O_DIRECTORY != 0:
		return nil, sys.ENOTDIR
	}
	data, errno := n.content()
	if errno != 0 {
		return nil, errno
	}
	return newArchiveFile(n, data), 0
}

// Lstat implements sys.FS.
func (a *ArchiveFS) Lstat(path string) (wazerosys.Stat_t, sys.Errno) {
	n, errno := a.find(path)
	if errno != 0 {
		return wazerosys.Stat_t{}, errno
	}
	return n.stat, 0
}

// Stat implements sys.FS.
func (a *ArchiveFS) Stat(path string) (wazerosys.Stat_t, sys.Errno) { return noLink(a.Lstat(path)) }

// Readlink implements sys.FS.
func (a *ArchiveFS) Readlink(path string) (string, sys.Errno) {
	n, errno := a.find(path)
	switch {
	case errno != 0:
		return "", errno
	case n.stat.Mode&fs.ModeSymlink == 0:
		return "", sys.EINVAL
	case n.stat.Size > MaxPath:
		return "", sys.ENAMETOOLONG
	}
	target, errno := n.content()
	return string(target), errno
}

// archiveHead is what an open file and an open directory have in common.
type archiveHead struct {
	opened
	n *archiveNode
}

// Dev implements sys.File. The Namespace knows the device.
func (h *archiveHead) Dev() (uint64, sys.Errno) { return 0, 0 }

// Ino implements sys.File.
func (h *archiveHead) Ino() (wazerosys.Inode, sys.Errno) { return h.n.stat.Ino, 0 }

// IsDir implements sys.File.
func (h *archiveHead) IsDir() (bool, sys.Errno) { return h.n.stat.Mode.IsDir(), 0 }

// Stat implements sys.File.
func (h *archiveHead) Stat() (wazerosys.Stat_t, sys.Errno) {
	if h.closed {
		return wazerosys.Stat_t{}, sys.EBADF
	}
	return h.n.stat, 0
}

// Utimens implements sys.File.
func (h *archiveHead) Utimens(int64, int64) sys.Errno { return sys.EROFS }

// Sync implements sys.File.
func (h *archiveHead) Sync() sys.Errno { return 0 }

// Datasync implements sys.File.
func (h *archiveHead) Datasync() sys.Errno { return 0 }

// Close implements sys.File.
func (h *archiveHead) Close() sys.Errno {
	h.closed = true
	return 0
}

// archiveFile is an open file.
type archiveFile struct {
	archiveHead
	cursor
	data []byte
}

func newArchiveFile(n *archiveNode, data []byte) *archiveFile {
	f := &archiveFile{archiveHead: archiveHead{n: n}, data: data}
	f.of = &f.opened
	return f
}

// Read implements sys.File.
func (f *archiveFile) Read(buf []byte) (int, sys.Errno) { return f.read(buf, f.Pread) }

// Pread implements sys.File.
func (f *archiveFile) Pread(buf []byte, off int64) (int, sys.Errno) {
	switch {
	case f.closed:
		return 0, sys.EBADF
	case off < 0:
		return 0, sys.EINVAL
	case off >= int64(len(f.data)):
		return 0, 0
	}
	return copy(buf, f.data[off:]), 0
}

// Seek implements sys.File.
func (f *archiveFile) Seek(offset position, whence int) (int64, sys.Errno) {
	return f.seek(offset, whence, func() (int64, sys.Errno) { return f.n.stat.Size, 0 })
}

// Write implements sys.File.
func (f *archiveFile) Write([]byte) (int, sys.Errno) { return 0, sys.EBADF }

// Pwrite implements sys.File.
func (f *archiveFile) Pwrite([]byte, int64) (int, sys.Errno) { return 0, sys.EBADF }

// Truncate implements sys.File.
func (f *archiveFile) Truncate(int64) sys.Errno { return sys.EINVAL }

// archiveDir is an open directory.
type archiveDir struct {
	noData
	archiveHead
	next int // the index of the next child to list
}

// Seek implements sys.File: only back to the start.
func (d *archiveDir) Seek(offset position, whence int) (int64, sys.Errno) {
	if offset != 0 || whence != io.SeekStart {
		return 0, sys.EINVAL
	}
	d.next = 0
	return 0, 0
}

// Readdir implements sys.File.
func (d *archiveDir) Readdir(n int) ([]sys.Dirent, sys.Errno) {
	if d.closed {
		return nil, sys.EBADF
	}
	rest := d.n.children[d.next:]
	if n > 0 {
		rest = rest[:min(n, len(rest))]
	}
	d.next += len(rest)
	page := make([]sys.Dirent, len(rest))
	for i, child := range rest {
		page[i] = sys.Dirent{Name: child.name, Ino: child.stat.Ino, Type: child.stat.Mode.Type()}
	}
	return page, 0
}
