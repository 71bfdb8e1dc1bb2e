package core

import (
	"context"
	"strings"
)

// Call calls a function that the program has defined, awaits what it returns if that is awaitable, and gives its value
// in Result.Value. name is looked up in the program's globals and may have dots for attributes ("obj.method"). The
// arguments and the value are what callbacks may pass (see Callback); no source text is built of them. An exception
// of the function's is an *Error with CodePython. Limits, output and callbacks are as for Execute.
func (s *Session) Call(ctx context.Context, name string, args []any, kwargs map[string]any, options ...ExecuteOption) (*Result, error) {
	if args == nil {
		args = []any{}
	}
	if kwargs == nil {
		kwargs = map[string]any{}
	}
	if err := checkName(name); err != nil {
		return &Result{Err: err}, err
	}
	x, err := s.prepare(ctx, options, "call", name, args, kwargs)
	if err != nil {
		return &Result{Err: err}, err
	}
	return x.run(ctx)
}

// Get is the value of a global of the program's, or of an attribute when name has dots. A name that does not exist is
// an *Error with CodePython and a NameError or AttributeError; a value that cannot be passed has a TypeError.
func (s *Session) Get(ctx context.Context, name string) (any, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	x, err := s.prepare(ctx, nil, "get", name)
	if err != nil {
		return nil, err
	}
	r, err := x.run(ctx)
	if err != nil {
		return nil, err
	}
	return r.Value, nil
}

// Set makes value a global of the program's, named name, which must be an identifier.
func (s *Session) Set(ctx context.Context, name string, value any) error {
	if !identifier.MatchString(name) || reservedWord(name) {
		return invalid("%q is not an identifier", name)
	}
	x, err := s.prepare(ctx, nil, "set", name, value)
	if err != nil {
		return err
	}
	_, err = x.run(ctx)
	return err
}

func checkName(name string) error {
	for _, part := range strings.Split(name, ".") {
		if !identifier.MatchString(part) {
			return invalid("%q is not a name, or names with dots between", name)
		}
	}
	return nil
}

// run drives the execution on the caller's goroutine and waits for its end.
func (x *execution) run(ctx context.Context) (*Result, error) {
	stop := x.watch(ctx)
	x.pump(x.first, false)
	<-x.done
	stop()
	if x.result.Err != nil {
		return x.result, x.result.Err
	}
	return x.result, nil
}

// SetCallbacks replaces the session's callbacks, from the next execution on. An execution that is under way keeps
// those it began with.
func (s *Session) SetCallbacks(callbacks []Callback) error {
	c := s.config
	c.Callbacks = callbacks
	set, err := newPrepared(&c)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return failure(CodeClosed, "the session is closed")
	}
	s.callbacks, s.unannounced = set, true
	return nil
}
