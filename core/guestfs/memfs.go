package guestfs

import (
	"io/fs"
	"sync"
	"time"

	"github.com/tetratelabs/wazero/experimental/sys"
)

const (
	// entryCost is what a directory entry counts in bytes, beside its name.
	entryCost = 128
	// maxHardLinks is how many names a file may have, as on ext4.
	maxHardLinks = 65000

	newFilePerm fs.FileMode = 0o644
	newDirPerm  fs.FileMode = 0o755
	permBits                = fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky
)

// MemFS is a filesystem in memory that behaves like Linux's tmpfs: hard and
// symbolic links, sparse files, unlink and rename of open files, times, inode
// numbers. Permission bits are kept but not enforced, as for the superuser.
//
// It is a sys.FS for a [Namespace], see the package's contract; the host's
// program uses it through a [Storage]. Any number of guests may share it.
type MemFS struct {
	mu      sync.RWMutex
	root    *inode
	account *account
	nextIno uint64
	// owner marks the chunks that only this filesystem has: a fork gives both
	// sides a new one, so that each copies a chunk before it writes to it.
	owner *owner
	// lower is what a copy-on-write filesystem lies on, nil for others, and
	// known how many of its entries are in memory.
	lower sys.FS
	known int64
	mask  *Mask // nil: anything may be stored
}

// owner is compared by address, so it must not be empty.
type owner struct{ _ byte }

// Mask overwrites texts that must not be stored.
type Mask struct {
	// Bytes is the length of each of them.
	Bytes int
	// Apply overwrites them in p, and reports whether there was one.
	Apply func(p []byte) bool
}

// SetMask has what is written from now on looked through, with what lies beside it: a text may be written in parts. nil
// ends it. Forks have the same mask.
func (m *MemFS) SetMask(mask *Mask) {
	m.mu.Lock()
	m.mask = mask
	m.mu.Unlock()
}

// NewMemFS is an empty filesystem with a budget of its own.
func NewMemFS(limits Limits) *MemFS { return NewMemFSOf(NewBudget(limits)) }

// NewMemFSOf is an empty filesystem that shares a budget.
func NewMemFSOf(budget *Budget) *MemFS {
	m := &MemFS{owner: new(owner), account: &account{budget: budget}}
	m.root = m.newInode(fs.ModeDir | newDirPerm)
	m.root.nlink = 2
	return m
}

// Limits are the limits in force.
func (m *MemFS) Limits() Limits {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.account.budget.Limits()
}

// Budget is what it is counted in.
func (m *MemFS) Budget() *Budget {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.account.budget
}

// SetLimits changes the limits. What is there already stays, even beyond them.
func (m *MemFS) SetLimits(limits Limits) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.account.budget.SetLimits(limits)
}

// Usage is what is counted now.
func (m *MemFS) Usage() Usage {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.account.used
}

// lockForRead locks for an operation that changes nothing, and returns the
// unlock. On a lower filesystem even a look may fill in what is known of it.
func (m *MemFS) lockForRead() func() {
	if m.lower != nil {
		m.mu.Lock()
		return m.mu.Unlock
	}
	m.mu.RLock()
	return m.mu.RUnlock
}

func now() int64 { return time.Now().UnixNano() }
