package guestfs

import (
	"io/fs"

	"github.com/tetratelabs/wazero/experimental/sys"
	wazerosys "github.com/tetratelabs/wazero/sys"
)

// refusal implements the changing operations of a filesystem that cannot be
// changed: what is wrong with the path is said first, as Linux does, then
// EROFS.
type refusal struct {
	lstat func(path string) (wazerosys.Stat_t, sys.Errno)
}

// ReadOnly tells a Namespace that nothing can be changed.
func (refusal) ReadOnly() bool { return true }

// create refuses an operation that would make path.
func (r refusal) create(path string) sys.Errno {
	switch _, errno := r.lstat(path); errno {
	case 0:
		return sys.EEXIST
	case sys.ENOENT:
		if dir := parent(path); path != "." {
			if st, errno := r.lstat(orDot(dir)); errno != 0 {
				return errno
			} else if !st.Mode.IsDir() {
				return sys.ENOTDIR
			}
		}
		return sys.EROFS
	default:
		return errno
	}
}

// change refuses an operation on what path names. With follow it would be
// done to the end of a link.
func (r refusal) change(path string, follow bool) sys.Errno {
	st, errno := r.lstat(path)
	switch {
	case errno != 0:
		return errno
	case follow && st.Mode&fs.ModeSymlink != 0:
		return sys.ELOOP
	}
	return sys.EROFS
}

// open refuses flags that would change something.
func (r refusal) open(path string, flag sys.Oflag) sys.Errno {
	const writes = sys.O_RDWR | sys.O_WRONLY
	if flag&(writes|sys.O_CREAT|sys.O_TRUNC) == 0 {
		return 0
	}
	st, errno := r.lstat(path)
	switch {
	case errno == sys.ENOENT && flag&sys.O_CREAT != 0:
		return r.create(path)
	case errno != 0:
		return errno
	case flag&sys.O_CREAT != 0 && flag&sys.O_EXCL != 0:
		return sys.EEXIST
	case st.Mode&fs.ModeSymlink != 0:
		return sys.ELOOP
	case st.Mode.IsDir() && flag&sys.O_DIRECTORY == 0:
		return sys.EISDIR
	case flag&(writes|sys.O_TRUNC) != 0:
		return sys.EROFS
	}
	return 0
}

// Mkdir implements sys.FS.
func (r refusal) Mkdir(path string, _ fs.FileMode) sys.Errno { return r.create(path) }

// Chmod implements sys.FS.
func (r refusal) Chmod(path string, _ fs.FileMode) sys.Errno { return r.change(path, true) }

// Rename implements sys.FS.
func (r refusal) Rename(from, _ string) sys.Errno { return r.change(from, false) }

// Rmdir implements sys.FS.
func (r refusal) Rmdir(path string) sys.Errno {
	if st, errno := r.lstat(path); errno == 0 && !st.Mode.IsDir() {
		return sys.ENOTDIR
	}
	return r.change(path, false)
}

// Unlink implements sys.FS.
func (r refusal) Unlink(path string) sys.Errno {
	if st, errno := r.lstat(path); errno == 0 && st.Mode.IsDir() {
		return sys.EISDIR
	}
	return r.change(path, false)
}

// Link implements sys.FS.
func (r refusal) Link(from, to string) sys.Errno {
	if _, errno := r.lstat(from); errno != 0 {
		return errno
	}
	return r.create(to)
}

// Symlink implements sys.FS.
func (r refusal) Symlink(_, link string) sys.Errno { return r.create(link) }

// Utimens implements sys.FS.
func (r refusal) Utimens(path string, _, _ int64) sys.Errno { return r.change(path, true) }

// readOnlyFS shows another filesystem without the means to change it.
type readOnlyFS struct {
	refusal
	of sys.FS
}

// ReadOnly is a view of a filesystem through which nothing can be created,
// written, truncated, renamed, removed, or given other times or permissions:
// all of that is EROFS.
func ReadOnly(of sys.FS) sys.FS {
	return &readOnlyFS{refusal: refusal{of.Lstat}, of: of}
}

// OpenFile implements sys.FS.
func (v *readOnlyFS) OpenFile(path string, flag sys.Oflag, perm fs.FileMode) (sys.File, sys.Errno) {
	if errno := v.open(path, flag); errno != 0 {
		return nil, errno
	}
	f, errno := v.of.OpenFile(path, flag&^(sys.O_CREAT|sys.O_APPEND), perm)
	if errno != 0 {
		return nil, errno
	}
	return readOnlyFile{f}, 0
}

// Lstat implements sys.FS.
func (v *readOnlyFS) Lstat(path string) (wazerosys.Stat_t, sys.Errno) { return v.of.Lstat(path) }

// Stat implements sys.FS.
func (v *readOnlyFS) Stat(path string) (wazerosys.Stat_t, sys.Errno) { return v.of.Stat(path) }

// Readlink implements sys.FS.
func (v *readOnlyFS) Readlink(path string) (string, sys.Errno) { return v.of.Readlink(path) }

// readOnlyFile was opened for reading; what else could change it is refused.
type readOnlyFile struct{ sys.File }

// Write implements sys.File.
func (readOnlyFile) Write([]byte) (int, sys.Errno) { return 0, sys.EBADF }

// Pwrite implements sys.File.
func (readOnlyFile) Pwrite([]byte, int64) (int, sys.Errno) { return 0, sys.EBADF }

// Truncate implements sys.File.
func (readOnlyFile) Truncate(int64) sys.Errno { return sys.EINVAL }

// Utimens implements sys.File.
func (readOnlyFile) Utimens(int64, int64) sys.Errno { return sys.EROFS }
