package guestfs

import (
	"io/fs"
	"os"

	wazerosys "github.com/tetratelabs/wazero/sys"
	"golang.org/x/sys/unix"
)

// fastDir looks up and opens files below a directory in one system call, which
// os.Root needs several for each part of a path. It follows no links at all:
// one on the way is ELOOP.
type fastDir struct{ dir *os.File }

// newFastDir is nil if the system has no openat2, or does not allow it.
func newFastDir(root *os.Root) *fastDir {
	dir, err := root.Open(".")
	if err != nil {
		return nil
	}
	d := &fastDir{dir}
	if _, err := d.lstat("."); err != nil {
		d.close()
		return nil
	}
	return d
}

func (d *fastDir) close() {
	if d != nil {
		_ = d.dir.Close() // nothing was written to it
	}
}

// openat2 opens a path.
func (d *fastDir) openat2(path string, flags int, perm fs.FileMode) (fd int, err error) {
	how := unix.OpenHow{
		Flags:   uint64(flags) | unix.O_CLOEXEC | unix.O_NOFOLLOW,
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS,
	}
	if flags&unix.O_CREAT != 0 {
		how.Mode = uint64(perm.Perm())
	}
	conn, err := d.dir.SyscallConn()
	if err != nil {
		return -1, err
	}
	failed := conn.Control(func(dir uintptr) {
		for {
			if fd, err = unix.Openat2(int(dir), path, &how); err != unix.EINTR {
				return
			}
		}
	})
	if failed != nil {
		return -1, failed
	}
	return fd, err
}

// open opens a file. A directory must not be opened here: listing it would use
// its path.
func (d *fastDir) open(path string, flags int, perm fs.FileMode) (*os.File, error) {
	fd, err := d.openat2(path, flags, perm)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), path), nil
}

// lstat is the state of a file.
func (d *fastDir) lstat(path string) (wazerosys.Stat_t, error) {
	// O_PATH opens nothing, so this is harmless for pipes and devices.
	fd, err := d.openat2(path, unix.O_PATH, 0)
	if err != nil {
		return wazerosys.Stat_t{}, err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return wazerosys.Stat_t{}, err
	}
	return wazerosys.Stat_t{
		Dev: uint64(st.Dev), Ino: st.Ino, Mode: unixMode(st.Mode), Nlink: uint64(st.Nlink), Size: st.Size,
		Atim: st.Atim.Nano(), Mtim: st.Mtim.Nano(), Ctim: st.Ctim.Nano(),
	}, nil
}

// unixMode is a mode in Go's terms.
func unixMode(mode uint32) fs.FileMode {
	m := fs.FileMode(mode & 0o777)
	switch mode & unix.S_IFMT {
	case unix.S_IFDIR:
		m |= fs.ModeDir
	case unix.S_IFLNK:
		m |= fs.ModeSymlink
	case unix.S_IFIFO:
		m |= fs.ModeNamedPipe
	case unix.S_IFSOCK:
		m |= fs.ModeSocket
	case unix.S_IFCHR:
		m |= fs.ModeDevice | fs.ModeCharDevice
	case unix.S_IFBLK:
		m |= fs.ModeDevice
	case unix.S_IFREG:
	default:
		m |= fs.ModeIrregular
	}
	if mode&unix.S_ISUID != 0 {
		m |= fs.ModeSetuid
	}
	if mode&unix.S_ISGID != 0 {
		m |= fs.ModeSetgid
	}
	if mode&unix.S_ISVTX != 0 {
		m |= fs.ModeSticky
	}
	return m
}
