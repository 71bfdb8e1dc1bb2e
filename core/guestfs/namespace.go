package guestfs

import (
	"cmp"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/tetratelabs/wazero/experimental/sys"
	wazerosys "github.com/tetratelabs/wazero/sys"
)

// Namespace is the root of a guest: filesystems mounted at paths. It
// implements sys.FS for paths as the guest wrote them, relative to the root or
// absolute, and walks them: links across mounts, ".." that stops at the root,
// trailing slashes. Mount points, and the directories that exist only to hold
// them, are listed in their parents and cannot be removed or renamed (EBUSY).
//
// Mount everything before the guest runs: a Namespace in use must not change.
// Then any number of goroutines may use it.
type Namespace struct {
	root  mountNode
	nodes uint64
}

// mountNode is a mount point, or a directory on the way to one. What a
// filesystem has at its path is hidden if it is not a directory.
type mountNode struct {
	fs       sys.FS // nil when nothing is mounted here
	dev      uint64 // tells files of different mounts apart, see device
	children map[string]*mountNode
}

// MountOptions say how a filesystem is mounted.
type MountOptions struct {
	// ReadOnly refuses everything that would change the filesystem with EROFS.
	ReadOnly bool
}

// NewNamespace is an empty root: a directory without entries that nothing can
// be created in.
func NewNamespace() *Namespace {
	return &Namespace{nodes: 1, root: mountNode{dev: device(1, true)}}
}

// device is the number of a mount's device. Its lowest bit says that nothing
// can be changed there: preview1 has no other place for it, and os.access of
// the guest (eryx/posix.py) wants to know.
func device(n uint64, readOnly bool) uint64 {
	if readOnly {
		return n<<1 | 1
	}
	return n << 1
}

// isReadOnly tells whether a filesystem refuses every change.
func isReadOnly(filesystem sys.FS) bool {
	r, ok := filesystem.(interface{ ReadOnly() bool })
	return ok && r.ReadOnly()
}

// Mount makes a filesystem visible at a path. "/" is allowed and so are paths
// inside another mount, in any order. A path can be used once.
func (ns *Namespace) Mount(path string, filesystem sys.FS, options MountOptions) error {
	p, errno := parsePath(path)
	if errno != 0 || p.up {
		return fmt.Errorf("guestfs: cannot mount at %q: not a path from the root", path)
	}
	if filesystem == nil {
		return fmt.Errorf("guestfs: nothing to mount at %q", path)
	}
	if options.ReadOnly {
		filesystem = ReadOnly(filesystem)
	}
	n := &ns.root
	for name := range strings.SplitSeq(p.clean, "/") {
		if name == "" { // only of the root
			break
		}
		child := n.children[name]
		if child == nil {
			if n.children == nil {
				n.children = make(map[string]*mountNode)
			}
			ns.nodes++
			child = &mountNode{dev: device(ns.nodes, true)}
			n.children[name] = child
		}
		n = child
	}
	if n.fs != nil {
		return fmt.Errorf("guestfs: something is mounted at %q already", path)
	}
	n.fs, n.dev = filesystem, device(n.dev>>1, isReadOnly(filesystem))
	return nil
}

// place is where a clean path leads.
type place struct {
	mount *mountNode // whose filesystem holds it, nil if none
	rel   string     // relative to that filesystem, its root is "."
	node  *mountNode // set if the path is a mount point or on the way to one
}

// locate finds the mount of a clean path without "..".
func (ns *Namespace) locate(clean string) place {
	n, rest := &ns.root, clean
	at := place{rel: orDot(clean)}
	if n.fs != nil {
		at.mount = n
	}
	for rest != "" {
		name, tail, _ := strings.Cut(rest, "/")
		child := n.children[name]
		if child == nil {
			return at
		}
		n, rest = child, tail
		if n.fs != nil {
			at.mount, at.rel = n, orDot(rest)
		}
	}
	at.node = n
	return at
}

// held is true if only the mount table has a directory at the place: either
// no filesystem is there or it has none of that name.
func (at place) held() bool {
	if at.node == nil || at.node.fs != nil {
		return false
	}
	if at.mount == nil {
		return true
	}
	st, errno := at.mount.fs.Lstat(at.rel)
	return errno != 0 || !st.Mode.IsDir()
}

// lstat is the state of what is at the place; a link is not followed.
func (at place) lstat() (wazerosys.Stat_t, sys.Errno) {
	if at.held() {
		return at.node.stat(), 0
	}
	if at.mount == nil {
		return wazerosys.Stat_t{}, sys.ENOENT
	}
	st, errno := at.mount.fs.Lstat(at.rel)
	st.Dev = at.mount.dev
	return st, errno
}

// stat is the state of a directory that only the mount table has.
func (n *mountNode) stat() wazerosys.Stat_t {
	return wazerosys.Stat_t{
		Dev: n.dev, Ino: 1, Mode: fs.ModeDir | 0o555, Nlink: uint64(2 + len(n.children)), Size: dirSize,
	}
}

// entries lists the mount points below a directory, sorted by name.
func (n *mountNode) entries() []sys.Dirent {
	list := make([]sys.Dirent, 0, len(n.children))
	for name, child := range n.children {
		entry := sys.Dirent{Name: name, Type: fs.ModeDir, Ino: 1}
		if child.fs != nil {
			// A volume that has gone away is still listed, as a directory.
			if st, errno := child.fs.Lstat("."); errno == 0 {
				entry.Ino, entry.Type = st.Ino, st.Mode.Type()
			}
		}
		list = append(list, entry)
	}
	slices.SortFunc(list, func(a, b sys.Dirent) int { return cmp.Compare(a.Name, b.Name) })
	return list
}
