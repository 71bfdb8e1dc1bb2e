package core

import (
	"time"

	"github.com/eryx-go/eryx/core/guest"
)

// The timer of an execution that waits. It is not set anew for each wait: it may fire too early, and then is set to what is
// needed by then. Setting and stopping it for each callback cost more than the callback's arguments.

// arm sees to it that alarm is called when the next thing happens by itself: the program's own timer (after wait; negative:
// it has none), a call's deadline, or what the guest's limits say (after left). Under mu.
func (x *execution) arm(now time.Time, wait, left time.Duration) {
	x.wakeAt = time.Time{}
	if wait >= 0 {
		x.wakeAt = now.Add(wait)
	}
	x.setTimer(now, earlier(wait, left))
}

// setTimer sets the timer to what happens first: after wait (negative: never), or a call's deadline. Under mu.
func (x *execution) setTimer(now time.Time, wait time.Duration) {
	if call := x.deadlines.first(x.calls); call != nil {
		wait = earlier(wait, max(0, call.due.Sub(now)))
	}
	if wait < 0 {
		return
	}
	at := now.Add(wait)
	if !x.alarmAt.IsZero() && !x.alarmAt.After(at) {
		return // it looks again then
	}
	x.alarmAt = at
	if x.timer == nil {
		x.timer = time.AfterFunc(wait, x.alarm)
	} else {
		x.timer.Reset(wait)
	}
}

// earlier is the shorter of two waits, where a negative one is for ever.
func earlier(a, b time.Duration) time.Duration {
	if a < 0 || (b >= 0 && b < a) {
		return b
	}
	return a
}

// alarm is the timer's goroutine.
func (x *execution) alarm() {
	x.expireCalls()
	if !x.wokenByAlarm() {
		return
	}
	if x.guest.Told() && x.guest.Left() == 0 {
		x.guest.Kill(x.guest.Cause())
		x.end(nil, guest.ErrKilled)
		return
	}
	message, _ := x.nextMessage()
	x.pump(message, true)
}

// wokenByAlarm takes the pump of a program that waits, if there is something for it; otherwise it sets the timer again.
func (x *execution) wokenByAlarm() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.alarmAt = time.Time{}
	if !x.waiting || x.finished {
		return false
	}
	now := time.Now()
	left := x.guest.Left()
	wait := left
	if !x.wakeAt.IsZero() {
		wait = earlier(wait, max(0, x.wakeAt.Sub(now)))
	}
	if wait != 0 && x.events.empty() {
		x.setTimer(now, wait)
		return false
	}
	x.waiting = false
	return true
}
