package guestfs

import (
	"sync"

	"github.com/tetratelabs/wazero/experimental/sys"
)

// hostQuota counts how much the guests have made a directory of the host grow.
// Removing what was there before gives nothing: the count stays above zero.
// All methods may be called on nil, which counts nothing.
type hostQuota struct {
	mu          sync.Mutex
	limit, used int64
	// open are the files that are open: one that has been removed still takes
	// room on the disk until it is closed.
	open map[fileID]*openCount
}

// fileID is the inode number of a file.
type fileID uint64

// openCount is how often a file is open.
type openCount struct {
	count   int
	removed bool
}

// entryBytes is what a directory entry counts.
func entryBytes(name string) int64 { return entryCost + int64(len(name)) }

// take counts bytes, or nothing and ENOSPC.
func (q *hostQuota) take(bytes int64) sys.Errno {
	if q == nil {
		return 0
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.takeLocked(bytes)
}

// give takes back what take counted.
func (q *hostQuota) give(bytes int64) {
	if q == nil {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.giveLocked(bytes)
}

// takeLocked is take for those who hold the lock.
func (q *hostQuota) takeLocked(bytes int64) sys.Errno {
	if bytes > 0 && bytes > q.limit-q.used {
		return ENOSPC
	}
	q.giveLocked(-bytes)
	return 0
}

// takeUpTo counts as many bytes as fit, of those that a write would make the
// file grow. ENOSPC if nothing of the write's length would be left.
func (q *hostQuota) takeUpTo(grow, length int64) (int64, sys.Errno) {
	if q == nil {
		return grow, 0
	}
	fits := min(grow, max(0, q.limit-q.used))
	if grow-fits >= length {
		return 0, ENOSPC
	}
	q.used += fits
	return fits, 0
}

// giveLocked is give for those who hold the lock.
func (q *hostQuota) giveLocked(bytes int64) {
	if q != nil {
		q.used = max(0, q.used-bytes)
	}
}

// opened notes that a file was opened.
func (q *hostQuota) opened(id fileID) {
	if q == nil {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.open[id] == nil {
		q.open[id] = &openCount{}
	}
	q.open[id].count++
}

// removed notes that a file lost its last name. Its size is given back now, or
// when it is closed.
func (q *hostQuota) removed(id fileID, size int64) {
	if q == nil {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if o := q.open[id]; o != nil {
		o.removed = true
		return
	}
	q.giveLocked(size)
}

// closed notes that a file of a size was closed.
func (q *hostQuota) closed(id fileID, size int64) {
	if q == nil {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	o := q.open[id]
	if o == nil {
		return
	}
	if o.count--; o.count > 0 {
		return
	}
	delete(q.open, id)
	if o.removed {
		q.giveLocked(size)
	}
}
