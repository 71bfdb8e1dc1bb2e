package guestfs

import (
	"io/fs"
	"strings"

	"github.com/tetratelabs/wazero/experimental/sys"
	wazerosys "github.com/tetratelabs/wazero/sys"
)

const writeAccess = sys.O_RDWR | sys.O_WRONLY

// OpenFile implements sys.FS.
func (ns *Namespace) OpenFile(path string, flag sys.Oflag, perm fs.FileMode) (sys.File, sys.Errno) {
	p, errno := parsePath(path)
	if errno != 0 {
		return nil, errno
	}
	exclusive := flag&sys.O_CREAT != 0 && flag&sys.O_EXCL != 0
	if p.mustBeDir() {
		if flag&sys.O_CREAT != 0 {
			return nil, sys.EISDIR
		}
		flag |= sys.O_DIRECTORY
	}
	var f sys.File
	errno = ns.at(p, flag&sys.O_NOFOLLOW == 0 && !exclusive, func(at place) (errno sys.Errno) {
		f, errno = at.open(flag, perm)
		return errno
	})
	if errno != 0 {
		return nil, errno
	}
	return f, 0
}

// open opens what is at the place.
func (at place) open(flag sys.Oflag, perm fs.FileMode) (sys.File, sys.Errno) {
	if at.held() {
		switch {
		case flag&sys.O_CREAT != 0 && flag&sys.O_EXCL != 0:
			return nil, sys.EEXIST
		case flag&(writeAccess|sys.O_CREAT|sys.O_TRUNC) != 0:
			return nil, sys.EISDIR
		}
		return &nsDir{File: sys.UnimplementedFile{}, node: at.node, held: true}, 0
	}
	if at.mount == nil {
		return nil, at.missing(flag&sys.O_CREAT != 0)
	}
	f, errno := at.mount.fs.OpenFile(at.rel, flag, perm)
	if errno != 0 {
		return nil, at.created(errno, flag&sys.O_CREAT != 0)
	}
	if at.node != nil && len(at.node.children) > 0 {
		return &nsDir{File: f, node: at.node, dev: at.mount.dev}, 0
	}
	return &nsFile{f, at.mount.dev}, 0
}

// missing is the error for a place that no filesystem covers.
func (at place) missing(create bool) sys.Errno {
	if create {
		return sys.EROFS
	}
	return sys.ENOENT
}

// created corrects the error of an operation that would create something: in
// a directory that only the mount table has, that is EROFS.
func (at place) created(errno sys.Errno, create bool) sys.Errno {
	if create && errno == sys.ENOENT && at.rel != "." {
		if _, missing := at.mount.fs.Lstat(orDot(parent(at.rel))); missing == sys.ENOENT && at.mount.holds(parent(at.rel)) {
			return sys.EROFS
		}
	}
	return errno
}

// holds tells whether a clean path below a mount is on the way to another.
func (n *mountNode) holds(clean string) bool {
	under := Namespace{root: *n}
	return under.locate(clean).node != nil
}

// Stat implements sys.FS.
func (ns *Namespace) Stat(path string) (wazerosys.Stat_t, sys.Errno) {
	return ns.stat(path, true)
}

// Lstat implements sys.FS.
func (ns *Namespace) Lstat(path string) (wazerosys.Stat_t, sys.Errno) {
	return ns.stat(path, false)
}

func (ns *Namespace) stat(path string, follow bool) (st wazerosys.Stat_t, errno sys.Errno) {
	p, errno := parsePath(path)
	if errno != 0 {
		return st, errno
	}
	follow = follow || p.mustBeDir()
	errno = ns.at(p, follow, func(at place) (errno sys.Errno) {
		st, errno = at.lstat()
		if errno == 0 && follow && st.Mode&fs.ModeSymlink != 0 {
			return sys.ELOOP
		}
		return errno
	})
	if errno == 0 && p.mustBeDir() && !st.Mode.IsDir() {
		errno = sys.ENOTDIR
	}
	if errno != 0 {
		return wazerosys.Stat_t{}, errno
	}
	return st, 0
}

// Readlink implements sys.FS.
func (ns *Namespace) Readlink(path string) (target string, errno sys.Errno) {
	p, errno := parsePath(path)
	if errno != 0 {
		return "", errno
	}
	errno = ns.at(p, false, func(at place) (errno sys.Errno) {
		if at.node != nil {
			return sys.EINVAL
		}
		if at.mount == nil {
			return sys.ENOENT
		}
		target, errno = at.mount.fs.Readlink(at.rel)
		return errno
	})
	return target, errno
}

// Mkdir implements sys.FS.
func (ns *Namespace) Mkdir(path string, perm fs.FileMode) sys.Errno {
	return ns.make(path, true, func(at place) sys.Errno { return at.mount.fs.Mkdir(at.rel, perm) })
}

// Symlink implements sys.FS. The target is kept as it is.
func (ns *Namespace) Symlink(target, path string) sys.Errno {
	switch {
	case target == "":
		return sys.ENOENT
	case strings.IndexByte(target, 0) >= 0:
		return sys.EINVAL
	case len(target) > MaxPath:
		return sys.ENAMETOOLONG
	}
	return ns.make(path, false, func(at place) sys.Errno { return at.mount.fs.Symlink(target, at.rel) })
}

// make runs an operation that creates path.
func (ns *Namespace) make(path string, dir bool, op func(place) sys.Errno) sys.Errno {
	p, errno := parsePath(path)
	if errno != 0 {
		return errno
	}
	if p.end == endDot || p.end == endDotDot || p.clean == "" {
		if _, errno := ns.Stat(path); errno != 0 {
			return errno
		}
		return sys.EEXIST
	}
	if p.end == endSlash && !dir {
		if _, errno := ns.Lstat(path); errno != 0 {
			return errno
		}
		return sys.EEXIST
	}
	p.end = endName // "new/" is the same as "new", and no link is followed
	return ns.at(p, false, func(at place) sys.Errno {
		switch {
		case at.node != nil:
			return sys.EEXIST
		case at.mount == nil:
			return at.missing(true)
		}
		return at.created(op(at), true)
	})
}

// Chmod implements sys.FS.
func (ns *Namespace) Chmod(path string, perm fs.FileMode) sys.Errno {
	return ns.set(path, func(at place) sys.Errno { return at.mount.fs.Chmod(at.rel, perm) })
}

// Utimens implements sys.FS.
func (ns *Namespace) Utimens(path string, atim, mtim int64) sys.Errno {
	return ns.set(path, func(at place) sys.Errno { return at.mount.fs.Utimens(at.rel, atim, mtim) })
}

// set runs an operation on the attributes of what path leads to.
func (ns *Namespace) set(path string, op func(place) sys.Errno) sys.Errno {
	p, errno := parsePath(path)
	if errno != 0 {
		return errno
	}
	return ns.at(p, true, func(at place) sys.Errno {
		if at.held() {
			return sys.EROFS
		}
		if at.mount == nil {
			return sys.ENOENT
		}
		if errno := at.checkDir(p); errno != 0 {
			return errno
		}
		return op(at)
	})
}

// checkDir is ENOTDIR if the path says that something is a directory, by a
// slash at its end for example, and it is not.
func (at place) checkDir(p guestPath) sys.Errno {
	if !p.mustBeDir() {
		return 0
	}
	st, errno := at.lstat()
	switch {
	case errno != 0:
		return errno
	case st.Mode&fs.ModeSymlink != 0:
		return sys.ELOOP
	case !st.Mode.IsDir():
		return sys.ENOTDIR
	}
	return 0
}
