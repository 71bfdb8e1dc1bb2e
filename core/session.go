package core

import (
	"bytes"
	"context"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/eryx-go/eryx/core/guest"
	"github.com/eryx-go/eryx/core/wire"
)

// Session is one guest whose globals, functions, classes, imports and files persist from one execution to
// the next. It may be used from many goroutines; its executions run one after the other.
type Session struct {
	rt     *Runtime
	config Config
	limits Limits
	origin *origin

	turn  chan struct{} // one token: the right to use the guest
	ended chan struct{} // closed by Close

	mu          sync.Mutex // guards what follows, and is held briefly only
	guest       *guest.Guest
	files       *files
	fresh       bool // the guest has not executed anything
	callbacks   *callbackSet
	unannounced bool // the guest does not know the callbacks
	final       bool // nothing follows an execution: exit handlers run at its end
	count       int
	closed      bool
	dead        error
	current     *execution
	busy        *guest.Guest              // runs an operation
	checkpoint  *point                    // the state before the current execution, with Config.Checkpoint
	saved       *guest.State              // the guest as it is, when it was saved since it last ran
	parked      *parked                   // where it is, when its store has moved it to disk
	running     atomic.Pointer[execution] // current, for who does not hold mu
	fetcher     atomic.Pointer[fetcher]   // of the present guest, with NetConfig.Fetch
}

// NewSession starts a session. It costs tens of microseconds; Close gives its memory back.
func (rt *Runtime) NewSession(config Config) (*Session, error) {
	return rt.root().newSession(rt, config)
}

// newSession starts a session with the packages of config added to the origin's.
func (o *origin) newSession(rt *Runtime, config Config) (*Session, error) {
	extended, err := o.withConfig(rt, config)
	if err != nil {
		return nil, err
	}
	return rt.newSession(config, extended)
}

// newSession starts a session from origin, which has the packages of config already.
func (rt *Runtime) newSession(config Config, origin *origin) (*Session, error) {
	limits := config.Limits.over(DefaultLimits())
	if err := config.validate(); err != nil {
		return nil, err
	}
	if err := config.prepare(); err != nil {
		return nil, err
	}
	if config.ResultVariable == "" {
		config.ResultVariable = "result"
	}
	config.Stdin = guest.Interruptible(config.Stdin)
	if !origin.owner.tryHold() {
		return nil, failure(CodeClosed, "the factory is closed")
	}
	s := &Session{rt: rt, config: config, callbacks: config.prepared, limits: limits, origin: origin, turn: make(chan struct{}, 1), ended: make(chan struct{})}
	var err error
	if s.files, err = rt.newFiles(config, limits, origin); err != nil {
		origin.owner.release()
		return nil, err
	}
	if err := s.startAdmitted(); err != nil {
		s.files.close()
		origin.owner.release()
		return nil, err
	}
	return s, nil
}

// startAdmitted is startGuest of a new session, for which its store makes room.
func (s *Session) startAdmitted() error {
	st := s.config.Store
	if st == nil {
		return s.startGuest()
	}
	s.turn <- struct{}{} // the store must not move it yet
	defer func() { <-s.turn }()
	err := st.admit(s)
	if err == nil {
		err = s.startGuest()
	}
	if err != nil {
		st.forget(s)
	}
	return err
}

// startGuest takes a pristine guest. Under mu or before the session is shared.
func (s *Session) startGuest() error {
	g, err := s.rt.guests.NewGuest(s.origin.image, guest.Options{
		FS:           s.files.root,
		Stdin:        s.config.Stdin,
		MaxMemory:    uint64(bound(s.limits.MaxMemoryBytes)),
		MaxOpenFiles: bound(s.limits.MaxOpenFiles),
		Extensions:   s.origin,
		Policy:       s.config.policy,
		SetUpNetwork: s.setUpNetwork,
		Filters:      s.config.filters(),
	})
	if err != nil {
		failed := failure(CodeInitialization, "start a guest: %w", err)
		s.dead = failed
		return failed
	}
	s.guest, s.fresh, s.dead, s.count = g, true, nil, 0
	s.unannounced = len(s.callbacks.table) > 0
	s.fetcher.Store(nil)
	if s.config.Network != nil && s.config.Network.Fetch {
		g.Network() // fetch runs on other goroutines, which must find it
	}
	return nil
}

// Execute runs a program in the session and waits for its end. The result is complete whatever happened;
// the error is an *Error. When ctx ends, the program is interrupted, and killed after its grace period.
func (s *Session) Execute(ctx context.Context, code string, options ...ExecuteOption) (*Result, error) {
	x, err := s.prepareSource(ctx, code, options)
	if err != nil {
		return &Result{Err: err}, err
	}
	return x.run(ctx)
}

// Start runs a program without waiting for it; done is called once, from any goroutine, with what Execute
// would return. While the program awaits something it holds no goroutine.
func (s *Session) Start(ctx context.Context, code string, done func(*Result, error), options ...ExecuteOption) {
	tasks.begin(func() {
		x, err := s.prepareSource(ctx, code, options)
		if err != nil {
			done(&Result{Err: err}, err)
			return
		}
		stop := x.watch(ctx)
		finish := x.finish
		x.finish = func(x *execution) {
			finish(x)
			stop()
			done(x.result, x.result.Err)
		}
		x.pump(x.first, true)
		runtime.Gosched() // what done has begun comes before looking for the next task: the caller may wait for it
	})
}

// watch interrupts x when ctx ends, until stop is called.
func (x *execution) watch(ctx context.Context) (stop func() bool) {
	if ctx.Done() == nil {
		return func() bool { return true }
	}
	return context.AfterFunc(ctx, func() {
		cause := guest.CauseCancelled
		if ctx.Err() == context.DeadlineExceeded {
			cause = guest.CauseTimeout
		}
		x.interrupt(cause)
	})
}

// prepareSource is prepare for a program.
func (s *Session) prepareSource(ctx context.Context, code string, options []ExecuteOption) (*execution, error) {
	if err := checkSource(code); err != nil {
		return nil, err
	}
	return s.prepare(ctx, options, "execute", code)
}

// prepare waits for the session's turn and makes the execution of an operation.
func (s *Session) prepare(ctx context.Context, options []ExecuteOption, operation ...any) (*execution, error) {
	o := applyOptions(options)
	limits := o.limits.over(s.limits)
	if err := limits.validate(); err != nil {
		return nil, err
	}
	if err := s.acquire(ctx); err != nil {
		return nil, err
	}
	x, err := s.newExecution(ctx, operation, limits, o)
	if err != nil {
		<-s.turn
		return nil, err
	}
	return x, nil
}

// acquire waits for the right to use the guest, and brings it back if its store has moved it to disk.
func (s *Session) acquire(ctx context.Context) error {
	if err := s.acquireTurn(ctx); err != nil {
		return err
	}
	st := s.config.Store
	if st == nil {
		return nil
	}
	err := st.admit(s)
	if err == nil {
		if err = s.comeBack(st); err != nil {
			st.retire(s)
		}
	}
	if err != nil {
		<-s.turn
	}
	return err
}

// acquireTurn waits for the right to use the guest.
func (s *Session) acquireTurn(ctx context.Context) error {
	if ctx.Err() != nil {
		return endedEarly(ctx, "before the execution began")
	}
	select {
	case s.turn <- struct{}{}:
		return nil
	default:
	}
	select {
	case s.turn <- struct{}{}:
		return nil
	case <-s.ended:
		return failure(CodeClosed, "the session is closed")
	case <-ctx.Done():
		return endedEarly(ctx, "while it waited for the session's earlier execution")
	}
}

// op performs an operation of the runtime's that runs no program of the user's own. What it runs may still be
// hostile: the program can have changed the runtime, and the collector runs its finalizers.
func (s *Session) op(message ...any) ([]any, error) {
	encoded, err := wire.Encode(message)
	if err != nil {
		return nil, invalid("encode the operation: %v", err)
	}
	if err := s.acquire(context.Background()); err != nil {
		return nil, err
	}
	defer func() { <-s.turn }()
	g, err := s.beginOp()
	if err != nil {
		return nil, err
	}
	reply, err := g.Call(encoded)
	value, decodeErr := wire.Decode(bytes.Clone(reply))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy = nil
	if err != nil {
		s.dead = g.Dead()
		return nil, failure(CodeInternal, "the operation was stopped; the session must be reset")
	}
	fields, ok := value.([]any)
	if decodeErr != nil || !ok || len(fields) == 0 || fields[0] == "!" {
		return nil, failure(CodeInternal, "the guest's runtime failed; the session should be reset")
	}
	return fields, nil
}

// beginOp gives the guest for an operation; the caller has the turn. Close may interrupt it from now on.
func (s *Session) beginOp() (*guest.Guest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.unusable(); err != nil {
		return nil, err
	}
	s.changing()
	s.guest.SetHost(idleHost{})
	s.guest.Begin(guest.Limits{Timeout: bound(s.limits.ExecutionTimeout), Grace: bound(s.limits.GracePeriod)})
	s.busy = s.guest
	return s.guest, nil
}

// unusable is why the session has no guest that could run, nil when it has. Under mu.
func (s *Session) unusable() error {
	if s.closed {
		return failure(CodeClosed, "the session is closed")
	}
	if s.dead != nil {
		return &Error{Code: CodeClosed, Message: "the session's guest has ended; call Reset", Cause: s.dead}
	}
	return nil
}

// ClearState forgets the program's globals; imports, files and callbacks stay.
func (s *Session) ClearState() error {
	_, err := s.op("clear_state")
	return err
}

// IsComplete reports whether source is a whole interactive statement: "complete", "incomplete" (a prompt
// should ask for more) or "invalid".
func (s *Session) IsComplete(source string) (string, error) {
	fields, err := s.op("is_complete", source)
	if err != nil {
		return "", err
	}
	state, _ := fields[0].(string)
	return state, nil
}

// Reset throws the guest away and starts a new one; files in VFS and volumes stay, execution count is 0.
func (s *Session) Reset() error {
	if err := s.acquire(context.Background()); err != nil { // its files come back
		return err
	}
	defer func() { <-s.turn }()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return failure(CodeClosed, "the session is closed")
	}
	s.giveBack()
	s.files.reset()
	return s.startGuest()
}

// giveBack lets go of the guest, once: it may be another session's as soon as it is closed. Under mu.
func (s *Session) giveBack() {
	s.changing()
	if s.guest != nil {
		s.guest.Close()
		s.guest = nil
	}
}

// ExecutionCount is how many executions were begun since the session started or was Reset, failed ones
// included.
func (s *Session) ExecutionCount() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count
}

// Close ends the session and what it executes, and frees its memory. Closing again does nothing.
func (s *Session) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	close(s.ended)
	current := s.current
	if s.busy != nil {
		s.busy.Interrupt(guest.CauseClosed)
	}
	s.mu.Unlock()
	if current != nil {
		current.interrupt(guest.CauseClosed)
	}
	s.turn <- struct{}{} // kept: nothing runs any more
	s.mu.Lock()
	defer s.mu.Unlock()
	s.giveBack()
	s.files.close()
	if s.config.Store != nil {
		s.unparked(s.config.Store)
		s.config.Store.forget(s)
	}
	s.origin.owner.release() // after the guest has gone back to its image's idle ones
	return nil
}

// discard is Close of a session that runs nothing, whose instance is not kept for others.
func (s *Session) discard() {
	s.mu.Lock()
	s.changing()
	if s.guest != nil {
		s.guest.Discard()
		s.guest = nil
	}
	s.mu.Unlock()
	_ = s.Close() // nothing that could fail is left
}

func (s *Session) filesLeft() int64 { return s.files.left() }
