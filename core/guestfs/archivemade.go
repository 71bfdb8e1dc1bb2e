package guestfs

import (
	"sync"
	"sync/atomic"
)

// Maker makes files that an archive does not have, when they are looked for.
type Maker interface {
	// Can reports that there may be a file of that clean path. Files that have been made are kept, so it must
	// be false for all but a bounded number of paths.
	Can(path string) bool
	// Make is the file's content, nil when there is none after all. It is called once for each path.
	Make(path string) []byte
}

// making is what an archive needs for its maker.
type making struct {
	maker Maker
	nodes sync.Map // of *archiveNode, by path
	count atomic.Uint64
}

// SetMaker has the archive show the files of maker too, though not in listings. Before the archive is used.
func (a *ArchiveFS) SetMaker(maker Maker) { a.making = &making{maker: maker} }

// File is the content of a plain file, which must not be changed.
func (a *ArchiveFS) File(path string) ([]byte, bool) {
	n := a.nodes[path]
	if n == nil || !n.stat.Mode.IsRegular() {
		return nil, false
	}
	data, errno := n.content()
	return data, errno == 0
}

// made is a file of the maker's, nil when there is none.
func (a *ArchiveFS) made(path string) *archiveNode {
	m := a.making
	if m == nil || !m.maker.Can(path) {
		return nil
	}
	found, ok := m.nodes.Load(path)
	if !ok {
		found, _ = m.nodes.LoadOrStore(path, &archiveNode{name: path})
	}
	n := found.(*archiveNode)
	n.once.Do(func() {
		n.data = m.maker.Make(path)
		n.stat.Ino = uint64(len(a.nodes)) + 1 + m.count.Add(1)
		n.stat.Mode, n.stat.Nlink, n.stat.Size = 0o444, 1, int64(len(n.data))
	})
	if n.data == nil {
		return nil
	}
	return n
}
