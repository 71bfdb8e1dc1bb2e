package guestfs

import (
	"crypto/rand"
	"io/fs"
	"time"

	"github.com/tetratelabs/wazero/experimental/sys"
	wazerosys "github.com/tetratelabs/wazero/sys"
)

// devices is what programs expect below /dev.
type devices struct {
	refusal
	born int64 // nanoseconds
}

// deviceNames in the order of their inode numbers, which start at 2.
var deviceNames = []string{"null", "random", "urandom", "zero"}

// NewDevices is a filesystem for /dev that holds null, zero, random and urandom.
// Nothing can be created in it (EROFS); writing to a device succeeds and is forgotten.
func NewDevices() sys.FS {
	d := &devices{born: time.Now().UnixNano()}
	d.refusal = refusal{d.Lstat}
	return d
}

// Lstat implements sys.FS.
func (d *devices) Lstat(path string) (wazerosys.Stat_t, sys.Errno) {
	st := wazerosys.Stat_t{Ino: 1, Mode: fs.ModeDir | 0o755, Nlink: 2, Size: dirSize, Atim: d.born, Mtim: d.born, Ctim: d.born}
	if path == "." || path == "" {
		return st, 0
	}
	for i, name := range deviceNames {
		if path == name {
			st.Ino, st.Nlink, st.Size = uint64(2+i), 1, 0
			st.Mode = fs.ModeDevice | fs.ModeCharDevice | 0o666
			return st, 0
		}
	}
	return st, sys.ENOENT
}

// Stat implements sys.FS.
func (d *devices) Stat(path string) (wazerosys.Stat_t, sys.Errno) { return d.Lstat(path) }

// Readlink implements sys.FS.
func (d *devices) Readlink(path string) (string, sys.Errno) {
	if _, errno := d.Lstat(path); errno != 0 {
		return "", errno
	}
	return "", sys.EINVAL
}

// OpenFile implements sys.FS.
func (d *devices) OpenFile(path string, flag sys.Oflag, _ fs.FileMode) (sys.File, sys.Errno) {
	st, errno := d.Lstat(path)
	if errno != 0 || st.Mode.IsDir() {
		if refused := d.open(path, flag); refused != 0 {
			return nil, refused
		}
		return &deviceDir{deviceHead: deviceHead{st}}, errno
	}
	switch {
	case flag&sys.O_CREAT != 0 && flag&sys.O_EXCL != 0:
		return nil, sys.EEXIST
	case flag&sys.O_DIRECTORY != 0:
		return nil, sys.ENOTDIR
	}
	return &deviceFile{deviceHead: deviceHead{st}, name: path}, 0
}

// deviceHead is what an open device and the open directory have in common.
type deviceHead struct{ st wazerosys.Stat_t }

// Dev implements sys.File. The Namespace knows the device.
func (f *deviceHead) Dev() (uint64, sys.Errno) { return 0, 0 }

// Ino implements sys.File.
func (f *deviceHead) Ino() (wazerosys.Inode, sys.Errno) { return f.st.Ino, 0 }

// IsDir implements sys.File.
func (f *deviceHead) IsDir() (bool, sys.Errno) { return f.st.Mode.IsDir(), 0 }

// Stat implements sys.File.
func (f *deviceHead) Stat() (wazerosys.Stat_t, sys.Errno) { return f.st, 0 }

// Sync implements sys.File.
func (f *deviceHead) Sync() sys.Errno { return 0 }

// Datasync implements sys.File.
func (f *deviceHead) Datasync() sys.Errno { return 0 }

// Utimens implements sys.File.
func (f *deviceHead) Utimens(int64, int64) sys.Errno { return sys.EROFS }

// Close implements sys.File.
func (f *deviceHead) Close() sys.Errno { return 0 }

// deviceFile is an open device.
type deviceFile struct {
	deviceHead
	name string
}

// IsAppend implements sys.File.
func (f *deviceFile) IsAppend() bool { return false }

// SetAppend implements sys.File.
func (f *deviceFile) SetAppend(bool) sys.Errno { return 0 }

// Truncate implements sys.File.
func (f *deviceFile) Truncate(int64) sys.Errno { return sys.EINVAL }

// Read implements sys.File.
func (f *deviceFile) Read(buf []byte) (int, sys.Errno) {
	switch f.name {
	case "null":
		return 0, 0
	case "zero":
		clear(buf)
	default:
		_, _ = rand.Read(buf) // never fails
	}
	return len(buf), 0
}

// Pread implements sys.File.
func (f *deviceFile) Pread(buf []byte, _ int64) (int, sys.Errno) { return f.Read(buf) }

// Write implements sys.File.
func (f *deviceFile) Write(buf []byte) (int, sys.Errno) { return len(buf), 0 }

// Pwrite implements sys.File.
func (f *deviceFile) Pwrite(buf []byte, _ int64) (int, sys.Errno) { return len(buf), 0 }

// Seek implements sys.File: a device is always at its start.
func (f *deviceFile) Seek(position, int) (int64, sys.Errno) { return 0, 0 }

// Readdir implements sys.File.
func (f *deviceFile) Readdir(int) ([]sys.Dirent, sys.Errno) { return nil, sys.ENOTDIR }

// deviceDir is the open directory.
type deviceDir struct {
	noData
	deviceHead
	next int // the index of the next name to list
}

// Seek implements sys.File: only back to the start.
func (d *deviceDir) Seek(offset position, whence int) (int64, sys.Errno) {
	if offset != 0 || whence != 0 {
		return 0, sys.EINVAL
	}
	d.next = 0
	return 0, 0
}

// Readdir implements sys.File.
func (d *deviceDir) Readdir(n int) ([]sys.Dirent, sys.Errno) {
	end := len(deviceNames)
	if n > 0 {
		end = min(end, d.next+n)
	}
	var list []sys.Dirent
	for ; d.next < end; d.next++ {
		list = append(list, sys.Dirent{Ino: uint64(2 + d.next), Name: deviceNames[d.next], Type: fs.ModeDevice | fs.ModeCharDevice})
	}
	return list, 0
}
