package guestfs

import (
	"io/fs"

	"github.com/tetratelabs/wazero/experimental/sys"
	wazerosys "github.com/tetratelabs/wazero/sys"
)

// OpenFile implements sys.FS.
func (m *MemFS) OpenFile(path string, flag sys.Oflag, perm fs.FileMode) (sys.File, sys.Errno) {
	m.mu.Lock()
	defer m.mu.Unlock()
	dir, name, n, errno := m.find(path)
	switch {
	case errno == 0:
		errno = m.openExisting(n, flag)
	case errno == sys.ENOENT && dir != nil && flag&sys.O_CREAT != 0:
		if flag&sys.O_DIRECTORY != 0 {
			return nil, sys.EINVAL
		}
		n, errno = m.create(dir, name, perm&permBits, "")
	}
	if errno != 0 {
		return nil, errno
	}
	if errno := m.fill(n); errno != 0 {
		return nil, errno
	}
	n.opens++
	if n.dir != nil {
		return &memDir{memNode: memNode{m: m, n: n}}, 0
	}
	return newMemFile(m, n, flag), 0
}

// openExisting checks the flags for what is there, and truncates it.
func (m *MemFS) openExisting(n *inode, flag sys.Oflag) sys.Errno {
	switch {
	case flag&sys.O_CREAT != 0 && flag&sys.O_EXCL != 0:
		return sys.EEXIST
	case n.mode&fs.ModeSymlink != 0:
		return sys.ELOOP
	case n.dir != nil && flag&(writeAccess|sys.O_CREAT|sys.O_TRUNC) != 0:
		return sys.EISDIR
	case n.dir == nil && flag&sys.O_DIRECTORY != 0:
		return sys.ENOTDIR
	case !n.mode.IsRegular() && n.dir == nil: // in a lower filesystem only
		return ENXIO
	case flag&sys.O_TRUNC != 0:
		return m.truncate(n, 0)
	}
	return 0
}

// create enters a new file, directory or link.
func (m *MemFS) create(dir *inode, name string, mode fs.FileMode, target string) (*inode, sys.Errno) {
	if len(name) > MaxName {
		return nil, sys.ENAMETOOLONG
	}
	if mode.IsDir() && dir.nlink >= maxHardLinks {
		return nil, EMLINK
	}
	cost := entryCost + int64(len(name))
	if errno := m.account.take(cost+int64(len(target)), 1); errno != 0 {
		return nil, errno
	}
	n := m.newInode(mode)
	n.counted, n.target = true, target
	dir.dir.add(name, n, cost)
	dir.changed()
	if mode.IsDir() {
		n.nlink = 2
		dir.nlink++
	}
	return n, 0
}

// Lstat implements sys.FS.
func (m *MemFS) Lstat(path string) (wazerosys.Stat_t, sys.Errno) {
	defer m.lockForRead()()
	_, _, n, errno := m.find(path)
	if errno != 0 {
		return wazerosys.Stat_t{}, errno
	}
	if errno := m.fill(n); errno != 0 {
		return wazerosys.Stat_t{}, errno
	}
	return n.stat(), 0
}

// Stat implements sys.FS.
func (m *MemFS) Stat(path string) (wazerosys.Stat_t, sys.Errno) { return noLink(m.Lstat(path)) }

// Readlink implements sys.FS.
func (m *MemFS) Readlink(path string) (string, sys.Errno) {
	defer m.lockForRead()()
	_, _, n, errno := m.find(path)
	if errno != 0 {
		return "", errno
	}
	if n.mode&fs.ModeSymlink == 0 {
		return "", sys.EINVAL
	}
	if errno := m.fill(n); errno != 0 {
		return "", errno
	}
	return n.target, 0
}

// Mkdir implements sys.FS.
func (m *MemFS) Mkdir(path string, perm fs.FileMode) sys.Errno {
	return m.make(path, fs.ModeDir|perm&permBits, "")
}

// Symlink implements sys.FS.
func (m *MemFS) Symlink(target, path string) sys.Errno {
	if len(target) > MaxPath {
		return sys.ENAMETOOLONG
	}
	return m.make(path, fs.ModeSymlink|fs.ModePerm, target)
}

// make creates path.
func (m *MemFS) make(path string, mode fs.FileMode, target string) sys.Errno {
	m.mu.Lock()
	defer m.mu.Unlock()
	dir, name, _, errno := m.find(path)
	if errno == 0 {
		return sys.EEXIST
	}
	if errno == sys.ENOENT && dir != nil {
		_, errno = m.create(dir, name, mode, target)
	}
	return errno
}

// Chmod implements sys.FS.
func (m *MemFS) Chmod(path string, perm fs.FileMode) sys.Errno {
	return m.change(path, func(n *inode) {
		n.mode = n.mode.Type() | perm&permBits
		n.ctime = now()
	})
}

// Utimens implements sys.FS.
func (m *MemFS) Utimens(path string, atim, mtim int64) sys.Errno {
	return m.change(path, func(n *inode) { n.setTimes(atim, mtim) })
}

// change changes the attributes of path.
func (m *MemFS) change(path string, op func(*inode)) sys.Errno {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, _, n, errno := m.find(path)
	switch {
	case errno != 0:
		return errno
	case n.mode&fs.ModeSymlink != 0:
		return sys.ELOOP
	}
	if errno := m.fill(n); errno != 0 {
		return errno
	}
	op(n)
	return 0
}

// Link implements sys.FS.
func (m *MemFS) Link(from, to string) sys.Errno {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, _, n, errno := m.find(from)
	switch {
	case errno != 0:
		return errno
	case n.dir != nil:
		return sys.EPERM
	case n.nlink >= maxHardLinks:
		return EMLINK
	}
	dir, name, _, errno := m.find(to)
	switch {
	case errno == 0:
		return sys.EEXIST
	case errno != sys.ENOENT || dir == nil:
		return errno
	case len(name) > MaxName:
		return sys.ENAMETOOLONG
	}
	if errno := m.fill(n); errno != 0 {
		return errno
	}
	cost := entryCost + int64(len(name))
	if errno := m.account.take(cost, 0); errno != 0 {
		return errno
	}
	dir.dir.add(name, n, cost)
	dir.changed()
	n.nlink++
	n.ctime = now()
	return 0
}
