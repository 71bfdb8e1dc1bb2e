package guestfs

import (
	"io/fs"
	"slices"
	"sort"
	"strings"
	"sync/atomic"

	"github.com/tetratelabs/wazero/experimental/sys"
	wazerosys "github.com/tetratelabs/wazero/sys"
)

// inode is a file, directory or symbolic link, whatever its names. All but
// atime is guarded by the filesystem's lock.
type inode struct {
	ino     uint64
	mode    fs.FileMode
	nlink   uint32
	opens   uint32 // files that are open on it
	counted bool   // in account.used.Files
	account *account

	atime        atomic.Int64
	mtime, ctime int64

	size   int64   // of a file, in bytes
	chunks []chunk // of a file
	target string  // of a link
	dir    *directory
	under  *lowerFile // what it still takes from a lower filesystem, or nil
}

// directory holds entries in the order of their creation, so that a listing
// can go on at the same entry after any change. A removed entry leaves a hole
// (an entry without inode), and holes are squeezed out once they are half of
// the list.
type directory struct {
	byName map[string]*entry
	list   []*entry
	holes  int
	next   uint64 // the order of the next entry
}

// entry is a name in a directory.
type entry struct {
	name  string
	node  *inode
	order uint64
	cost  int64 // what it counts, in bytes
}

func (m *MemFS) newInode(mode fs.FileMode) *inode {
	m.nextIno++
	n := &inode{ino: m.nextIno, mode: mode, nlink: 1, account: m.account}
	if mode.IsDir() {
		n.dir = &directory{}
	}
	t := now()
	n.mtime, n.ctime = t, t
	n.atime.Store(t)
	return n
}

// add enters a name that the directory does not have.
func (d *directory) add(name string, n *inode, cost int64) *entry {
	if d.byName == nil {
		d.byName = make(map[string]*entry)
	}
	// The guest's path holds more than the name and need not live on.
	e := &entry{name: strings.Clone(name), node: n, order: d.next, cost: cost}
	d.next++
	d.byName[e.name] = e
	d.list = append(d.list, e)
	return e
}

// remove takes an entry out.
func (d *directory) remove(e *entry) {
	delete(d.byName, e.name)
	e.name, e.node = "", nil
	d.holes++
	if d.holes >= 32 && d.holes > len(d.list)/2 {
		d.squeeze()
	}
}

// squeeze removes the holes. The map is made anew, since one keeps the room of
// all that was ever in it: a guest would get memory that is not counted.
func (d *directory) squeeze() {
	d.list = slices.Clone(slices.DeleteFunc(d.list, func(e *entry) bool { return e.node == nil }))
	d.holes = 0
	d.byName = make(map[string]*entry, len(d.list))
	for _, e := range d.list {
		d.byName[e.name] = e
	}
}

// from is the part of the list with entries of an order or later.
func (d *directory) from(order uint64) []*entry {
	return d.list[sort.Search(len(d.list), func(i int) bool { return d.list[i].order >= order }):]
}

// stat is the state of the inode.
func (n *inode) stat() wazerosys.Stat_t {
	st := wazerosys.Stat_t{
		Ino: n.ino, Mode: n.mode, Nlink: uint64(n.nlink), Size: n.size,
		Atim: n.atime.Load(), Mtim: n.mtime, Ctim: n.ctime,
	}
	switch {
	case n.dir != nil:
		st.Size = dirSize
	case n.mode&fs.ModeSymlink != 0:
		st.Size = int64(len(n.target))
	}
	return st
}

// changed notes a change of the contents now.
func (n *inode) changed() {
	n.mtime = now()
	n.ctime = n.mtime
}

// setTimes sets what is not UTIME_OMIT.
func (n *inode) setTimes(atim, mtim int64) {
	if atim != sys.UTIME_OMIT {
		n.atime.Store(atim)
	}
	if mtim != sys.UTIME_OMIT {
		n.mtime = mtim
	}
	n.ctime = now()
}

// release gives back what a file counts once nothing refers to it.
func (n *inode) release() {
	if n.nlink > 0 || n.opens > 0 {
		return
	}
	n.closeUnder()
	files := int64(0)
	if n.counted {
		files = 1
	}
	n.account.give(n.countedBytes(), files)
	n.counted, n.chunks, n.size, n.under = false, nil, 0, nil
}

// countedBytes is what the inode itself counts, beside its names. What still
// lies in a lower filesystem counts nothing.
func (n *inode) countedBytes() int64 {
	if n.under != nil {
		return 0
	}
	return n.size + int64(len(n.target))
}

// find walks a clean path. Without an error, or with ENOENT for its last
// component, dir and name are where that is entered; for the root dir is nil.
func (m *MemFS) find(path string) (dir *inode, name string, n *inode, errno sys.Errno) {
	n = m.root
	if path == "." {
		return nil, "", n, 0
	}
	for more := true; more; {
		switch {
		case n.mode&fs.ModeSymlink != 0:
			return nil, "", nil, sys.ELOOP
		case n.dir == nil:
			return nil, "", nil, sys.ENOTDIR
		}
		if errno := m.load(n); errno != 0 {
			return nil, "", nil, errno
		}
		dir = n
		name, path, more = strings.Cut(path, "/")
		e := dir.dir.byName[name]
		if e == nil {
			if more {
				return nil, "", nil, sys.ENOENT
			}
			return dir, name, nil, sys.ENOENT
		}
		n = e.node
	}
	return dir, name, n, 0
}
