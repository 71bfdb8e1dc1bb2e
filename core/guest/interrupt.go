package guest

import (
	"errors"
	"runtime"
	"sync/atomic"
	"time"
)

// Cause says why the host ended an execution.
type Cause int32

// Causes, in the order in which the first one wins.
const (
	CauseNone      Cause = iota
	CauseTimeout         // the wall-clock limit
	CauseCancelled       // the caller
	CauseFuel            // the CPU limit
	CauseClosed          // the session was closed
	CauseOutput          // too much output, where the caller wants that to fail
	CauseCallbacks       // too many callbacks, where nothing in the guest took notice
	CauseSuspended       // a callback suspended it
)

// slice is how many loop heads the guest may pass between two ticks: 50 to 100 us. A tick takes about 0.3 us; beside 8 spinning
// guests a collection, which waits for several turns, takes half of the time that it took with 50,000.
const slice = 25_000

// errKilled unwinds a guest from inside a host function.
var errKilled = errors.New("guest killed")

// control is the host's hold on a running guest: its deadline, its fuel, and whether it must stop.
// begin and the methods that the guest's host calls use run on the guest's goroutine; interrupt may come
// from any.
type control struct {
	cause atomic.Int32  // a Cause; set once per execution
	kill  atomic.Bool   // do not ask politely any more
	wake  chan struct{} // one token: a wait of the guest's must look again

	started  time.Time
	deadline time.Duration // since started; 0 none
	grace    time.Duration
	fuel     int64 // units granted in all; 0 no limit
	used     int64 // units of the slices handed out, less what is left of the last
	granted  int64 // the slice being used

	polite   bool          // the guest has been asked
	politeAt time.Duration // when, since started
}

// begin prepares for a new execution.
func (c *control) begin(l Limits) {
	c.cause.Store(0)
	c.kill.Store(false)
	select {
	case <-c.wake:
	default:
	}
	c.started = time.Now()
	c.deadline, c.grace, c.fuel = l.Timeout, l.Grace, l.Fuel
	c.used, c.granted, c.polite, c.politeAt = 0, 0, false, 0
}

// interrupt asks the running guest to stop for cause; the first cause counts. Any goroutine.
func (c *control) interrupt(cause Cause) {
	c.cause.CompareAndSwap(0, int32(cause))
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// due reports the cause for which the execution must end now, if any, as of now since its start.
func (c *control) due(now time.Duration) Cause {
	if cause := Cause(c.cause.Load()); cause != CauseNone {
		return cause
	}
	if c.deadline > 0 && now >= c.deadline {
		c.cause.CompareAndSwap(0, int32(CauseTimeout))
	} else if c.fuel > 0 && c.used >= c.fuel {
		c.cause.CompareAndSwap(0, int32(CauseFuel))
	}
	return Cause(c.cause.Load())
}

// check decides what a tick or a wait must do: go on, ask politely (once), or unwind the guest.
func (c *control) check() (ask bool) {
	now := time.Since(c.started)
	if c.kill.Load() {
		panic(errKilled)
	}
	if c.due(now) == CauseNone {
		return false
	}
	if !c.polite {
		c.polite, c.politeAt = true, now
		return true
	}
	if now-c.politeAt >= c.grace {
		panic(errKilled)
	}
	return false
}

// tick is called when the slice is used up. It returns the next one, negative to ask for the interrupt.
func (c *control) tick() int32 {
	c.used += c.granted
	c.granted = 0
	ask := c.check()
	// Go's scheduler sees nothing of a guest: without this, what waits for a processor, the collector too, would
	// wait for its monitor to notice, ten milliseconds for each guest that spins.
	runtime.Gosched()
	next := int64(slice)
	if c.fuel > 0 && !c.polite {
		// End the last slice exactly at the limit, so that the same program stops at the same place.
		next = max(1, min(next, c.fuel-c.used))
	}
	c.granted = next
	if ask {
		return int32(-next)
	}
	return int32(next)
}

// firstSlice is the slice for a call that begins or goes on.
func (c *control) firstSlice() int32 {
	next := int64(slice)
	if c.fuel > 0 && !c.polite {
		next = max(1, min(next, c.fuel-c.used))
	}
	c.granted = next
	return int32(next)
}

// settle books the slice of a call that has returned with rest of it unused.
func (c *control) settle(rest int64) {
	c.used += c.granted - max(0, min(rest, c.granted))
	c.granted = 0
}

// left is how long a wait of the guest's may last, as of now since its start, before the host must look again; negative: for
// ever.
func (c *control) left(now time.Duration) time.Duration {
	if c.polite {
		return max(0, c.politeAt+c.grace-now)
	}
	if c.deadline > 0 {
		return max(0, c.deadline-now)
	}
	return -1
}

// sleep waits for d (negative: for ever) or until ready delivers; it reports whether the guest must be
// interrupted. It unwinds the guest when its grace is over.
func (c *control) sleep(d time.Duration, ready <-chan struct{}) (interrupted bool) {
	_, interrupted = c.sleepFor(d, ready, nil)
	return interrupted
}

// sleepFor is sleep for one of two; first says that it was the first that delivered.
func (c *control) sleepFor(d time.Duration, ready, other <-chan struct{}) (first, interrupted bool) {
	until := time.Now().Add(d)
	for {
		if c.check() {
			return false, true
		}
		wait := c.left(time.Since(c.started))
		if d >= 0 {
			if rest := time.Until(until); rest <= 0 {
				return false, false
			} else if wait < 0 || rest < wait {
				wait = rest
			}
		}
		switch c.pause(wait, ready, other) {
		case ready:
			return true, false
		case other:
			return false, false
		}
	}
}

// pause waits once, for wait (negative: no limit), a token, or one of the channels; it returns that channel.
func (c *control) pause(wait time.Duration, ready, other <-chan struct{}) <-chan struct{} {
	var alarm <-chan time.Time
	if wait >= 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		alarm = timer.C
	}
	select {
	case <-alarm:
	case <-c.wake:
	case <-ready:
		return ready
	case <-other:
		return other
	}
	return c.wake
}

// Limits bound one execution. The zero value of a field means no limit.
type Limits struct {
	Timeout time.Duration // wall clock, from the first instruction
	Grace   time.Duration // from the polite interrupt to the kill
	Fuel    int64         // loop iterations of the guest's machine code
}
