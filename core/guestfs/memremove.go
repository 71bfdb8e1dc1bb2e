package guestfs

import (
	"strings"

	"github.com/tetratelabs/wazero/experimental/sys"
)

// Unlink implements sys.FS.
func (m *MemFS) Unlink(path string) sys.Errno {
	m.mu.Lock()
	defer m.mu.Unlock()
	dir, name, n, errno := m.find(path)
	switch {
	case errno != 0:
		return errno
	case n.dir != nil:
		return sys.EISDIR
	}
	m.drop(dir, dir.dir.byName[name])
	return 0
}

// Rmdir implements sys.FS.
func (m *MemFS) Rmdir(path string) sys.Errno {
	m.mu.Lock()
	defer m.mu.Unlock()
	dir, name, n, errno := m.find(path)
	switch {
	case errno != 0:
		return errno
	case dir == nil:
		return EBUSY
	case n.dir == nil:
		return sys.ENOTDIR
	}
	if errno := m.mustBeEmpty(n); errno != 0 {
		return errno
	}
	m.drop(dir, dir.dir.byName[name])
	return 0
}

// mustBeEmpty is ENOTEMPTY if a directory has entries.
func (m *MemFS) mustBeEmpty(n *inode) sys.Errno {
	if errno := m.load(n); errno != 0 {
		return errno
	}
	if len(n.dir.byName) > 0 {
		return sys.ENOTEMPTY
	}
	return 0
}

// drop takes an entry out of a directory, and what it names with it if that
// was its last name.
func (m *MemFS) drop(dir *inode, e *entry) {
	n := e.node
	dir.dir.remove(e)
	dir.changed()
	m.account.give(e.cost, 0)
	m.unname(dir, n)
}

// unname counts one name of an inode less.
func (m *MemFS) unname(dir, n *inode) {
	n.ctime = now()
	if n.dir != nil {
		n.nlink = 0
		dir.nlink--
	} else {
		n.nlink--
	}
	n.release()
}

// Rename implements sys.FS.
func (m *MemFS) Rename(from, to string) sys.Errno {
	m.mu.Lock()
	defer m.mu.Unlock()
	oldDir, oldName, n, errno := m.find(from)
	switch {
	case errno != 0:
		return errno
	case oldDir == nil || to == ".":
		return EBUSY
	case n.dir != nil && strings.HasPrefix(to, from+"/"):
		return sys.EINVAL
	}
	newDir, newName, target, errno := m.find(to)
	switch {
	case errno == 0:
		if target == n {
			return 0 // two names of one file: POSIX wants nothing to happen
		}
		if errno := m.mayReplace(n, target); errno != 0 {
			return errno
		}
	case errno != sys.ENOENT || newDir == nil:
		return errno
	case len(newName) > MaxName:
		return sys.ENAMETOOLONG
	case n.dir != nil && newDir != oldDir && newDir.nlink >= maxHardLinks:
		return EMLINK
	}
	return m.move(oldDir, oldDir.dir.byName[oldName], newDir, newName)
}

// mayReplace checks that a rename may put n in the place of target.
func (m *MemFS) mayReplace(n, target *inode) sys.Errno {
	switch {
	case n.dir == nil && target.dir != nil:
		return sys.EISDIR
	case n.dir != nil && target.dir == nil:
		return sys.ENOTDIR
	case target.dir != nil:
		return m.mustBeEmpty(target)
	}
	return 0
}

// move gives an entry a new directory and name. An entry that is there keeps
// its place in the listing and gets the other's inode.
func (m *MemFS) move(oldDir *inode, e *entry, newDir *inode, newName string) sys.Errno {
	n := e.node
	if there := newDir.dir.byName[newName]; there != nil {
		replaced := there.node
		there.node = n
		m.unname(newDir, replaced)
	} else {
		cost := entryCost + int64(len(newName))
		if errno := m.account.take(cost-e.cost, 0); errno != 0 {
			return errno
		}
		newDir.dir.add(newName, n, cost)
		e.cost = 0 // it is counted for the new entry now
	}
	oldDir.dir.remove(e)
	m.account.give(e.cost, 0)
	if n.dir != nil && newDir != oldDir {
		oldDir.nlink--
		newDir.nlink++
	}
	n.ctime = now()
	oldDir.changed()
	newDir.changed()
	return 0
}
