package guestfs

import (
	"io/fs"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/tetratelabs/wazero/experimental/sys"
	wazerosys "github.com/tetratelabs/wazero/sys"
)

// hostDir is a directory of the host that can be written to.
type hostDir struct {
	root  *os.Root
	fast  *fastDir   // nil where it is not available
	mu    sync.Mutex // makes appending one step where there is no quota's lock
	dev   uint64
	quota *hostQuota // nil without a quota
}

func newHostDir(root *os.Root, quota int64) (*hostDir, error) {
	info, err := root.Stat(".")
	if err != nil {
		return nil, err
	}
	h := &hostDir{root: root, fast: newFastDir(root), dev: wazerosys.NewStat_t(info).Dev}
	if quota > 0 {
		h.quota = &hostQuota{limit: quota, open: map[fileID]*openCount{}}
	}
	return h, nil
}

// close lets go of the directory.
func (h *hostDir) close() error {
	h.fast.close()
	return h.root.Close()
}

// lock locks what appending and writing with a quota need, and returns the
// unlock.
func (h *hostDir) lock() func() {
	mu := &h.mu
	if h.quota != nil {
		mu = &h.quota.mu
	}
	mu.Lock()
	return mu.Unlock
}

// spot is an entry of an open directory. It must be closed.
type spot struct {
	dir   *os.Root
	name  string
	depth int // how many directories of the volume are above the entry
	inner bool
}

func (s spot) close() {
	if s.inner {
		_ = s.dir.Close() // nothing was written through it
	}
}

// walk opens the directory that has the last component of a path. A link on
// the way is ELOOP. One that comes in the way between looking and opening is
// followed, by os.Root and so inside of the directory.
func (h *hostDir) walk(path string) (spot, sys.Errno) {
	above, name := parent(path), path[strings.LastIndexByte(path, '/')+1:]
	at := spot{dir: h.root, name: name}
	if above == "" {
		return at, 0
	}
	if h.fast != nil && len(above) <= maxFastPath {
		st, err := h.fast.lstat(above)
		if errno := mustBeDir(st.Mode, err); errno != 0 {
			return at, errno
		}
		return at, at.enter(above)
	}
	for part := range strings.SplitSeq(above, "/") {
		info, err := at.dir.Lstat(part)
		var mode fs.FileMode
		if err == nil {
			mode = info.Mode()
		}
		errno := mustBeDir(mode, err)
		if errno == 0 {
			errno = at.enter(part)
		}
		if errno != 0 {
			at.close()
			return at, errno
		}
	}
	return at, 0
}

// mustBeDir checks what a walk goes through.
func mustBeDir(mode fs.FileMode, err error) sys.Errno {
	switch {
	case err != nil:
		return toErrno(err)
	case mode&fs.ModeSymlink != 0:
		return sys.ELOOP
	case !mode.IsDir():
		return sys.ENOTDIR
	}
	return 0
}

// enter goes to a directory below.
func (s *spot) enter(path string) sys.Errno {
	// With "/." a directory is asked for: anything else fails, at once.
	dir, err := s.dir.OpenRoot(path + "/.")
	if err != nil {
		return toErrno(err)
	}
	s.close()
	s.dir, s.inner = dir, true
	s.depth += 1 + strings.Count(path, "/")
	return 0
}

// on runs an operation on the entry that a path names.
func (h *hostDir) on(path string, op func(spot) sys.Errno) sys.Errno {
	at, errno := h.walk(path)
	if errno != 0 {
		return errno
	}
	defer at.close()
	return op(at)
}

// onFile is on for an operation that would follow a link.
func (h *hostDir) onFile(path string, op func(spot) error) sys.Errno {
	return h.on(path, func(at spot) sys.Errno {
		info, err := at.dir.Lstat(at.name)
		if err == nil && info.Mode()&fs.ModeSymlink != 0 {
			return sys.ELOOP
		}
		if err == nil {
			err = op(at)
		}
		return toErrno(err)
	})
}

// stat is what the guest sees of a file.
func (h *hostDir) stat(info fs.FileInfo) wazerosys.Stat_t { return h.seen(wazerosys.NewStat_t(info)) }

// seen hides which device a file is on: the guest is given one number for the
// whole volume. Files of another file system below the directory must not look
// like files of this one.
func (h *hostDir) seen(st wazerosys.Stat_t) wazerosys.Stat_t {
	st.Ino ^= (st.Dev - h.dev) * 0x9e3779b97f4a7c15
	st.Dev = 0
	return st
}

// maxFastPath is the longest path that the system takes at once.
const maxFastPath = 4095

// Lstat implements sys.FS.
func (h *hostDir) Lstat(path string) (st wazerosys.Stat_t, errno sys.Errno) {
	if h.fast != nil && len(path) <= maxFastPath {
		st, err := h.fast.lstat(path)
		return h.seen(st), toErrno(err)
	}
	errno = h.on(path, func(at spot) sys.Errno {
		info, err := at.dir.Lstat(at.name)
		if err == nil {
			st = h.stat(info)
		}
		return toErrno(err)
	})
	return st, errno
}

// Stat implements sys.FS.
func (h *hostDir) Stat(path string) (wazerosys.Stat_t, sys.Errno) { return noLink(h.Lstat(path)) }

// Readlink implements sys.FS.
func (h *hostDir) Readlink(path string) (target string, errno sys.Errno) {
	errno = h.on(path, func(at spot) (errno sys.Errno) {
		var err error
		target, err = at.dir.Readlink(at.name)
		return toErrno(err)
	})
	return target, errno
}

// Chmod implements sys.FS. Only the permission bits are set: a guest must not
// make a file of the host set-user-id.
func (h *hostDir) Chmod(path string, perm fs.FileMode) sys.Errno {
	return h.onFile(path, func(at spot) error { return at.dir.Chmod(at.name, perm.Perm()) })
}

// Utimens implements sys.FS.
func (h *hostDir) Utimens(path string, atim, mtim int64) sys.Errno {
	return h.onFile(path, func(at spot) error { return at.dir.Chtimes(at.name, hostTime(atim), hostTime(mtim)) })
}

// hostTime is a time for Chtimes, which leaves a zero one alone.
func hostTime(nanos int64) time.Time {
	if nanos == sys.UTIME_OMIT {
		return time.Time{}
	}
	return time.Unix(0, nanos)
}

// OpenFile implements sys.FS.
func (h *hostDir) OpenFile(path string, flag sys.Oflag, perm fs.FileMode) (file sys.File, errno sys.Errno) {
	// Another process may create or remove the file at the wrong moment.
	for range maxRetries {
		if file, errno = h.openOnce(path, flag, perm); errno != sys.EAGAIN {
			return file, errno
		}
	}
	return nil, sys.EIO
}

// openOnce opens a file; EAGAIN means that it has changed meanwhile.
func (h *hostDir) openOnce(path string, flag sys.Oflag, perm fs.FileMode) (sys.File, sys.Errno) {
	st, errno := h.Lstat(path)
	switch {
	case errno == 0:
		if errno := mayOpen(st.Mode, flag); errno != 0 {
			return nil, errno
		}
	case errno != sys.ENOENT || flag&sys.O_CREAT == 0:
		return nil, errno
	case flag&sys.O_DIRECTORY != 0:
		return nil, sys.EINVAL
	default:
		return h.create(path, flag, perm)
	}
	// O_NONBLOCK: if it is a pipe by now, that must not wait.
	f, errno := h.openHost(path, hostFlags(flag)|syscall.O_NONBLOCK, 0, st.Mode.IsDir())
	if errno == sys.ENOENT && flag&sys.O_CREAT != 0 {
		errno = sys.EAGAIN
	}
	if errno != 0 {
		return nil, errno
	}
	return h.opened(f, flag, st.Mode.IsDir())
}

// create creates a file that was not there.
func (h *hostDir) create(path string, flag sys.Oflag, perm fs.FileMode) (sys.File, sys.Errno) {
	cost := entryBytes(path[strings.LastIndexByte(path, '/')+1:])
	if errno := h.quota.take(cost); errno != 0 {
		return nil, errno
	}
	f, errno := h.openHost(path, hostFlags(flag)|os.O_CREATE|os.O_EXCL, perm.Perm(), false)
	if errno != 0 {
		h.quota.give(cost)
		if errno == sys.EEXIST && flag&sys.O_EXCL == 0 {
			errno = sys.EAGAIN
		}
		return nil, errno
	}
	return h.opened(f, flag&^sys.O_TRUNC, false)
}

// openHost opens a file, or a directory if it is one.
func (h *hostDir) openHost(path string, flags int, perm fs.FileMode, dir bool) (f *os.File, errno sys.Errno) {
	if h.fast != nil && !dir && len(path) <= maxFastPath {
		f, err := h.fast.open(path, flags, perm)
		return f, toErrno(err)
	}
	errno = h.on(path, func(at spot) sys.Errno {
		var err error
		f, err = at.dir.OpenFile(at.name, flags, perm)
		return toErrno(err)
	})
	return f, errno
}

// mayOpen checks the flags for what is there.
func mayOpen(mode fs.FileMode, flag sys.Oflag) sys.Errno {
	switch {
	case flag&sys.O_CREAT != 0 && flag&sys.O_EXCL != 0:
		return sys.EEXIST
	case mode&fs.ModeSymlink != 0:
		return sys.ELOOP
	case mode.IsDir() && flag&(writeAccess|sys.O_CREAT|sys.O_TRUNC) != 0:
		return sys.EISDIR
	case !mode.IsDir() && flag&sys.O_DIRECTORY != 0:
		return sys.ENOTDIR
	case !mode.IsDir() && !mode.IsRegular():
		return ENXIO
	}
	return 0
}

// hostFlags are the flags with which the host opens: whether to append or
// truncate is decided here, where it can be counted.
func hostFlags(flag sys.Oflag) int {
	switch {
	case flag&sys.O_RDWR != 0:
		return os.O_RDWR
	case flag&sys.O_WRONLY != 0:
		return os.O_WRONLY
	case flag&sys.O_TRUNC != 0:
		return os.O_RDWR
	}
	return os.O_RDONLY
}

// opened makes a file for the guest, if it is what it was taken for.
func (h *hostDir) opened(f *os.File, flag sys.Oflag, dir bool) (sys.File, sys.Errno) {
	info, err := f.Stat()
	switch {
	case err != nil:
	case info.IsDir() != dir:
		err = Error{sys.EAGAIN}
	case !dir && !info.Mode().IsRegular():
		err = Error{ENXIO}
	}
	if err != nil {
		_ = f.Close() // the open has failed already
		return nil, toErrno(err)
	}
	node := hostNode{h: h, f: f, dir: info.IsDir(), st: h.stat(info)}
	if info.IsDir() {
		return &hostDirFile{hostNode: node}, 0
	}
	h.quota.opened(node.id())
	file := newHostFile(node, flag)
	if flag&sys.O_TRUNC != 0 {
		if errno := file.setSize(0); errno != 0 {
			_ = file.Close()
			return nil, errno
		}
	}
	return file, 0
}
