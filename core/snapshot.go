package core

import (
	"context"
	"errors"

	"github.com/eryx-go/eryx/core/guest"
	"github.com/eryx-go/eryx/core/guestfs"
)

// Snapshot returns an image of the session: all of its memory and private files, exactly as they are between two
// executions, generators, closures and open databases included. It can be restored by the same build of Eryx, in
// another process and on another machine with the same kind of processor. The session goes on unchanged.
//
// Volumes are not part of it. Errors: CodeClosed; CodeSnapshot when it cannot be made.
func (s *Session) Snapshot() ([]byte, error) {
	if err := s.acquire(context.Background()); err != nil {
		return nil, err
	}
	scratch := snapshotBuffers.Get().(*[]byte)
	defer snapshotBuffers.Put(scratch)
	p, err := s.encode(scratch)
	<-s.turn
	if err != nil {
		return nil, err
	}
	defer p.release()
	return p.file(*scratch)
}

// Restore replaces the session's memory and private files by those of an image that Snapshot returned. A dead
// session lives again. A pickle that SnapshotState returned is merged into the session instead, as by RestoreState. Errors: CodeSnapshot for an image that is damaged or of another build, which changes nothing.
func (s *Session) Restore(image []byte) error {
	if isPickle(image) {
		return s.RestoreState(context.Background(), image)
	}
	point, err := s.readPoint(image)
	if err != nil {
		return err
	}
	defer point.release()
	return s.become(point)
}

// NewSessionFrom starts a session from what Session.Snapshot or Session.SnapshotState returned.
func (rt *Runtime) NewSessionFrom(image []byte, config Config) (*Session, error) {
	s, err := rt.NewSession(config)
	if err != nil {
		return nil, err
	}
	if err := s.Restore(image); err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

// Fork returns an independent copy of the session, with the same configuration: what one of them does later is
// not seen by the other. It takes well under a millisecond; what neither changes is in memory once, whatever the number
// of forks.
func (s *Session) Fork() (*Session, error) {
	point, err := s.savePoint(context.Background())
	if err != nil {
		return nil, err
	}
	defer point.release()
	child, err := s.rt.newSession(s.config, s.origin)
	if err != nil {
		return nil, err
	}
	if err := child.become(point); err != nil {
		_ = child.Close()
		return nil, err
	}
	return child, nil
}

// become makes the session what another was at p.
func (s *Session) become(p *point) error {
	if err := s.acquire(context.Background()); err != nil {
		return err
	}
	defer func() { <-s.turn }()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return failure(CodeClosed, "the session is closed")
	}
	return s.load(p)
}

// point is a session at rest.
type point struct {
	state *guest.State     // held
	data  *guestfs.Storage // copies on write
	tmp   *guestfs.Storage
	count int
	fresh bool
}

// release gives up the point's hold of its memory.
func (p *point) release() { p.state.Release() }

// savePoint waits for the session's turn and saves it.
func (s *Session) savePoint(ctx context.Context) (*point, error) {
	if err := s.acquire(ctx); err != nil {
		return nil, err
	}
	defer func() { <-s.turn }()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.unusable(); err != nil {
		return nil, err
	}
	return s.save()
}

// save saves the session. Under mu, with the turn. Until the guest changes its memory is saved only once.
func (s *Session) save() (*point, error) {
	if s.saved == nil {
		state, err := s.guest.Save()
		if err != nil {
			s.dead = s.guest.Dead()
			return nil, failure(CodeSnapshot, "save the session: %w", err)
		}
		s.saved = state
	}
	p := s.filePoint()
	p.state = s.saved.Hold()
	return p, nil
}

// changing forgets what was saved of a guest that is about to change. Under mu, with the turn.
func (s *Session) changing() {
	s.saved.Release()
	s.saved = nil
}

// filePoint is a point without the memory. Under mu, with the turn.
func (s *Session) filePoint() *point {
	return &point{
		count: s.count, fresh: s.fresh,
		data: guestfs.StorageOf(s.files.data.Fork()), tmp: guestfs.StorageOf(s.files.tmp.Fork()),
	}
}

// encode encodes the session's memory into buffer; the point has the rest. With the turn.
func (s *Session) encode(buffer *[]byte) (*point, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.unusable(); err != nil {
		return nil, err
	}
	state, err := s.guest.AppendState((*buffer)[:0])
	if err != nil {
		return nil, failure(CodeSnapshot, "save the session: %w", err)
	}
	*buffer = state
	return s.filePoint(), nil
}

// load makes the session what it was at p: a new guest with p's memory and files. Under mu, with the turn.
// After a failure the session is what a Reset makes of it.
func (s *Session) load(p *point) error {
	s.giveBack()
	guestfs.StorageOf(s.files.data).Become(p.data.Fork())
	guestfs.StorageOf(s.files.tmp).Become(p.tmp.Fork())
	if err := s.startGuest(); err != nil {
		return err
	}
	if err := s.guest.Load(p.state); err != nil {
		s.giveBack()
		if restart := s.startGuest(); restart != nil {
			return restart
		}
		return failure(CodeSnapshot, "restore the session: %w", err)
	}
	s.count, s.fresh, s.unannounced = p.count, p.fresh, true
	return nil
}

// saveBefore saves the session before an execution that may have to be undone; nil where none has. Under mu.
func (s *Session) saveBefore(o executeOptions) (*point, error) {
	if s.config.Checkpoint || (o.journal && !s.final) {
		return s.save()
	}
	return nil, nil
}

// rollBack forgets the checkpoint, after going back to it when the execution failed: in whatever way with
// Config.Checkpoint, else (with a journal) when it was stopped. Under mu, with the turn.
func (s *Session) rollBack(err error) (done bool) {
	p := s.checkpoint
	s.checkpoint = nil
	if p == nil {
		return false
	}
	defer p.release()
	if s.closed || !(s.config.Checkpoint && err != nil || stopped(err)) {
		return false
	}
	count := s.count // attempts count, failed ones too
	back := *p
	back.state = p.state.WithoutLost() // rather than to lose all
	defer back.release()
	if err := s.load(&back); err != nil {
		s.dead = err
		return false
	}
	s.count = count
	return true
}

// stopped reports that an execution did not come to an end of its own.
func stopped(err error) bool {
	var e *Error
	if !errors.As(err, &e) {
		return false
	}
	return e.Killed || e.Code != CodePython && e.Code != CodeExit
}
