package abi

import (
	"testing"
	"time"
)

// closedStatuses calls every function that needs a running library.
func closedStatuses(q uint64) map[string]int32 {
	var id uint64
	var length uintptr
	var fd int32
	buffer := make([]byte, 64)
	b, n := first(buffer)
	return map[string]int32{
		"queue_open": eryxQueueOpen(&id), "queue_close": eryxQueueClose(q), "submit": eryxSubmit(q, b, n, &id),
		"submit without queue": eryxSubmit(0, b, n, &id), "cancel": eryxCancel(1), "complete": eryxComplete(b, n),
		"drain": eryxDrain(q, b, n, &length), "next_events": eryxNextEvents(q, b, n, &length, -1),
		"event_fd": eryxEventFD(q, &fd), "set_notify": eryxSetNotify(q, 0, 0), "shutdown": eryxShutdown(-1),
	}
}

// TestShutdown: everything refuses before init and after shutdown, at once; a program that runs is cancelled, and a
// thread that waits wakes up.
func TestShutdown(t *testing.T) {
	if !inProcess(t) {
		return
	}
	for name, status := range closedStatuses(1) {
		if status != eClosed {
			t.Errorf("%s before init: status %d", name, status)
		}
	}
	if status := eryxInit(abiVersion, nil, 0); status != ok {
		t.Fatalf("init: status %d", status)
	}
	q, waited := openQueue(t), openQueue(t)
	session := q.newSession("f")
	q.execute(session, "await f()")
	woken := make(chan int32)
	go func() {
		var length uintptr
		buffer := make([]byte, 64)
		woken <- eryxNextEvents(waited.id, &buffer[0], 64, &length, -1)
	}()
	time.Sleep(50 * time.Millisecond)
	begin := time.Now()
	if status := eryxShutdown(20_000); status != ok || time.Since(begin) > 10*time.Second {
		t.Errorf("shutdown: status %d after %v", status, time.Since(begin))
	}
	select {
	case status := <-woken:
		if status != eClosed && status != eHandle {
			t.Errorf("the thread that waited got status %d", status)
		}
	case <-time.After(10 * time.Second):
		t.Error("the thread that waited still waits")
	}
	for name, status := range closedStatuses(q.id) {
		if status != eClosed {
			t.Errorf("%s after shutdown: status %d", name, status)
		}
	}
	if status := eryxInit(abiVersion, nil, 0); status != eClosed {
		t.Errorf("init after shutdown: status %d", status)
	}
	if eryxVersion() == "" || eryxABIVersion() != abiVersion || eryxFixSignals() != ok {
		t.Error("what needs no running library does not answer")
	}
}

// TestShutdownDoesNotWaitLonger: a program that keeps the interpreter busy does not keep shutdown beyond its time.
func TestShutdownDoesNotWaitLonger(t *testing.T) {
	if !inProcess(t) {
		return
	}
	eryxInit(abiVersion, nil, 0)
	q := openQueue(t)
	session := q.result(message{
		"op": "session.new", "config": message{"limits": message{"grace_period_ms": 60_000}},
	})["session"].(int64)
	q.execute(session, `
while True:
    try:
        while True: pass
    except BaseException:
        pass
`)
	time.Sleep(200 * time.Millisecond)
	begin := time.Now()
	status := eryxShutdown(300)
	if took := time.Since(begin); status != more || took < 250*time.Millisecond || took > 5*time.Second {
		t.Errorf("status %d after %v", status, took)
	}
}
