package core

import (
	"context"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/eryx-go/eryx/core/guest"
	"github.com/eryx-go/eryx/core/wire"
)

// How an execution of a session is made, what the guest is told of it, and its end.

// endedEarly is the error of an execution whose context ended when it had not begun.
func endedEarly(ctx context.Context, when string) *Error {
	if ctx.Err() == context.DeadlineExceeded {
		return &Error{Code: CodeTimeout, Limit: "execution_timeout", Message: "the context's deadline passed " + when, Cause: ctx.Err()}
	}
	return &Error{Code: CodeCancelled, Message: "the execution was cancelled " + when, Cause: ctx.Err()}
}

func checkSource(code string) error {
	if strings.IndexByte(code, 0) >= 0 {
		return invalid("the source contains a NUL byte")
	}
	if !utf8.ValidString(code) {
		return invalid("the source is not valid UTF-8")
	}
	return nil
}

// newExecution makes the execution of an operation; the caller has the turn.
func (s *Session) newExecution(ctx context.Context, operation []any, limits Limits, o executeOptions) (*execution, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.unusable(); err != nil {
		return nil, err
	}
	message, err := wire.Encode(append(operation, s.executeMessage(o)))
	if err != nil {
		return nil, invalid("encode the execution: %v", err)
	}
	checkpoint, err := s.saveBefore(o)
	if err != nil {
		return nil, err
	}
	if operation[0] == "execute" {
		s.count++
	}
	s.fresh, s.unannounced, s.checkpoint = false, false, checkpoint
	x := &execution{
		session: s, guest: s.guest, limits: limits, ctx: ctx, first: message,
		result: &Result{}, done: make(chan struct{}), ready: make(chan struct{}, 1),
		callbacks: s.callbacks.table, trace: newTracer(s.config.tracing(o), &s.config),
	}
	x.out.limit, x.out.scrub = bound(limits.MaxOutputBytes), s.config.scrubbers()
	x.out.handlers = [2]func([]byte){s.config.OnStdout, s.config.OnStderr}
	for i, handler := range o.output {
		if handler != nil {
			x.out.handlers[i] = handler
		}
	}
	x.out.overflow = func() {
		if limits.OutputOverflow == OutputFail {
			x.guest.Interrupt(guest.CauseOutput)
		}
	}
	if o.journal {
		code, _ := operation[1].(string)
		x.recorder = newRecorder(code, o.earlier)
	}
	s.changing()
	x.rollsBack = checkpoint != nil
	x.finish = s.finished
	s.current = x
	s.running.Store(x)
	s.guest.SetHost(x)
	s.guest.OnNetwork(x.networkReady)
	s.guest.Begin(guest.Limits{Timeout: bound(limits.ExecutionTimeout), Grace: bound(limits.GracePeriod), Fuel: bound(limits.MaxFuel)})
	return x, nil
}

// executeMessage is what the guest is told beside the source: only what it does not know yet.
func (s *Session) executeMessage(o executeOptions) map[string]any {
	m := map[string]any{}
	if s.config.ResultVariable != "result" {
		m["result"] = s.config.ResultVariable
	}
	if o.filename != "" {
		m["filename"] = o.filename
	}
	if o.mode != "" {
		m["mode"] = o.mode
	}
	if s.config.tracing(o) != nil {
		m["trace"] = true
	}
	if s.config.KeepTasks {
		m["keep_tasks"] = true
	}
	if s.final {
		m["final"] = true
	}
	if s.fresh {
		m["start"] = s.startMessage()
	}
	if s.unannounced {
		m["callbacks"] = s.callbacks.announcement
		if !s.fresh && s.config.secrets != nil { // the image may be another session's
			m["env"] = s.config.secrets.Env()
		}
	}
	return m
}

func (s *Session) startMessage() map[string]any {
	m := map[string]any{"cwd": s.files.cwd}
	paths := s.origin.paths()
	if s.config.prepared.modules != nil {
		paths = append(slices.Clip(paths), libraryPath)
	}
	if len(paths) > 0 {
		m["path"] = paths
	}
	if len(s.config.Args) > 0 {
		m["argv"] = s.config.Args
	}
	if env := s.environment(); len(env) > 0 {
		m["env"] = env
	}
	return m
}

// environment is what the program's environment has beside what the image sets: the caller's variables and the placeholders
// of secrets.
func (s *Session) environment() map[string]string {
	env := s.config.secrets.Env()
	if s.files.cwd != dataPath {
		env["HOME"] = s.files.cwd
	}
	if len(env) == 0 {
		return s.config.Env
	}
	maps.Copy(env, s.config.Env)
	return env
}

// finished gives the guest back after an execution.
func (s *Session) finished(x *execution) {
	s.running.Store(nil)
	s.mu.Lock()
	s.current = nil
	if err := x.guest.Dead(); err != nil {
		s.dead = err
	} else if e, ok := x.result.Err.(*Error); ok && e.Killed {
		s.dead = e
	}
	if s.rollBack(x.result.Err) {
		if e, ok := x.result.Err.(*Error); ok {
			e.Killed = false // the session lives
		}
	}
	s.mu.Unlock()
	<-s.turn
	if s.config.Store != nil {
		s.config.Store.trim()
	}
}
