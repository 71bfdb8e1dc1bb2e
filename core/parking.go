package core

import (
	"errors"
	"os"

	"github.com/eryx-go/eryx/core/guestfs"
)

// parked is where a session is that its store has moved out of memory.
type parked struct {
	file string // "" for a session that has executed nothing: it starts anew
	size int64
}

// errStays says that a session cannot be moved out of memory now.
var errStays = errors.New("the session stays in memory")

// park moves the session to st's disk. The caller has the turn. After an error it is as it was.
func (s *Session) park(st *SessionStore) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed || s.parked != nil:
		return nil
	case s.dead != nil: // there is nothing to keep but its files
		s.giveBack()
		return nil
	case s.fresh && s.origin.data == nil && s.origin.tmp == nil && s.files.empty():
		s.giveBack()
		s.parked = &parked{}
		return nil
	case s.guest.Immovable() != nil:
		return errStays
	}
	scratch := snapshotBuffers.Get().(*[]byte)
	defer snapshotBuffers.Put(scratch)
	state, err := s.guest.AppendState((*scratch)[:0])
	if err != nil {
		return errStays
	}
	*scratch = state
	image, err := s.filePoint().file(state)
	if err != nil {
		return err
	}
	name, err := st.write(image)
	if err != nil {
		return err
	}
	s.parked = &parked{name, int64(len(image))}
	s.giveBack()
	s.files.clear()
	return nil
}

// comeBack makes a session that was parked what it was. The caller has the turn, and st has admitted the session. After
// an error it is parked still, or dead when its image is of no use.
func (s *Session) comeBack(st *SessionStore) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.parked == nil || s.closed {
		return nil
	}
	if err := s.unpark(); err != nil {
		if s.dead != nil {
			s.unparked(st)
		}
		return err
	}
	s.unparked(st)
	st.mu.Lock()
	st.returned++
	st.mu.Unlock()
	return nil
}

// unpark reads the session's image. Under mu, with the turn.
func (s *Session) unpark() error {
	var p *point
	count := s.count
	if s.parked.file == "" {
		err := s.startGuest()
		s.count, s.unannounced = count, true
		return err
	}
	image, err := os.ReadFile(s.parked.file)
	if err == nil {
		p, err = s.readPoint(image)
	}
	if err != nil {
		s.dead = failure(CodeSnapshot, "the session is lost, because its image on disk was damaged or deleted (%w); call Reset", err)
		return s.dead
	}
	defer p.release()
	if err := s.load(p); err != nil {
		s.giveBack()
		s.files.clear()
		s.dead = nil
		return err
	}
	s.count = count
	return nil
}

// unparked forgets what is kept of the session on disk. Under mu.
func (s *Session) unparked(st *SessionStore) {
	if s.parked != nil && s.parked.file != "" {
		st.remove(s.parked.file, s.parked.size)
	}
	s.parked = nil
}

// clear empties the private files: an image has them.
func (f *files) clear() {
	for _, area := range []*guestfs.MemFS{f.data, f.tmp} {
		guestfs.StorageOf(area).Become(guestfs.NewStorage(f.budget.Limits()))
	}
}

// empty reports that there are no private files.
func (f *files) empty() bool { return f.data.Usage().Files == 0 && f.tmp.Usage().Files == 0 }
