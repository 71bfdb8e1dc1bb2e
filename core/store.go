package core

import (
	"container/list"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
)

// StoreConfig says how a SessionStore is made.
type StoreConfig struct {
	// MaxResident is how many of its sessions are kept in memory at most, 1 or more; default 100. Sessions that run,
	// also those that wait for a callback or a timer, are not moved: while more of them run, there are more.
	MaxResident int
	// Directory is where the others are kept, in a directory that the store makes there, readable by the user only;
	// default the system's directory for temporary files.
	Directory string
	// MaxDiskBytes is how much disk they may take; 0 is as much as there is.
	MaxDiskBytes int64
}

const defaultMaxResident = 100

// SessionStore keeps the memory of many sessions small: those that have not been used for the longest time are moved
// to disk, as images, and come back when they are used again, which takes a few milliseconds. The sessions do not notice:
// memory, files, callbacks, limits and execution counts stay. Volumes stay open, and changes of copy-on-write volumes
// stay in memory. A session that has a deleted file or a connection open stays in memory, too.
//
// Sessions join with Config.Store; so do their forks. A store may be used by many goroutines.
type SessionStore struct {
	max     int
	maxDisk int64
	dir     string

	mu       sync.Mutex // held briefly only
	members  map[*Session]struct{}
	places   map[*Session]*list.Element // in resident
	resident list.List                  // of *Session, the longest unused first
	onDisk   int
	disk     int64
	lastFile uint64
	closed   bool
	moved    int64
	returned int64
}

// StoreStats says what a store holds.
type StoreStats struct {
	Sessions      int   // open sessions of the store
	Resident      int   // those of them in memory
	OnDisk        int   // those of them on disk; sessions that have run nothing are in neither when they are cold
	DiskBytes     int64 // what those take
	TotalMoved    int64 // how often a session was moved out of memory
	TotalReturned int64 // how often one came back
}

// NewSessionStore makes a store without sessions. Errors: CodeInvalid; CodeInitialization when there is no directory to
// be had.
func (rt *Runtime) NewSessionStore(config StoreConfig) (*SessionStore, error) {
	if config.MaxResident == 0 {
		config.MaxResident = defaultMaxResident
	}
	if config.MaxResident < 1 {
		return nil, invalid("the store's MaxResident is %d: use a positive number", config.MaxResident)
	}
	if config.MaxDiskBytes < 0 {
		return nil, invalid("the store's MaxDiskBytes is %d: use a positive number, or 0 for no limit", config.MaxDiskBytes)
	}
	dir, err := os.MkdirTemp(config.Directory, "eryx-sessions-") // of mode 0700
	if err != nil {
		return nil, failure(CodeInitialization, "make a directory for sessions: %w", err)
	}
	return &SessionStore{
		max: config.MaxResident, maxDisk: config.MaxDiskBytes, dir: dir,
		members: map[*Session]struct{}{}, places: map[*Session]*list.Element{},
	}, nil
}

// Stats says what the store holds now.
func (st *SessionStore) Stats() StoreStats {
	st.mu.Lock()
	defer st.mu.Unlock()
	return StoreStats{
		Sessions: len(st.members), Resident: st.resident.Len(), OnDisk: st.onDisk, DiskBytes: st.disk,
		TotalMoved: st.moved, TotalReturned: st.returned,
	}
}

// Close closes the store's sessions and removes its directory. Closing again does nothing.
func (st *SessionStore) Close() error {
	st.mu.Lock()
	st.closed = true
	members := make([]*Session, 0, len(st.members))
	for s := range st.members {
		members = append(members, s)
	}
	st.mu.Unlock()
	for _, s := range members {
		_ = s.Close() // never fails
	}
	if err := os.RemoveAll(st.dir); err != nil {
		return failure(CodeInternal, "remove the sessions' directory: %w", err)
	}
	return nil
}

// admit makes s resident, after moving others to disk if there is no room. The caller has s's turn.
func (st *SessionStore) admit(s *Session) error {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.closed {
		return failure(CodeClosed, "the session store is closed")
	}
	st.members[s] = struct{}{}
	if place := st.places[s]; place != nil {
		st.resident.MoveToBack(place)
		return nil
	}
	st.places[s] = st.resident.PushBack(s)
	err := st.makeRoom()
	if err != nil {
		st.leave(s)
	}
	return err
}

// leave takes s off the resident sessions. Under mu.
func (st *SessionStore) leave(s *Session) {
	if place := st.places[s]; place != nil {
		st.resident.Remove(place)
		delete(st.places, s)
	}
}

// retire is leave.
func (st *SessionStore) retire(s *Session) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.leave(s)
}

// forget takes s, which is closed, out of the store.
func (st *SessionStore) forget(s *Session) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.leave(s)
	delete(st.members, s)
}

// trim moves sessions to disk when there are too many in memory, because they ran.
func (st *SessionStore) trim() {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.resident.Len() > st.max && !st.closed {
		_ = st.makeRoom() // who needs the room tries again, and is told
	}
}

// makeRoom moves sessions at rest to disk until there are no more than max. Under mu, which is given up meanwhile.
func (st *SessionStore) makeRoom() error {
	var kept []*Session // cannot be moved
	defer func() {
		for _, s := range kept {
			<-s.turn
		}
	}()
	for st.resident.Len() > st.max {
		cold := st.coldest()
		if cold == nil {
			return nil
		}
		place := st.places[cold]
		st.leave(cold)
		st.mu.Unlock()
		err := cold.park(st)
		st.mu.Lock()
		if err == nil {
			st.moved++
			<-cold.turn
			continue
		}
		if _, open := st.members[cold]; open && place != nil {
			st.places[cold] = st.resident.PushBack(cold)
		}
		if errors.Is(err, errStays) {
			kept = append(kept, cold) // not to be tried again now
			continue
		}
		<-cold.turn
		return err
	}
	return nil
}

// coldest takes the turn of the session that is at rest and unused for the longest time; nil when all run. Under mu.
func (st *SessionStore) coldest() *Session {
	for e := st.resident.Front(); e != nil; e = e.Next() {
		s := e.Value.(*Session)
		select {
		case s.turn <- struct{}{}:
			return s
		default:
		}
	}
	return nil
}

// write keeps an image on disk; remove removes it.
func (st *SessionStore) write(image []byte) (string, error) {
	size := int64(len(image))
	st.mu.Lock()
	if st.maxDisk > 0 && st.disk+size > st.maxDisk {
		st.mu.Unlock()
		return "", &Error{Code: CodeLimit, Limit: "disk", Message: "no session can be moved to disk: the store's limit of " +
			strconv.FormatInt(st.maxDisk, 10) + " bytes is reached; close sessions, or raise MaxDiskBytes or MaxResident"}
	}
	st.disk += size
	st.onDisk++
	st.lastFile++
	name := filepath.Join(st.dir, strconv.FormatUint(st.lastFile, 10))
	st.mu.Unlock()
	if err := os.WriteFile(name, image, 0o600); err != nil {
		st.remove(name, size)
		if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
			full := failure(CodeLimit, "no session can be moved to disk, which is full: %w; close sessions, free space or raise MaxResident", err)
			full.Limit = "disk"
			return "", full
		}
		return "", failure(CodeSnapshot, "move a session to disk: %w", err)
	}
	return name, nil
}

func (st *SessionStore) remove(name string, size int64) {
	_ = os.Remove(name) // else Close does, with the directory
	st.mu.Lock()
	defer st.mu.Unlock()
	st.disk -= size
	st.onDisk--
}
