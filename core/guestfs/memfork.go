package guestfs

import "slices"

// Fork is a second filesystem with the same files, from which on both go their
// own way. It takes time for each file, not for what is in it: contents are
// copied, piece by piece, when one of the two writes to them. Files that are
// open but removed are not in the fork.
func (m *MemFS) Fork() *MemFS {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.owner = new(owner)
	f := &MemFS{
		owner: new(owner), lower: m.lower, known: m.known, nextIno: m.nextIno,
		account: &account{budget: NewBudget(m.account.budget.Limits())}, mask: m.mask,
	}
	c := forker{into: f, done: map[*inode]*inode{}}
	f.root = c.inode(m.root)
	for len(c.dirs) > 0 { // not recursive: a guest decides how deep it goes
		last := len(c.dirs) - 1
		dir := c.dirs[last]
		c.dirs = c.dirs[:last]
		c.entries(dir)
	}
	return f
}

// forker copies the inodes of a tree.
type forker struct {
	into *MemFS
	done map[*inode]*inode // those with several names
	dirs []*inode          // originals whose entries are still to be copied
}

// inode copies an inode, without the entries of a directory.
func (c *forker) inode(n *inode) *inode {
	if made := c.done[n]; made != nil {
		return made
	}
	made := &inode{
		ino: n.ino, mode: n.mode, nlink: n.nlink, counted: n.counted, account: c.into.account,
		mtime: n.mtime, ctime: n.ctime, size: n.size, chunks: slices.Clone(n.chunks), target: n.target,
	}
	made.atime.Store(n.atime.Load())
	if n.under != nil {
		made.under = &lowerFile{path: n.under.path, filled: n.under.filled, loaded: n.under.loaded}
	}
	if n.counted {
		made.account.add(Usage{Files: 1})
	}
	made.account.add(Usage{Bytes: made.countedBytes()})
	switch {
	case n.dir != nil:
		made.dir = &directory{byName: make(map[string]*entry, len(n.dir.byName))}
		c.dirs = append(c.dirs, n)
		c.done[n] = made
	case n.nlink > 1:
		c.done[n] = made
	}
	return made
}

// entries copies the entries of a directory that has been copied.
func (c *forker) entries(dir *inode) {
	into := c.done[dir].dir
	for _, e := range dir.dir.list {
		if e.node != nil {
			into.add(e.name, c.inode(e.node), e.cost)
			c.into.account.add(Usage{Bytes: e.cost})
		}
	}
}

// become takes over the files of another filesystem, which must not be used
// afterwards. What is open stays what it was.
func (m *MemFS) become(other *MemFS) {
	m.mu.Lock()
	defer m.mu.Unlock()
	budget := m.account.budget
	m.account.move(NewBudget(budget.Limits())) // what is open goes on being counted there
	other.account.move(budget)
	m.root, m.account, m.owner = other.root, other.account, other.owner
	m.lower, m.known = other.lower, other.known
	m.nextIno = max(m.nextIno, other.nextIno)
}

// Become replaces everything in the storage by what of holds, which must not be used afterwards. The limits
// stay. Files that guests have open stay what they were, as if removed.
func (s *Storage) Become(of *Storage) { s.mem.become(of.mem) }
