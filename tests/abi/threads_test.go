package abi

import (
	"fmt"
	"sync"
	"testing"
	"time"
)

// TestTwoThreadsOneQueue: two threads submit to a queue and take from it at once; each request is done exactly once.
func TestTwoThreadsOneQueue(t *testing.T) {
	leavesNothing(t)
	q := openQueue(t)
	const each = 500
	var mu sync.Mutex
	submitted, done := map[uint64]bool{}, map[uint64]int{}
	var threads sync.WaitGroup
	for range 2 {
		threads.Go(func() {
			own := &queue{t: t, id: q.id}
			for range each {
				request := own.submit(message{"op": "info"})
				mu.Lock()
				submitted[request] = true
				mu.Unlock()
				own.take(0)
			}
			for own.take(200 * time.Millisecond) {
			}
			mu.Lock()
			defer mu.Unlock()
			for _, event := range own.events {
				done[uint64(event[1].(int64))]++
			}
		})
	}
	threads.Wait()
	if len(submitted) != 2*each || len(done) != 2*each {
		t.Errorf("%d submitted, %d done", len(submitted), len(done))
	}
	for request, n := range done {
		if n != 1 || !submitted[request] {
			t.Errorf("request %d: done %d times", request, n)
		}
	}
}

// TestTwoThreadsOneSession: two programs for one session at once: one runs after the other or is refused, none crashes,
// and the session goes on.
func TestTwoThreadsOneSession(t *testing.T) {
	leavesNothing(t)
	q := openQueue(t)
	session := q.newSession()
	var threads sync.WaitGroup
	for i := range 2 {
		threads.Go(func() {
			own := openQueue(t)
			for n := range 50 {
				request := own.execute(session, fmt.Sprintf("x = %d\nprint(%d)", n, i))
				done := own.next(request, "done")
				if failure, failed := done[3].(message); failed && failure["code"] != "invalid" && failure["code"] != "closed" {
					t.Errorf("error %v", failure)
				}
			}
		})
	}
	threads.Wait()
	if got := q.stdout(q.execute(session, "print(x)")); got != "49\n" {
		t.Errorf("printed %q", got)
	}
	q.closeSession(session)
}

// TestClosedWhileUsed: queues and sessions are closed by one thread while others use them.
func TestClosedWhileUsed(t *testing.T) {
	leavesNothing(t)
	for range 20 {
		q := openQueue(t)
		session := q.newSession("f")
		q.execute(session, "await f()")
		var threads sync.WaitGroup
		for range 2 {
			threads.Go(func() {
				buffer := make([]byte, 1<<16)
				var length uintptr
				for {
					status := eryxNextEvents(q.id, &buffer[0], uintptr(len(buffer)), &length, 20_000)
					if status < 0 {
						if status != eHandle {
							t.Errorf("a thread that waited got status %d", status)
						}
						return
					}
				}
			})
		}
		time.Sleep(2 * time.Millisecond)
		if status := eryxQueueClose(q.id); status != ok {
			t.Errorf("close: status %d", status)
		}
		threads.Wait()
		openQueue(t).closeSession(session)
	}
}
