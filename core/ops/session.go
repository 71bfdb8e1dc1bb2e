package ops

import "github.com/eryx-go/eryx/core"

// openSession is a session and how to close it: one of a pool is given back.
type openSession struct {
	*core.Session
	close func() error
}

// keep gives a session its handle.
func (s *Service) keep(session *core.Session, close func() error) map[string]any {
	id := s.NextID()
	s.sessions.put(id, openSession{session, close})
	return map[string]any{"session": id}
}

// sessionNew starts a session of "config", from "image", by "factory" and in "store" if there are such, and answers
// {"session": id}.
func sessionNew(s *Service, r *request) (map[string]any, error) {
	config, err := s.readConfig(r)
	if err != nil {
		return nil, err
	}
	maker, err := s.maker(r)
	if err != nil {
		return nil, err
	}
	if config.Store, err = s.optionalStore(r); err != nil {
		return nil, err
	}
	image, err := get[[]byte](r.fields, "image", "bytes")
	if err != nil {
		return nil, err
	}
	var session *core.Session
	if image != nil {
		session, err = maker.NewSessionFrom(image, config)
	} else {
		session, err = maker.NewSession(config)
	}
	if err != nil {
		return nil, err
	}
	return s.keep(session, session.Close), nil
}

// session is the one that the request names.
func (s *Service) session(r *request) (*core.Session, error) {
	id, err := r.fields.id("session")
	if err != nil {
		return nil, err
	}
	session, ok := s.sessions.get(id)
	if !ok {
		return nil, errClosed("session")
	}
	return session.Session, nil
}

// sessionExecute runs "code" in a session.
func sessionExecute(s *Service, r *request) {
	session, err := s.session(r)
	if err != nil {
		r.finish(nil, err)
		return
	}
	r.execute(func(code string, options []core.ExecuteOption) {
		session.Start(r.ctx, code, r.executed, options...)
	})
}

// sessionIsComplete answers {"state": "complete" | "incomplete" | "invalid"} for "source".
func sessionIsComplete(_ *Service, r *request, session *core.Session) (map[string]any, error) {
	source, err := r.fields.text("source")
	if err != nil {
		return nil, err
	}
	state, err := session.IsComplete(source)
	return map[string]any{"state": state}, err
}

func sessionClearState(_ *Service, _ *request, session *core.Session) (map[string]any, error) {
	return nil, session.ClearState()
}

func sessionReset(_ *Service, _ *request, session *core.Session) (map[string]any, error) {
	return nil, session.Reset()
}

// sessionExecutionCount answers {"count": n}.
func sessionExecutionCount(_ *Service, _ *request, session *core.Session) (map[string]any, error) {
	return map[string]any{"count": session.ExecutionCount()}, nil
}

// sessionClose ends a session and what it executes. Closing again does nothing.
func sessionClose(s *Service, r *request) (map[string]any, error) {
	id, err := r.fields.id("session")
	if err != nil {
		return nil, err
	}
	if session, ok := s.sessions.take(id); ok {
		return nil, session.close()
	}
	return nil, nil
}
