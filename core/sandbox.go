package core

import (
	"context"
	"runtime"

	"github.com/eryx-go/eryx/core/guest"
)

// Sandbox runs programs that know nothing of each other: every Execute starts from the pristine interpreter
// with empty files. It holds no guest between executions and may be used from many goroutines at once.
type Sandbox struct {
	rt     *Runtime
	config Config
	origin *origin
}

// NewSandbox checks config and makes a sandbox of it.
func (rt *Runtime) NewSandbox(config Config) (*Sandbox, error) {
	return rt.root().newSandbox(rt, config)
}

// newSandbox makes a sandbox with the packages of config added to the origin's.
func (o *origin) newSandbox(rt *Runtime, config Config) (*Sandbox, error) {
	if err := config.validate(); err != nil {
		return nil, err
	}
	if config.Store != nil {
		return nil, invalid("a session store keeps sessions, and a sandbox has none")
	}
	if err := config.prepare(); err != nil {
		return nil, err
	}
	if err := checkVolumes(config.Volumes); err != nil {
		return nil, err
	}
	extended, err := o.withConfig(rt, config)
	if err != nil {
		return nil, err
	}
	if err := rt.checkModules(config.prepared, extended); err != nil {
		return nil, err
	}
	config.Stdin = guest.Interruptible(config.Stdin)
	if !o.owner.tryHold() {
		return nil, failure(CodeClosed, "the factory is closed")
	}
	s := &Sandbox{rt: rt, config: config, origin: extended}
	if o.owner != nil {
		runtime.AddCleanup(s, (*imageOwner).release, o.owner)
	}
	return s, nil
}

// Execute runs a program from its beginning to its end, as Session.Execute does in a session of its own.
func (s *Sandbox) Execute(ctx context.Context, code string, options ...ExecuteOption) (*Result, error) {
	session, err := s.rt.newSession(s.config, s.origin)
	runtime.KeepAlive(s) // it holds its factory's image, and now the session does
	if err != nil {
		return &Result{Err: err}, err
	}
	session.final = true
	defer session.Close()
	return session.Execute(ctx, code, options...)
}

// Start runs a program without waiting for it; see Session.Start.
func (s *Sandbox) Start(ctx context.Context, code string, done func(*Result, error), options ...ExecuteOption) {
	session, err := s.rt.newSession(s.config, s.origin)
	runtime.KeepAlive(s) // it holds its factory's image, and now the session does
	if err != nil {
		go done(&Result{Err: err}, err)
		return
	}
	session.final = true
	session.Start(ctx, code, func(r *Result, err error) {
		_ = session.Close()
		done(r, err)
	}, options...)
}
