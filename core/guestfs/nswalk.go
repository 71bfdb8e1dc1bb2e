package guestfs

import (
	"io/fs"
	"sort"
	"strings"

	"github.com/tetratelabs/wazero/experimental/sys"
)

const (
	// maxLinks is how many symbolic links one path may go through.
	maxLinks = 40
	// maxRetries is how often an operation is tried again because a link
	// appeared after its path had been walked.
	maxRetries = 4
)

// at runs an operation on the place of a path. With follow, the operation is
// done to what a link at the end of the path leads to.
func (ns *Namespace) at(p guestPath, follow bool, op func(place) sys.Errno) sys.Errno {
	if !p.up {
		if errno := op(ns.locate(p.clean)); errno != sys.ELOOP {
			return errno
		}
	}
	for try := 0; ; try++ {
		clean, errno := ns.expand(p, follow)
		if errno != 0 {
			return errno
		}
		if errno = op(ns.locate(clean)); errno != sys.ELOOP || try == maxRetries {
			return errno
		}
	}
}

// at2 is at for an operation on two paths, neither of which follows a link at
// its end.
func (ns *Namespace) at2(p, q guestPath, op func(place, place) sys.Errno) sys.Errno {
	if !p.up && !q.up {
		if errno := op(ns.locate(p.clean), ns.locate(q.clean)); errno != sys.ELOOP {
			return errno
		}
	}
	for try := 0; ; try++ {
		from, errno := ns.expand(p, false)
		if errno != 0 {
			return errno
		}
		to, errno := ns.expand(q, false)
		if errno != 0 {
			return errno
		}
		if errno = op(ns.locate(from), ns.locate(to)); errno != sys.ELOOP || try == maxRetries {
			return errno
		}
	}
}

// expand replaces the links and ".." of a path: the result is clean. A link at
// its end stays unless follow is set or a slash comes after it.
func (ns *Namespace) expand(p guestPath, follow bool) (string, sys.Errno) {
	follow = follow || p.mustBeDir()
	done, rest := "", p.clean // done is a directory without links in its path
	slash := false            // a link at the end leads to "name/", a directory
	for links := 0; ; {
		run, after, up := cutDotDot(rest)
		path := join(done, run)
		end, target, errno := ns.firstLink(done, path, follow || up)
		switch {
		case errno != 0:
			return "", errno
		case end >= 0:
			if links++; links > maxLinks {
				return "", sys.ELOOP
			}
			slash = slash || end == len(path) && !up && strings.HasSuffix(target, "/")
			done, rest = relink(path, end, target, after, up)
		case !up:
			if slash {
				errno = ns.mustBeDir(path)
			}
			return path, errno
		default:
			// Without a name before it, ".." comes after a directory.
			if run != "" {
				errno = ns.mustBeDir(path)
			}
			if errno != 0 {
				return "", errno
			}
			done, rest = parent(path), after
		}
	}
}

// cutDotDot splits a path at its first "..".
func cutDotDot(path string) (run, after string, up bool) {
	for at := 0; ; {
		i := strings.Index(path[at:], "..")
		if i < 0 {
			return path, "", false
		}
		i += at
		end := i + len("..")
		if (i == 0 || path[i-1] == '/') && (end == len(path) || path[end] == '/') {
			return strings.TrimSuffix(path[:i], "/"), strings.TrimPrefix(path[end:], "/"), true
		}
		at = i + 1
	}
}

// relink is what is left to walk after a link that ends at path[:end].
func relink(path string, end int, target, after string, up bool) (done, rest string) {
	rest = join(squeeze(target), strings.TrimPrefix(path[end:], "/"))
	if up {
		rest = join(join(rest, ".."), after)
	}
	if strings.HasPrefix(target, "/") {
		return "", rest
	}
	return parent(path[:end]), rest
}

// mustBeDir is an error unless a clean path is that of a directory.
func (ns *Namespace) mustBeDir(path string) sys.Errno {
	st, errno := ns.locate(path).lstat()
	if errno == 0 && !st.Mode.IsDir() {
		return sys.ENOTDIR
	}
	return errno
}

// firstLink finds the first link on a path, beyond done, which has none. Its
// name ends at path[:end]; end is -1 if there is none. At the end of the path
// a link counts only if last is set.
//
// A filesystem answers ELOOP for everything below a link, so the first link
// can be found by bisection. That matters: a guest can make a path of two
// thousand directories, and walk it through forty links.
func (ns *Namespace) firstLink(done, path string, last bool) (end int, target string, errno sys.Errno) {
	var ends []int
	for i := len(done) + 1; i < len(path); i++ {
		if path[i] == '/' {
			ends = append(ends, i)
		}
	}
	if last && len(path) > len(done) {
		ends = append(ends, len(path))
	}
	first := -1
	for try := 0; ; try++ {
		first = sort.Search(len(ends), func(i int) bool {
			st, errno := ns.locate(path[:ends[i]]).lstat()
			return errno == sys.ELOOP || errno == 0 && st.Mode&fs.ModeSymlink != 0
		})
		if first == len(ends) {
			return -1, "", 0
		}
		at := ns.locate(path[:ends[first]])
		target, errno = at.mount.fs.Readlink(at.rel)
		if errno != sys.EINVAL {
			break
		}
		if try == maxRetries { // it is a link and none, in turns
			errno = sys.ENOENT
			break
		}
	}
	switch {
	case errno != 0:
		return -1, "", errno
	case target == "":
		return -1, "", sys.ENOENT
	case len(target) > MaxPath:
		return -1, "", sys.ENAMETOOLONG
	}
	return ends[first], target, 0
}
