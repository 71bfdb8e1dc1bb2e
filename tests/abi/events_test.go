package abi

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ebitengine/purego"
	"golang.org/x/sys/unix"
)

// newSession makes a session with host functions that the test answers.
func (q *queue) newSession(callbacks ...string) int64 {
	q.t.Helper()
	list := []any{}
	for _, name := range callbacks {
		list = append(list, message{"name": name})
	}
	return q.result(message{"op": "session.new", "config": message{"callbacks": list}})["session"].(int64)
}

func (q *queue) execute(session int64, code string) uint64 {
	q.t.Helper()
	return q.submit(message{"op": "session.execute", "session": session, "code": code})
}

func (q *queue) closeSession(session int64) {
	q.t.Helper()
	q.result(message{"op": "session.close", "session": session})
}

// stdout is what a request that succeeds has printed.
func (q *queue) stdout(request uint64) string {
	q.t.Helper()
	return string(q.value(request)["stdout"].([]byte))
}

// TestCallsAreAnsweredInAnyOrder: two calls are under way at once; the later is answered first, from another thread,
// the earlier with an error.
func TestCallsAreAnsweredInAnyOrder(t *testing.T) {
	leavesNothing(t)
	q := openQueue(t)
	session := q.newSession("f")
	request := q.execute(session, `
import asyncio
print(await asyncio.gather(f(n=1), f(n=2), return_exceptions=True))
`)
	earlier, later := q.next(request, "call"), q.next(request, "call")
	if earlier[3] != "f" || earlier[4].(message)["n"] != int64(1) || later[4].(message)["n"] != int64(2) {
		t.Fatalf("calls %v, %v", earlier, later)
	}
	answered := make(chan int32)
	go func() { answered <- complete(t, []any{later[2], 0, []any{"two", nil, 2.5}}) }()
	if status := <-answered; status != ok {
		t.Fatalf("complete: status %d", status)
	}
	if status := complete(t, []any{earlier[2], 1, "lookup", "no such thing"}); status != ok {
		t.Fatalf("complete: status %d", status)
	}
	got := q.stdout(request)
	if !strings.Contains(got, "no such thing") || !strings.HasSuffix(got, "['two', None, 2.5]]\n") {
		t.Errorf("printed %q", got)
	}
	if status := complete(t, []any{later[2], 0, nil}, []any{int64(1) << 50, 0, nil}); status != ok {
		t.Errorf("late answers: status %d", status)
	}
	q.closeSession(session)
}

// TestOneBadAnswerRefusesAll: nothing of a message is taken when a part of it is wrong.
func TestOneBadAnswerRefusesAll(t *testing.T) {
	leavesNothing(t)
	q := openQueue(t)
	session := q.newSession("f")
	request := q.execute(session, "print(await f())")
	call := q.next(request, "call")[2]
	for _, bad := range []any{
		nil, 1, "x", []any{}, []any{call}, []any{call, 0}, []any{call, 0, 1, 2}, []any{call, 1, "code"},
		[]any{call, 1, 1, "message"}, []any{call, 1, "code", nil}, []any{call, 3, nil}, []any{call, -1, nil}, []any{call, 2}, []any{call, nil, nil}, []any{call, "0", nil},
		[]any{-1, 0, nil}, []any{0, 0, nil}, []any{"x", 0, nil}, []any{1.5, 0, nil}, message{"call": call},
	} {
		if status := complete(t, []any{call, 0, "taken"}, bad); status != eMessage {
			t.Errorf("%v: status %d", bad, status)
		}
	}
	if status := complete(t, []any{call, 0, "right"}); status != ok {
		t.Fatalf("complete: status %d", status)
	}
	if got := q.stdout(request); got != "right\n" {
		t.Errorf("printed %q", got)
	}
	q.closeSession(session)
}

// TestWithoutQueue: queue 0 wants no events; a call of a host function then fails in the program.
func TestWithoutQueue(t *testing.T) {
	leavesNothing(t)
	q := openQueue(t)
	session := q.newSession("f")
	silent := &queue{t: t}
	silent.execute(session, `
try:
    await f()
except Exception as error:
    caught = str(error)
`)
	deadline := time.Now().Add(time.Minute)
	for q.result(message{"op": "session.execution_count", "session": session})["count"] != int64(1) {
		if time.Now().After(deadline) {
			t.Fatal("the program has not ended")
		}
		time.Sleep(time.Millisecond)
	}
	if got := q.stdout(q.execute(session, "print(caught)")); !strings.Contains(got, "does not take calls") {
		t.Errorf("the program saw %q", got)
	}
	q.closeSession(session)
}

// TestOutputEvents: output arrives while the program runs, in order, and is in the result too.
func TestOutputEvents(t *testing.T) {
	leavesNothing(t)
	q := openQueue(t)
	session := q.newSession("go_on")
	request := q.submit(message{
		"op": "session.execute", "session": session, "stdout_events": true,
		"code": "print('before'); await go_on(); print('after')",
	})
	event := q.next(request, "output")
	if event[2] != int64(1) || string(event[3].([]byte)) != "before\n" {
		t.Errorf("output event %v", event)
	}
	complete(t, []any{q.next(request, "call")[2], 0, nil})
	if event = q.next(request, "output"); string(event[3].([]byte)) != "after\n" {
		t.Errorf("output event %v", event)
	}
	if got := q.stdout(request); got != "before\nafter\n" {
		t.Errorf("result %q", got)
	}
	q.closeSession(session)
}

// TestSlowReader: output events that nobody takes stop the program, not the host's memory.
func TestSlowReader(t *testing.T) {
	leavesNothing(t)
	q := openQueue(t)
	session := q.newSession()
	const lines = 24 << 4 // 24 MiB, more than a queue holds
	request := q.submit(message{
		"op": "session.execute", "session": session, "stdout_events": true,
		"code": fmt.Sprintf("for _ in range(%d): print('x' * 65535)", lines), "limits": message{"max_output_bytes": -1},
	})
	time.Sleep(500 * time.Millisecond)
	if n := openQueue(t).counts()["request_count"]; n != 1 {
		t.Errorf("%d requests are open: the program did not wait", n)
	}
	received := 0
	for {
		q.take(10 * time.Second)
		for _, event := range q.events {
			switch event[0] {
			case "output":
				received += len(event[3].([]byte))
			case "done":
				if event[1] != int64(request) || event[3] != nil || received != lines*65536 {
					t.Errorf("done %v, error %v, %d bytes received", event[1], event[3], received)
				}
				q.events = nil
				q.closeSession(session)
				return
			}
		}
		q.events = nil
	}
}

// TestSmallBuffer: an event that does not fit stays, and its size is told.
func TestSmallBuffer(t *testing.T) {
	q := openQueue(t)
	q.submit(message{"op": "info"})
	var fd int32
	if status := eryxEventFD(q.id, &fd); status != ok {
		t.Fatalf("event_fd: status %d", status)
	}
	if n, err := unix.Poll([]unix.PollFd{{Fd: fd, Events: unix.POLLIN}}, 10_000); n != 1 {
		t.Fatalf("poll: %d, %v", n, err)
	}
	var need, length uintptr
	buffer := bytes.Repeat([]byte{0x55}, 1<<16)
	for _, capacity := range []uintptr{0, 1, 4, 5, 6} {
		if status := eryxDrain(q.id, &buffer[0], capacity, &need); status != eSpace || need < 100 {
			t.Errorf("capacity %d: status %d, length %d", capacity, status, need)
		}
	}
	if status := eryxDrain(q.id, &buffer[0], need-1, &length); status != eSpace || length != need {
		t.Errorf("one byte too few: status %d, length %d", status, length)
	}
	if buffer[0] != 0x55 {
		t.Error("a refused call has written to the buffer")
	}
	if status := eryxDrain(q.id, &buffer[0], need, &length); status != ok || length != need || buffer[need] != 0x55 {
		t.Errorf("status %d, length %d of %d", status, length, need)
	}
	if n, _ := unix.Poll([]unix.PollFd{{Fd: fd, Events: unix.POLLIN}}, 0); n != 0 {
		t.Error("the descriptor is readable and there is no event")
	}
}

// TestCancel: a request that is cancelled says so; the answer to its call is not wanted any more.
func TestCancel(t *testing.T) {
	leavesNothing(t)
	q := openQueue(t)
	session := q.newSession("f")
	request := q.execute(session, "await f()")
	call := q.next(request, "call")[2]
	if status := eryxCancel(request); status != ok {
		t.Fatalf("cancel: status %d", status)
	}
	if ended := q.next(request, "ended"); ended[2] != call {
		t.Errorf("ended %v, the call was %v", ended, call)
	}
	if code := q.failure(request); code != "cancelled" {
		t.Errorf("code %q", code)
	}
	q.closeSession(session)
}

// TestNotify: the function is called when the queue gets its first event, and not after it is taken away or the queue
// is closed.
func TestNotify(t *testing.T) {
	q := openQueue(t)
	var calls, wrongData atomic.Int32
	const data = uintptr(0x1234)
	notify := purego.NewCallback(func(userData uintptr) uintptr {
		if userData != data {
			wrongData.Add(1)
		}
		calls.Add(1)
		return 0
	})
	if status := eryxSetNotify(q.id, notify, data); status != ok || calls.Load() != 0 {
		t.Fatalf("status %d, %d calls of an empty queue", status, calls.Load())
	}
	request := q.submit(message{"op": "info"})
	for end := time.Now().Add(10 * time.Second); calls.Load() == 0 && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	if calls.Load() != 1 || wrongData.Load() != 0 {
		t.Fatalf("%d calls, %d with other data", calls.Load(), wrongData.Load())
	}
	if eryxSetNotify(q.id, notify, data); calls.Load() != 2 {
		t.Errorf("set while there is an event: %d calls", calls.Load())
	}
	q.value(request)
	eryxSetNotify(q.id, 0, 0)
	q.result(message{"op": "info"})
	if calls.Load() != 2 {
		t.Errorf("called after it was taken away: %d calls", calls.Load())
	}
	other := openQueue(t)
	eryxSetNotify(other.id, notify, data)
	session := other.newSession()
	other.execute(session, "import asyncio; await asyncio.sleep(60)")
	eryxQueueClose(other.id)
	at := calls.Load()
	q.closeSession(session)
	if calls.Load() != at {
		t.Error("called after its queue was closed")
	}
}

// TestNotifyIsOver: when the function has been replaced, or its queue closed, it does not run any more: its user may free
// what it uses.
func TestNotifyIsOver(t *testing.T) {
	for name, end := range map[string]func(q *queue) int32{
		"set_notify":  func(q *queue) int32 { return eryxSetNotify(q.id, 0, 0) },
		"queue_close": func(q *queue) int32 { return eryxQueueClose(q.id) },
	} {
		q := openQueue(t)
		var runs atomic.Bool
		started := make(chan struct{})
		notify := purego.NewCallback(func(uintptr) uintptr {
			runs.Store(true)
			close(started)
			time.Sleep(100 * time.Millisecond)
			runs.Store(false)
			return 0
		})
		eryxSetNotify(q.id, notify, 0)
		q.submit(message{"op": "info"})
		<-started
		if status := end(q); status != ok || runs.Load() {
			t.Errorf("%s: status %d, the function runs: %v", name, status, runs.Load())
		}
	}
}

// TestInsideNotify: events can be taken and calls be answered by the function itself.
func TestInsideNotify(t *testing.T) {
	leavesNothing(t)
	q := openQueue(t)
	session := q.newSession("f")
	var mu sync.Mutex
	inside := &queue{t: t, id: q.id}
	var done []any
	notify := purego.NewCallback(func(uintptr) uintptr {
		mu.Lock()
		defer mu.Unlock()
		for inside.drain() {
		}
		for _, event := range inside.events {
			switch event[0] {
			case "call":
				complete(t, []any{event[2], 0, "from inside"})
			case "done":
				done = event
			}
		}
		inside.events = nil
		return 0
	})
	eryxSetNotify(q.id, notify, 0)
	q.execute(session, "print(await f())")
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		mu.Lock()
		finished := done != nil
		mu.Unlock()
		if finished {
			break
		}
	}
	eryxSetNotify(q.id, 0, 0)
	if done == nil || string(done[2].(message)["stdout"].([]byte)) != "from inside\n" {
		t.Errorf("done %v", done)
	}
	q.closeSession(session)
}
