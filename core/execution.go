package core

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/eryx-go/eryx/core/guest"
	"github.com/eryx-go/eryx/core/wire"
)

// execution is one run of a program, driven by whoever has something for it: the caller at first, then the
// goroutine of each answer or timer. While the program waits nobody drives it, and it holds no goroutine and
// no stack; "pump" is the right to drive, and exactly one goroutine has it.
type execution struct {
	session *Session
	guest   *guest.Guest
	limits  Limits
	ctx     context.Context
	out     capture
	finish  func(*execution) // called once, by the last pump
	result  *Result
	first   []byte // the message that begins it
	done    chan struct{}
	ready   chan struct{}

	// Used by the pump only.
	callbacks   map[string]*Callback
	invocations int
	work        workQueue
	trace       *tracer // nil: off
	network     netAudit
	rollsBack   bool // the session goes back to its state from before when this is halted

	halted atomic.Bool // suspended with a journal: the guest must not run on

	mu        sync.Mutex
	waiting   bool // nobody drives
	finished  bool
	timer     *time.Timer
	alarmAt   time.Time // when timer fires; zero: it does not
	wakeAt    time.Time // when the program that waits wants to go on by itself; zero: never
	events    eventQueue
	taking    []byte // what the guest is being given
	calls     map[int64]*Call
	deadlines deadlineHeap
	records   []CallbackRecord
	ended     []CallbackRecord // to be traced
	recorder  *recorder        // nil: no journal
	suspended *SuspendedCallback
	hurried   bool // interrupted while halted
}

var (
	stepMessage   = []byte{} // no message at all: see eryx_call in wasm/guest/shim/call.c
	maxRecords    = 1000
	causeMessages = map[guest.Cause]string{
		guest.CauseTimeout:   "the execution timeout has passed",
		guest.CauseCancelled: "the execution was cancelled",
		guest.CauseFuel:      "the fuel is used up",
		guest.CauseClosed:    "the session was closed",
		guest.CauseOutput:    "the output limit was passed",
		guest.CauseSuspended: "the execution was suspended",
	}
)

func mustEncode(v any) []byte {
	b, err := wire.Encode(v)
	if err != nil {
		panic(err)
	}
	return b
}

// pump drives the program from message on, until it is done or waits. owned says that the goroutine is the
// execution's own and may be used to run a host function.
func (x *execution) pump(message []byte, owned bool) {
	for !x.halted.Load() {
		reply, err := x.guest.Call(message)
		if x.halted.Load() {
			break
		}
		if err != nil {
			x.end(nil, err)
			return
		}
		kind, outcome, wait := parseReply(reply)
		if kind != replyWait {
			x.end(outcome, nil)
			return
		}
		next, again := x.rest(wait, owned)
		if !again {
			return
		}
		if x.guest.Told() && x.guest.Left() == 0 { // always something to do, and never done
			x.guest.Kill(x.guest.Cause())
			x.end(nil, guest.ErrKilled)
			return
		}
		message = next
	}
	x.drain(owned)
}

// goOn drives the program on, for who has just taken the pump.
func (x *execution) goOn() { x.pump(stepMessage, true) }

// rest is called when nothing in the guest is runnable. It reports the next message when there already is
// something to do; otherwise the execution waits, and the pump is over.
func (x *execution) rest(wait time.Duration, owned bool) (message []byte, again bool) {
	now := time.Now()
	left := x.guest.LeftAt(now)
	x.mu.Lock()
	if x.halted.Load() || !x.events.empty() || x.taking != nil || x.mustInterrupt(left) || x.guest.NetPending() {
		x.mu.Unlock()
		x.startWork()
		return x.nextMessage()
	}
	x.waiting = true
	x.arm(now, wait, left)
	x.mu.Unlock()
	if !owned {
		x.startWork()
		return nil, false
	}
	// A host function that is awaited at once runs here: no other goroutine needs to wake up for it.
	if x.workOff() {
		return x.nextMessage()
	}
	return nil, false
}

// mustInterrupt reports that the program has to be told of an interrupt that it has not seen; left is the guest's Left.
func (x *execution) mustInterrupt(left time.Duration) bool {
	if x.guest.Told() {
		return false
	}
	if left == 0 {
		x.guest.Interrupt(guest.CauseTimeout)
	}
	return x.guest.Cause() != guest.CauseNone
}

// nextMessage is what the guest is to do next, for a new owner of the pump.
func (x *execution) nextMessage() ([]byte, bool) {
	if x.mustInterrupt(x.guest.Left()) {
		x.guest.Tell()
		return mustEncode([]any{"interrupt", causeMessages[x.guest.Cause()]}), true
	}
	return stepMessage, true
}

// networkReady drives the program on when a socket is ready that it waits for. Any goroutine.
func (x *execution) networkReady() {
	if x.takePump() {
		go x.pump(stepMessage, true) // the caller has other sockets to serve
	}
}

// takePump makes the caller the one who drives, if nobody does.
func (x *execution) takePump() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.waiting || x.finished {
		return false
	}
	x.waiting = false
	return true
}

// interrupt ends the program for cause. Any goroutine.
func (x *execution) interrupt(cause guest.Cause) {
	x.mu.Lock()
	if x.finished { // its guest may be another sandbox's by now
		x.mu.Unlock()
		return
	}
	x.guest.Interrupt(cause)
	x.hurried = true
	x.mu.Unlock()
	if x.takePump() {
		go func() {
			message, _ := x.nextMessage()
			x.pump(message, true)
		}()
	}
}
