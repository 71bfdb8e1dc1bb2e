package guestfs

import (
	"sync"

	"github.com/tetratelabs/wazero/experimental/sys"
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

// Budget is what one or several filesystems in memory may hold together. Any
// number of goroutines may use it.
type Budget struct {
	mu     sync.Mutex
	limits Limits
	used   Usage
}

// NewBudget is a budget of which nothing is used.
func NewBudget(limits Limits) *Budget { return &Budget{limits: limits.orDefault()} }

// Limits are the limits in force.
func (b *Budget) Limits() Limits {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.limits
}

// SetLimits changes the limits. What is there already stays, even beyond them.
func (b *Budget) SetLimits(limits Limits) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.limits = limits.orDefault()
}

// LeftBytes is how many bytes are free.
func (b *Budget) LeftBytes() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return max(0, b.limits.MaxBytes-b.used.Bytes)
}

// take counts bytes and files, or nothing and ENOSPC.
func (b *Budget) take(bytes, files int64) sys.Errno {
	b.mu.Lock()
	defer b.mu.Unlock()
	if bytes > b.limits.MaxBytes-b.used.Bytes || files > b.limits.MaxFiles-b.used.Files {
		return ENOSPC
	}
	b.used.Bytes += bytes
	b.used.Files += files
	return 0
}

// takeUpTo counts as many of the bytes as are free, and returns how many.
func (b *Budget) takeUpTo(bytes int64) int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	bytes = max(0, min(bytes, b.limits.MaxBytes-b.used.Bytes))
	b.used.Bytes += bytes
	return bytes
}

// add counts what is there, even beyond the limits; a negative usage takes
// back.
func (b *Budget) add(u Usage) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used.Bytes += u.Bytes
	b.used.Files += u.Files
}

// account is what one filesystem has of its budget, guarded by that one's
// lock. Files that a Restore has replaced but that are still open keep the
// account that they were counted in.
type account struct {
	budget *Budget
	used   Usage
}

// take counts bytes and files, or nothing and ENOSPC.
func (a *account) take(bytes, files int64) sys.Errno {
	if errno := a.budget.take(bytes, files); errno != 0 {
		return errno
	}
	a.used.Bytes += bytes
	a.used.Files += files
	return 0
}

// takeUpTo counts as many of the bytes as are free, and returns how many.
func (a *account) takeUpTo(bytes int64) int64 {
	bytes = a.budget.takeUpTo(bytes)
	a.used.Bytes += bytes
	return bytes
}

// give takes back what take counted.
func (a *account) give(bytes, files int64) { a.add(Usage{-bytes, -files}) }

// add counts what is there, even beyond the limits.
func (a *account) add(u Usage) {
	a.budget.add(u)
	a.used.Bytes += u.Bytes
	a.used.Files += u.Files
}

// move takes the account to another budget.
func (a *account) move(to *Budget) {
	a.budget.add(Usage{-a.used.Bytes, -a.used.Files})
	to.add(a.used)
	a.budget = to
}
