package core

import (
	"context"

	"github.com/eryx-go/eryx/core/guest"
	"github.com/eryx-go/eryx/core/guestfs"
	"github.com/eryx-go/eryx/core/wire"
)

// An image snapshot is a msgpack map: the guest's state (see guest.State.Marshal), the private files as archives,
// and what the host knows of the session. It is data, bound to the build that made it.

// Snapshot returns an image of the session: all of its memory and private files, exactly as they are between two
// executions, generators, closures and open databases included. It can be restored by the same build of Eryx, in
// another process and on another machine with the same kind of processor. The session goes on unchanged.
//
// Volumes are not part of it. Errors: CodeClosed; CodeSnapshot when it cannot be made.
func (s *Session) Snapshot() ([]byte, error) {
	point, err := s.savePoint(context.Background())
	if err != nil {
		return nil, err
	}
	return point.marshal()
}

// Restore replaces the session's memory and private files by those of an image that Snapshot returned. A dead
// session lives again. Errors: CodeSnapshot for an image that is damaged or of another build, which changes nothing.
func (s *Session) Restore(image []byte) error {
	point, err := unmarshalPoint(image)
	if err != nil {
		return err
	}
	if err := s.acquire(context.Background()); err != nil {
		return err
	}
	defer func() { <-s.turn }()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return failure(CodeClosed, "the session is closed")
	}
	return s.load(point)
}

// NewSessionFrom starts a session from an image that Session.Snapshot returned.
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
// not seen by the other. It takes well under a millisecond for a small session.
func (s *Session) Fork() (*Session, error) {
	point, err := s.savePoint(context.Background())
	if err != nil {
		return nil, err
	}
	child, err := s.rt.newSession(s.config, s.origin)
	if err != nil {
		return nil, err
	}
	if err := child.load(point); err != nil { // nobody else has it yet
		_ = child.Close()
		return nil, err
	}
	return child, nil
}

// point is a session at rest.
type point struct {
	state *guest.State
	data  *guestfs.Storage // copies on write
	tmp   *guestfs.Storage
	count int
	fresh bool
}

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

// save saves the session. Under mu, with the turn.
func (s *Session) save() (*point, error) {
	state, err := s.guest.Save()
	if err != nil {
		return nil, failure(CodeSnapshot, "save the session: %w", err)
	}
	return &point{
		state: state, count: s.count, fresh: s.fresh,
		data: guestfs.StorageOf(s.files.data.Fork()), tmp: guestfs.StorageOf(s.files.tmp.Fork()),
	}, nil
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

// rollBack forgets the checkpoint, after going back to it when the execution failed. Under mu, with the turn.
func (s *Session) rollBack(failed bool) {
	p := s.checkpoint
	s.checkpoint = nil
	if p == nil || !failed || s.closed {
		return
	}
	count := s.count // attempts count, failed ones too
	if err := s.load(p); err != nil {
		s.dead = err
		return
	}
	s.count = count
}

const pointVersion = 1

func (p *point) marshal() ([]byte, error) {
	state, err := p.state.Marshal()
	if err != nil {
		return nil, failure(CodeSnapshot, "encode the session: %w", err)
	}
	m := map[string]any{"version": pointVersion, "state": state, "count": p.count, "fresh": p.fresh}
	for name, files := range map[string]*guestfs.Storage{"data": p.data, "tmp": p.tmp} {
		if m[name], err = marshalFiles(files); err != nil {
			return nil, failure(CodeSnapshot, "encode the session's files: %w", err)
		}
	}
	b, err := wire.Encode(m)
	if err != nil {
		return nil, failure(CodeSnapshot, "encode the session: %w", err)
	}
	return b, nil
}

// unmarshalPoint decodes an image, which may be anybody's bytes.
func unmarshalPoint(image []byte) (*point, error) {
	value, err := wire.Decode(image)
	m, ok := value.(map[string]any)
	if err != nil || !ok || m["version"] != int64(pointVersion) {
		return nil, failure(CodeSnapshot, "this is no image of a session, or it is cut short")
	}
	p := &point{}
	encoded, _ := m["state"].([]byte)
	if p.state, err = guest.UnmarshalState(encoded); err != nil {
		return nil, failure(CodeSnapshot, "the image cannot be used: %w", err)
	}
	if p.data, err = unmarshalFiles(m["data"]); err != nil {
		return nil, err
	}
	if p.tmp, err = unmarshalFiles(m["tmp"]); err != nil {
		return nil, err
	}
	count, _ := m["count"].(int64)
	p.count = int(max(0, count))
	p.fresh, _ = m["fresh"].(bool)
	return p, nil
}

// marshalFiles is an archive of files; nothing for none, which is the usual case and saves milliseconds.
func marshalFiles(files *guestfs.Storage) ([]byte, error) {
	if files.Usage().Files == 0 {
		return []byte{}, nil
	}
	return files.Snapshot()
}

func unmarshalFiles(v any) (*guestfs.Storage, error) {
	archive, ok := v.([]byte)
	if !ok {
		return nil, failure(CodeSnapshot, "the image has no files")
	}
	files := guestfs.NewStorage(guestfs.Limits{})
	if len(archive) == 0 {
		return files, nil
	}
	if err := files.Restore(archive); err != nil {
		return nil, failure(CodeSnapshot, "the files of the image: %w", err)
	}
	return files, nil
}
