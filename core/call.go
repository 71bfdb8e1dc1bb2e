package core

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// Call is one call of a callback by the program. It is the context of that call, too: it is cancelled when
// the program no longer waits for the answer.
type Call struct {
	// Name of the callback and Args of the call.
	Name string
	Args map[string]any

	execution *execution
	callback  *Callback
	id        int64
	started   time.Time
	timeout   time.Duration // of the call, or of the wait for a stream's next item; not positive: none
	deadline  time.Time     // zero: none
	recorded  *recordedCall // its entry in the journal, nil: none is kept
	due       time.Time     // when to look at the deadline; the execution's

	mu       sync.Mutex
	answered bool
	done     chan struct{}
	err      error
	credit   int       // a stream's items that may be sent
	touched  time.Time // when a stream was alive last
	onCredit func()
	ended    func() // called once the call is over, if AfterFunc asked for it
}

// errCallback is an answer that failed: a code and a message for the guest.
type errCallback struct {
	code    string
	message string
}

func (e *errCallback) Error() string { return e.message }

// CallbackErrorf makes an error with a code of the host's choice, which the program sees as
// CallbackError.code. Any other error has the code "callback".
func CallbackErrorf(code, format string, args ...any) error {
	return &errCallback{code, fmt.Sprintf(format, args...)}
}

// Complete answers the call, from any goroutine. The first answer counts; one that comes too late, when the
// program has stopped waiting, is dropped.
func (c *Call) Complete(value any, err error) {
	if c.answer(value, err) {
		tasks.begin(c.execution.goOn)
	}
}

// answer queues the answer for the guest; true when the caller must now drive the execution on.
func (c *Call) answer(value any, err error) bool {
	if !c.settle(context.Canceled) {
		return false
	}
	return c.execution.completed(c, value, err)
}

// settle marks the call as answered and ends its context; false when it was before.
func (c *Call) settle(reason error) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.answered {
		return false
	}
	c.answered = true
	c.err = reason
	if c.done != nil {
		close(c.done)
	}
	if c.ended != nil {
		go c.ended()
	}
	if c.onCredit != nil {
		go protect(c.onCredit)
		c.onCredit = nil
	}
	return true
}

// AfterFunc calls f in a goroutine of its own when the call is over, as context.AfterFunc would, but without a
// goroutine that waits. Only one f is kept. stop reports whether it prevented the call of f.
func (c *Call) AfterFunc(f func()) (stop func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.answered {
		go f()
		return func() bool { return false }
	}
	c.ended = f
	return func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		kept := c.ended != nil && !c.answered
		c.ended = nil
		return kept
	}
}

// run calls Func, turning a panic into an error that says nothing of the host's stack.
func (c *Call) run() (value any, err error) {
	defer func() {
		if r := recover(); r != nil {
			value, err = nil, &errCallback{"internal", "the host function failed"}
		}
	}()
	return c.callback.Func(c, c.Args)
}

// over reports that the call has been answered or cancelled.
func (c *Call) over() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.answered
}

// Deadline implements context.Context. A stream has none: its timeout is for each item.
func (c *Call) Deadline() (time.Time, bool) {
	return c.deadline, !c.deadline.IsZero() && !c.callback.streaming()
}

// Done implements context.Context.
func (c *Call) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done == nil {
		c.done = make(chan struct{})
		if c.answered {
			close(c.done)
		}
	}
	return c.done
}

// Err implements context.Context.
func (c *Call) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Value implements context.Context with the values of the context given to Execute.
func (c *Call) Value(key any) any { return c.execution.ctx.Value(key) }

// errorOf is the code and text that the guest sees for err.
func errorOf(err error) (code, message string) {
	var own *errCallback
	switch {
	case errors.As(err, &own):
		return own.code, own.message
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout", err.Error()
	}
	return defaultErrorCode, err.Error()
}

// defaultErrorCode is the code of an error that has none of its own.
const defaultErrorCode = "callback"

// validText is text as it may be passed to the guest.
func validText(text string) string {
	if len(text) > maxErrorText {
		text = text[:maxErrorText] + " ..."
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}

const maxErrorText = 64 << 10
