package core

import (
	"errors"
	"time"

	"github.com/eryx-go/eryx/core/guest"
)

// Suspend is the error with which a callback suspends its execution, for example until a person has approved the call:
// the execution ends with CodeSuspended, and Result.Suspended tells of the call. With WithJournal the program can be
// executed again later and goes on from there; see Result.Journal.
func Suspend(reason string) error { return &errSuspend{reason} }

type errSuspend struct{ reason string }

func (e *errSuspend) Error() string { return "execution suspended: " + e.reason }

// suspend ends the execution because the host answered call so; true when the caller now drives the program. With a
// journal the program stops where it is; calls that are under way end first, so that what they did is not lost.
// Otherwise the program is interrupted as at a timeout.
func (x *execution) suspend(call *Call, reason string) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.finished || x.calls[call.id] != call {
		return false
	}
	delete(x.calls, call.id)
	x.record(call, errSuspended)
	if x.suspended == nil {
		x.suspended = &SuspendedCallback{Name: call.Name, ArgsJSON: argsJSON(call.Args), Reason: validText(reason)}
	}
	if r := x.recorder; r == nil {
		x.guest.Interrupt(guest.CauseSuspended)
	} else {
		if r.cut < 0 || call.recorded.index < r.cut {
			r.cut = call.recorded.index
		}
		x.halted.Store(true)
		if !x.waiting {
			x.guest.Kill(guest.CauseSuspended)
		}
	}
	return x.wake()
}

// wake takes the pump from a program that waits. Under mu.
func (x *execution) wake() bool {
	if !x.waiting {
		x.signal()
		return false
	}
	x.waiting = false
	return true
}

// drain is the pump of a halted execution: the guest runs no more, and the calls under way are waited for, as long as
// they and the execution may take.
func (x *execution) drain(owned bool) {
	for {
		x.mu.Lock()
		x.dropUnanswered()
		if len(x.calls) == 0 || x.hurried || x.guest.TimeLeft() == 0 {
			x.mu.Unlock()
			x.guest.Kill(guest.CauseSuspended)
			x.end(nil, guest.ErrKilled)
			return
		}
		x.waiting = true
		x.arm(time.Now(), -1, x.guest.Left())
		x.mu.Unlock()
		if !owned {
			x.startWork()
			return
		}
		if !x.workOff() {
			return
		}
	}
}

// dropUnanswered gives up the calls that would never end, as nobody takes their items or gives their answer. Under mu.
func (x *execution) dropUnanswered() {
	for id, call := range x.calls {
		if !call.callback.streaming() && !call.recorded.never {
			continue
		}
		if call.recorded.never {
			call.recorded.abandon()
		}
		delete(x.calls, id)
		call.settle(errCanceled)
	}
}

// suspensionOf is the reason for which err suspends the execution.
func suspensionOf(err error) (reason string, ok bool) {
	if err == nil {
		return "", false
	}
	var s *errSuspend
	if errors.As(err, &s) {
		return s.reason, true
	}
	return "", false
}

// suspendedError is the error of an execution that a callback suspended.
func (x *execution) suspendedError(killed bool) *Error {
	s := x.result.Suspended
	return &Error{Code: CodeSuspended, Message: "execution suspended: " + s.Reason, Killed: killed}
}
