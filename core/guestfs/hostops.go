package guestfs

import (
	"io/fs"
	"strings"
	"sync"

	"github.com/tetratelabs/wazero/experimental/sys"
)

// Mkdir implements sys.FS.
func (h *hostDir) Mkdir(path string, perm fs.FileMode) sys.Errno {
	return h.add(path, func(at spot) error { return at.dir.Mkdir(at.name, perm.Perm()) })
}

// lifting is held while a link is made that goes up, and while something is
// moved closer to the root of a volume. Else two guests could do both at the
// same time and make a link that leads out. There may be several volumes of
// one directory, so there is one lock for all.
var lifting sync.Mutex

// Symlink implements sys.FS.
func (h *hostDir) Symlink(target, path string) sys.Errno {
	if strings.Contains(target, "..") {
		lifting.Lock()
		defer lifting.Unlock()
	}
	return h.add(path, func(at spot) error {
		if _, err := at.dir.Lstat(at.name); err == nil {
			return fs.ErrExist
		}
		if !staysInside(target, at.depth) {
			return Error{sys.EPERM}
		}
		return at.dir.Symlink(target, at.name)
	})
}

// add runs an operation that creates an entry, and counts it.
func (h *hostDir) add(path string, op func(spot) error) sys.Errno {
	return h.on(path, func(at spot) sys.Errno {
		if errno := h.quota.take(entryBytes(at.name)); errno != 0 {
			return errno
		}
		err := op(at)
		if err == nil {
			return 0
		}
		h.quota.give(entryBytes(at.name))
		return toErrno(err)
	})
}

// Link implements sys.FS.
func (h *hostDir) Link(from, to string) sys.Errno {
	defer lockLifting(from, to)()
	return h.on(from, func(old spot) sys.Errno {
		info, err := old.dir.Lstat(old.name)
		if err != nil {
			return toErrno(err)
		}
		return h.add(to, func(new spot) error {
			if errno := linksStayInside(old, info, new.depth); errno != 0 {
				return Error{errno}
			}
			return h.root.Link(from, to)
		})
	})
}

// lockLifting locks lifting if to is closer to the root than from, and returns
// the unlock.
func lockLifting(from, to string) func() {
	if strings.Count(to, "/") >= strings.Count(from, "/") {
		return func() {}
	}
	lifting.Lock()
	return lifting.Unlock
}

// Unlink implements sys.FS.
func (h *hostDir) Unlink(path string) sys.Errno {
	return h.on(path, func(at spot) sys.Errno {
		info, err := at.dir.Lstat(at.name)
		switch {
		case err != nil:
			return toErrno(err)
		case info.IsDir():
			return sys.EISDIR
		}
		return h.remove(at, info)
	})
}

// Rmdir implements sys.FS.
func (h *hostDir) Rmdir(path string) sys.Errno {
	return h.on(path, func(at spot) sys.Errno {
		info, err := at.dir.Lstat(at.name)
		switch {
		case err != nil:
			return toErrno(err)
		case !info.IsDir():
			return sys.ENOTDIR
		}
		return h.remove(at, info)
	})
}

// remove removes an entry, and what was counted for it.
func (h *hostDir) remove(at spot, info fs.FileInfo) sys.Errno {
	if err := at.dir.Remove(at.name); err != nil {
		errno := toErrno(err)
		if errno == sys.EEXIST { // some systems say so
			errno = sys.ENOTEMPTY
		}
		return errno
	}
	h.unnamed(at.name, info)
	return 0
}

// unnamed counts an entry less, and the file if that was its last name.
func (h *hostDir) unnamed(name string, info fs.FileInfo) {
	h.quota.give(entryBytes(name))
	if st := h.stat(info); st.Mode.IsRegular() && st.Nlink <= 1 {
		h.quota.removed(fileID(st.Ino), st.Size)
	}
}

// Rename implements sys.FS.
func (h *hostDir) Rename(from, to string) sys.Errno {
	defer lockLifting(from, to)()
	return h.on(from, func(old spot) sys.Errno {
		info, err := old.dir.Lstat(old.name)
		if err != nil {
			return toErrno(err)
		}
		return h.on(to, func(new spot) sys.Errno { return h.renameAt(from, to, old, new, info) })
	})
}

// renameAt renames from to to, which are the entries old and new.
func (h *hostDir) renameAt(from, to string, old, new spot, info fs.FileInfo) sys.Errno {
	replaced, err := new.dir.Lstat(new.name)
	there := err == nil
	if errno := toErrno(err); errno != 0 && errno != sys.ENOENT {
		return errno
	}
	if there {
		if errno := h.mayReplace(info, replaced); errno != 0 {
			return errno
		}
		if h.stat(info).Ino == h.stat(replaced).Ino {
			return 0 // two names of one file
		}
	}
	if errno := linksStayInside(old, info, new.depth); errno != 0 {
		return errno
	}
	if there && replaced.IsDir() {
		// os.Root does not rename over a directory, not even an empty one.
		if errno := h.remove(new, replaced); errno != 0 {
			return errno
		}
		there = false
	}
	more := entryBytes(new.name) - entryBytes(old.name)
	if there {
		more = 0 // one of the two entries goes
	}
	if errno := h.quota.take(more); errno != 0 {
		return errno
	}
	if err := h.root.Rename(from, to); err != nil {
		h.quota.give(more)
		return toErrno(err)
	}
	if there {
		h.unnamed(old.name, replaced)
	}
	return 0
}

// mayReplace checks that a rename may put one thing in the place of another.
func (h *hostDir) mayReplace(info, replaced fs.FileInfo) sys.Errno {
	switch {
	case info.IsDir() && !replaced.IsDir():
		return sys.ENOTDIR
	case !info.IsDir() && replaced.IsDir():
		return sys.EISDIR
	}
	return 0
}

// staysInside tells whether a link, below a number of directories of the
// volume, leads to a place in the volume however other links lead.
func staysInside(target string, depth int) bool {
	if strings.ContainsAny(target, "\\:") && !isSlashSystem {
		return false
	}
	up, names := 0, false
	for part := range strings.SplitSeq(target, "/") {
		switch part {
		case "", ".":
		case "..":
			up++
			if names || up > depth {
				return false
			}
		default:
			names = true
		}
	}
	return !strings.HasPrefix(target, "/")
}
