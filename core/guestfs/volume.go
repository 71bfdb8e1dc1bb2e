package guestfs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tetratelabs/wazero/experimental/sys"
	wazerosys "github.com/tetratelabs/wazero/sys"
)

// VolumeMode says what a guest may do to a host's directory.
type VolumeMode uint8

const (
	// VolumeReadOnly refuses every change with EROFS.
	VolumeReadOnly VolumeMode = iota
	// VolumeReadWrite changes the host's files.
	VolumeReadWrite
	// VolumeCow keeps changes in memory: the host's files stay as they are.
	VolumeCow
)

// VolumeOptions say how a directory or file of the host is shown to a guest.
type VolumeOptions struct {
	Mode VolumeMode
	// QuotaBytes bounds by how much a guest can make a read-write volume grow:
	// the sizes of files and, for each new entry, 128 bytes and its name.
	// Beyond it the guest sees ENOSPC. 0 means no bound.
	QuotaBytes int64
	// Limits bound what a copy-on-write volume keeps in memory, unless Budget
	// does, which others may share.
	Limits Limits
	Budget *Budget
}

// Volume is a directory or a single file of the host as a filesystem for
// guests. A file is the root of its filesystem: nothing beside it is seen.
//
// Everything goes through [os.Root], so that neither "..", nor a link, nor a
// directory that is replaced by a link at the wrong moment leads out of the
// directory. Only files, directories and links can be used: pipes, sockets and
// devices are listed, but opening one is ENXIO, and never waits.
//
// A link that a guest creates may only lead to a place in the volume, since
// programs of the host may follow it: a relative path with ".." only at its
// start, and no more of them than there are directories above (else EPERM).
type Volume struct {
	sys.FS
	host *hostDir // nil of one that is not the host's
}

// VolumeOf shows a Go file system, see [AdaptFS], as a volume that a guest can
// read, or change for itself with VolumeCow.
func VolumeOf(of fs.FS, options VolumeOptions) *Volume {
	shown := AdaptFS(of)
	if options.Mode == VolumeCow {
		shown = options.cow(shown)
	}
	return &Volume{FS: shown}
}

// cow lays a filesystem in memory over a volume.
func (o VolumeOptions) cow(lower sys.FS) sys.FS {
	if o.Budget == nil {
		o.Budget = NewBudget(o.Limits)
	}
	return NewCowOf(lower, o.Budget)
}

// OpenVolume opens a directory or a regular file of the host. It is an error
// if there is none. If path is a link, the volume is what it leads to now.
func OpenVolume(path string, options VolumeOptions) (*Volume, error) {
	if path == "" { // package filepath takes it for "."
		return nil, fmt.Errorf("guestfs: volume: no path: %w", fs.ErrInvalid)
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, fmt.Errorf("guestfs: volume: %w", err)
	}
	info, err := os.Stat(real)
	if err != nil {
		return nil, fmt.Errorf("guestfs: volume: %w", err)
	}
	dir := real
	switch {
	case info.Mode().IsRegular():
		dir = filepath.Dir(real)
	case !info.IsDir():
		return nil, fmt.Errorf("guestfs: volume %s: neither a directory nor a file: %w", path, fs.ErrInvalid)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("guestfs: volume: %w", err)
	}
	host, err := newHostDir(root, options.QuotaBytes)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("guestfs: volume %s: %w", path, err), root.Close())
	}
	var shown sys.FS = host
	if !info.IsDir() {
		shown = newOneFile(host, filepath.Base(real))
	}
	switch options.Mode {
	case VolumeReadOnly:
		shown = ReadOnly(shown)
	case VolumeReadWrite:
	case VolumeCow:
		shown = options.cow(ReadOnly(shown))
	default:
		return nil, errors.Join(fmt.Errorf("guestfs: volume %s: no such mode: %d", path, options.Mode), host.close())
	}
	return &Volume{shown, host}, nil
}

// ReadOnly tells whether a guest can change nothing.
func (v *Volume) ReadOnly() bool { return isReadOnly(v.FS) }

// Close lets go of the directory. Files that are open stay so.
func (v *Volume) Close() error {
	if v.host == nil {
		return nil
	}
	return v.host.close()
}

// oneFile shows a single file of a directory as its root. It cannot be
// removed or renamed; what the Namespace does not refuse by itself is EBUSY.
type oneFile struct {
	refusal
	host *hostDir
	name string
}

func newOneFile(host *hostDir, name string) *oneFile {
	o := &oneFile{host: host, name: name}
	o.refusal = refusal{o.Lstat}
	return o
}

// ReadOnly tells a Namespace that the file can be changed.
func (*oneFile) ReadOnly() bool { return false }

// on runs an operation on the file; below it there is nothing.
func (o *oneFile) on(path string, op func(name string) sys.Errno) sys.Errno {
	if path != "." {
		return sys.ENOTDIR
	}
	return op(o.name)
}

// OpenFile implements sys.FS. If the host has removed the file, it is not
// created again.
func (o *oneFile) OpenFile(path string, flag sys.Oflag, perm fs.FileMode) (f sys.File, errno sys.Errno) {
	errno = o.on(path, func(name string) (errno sys.Errno) {
		if flag&sys.O_EXCL == 0 {
			flag &^= sys.O_CREAT
		}
		f, errno = o.host.OpenFile(name, flag, perm)
		return errno
	})
	return f, errno
}

// Lstat implements sys.FS.
func (o *oneFile) Lstat(path string) (st wazerosys.Stat_t, errno sys.Errno) {
	errno = o.on(path, func(name string) (errno sys.Errno) {
		st, errno = o.host.Lstat(name)
		return errno
	})
	return st, errno
}

// Stat implements sys.FS.
func (o *oneFile) Stat(path string) (wazerosys.Stat_t, sys.Errno) { return noLink(o.Lstat(path)) }

// Readlink implements sys.FS.
func (o *oneFile) Readlink(path string) (string, sys.Errno) {
	return "", o.on(path, func(string) sys.Errno { return sys.EINVAL })
}

// Chmod implements sys.FS.
func (o *oneFile) Chmod(path string, perm fs.FileMode) sys.Errno {
	return o.on(path, func(name string) sys.Errno { return o.host.Chmod(name, perm) })
}

// Utimens implements sys.FS.
func (o *oneFile) Utimens(path string, atim, mtim int64) sys.Errno {
	return o.on(path, func(name string) sys.Errno { return o.host.Utimens(name, atim, mtim) })
}

// Unlink implements sys.FS.
func (o *oneFile) Unlink(path string) sys.Errno {
	return o.on(path, func(string) sys.Errno { return EBUSY })
}

// Rename implements sys.FS.
func (o *oneFile) Rename(from, _ string) sys.Errno { return o.Unlink(from) }

// noLink turns an Lstat into a Stat that meets a link.
func noLink(st wazerosys.Stat_t, errno sys.Errno) (wazerosys.Stat_t, sys.Errno) {
	if errno == 0 && st.Mode&fs.ModeSymlink != 0 {
		return wazerosys.Stat_t{}, sys.ELOOP
	}
	return st, errno
}
