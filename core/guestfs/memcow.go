package guestfs

import (
	"io/fs"
	"strings"

	"github.com/tetratelabs/wazero/experimental/sys"
)

// knownPerFile bounds how many entries of a lower filesystem are kept in
// memory, as a multiple of Limits.MaxFiles.
const knownPerFile = 4

// lowerFile is what an inode still takes from the lower filesystem.
type lowerFile struct {
	path   string
	filled bool     // the inode has its attributes
	loaded bool     // of a directory: the inode has its entries
	file   sys.File // of a file: open while the inode is
}

// NewCow lays a filesystem in memory over another, which it only reads:
// what the guest changes stays in memory, within the limits, and what is below
// does not count. A directory's names are read when it is first looked at, and
// a file is copied when it is first written to. So renames, removals and links
// work everywhere, and a file that is only read follows what happens below.
// Names are kept: to look at more than four times Limits.MaxFiles is ENOSPC.
func NewCow(lower sys.FS, limits Limits) *MemFS { return NewCowOf(lower, NewBudget(limits)) }

// NewCowOf is NewCow within a budget that is shared.
func NewCowOf(lower sys.FS, budget *Budget) *MemFS {
	m := NewMemFSOf(budget)
	m.lower = lower
	if st, errno := lower.Lstat("."); errno == 0 && st.Mode.IsRegular() { // a volume of one file
		m.root = m.newInode(0)
	}
	m.root.under = &lowerFile{path: "."}
	return m
}

// load reads the names in a directory of the lower filesystem.
func (m *MemFS) load(n *inode) sys.Errno {
	if n.under == nil || n.under.loaded {
		return 0
	}
	f, errno := m.lower.OpenFile(n.under.path, sys.O_DIRECTORY, 0)
	if errno != 0 {
		return errno
	}
	defer f.Close()
	var below []sys.Dirent
	for {
		page, errno := f.Readdir(1024)
		if errno != 0 {
			return errno
		}
		below = append(below, page...)
		if m.known+int64(len(below)) > knownPerFile*m.account.budget.Limits().MaxFiles {
			return ENOSPC
		}
		if len(page) < 1024 {
			break
		}
	}
	for _, e := range below {
		m.addLower(n, e)
	}
	n.under.loaded = true
	m.known += int64(len(below))
	return 0
}

// addLower enters a name of the lower filesystem.
func (m *MemFS) addLower(dir *inode, e sys.Dirent) {
	if e.Name == "" || e.Name == "." || e.Name == ".." || strings.ContainsAny(e.Name, "/\x00") {
		return
	}
	if _, there := dir.dir.byName[e.Name]; there {
		return
	}
	n := m.newInode(e.Type)
	n.under = &lowerFile{path: orDot(join(strings.TrimPrefix(dir.under.path, "."), e.Name))}
	if e.Type.IsDir() {
		n.nlink = 2
		dir.nlink++
	}
	dir.dir.add(e.Name, n, 0)
}

// fill takes the attributes of an inode from the lower filesystem.
func (m *MemFS) fill(n *inode) sys.Errno {
	if n.under == nil || n.under.filled {
		return 0
	}
	st, errno := m.lower.Lstat(n.under.path)
	switch {
	case errno != 0:
		return errno
	case st.Mode.Type() != n.mode.Type():
		return ESTALE
	}
	if n.mode&fs.ModeSymlink != 0 {
		if n.target, errno = m.lower.Readlink(n.under.path); errno != 0 {
			return errno
		}
	}
	n.mode, n.mtime, n.ctime = st.Mode, st.Mtim, st.Ctim
	n.atime.Store(st.Atim)
	if n.mode.IsRegular() {
		n.size = st.Size
	}
	n.under.filled = true
	return 0
}

// openUnder opens the lower file of an inode, until the inode is closed.
func (m *MemFS) openUnder(n *inode) sys.Errno {
	if n.under.file != nil {
		return 0
	}
	f, errno := m.lower.OpenFile(n.under.path, sys.O_RDONLY|sys.O_NOFOLLOW, 0)
	if errno == 0 {
		n.under.file = f
	}
	return errno
}

// closeUnder closes what openUnder opened.
func (n *inode) closeUnder() {
	if n.under != nil && n.under.file != nil {
		_ = n.under.file.Close() // it was only read
		n.under.file = nil
	}
}

// readUnder reads from the lower file.
func (m *MemFS) readUnder(n *inode, buf []byte, off int64) (int, sys.Errno) {
	if errno := m.openUnder(n); errno != 0 {
		return 0, errno
	}
	got, errno := n.under.file.Pread(buf, off)
	if st, stErrno := n.under.file.Stat(); stErrno == 0 {
		n.size = st.Size
	}
	return got, errno
}

// copyUp gives a file its own contents before it is changed.
func (m *MemFS) copyUp(n *inode) sys.Errno {
	if n.under == nil {
		return 0
	}
	if errno := m.fill(n); errno != 0 {
		return errno
	}
	if errno := m.openUnder(n); errno != 0 {
		return errno
	}
	defer n.closeUnder()
	st, errno := n.under.file.Stat()
	if errno != 0 {
		return errno
	}
	if errno := n.account.take(st.Size, 0); errno != 0 {
		return errno
	}
	chunks, size, errno := m.readAll(n.under.file, st.Size)
	if errno != 0 {
		n.account.give(st.Size, 0)
		return errno
	}
	n.account.give(st.Size-size, 0) // it has become shorter meanwhile
	n.closeUnder()
	n.chunks, n.size, n.under = chunks, size, nil
	return 0
}

// readAll reads up to size bytes of a lower file.
func (m *MemFS) readAll(f sys.File, size int64) ([]chunk, int64, sys.Errno) {
	var chunks []chunk
	for at := int64(0); at < size; {
		b := make([]byte, min(size-at, chunkSize))
		filled := 0
		for filled < len(b) {
			n, errno := f.Pread(b[filled:], at+int64(filled))
			if errno != 0 {
				return nil, 0, errno
			}
			if n == 0 {
				break
			}
			filled += n
		}
		at += int64(filled)
		chunks = append(chunks, chunk{m.owner, b[:filled:filled]})
		if filled < len(b) {
			return chunks, at, 0
		}
	}
	return chunks, size, 0
}

// dropUnder forgets the lower file of a file that is emptied.
func (m *MemFS) dropUnder(n *inode) sys.Errno {
	if errno := m.fill(n); errno != 0 {
		return errno
	}
	n.closeUnder()
	n.under, n.size = nil, 0
	return 0
}
