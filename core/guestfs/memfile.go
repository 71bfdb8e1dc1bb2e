package guestfs

import (
	"io"

	"github.com/tetratelabs/wazero/experimental/sys"
	wazerosys "github.com/tetratelabs/wazero/sys"
)

// memNode is what an open file and an open directory have in common.
type memNode struct {
	opened
	m *MemFS
	n *inode
}

// Dev implements sys.File. The Namespace knows the device.
func (f *memNode) Dev() (uint64, sys.Errno) { return 0, 0 }

// Ino implements sys.File.
func (f *memNode) Ino() (wazerosys.Inode, sys.Errno) { return f.n.ino, 0 }

// IsDir implements sys.File.
func (f *memNode) IsDir() (bool, sys.Errno) { return f.n.dir != nil, 0 }

// Stat implements sys.File.
func (f *memNode) Stat() (wazerosys.Stat_t, sys.Errno) {
	if f.closed {
		return wazerosys.Stat_t{}, sys.EBADF
	}
	defer f.m.lockForRead()()
	return f.n.stat(), 0
}

// Utimens implements sys.File.
func (f *memNode) Utimens(atim, mtim int64) sys.Errno {
	if f.closed {
		return sys.EBADF
	}
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	f.n.setTimes(atim, mtim)
	return 0
}

// Sync implements sys.File.
func (f *memNode) Sync() sys.Errno {
	if f.closed {
		return sys.EBADF
	}
	return 0
}

// Datasync implements sys.File.
func (f *memNode) Datasync() sys.Errno { return f.Sync() }

// Close implements sys.File. Closing again is harmless.
func (f *memNode) Close() sys.Errno {
	if f.closed {
		return 0
	}
	f.closed = true
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	f.n.opens--
	if f.n.opens == 0 {
		f.n.closeUnder()
	}
	f.n.release()
	return 0
}

// memFile is an open file.
type memFile struct {
	memNode
	cursor
}

func newMemFile(m *MemFS, n *inode, flag sys.Oflag) *memFile {
	f := &memFile{memNode: memNode{m: m, n: n}, cursor: cursor{flag: flag}}
	f.of = &f.opened
	return f
}

// Read implements sys.File.
func (f *memFile) Read(buf []byte) (int, sys.Errno) { return f.read(buf, f.Pread) }

// Pread implements sys.File.
func (f *memFile) Pread(buf []byte, off int64) (int, sys.Errno) {
	if !f.readable() {
		return 0, sys.EBADF
	}
	if off < 0 {
		return 0, sys.EINVAL
	}
	if len(buf) == 0 {
		return 0, 0
	}
	defer f.m.lockForRead()()
	f.n.atime.Store(now())
	if f.n.under != nil {
		return f.m.readUnder(f.n, buf, off)
	}
	return f.n.readAt(buf, off), 0
}

// Write implements sys.File.
func (f *memFile) Write(buf []byte) (int, sys.Errno) {
	if !f.writable() {
		return 0, sys.EBADF
	}
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if f.IsAppend() {
		f.pos = f.n.size
	}
	n, errno := f.m.writeAt(f.n, buf, f.pos)
	f.pos += int64(n)
	return n, errno
}

// Pwrite implements sys.File. Like on Linux, O_APPEND wins over the offset.
func (f *memFile) Pwrite(buf []byte, off int64) (int, sys.Errno) {
	if !f.writable() {
		return 0, sys.EBADF
	}
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if off >= 0 && f.IsAppend() {
		off = f.n.size
	}
	return f.m.writeAt(f.n, buf, off)
}

// Seek implements sys.File.
func (f *memFile) Seek(offset position, whence int) (int64, sys.Errno) {
	return f.seek(offset, whence, func() (int64, sys.Errno) {
		defer f.m.lockForRead()()
		return f.n.size, 0
	})
}

// Truncate implements sys.File.
func (f *memFile) Truncate(size int64) sys.Errno {
	if f.closed {
		return sys.EBADF
	}
	if !f.writable() {
		return sys.EINVAL
	}
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	return f.m.truncate(f.n, size)
}

// memDir is an open directory.
type memDir struct {
	noData
	memNode
	next uint64 // the order of the next entry to list
}

// Seek implements sys.File: only back to the start.
func (d *memDir) Seek(offset position, whence int) (int64, sys.Errno) {
	switch {
	case d.closed:
		return 0, sys.EBADF
	case offset != 0 || whence != io.SeekStart:
		return 0, sys.EINVAL
	}
	d.next = 0
	return 0, 0
}

// Readdir implements sys.File.
func (d *memDir) Readdir(n int) ([]sys.Dirent, sys.Errno) {
	if d.closed {
		return nil, sys.EBADF
	}
	defer d.m.lockForRead()()
	if d.n.nlink > 0 {
		if errno := d.m.load(d.n); errno != 0 {
			return nil, errno
		}
	}
	var page []sys.Dirent
	for _, e := range d.n.dir.from(d.next) {
		if n > 0 && len(page) == n {
			break
		}
		if e.node != nil {
			page = append(page, sys.Dirent{Name: e.name, Ino: e.node.ino, Type: e.node.mode.Type()})
		}
		d.next = e.order + 1
	}
	return page, 0
}

// noData implements what an open directory refuses.
type noData struct{}

// IsAppend implements sys.File.
func (noData) IsAppend() bool { return false }

// SetAppend implements sys.File.
func (noData) SetAppend(bool) sys.Errno { return sys.EISDIR }

// Read implements sys.File.
func (noData) Read([]byte) (int, sys.Errno) { return 0, sys.EISDIR }

// Pread implements sys.File.
func (noData) Pread([]byte, int64) (int, sys.Errno) { return 0, sys.EISDIR }

// Write implements sys.File.
func (noData) Write([]byte) (int, sys.Errno) { return 0, sys.EBADF }

// Pwrite implements sys.File.
func (noData) Pwrite([]byte, int64) (int, sys.Errno) { return 0, sys.EBADF }

// Truncate implements sys.File.
func (noData) Truncate(int64) sys.Errno { return sys.EISDIR }
