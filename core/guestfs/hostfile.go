package guestfs

import (
	"errors"
	"io"
	"math"
	"os"

	"github.com/tetratelabs/wazero/experimental/sys"
	wazerosys "github.com/tetratelabs/wazero/sys"
)

// hostNode is what an open file and an open directory of the host have in
// common.
type hostNode struct {
	opened
	h   *hostDir
	f   *os.File
	dir bool
	st  wazerosys.Stat_t // when it was opened
}

func (n *hostNode) id() fileID { return fileID(n.st.Ino) }

// Dev implements sys.File. The Namespace knows the device.
func (n *hostNode) Dev() (uint64, sys.Errno) { return 0, 0 }

// Ino implements sys.File.
func (n *hostNode) Ino() (wazerosys.Inode, sys.Errno) { return n.st.Ino, 0 }

// IsDir implements sys.File.
func (n *hostNode) IsDir() (bool, sys.Errno) { return n.dir, 0 }

// Stat implements sys.File.
func (n *hostNode) Stat() (wazerosys.Stat_t, sys.Errno) {
	info, err := n.f.Stat()
	if err != nil {
		return wazerosys.Stat_t{}, toErrno(err)
	}
	return n.h.stat(info), 0
}

// Sync implements sys.File.
func (n *hostNode) Sync() sys.Errno { return toErrno(n.f.Sync()) }

// Datasync implements sys.File.
func (n *hostNode) Datasync() sys.Errno { return n.Sync() }

// Utimens implements sys.File.
func (n *hostNode) Utimens(atim, mtim int64) sys.Errno {
	if n.closed {
		return sys.EBADF
	}
	return toErrno(setFileTimes(n.f, atim, mtim))
}

// close closes the host's file once.
func (n *hostNode) close() sys.Errno {
	if n.closed {
		return 0
	}
	n.closed = true
	return toErrno(n.f.Close())
}

// hostFile is an open file of the host. Its position is kept here.
type hostFile struct {
	hostNode
	cursor
}

func newHostFile(node hostNode, flag sys.Oflag) *hostFile {
	f := &hostFile{hostNode: node, cursor: cursor{flag: flag}}
	f.of = &f.opened
	return f
}

// Read implements sys.File.
func (f *hostFile) Read(buf []byte) (int, sys.Errno) { return f.read(buf, f.Pread) }

// Pread implements sys.File.
func (f *hostFile) Pread(buf []byte, off int64) (int, sys.Errno) {
	switch {
	case !f.readable():
		return 0, sys.EBADF
	case off < 0:
		return 0, sys.EINVAL
	}
	n, err := f.f.ReadAt(buf, off)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return n, toErrno(err)
}

// Write implements sys.File.
func (f *hostFile) Write(buf []byte) (int, sys.Errno) {
	n, end, errno := f.write(buf, f.pos)
	if n > 0 {
		f.pos = end
	}
	return n, errno
}

// Pwrite implements sys.File. Like on Linux, O_APPEND wins over the offset.
func (f *hostFile) Pwrite(buf []byte, off int64) (int, sys.Errno) {
	if f.writable() && off < 0 {
		return 0, sys.EINVAL
	}
	n, _, errno := f.write(buf, off)
	return n, errno
}

// write writes at an offset, or at the end of a file that is opened to append,
// and returns where it stopped. Appending is one step for all guests of this
// volume, not for other processes of the host.
func (f *hostFile) write(buf []byte, off int64) (n int, end int64, errno sys.Errno) {
	switch {
	case !f.writable():
		return 0, off, sys.EBADF
	case len(buf) == 0:
		return 0, off, 0
	}
	if !f.IsAppend() && f.h.quota == nil {
		return f.writeAt(buf, off)
	}
	defer f.h.lock()()
	size, errno := f.size()
	if errno != 0 {
		return 0, off, errno
	}
	if f.IsAppend() {
		off = size
	}
	if off > math.MaxInt64-int64(len(buf)) {
		return 0, off, EFBIG
	}
	wanted := max(0, off+int64(len(buf))-size)
	grow, errno := f.h.quota.takeUpTo(wanted, int64(len(buf)))
	if errno != 0 {
		return 0, off, errno
	}
	n, end, errno = f.writeAt(buf[:int64(len(buf))-(wanted-grow)], off)
	f.h.quota.giveLocked(grow - max(0, end-size)) // what a failed write did not use
	return n, end, errno
}

// writeAt writes at an offset and returns where it stopped.
func (f *hostFile) writeAt(buf []byte, off int64) (int, int64, sys.Errno) {
	if off > math.MaxInt64-int64(len(buf)) {
		return 0, off, EFBIG
	}
	n, err := f.f.WriteAt(buf, off)
	if n > 0 {
		err = nil // what was written counts, the error comes again
	}
	return n, off + int64(n), toErrno(err)
}

// size is the size of the file now.
func (f *hostFile) size() (int64, sys.Errno) {
	info, err := f.f.Stat()
	if err != nil {
		return 0, toErrno(err)
	}
	return info.Size(), 0
}

// Seek implements sys.File.
func (f *hostFile) Seek(offset position, whence int) (int64, sys.Errno) {
	return f.seek(offset, whence, f.size)
}

// Truncate implements sys.File.
func (f *hostFile) Truncate(size int64) sys.Errno {
	switch {
	case f.closed:
		return sys.EBADF
	case !f.writable() || size < 0:
		return sys.EINVAL
	}
	return f.setSize(size)
}

// setSize sets the size of the file and counts the difference.
func (f *hostFile) setSize(size int64) sys.Errno {
	if f.h.quota == nil {
		return toErrno(f.f.Truncate(size))
	}
	defer f.h.lock()()
	old, errno := f.size()
	if errno != 0 {
		return errno
	}
	if errno := f.h.quota.takeLocked(size - old); errno != 0 {
		return errno
	}
	if err := f.f.Truncate(size); err != nil {
		f.h.quota.giveLocked(size - old)
		return toErrno(err)
	}
	return 0
}

// Close implements sys.File. Closing again is harmless.
func (f *hostFile) Close() sys.Errno {
	if !f.closed && f.h.quota != nil {
		size, _ := f.size() // 0 if it is unknown: then nothing is given back
		f.h.quota.closed(f.id(), size)
	}
	return f.close()
}

// hostDirFile is an open directory of the host.
type hostDirFile struct {
	noData
	hostNode
}

// Seek implements sys.File: only back to the start.
func (d *hostDirFile) Seek(offset position, whence int) (int64, sys.Errno) {
	if offset != 0 || whence != io.SeekStart {
		return 0, sys.EINVAL
	}
	_, err := d.f.Seek(0, io.SeekStart)
	return 0, toErrno(err)
}

// Readdir implements sys.File.
func (d *hostDirFile) Readdir(n int) ([]sys.Dirent, sys.Errno) {
	entries, err := d.f.ReadDir(n)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, toErrno(err)
	}
	page := make([]sys.Dirent, len(entries))
	for i, e := range entries {
		page[i] = sys.Dirent{Name: e.Name(), Type: e.Type()}
		if info, err := e.Info(); err == nil { // else it has just been removed
			page[i].Ino = d.h.stat(info).Ino
		}
	}
	return page, 0
}

// Close implements sys.File.
func (d *hostDirFile) Close() sys.Errno { return d.close() }
