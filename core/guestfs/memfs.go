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

// Defaults of [Limits].
const (
	DefaultMaxBytes = 64 << 20
	DefaultMaxFiles = 100_000
)

// Limits bound what a filesystem in memory may hold. Beyond them the guest
// sees ENOSPC.
type Limits struct {
	// MaxBytes is the sum of the sizes of all files, holes included, plus 128
	// bytes and the name for each directory entry, plus the targets of links.
	// 0 or less means DefaultMaxBytes.
	MaxBytes int64
	// MaxFiles is how many files, directories and links there may be. 0 or
	// less means DefaultMaxFiles.
	MaxFiles int64
}

func (l Limits) orDefault() Limits {
	if l.MaxBytes <= 0 {
		l.MaxBytes = DefaultMaxBytes
	}
	if l.MaxFiles <= 0 {
		l.MaxFiles = DefaultMaxFiles
	}
	return l
}

// Usage is what a filesystem in memory holds, counted as in [Limits].
type Usage struct{ Bytes, Files int64 }

// account counts against limits. Files that a Restore has replaced but that
// are still open keep the account that they were counted in.
type account struct {
	limits Limits
	used   Usage
}

// take counts bytes and files, or nothing and ENOSPC.
func (a *account) take(bytes, files int64) sys.Errno {
	if bytes > a.limits.MaxBytes-a.used.Bytes || files > a.limits.MaxFiles-a.used.Files {
		return ENOSPC
	}
	a.used.Bytes += bytes
	a.used.Files += files
	return 0
}

// give takes back what take counted.
func (a *account) give(bytes, files int64) {
	a.used.Bytes -= bytes
	a.used.Files -= files
}

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

// NewMemFS is an empty filesystem.
func NewMemFS(limits Limits) *MemFS {
	m := &MemFS{owner: new(owner), account: &account{limits: limits.orDefault()}}
	m.root = m.newInode(fs.ModeDir | newDirPerm)
	m.root.nlink = 2
	return m
}

// Limits are the limits in force.
func (m *MemFS) Limits() Limits {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.account.limits
}

// SetLimits changes the limits. What is there already stays, even beyond them.
func (m *MemFS) SetLimits(limits Limits) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.account.limits = limits.orDefault()
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
