package guestfs

import (
	"io/fs"
	"strings"

	"github.com/tetratelabs/wazero/experimental/sys"
)

// Unlink implements sys.FS.
func (ns *Namespace) Unlink(path string) sys.Errno {
	return ns.remove(path, func(p guestPath, at place, dir bool) sys.Errno {
		switch {
		case dir:
			return sys.EISDIR
		case p.mustBeDir():
			return sys.ENOTDIR
		case at.node != nil:
			return EBUSY
		}
		return at.mount.fs.Unlink(at.rel)
	})
}

// Rmdir implements sys.FS.
func (ns *Namespace) Rmdir(path string) sys.Errno {
	return ns.remove(path, func(p guestPath, at place, dir bool) sys.Errno {
		switch {
		case !dir:
			return sys.ENOTDIR
		case at.node != nil:
			return EBUSY
		case p.end == endDot:
			return sys.EINVAL
		case p.end == endDotDot:
			return sys.ENOTEMPTY
		}
		return at.mount.fs.Rmdir(at.rel)
	})
}

// remove runs op on the entry that a path names, which is there; dir says
// whether it is a directory.
func (ns *Namespace) remove(path string, op func(p guestPath, at place, dir bool) sys.Errno) sys.Errno {
	p, errno := parsePath(path)
	if errno != 0 {
		return errno
	}
	return ns.atEnd(p, func(at place) sys.Errno {
		st, errno := at.lstat()
		if errno != 0 {
			return errno
		}
		return op(p, at, st.Mode.IsDir())
	})
}

// atEnd is at for an operation on an entry: a link at the end of the path is
// the entry, even with a slash after it.
func (ns *Namespace) atEnd(p guestPath, op func(place) sys.Errno) sys.Errno {
	walked := p
	if p.end == endSlash {
		walked.end = endName
	}
	return ns.at(walked, false, op)
}

// Rename implements sys.FS.
func (ns *Namespace) Rename(from, to string) sys.Errno {
	p, q, errno := entryPaths(from, to)
	if errno != 0 {
		return errno
	}
	return ns.at2(plain(p), plain(q), func(old, new place) sys.Errno {
		st, errno := old.lstat()
		switch {
		case errno != 0:
			return errno
		case old.node != nil || new.node != nil:
			return EBUSY
		case new.throughLink():
			return sys.ELOOP
		case old.mount != new.mount:
			return EXDEV
		case !st.Mode.IsDir() && (p.mustBeDir() || q.mustBeDir()):
			return sys.ENOTDIR
		case st.Mode.IsDir() && strings.HasPrefix(new.rel, old.rel+"/"):
			return sys.EINVAL
		}
		return old.mount.fs.Rename(old.rel, new.rel)
	})
}

// Link implements sys.FS.
func (ns *Namespace) Link(from, to string) sys.Errno {
	p, q, errno := entryPaths(from, to)
	if errno != 0 {
		return errno
	}
	return ns.at2(plain(p), plain(q), func(old, new place) sys.Errno {
		st, errno := old.lstat()
		switch {
		case errno != 0:
			return errno
		case st.Mode.IsDir():
			return sys.EPERM
		case p.mustBeDir():
			return sys.ENOTDIR
		case new.node != nil:
			return sys.EEXIST
		case new.throughLink():
			return sys.ELOOP
		case old.mount != new.mount || old.node != nil:
			return EXDEV
		case q.mustBeDir():
			return sys.ENOENT
		case st.Mode&^(fs.ModeSymlink|fs.ModePerm|fs.ModeSetuid|fs.ModeSetgid|fs.ModeSticky) != 0:
			return sys.EPERM
		}
		return old.mount.fs.Link(old.rel, new.rel)
	})
}

// entryPaths parses two paths that must end in a name.
func entryPaths(from, to string) (p, q guestPath, errno sys.Errno) {
	if p, errno = parsePath(from); errno != 0 {
		return p, q, errno
	}
	if q, errno = parsePath(to); errno != 0 {
		return p, q, errno
	}
	for _, path := range []guestPath{p, q} {
		if path.end == endDot || path.end == endDotDot {
			return p, q, EBUSY
		}
	}
	return p, q, 0
}

// plain is a path without the slash at its end.
func plain(p guestPath) guestPath {
	p.end = endName
	return p
}

// throughLink tells that the place is not known yet, because a link leads to
// it. Only then can it be compared with another.
func (at place) throughLink() bool {
	_, errno := at.lstat()
	return errno == sys.ELOOP
}
