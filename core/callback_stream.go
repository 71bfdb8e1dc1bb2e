package core

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// streamWindow is how many items of a stream the host may be ahead of the program; WINDOW in streams.py.
const streamWindow = 32

// ErrNoCredit is Call.Send's answer when the program has not yet taken enough of the items before.
var ErrNoCredit = errors.New("the program has not yet taken the items before")

// Send gives the program the next item of a stream. It does not wait: at most 32 items may be ahead of the program,
// beyond them it is ErrNoCredit (see OnCredit) and the item is not taken. When the call is over the error is
// that of the call's context, and the stream should stop. Complete ends the stream; its value is not used.
// One goroutine at a time.
func (c *Call) Send(item any) error {
	if !c.callback.streaming() {
		return invalid("callback %q is not a stream", c.Name)
	}
	event, err := c.execution.encodeValue(nil, c.id, eventItem, item)
	if err != nil {
		return err
	}
	c.mu.Lock()
	if c.answered {
		defer c.mu.Unlock()
		return c.err
	}
	if c.credit == 0 {
		c.mu.Unlock()
		return ErrNoCredit
	}
	c.credit--
	c.touched = time.Now()
	c.mu.Unlock()
	if c.execution.sendItem(c, event) {
		tasks.begin(c.execution.goOn)
	}
	return nil
}

// OnCredit has f called when items may be sent again after ErrNoCredit, and when the call is over. f must
// not block: it runs on the goroutine that drives the program. If there is credit already it is called at once.
func (c *Call) OnCredit(f func()) {
	c.mu.Lock()
	if c.credit == 0 && !c.answered {
		c.onCredit = f
		c.mu.Unlock()
		return
	}
	c.mu.Unlock()
	f()
}

// addCredit notes that the program has taken n items.
func (c *Call) addCredit(n int64) {
	c.mu.Lock()
	c.credit = int(min(max(int64(c.credit)+n, 0), streamWindow))
	c.touched = time.Now()
	f := c.onCredit
	c.onCredit = nil
	c.mu.Unlock()
	if f != nil {
		protect(f)
	}
}

// extend gives a stream that is alive, or that waits for the program, more time; false when its time is over.
func (c *Call) extend(now time.Time) bool {
	if !c.callback.streaming() {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	due := c.touched.Add(c.timeout)
	if c.credit == 0 {
		due = now.Add(c.timeout)
	}
	if !due.After(now) {
		return false
	}
	c.due = due
	return true
}

// stream runs Stream to its end, on a goroutine of its own.
func (c *Call) stream() {
	err := c.sendAll()
	if c.Err() == nil {
		c.Complete(nil, err)
	}
}

func (c *Call) sendAll() (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &errCallback{"internal", "the host function failed"}
		}
	}()
	for item, err := range c.callback.Stream(c, c.Args) {
		if err != nil {
			return err
		}
		if err := c.sendWaiting(item); err != nil {
			return err
		}
	}
	return nil
}

// sendWaiting is Send that waits for credit.
func (c *Call) sendWaiting(item any) error {
	for {
		err := c.Send(item)
		if !errors.Is(err, ErrNoCredit) {
			return err
		}
		more := make(chan struct{}, 1)
		c.OnCredit(func() { more <- struct{}{} })
		select {
		case <-more:
		case <-c.Done():
			return context.Canceled
		}
	}
}

// sendItem queues an item of call; true when the caller now drives the program.
func (x *execution) sendItem(call *Call, event []byte) bool {
	var outcome callOutcome
	if call.recorded != nil {
		outcome = outcomeOf(event)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.finished || x.calls[call.id] != call {
		return false
	}
	if call.recorded != nil {
		x.recorder.item(call.recorded, outcome.value)
	}
	return x.deliver(event)
}

// credit is the guest's word that it has taken n items of stream id.
func (x *execution) creditCall(id, n int64) {
	x.mu.Lock()
	call := x.calls[id]
	x.mu.Unlock()
	if call != nil && call.callback.streaming() && n > 0 && n <= streamWindow {
		call.addCredit(n)
	}
}

// String names the call in logs.
func (c *Call) String() string { return fmt.Sprintf("call %d of %s", c.id, c.Name) }
