package abi

import (
	"testing"
	"time"

	"github.com/eryx-go/eryx/core/wire"
)

// message is a map of an operation's fields, or of a part of one.
type message = map[string]any

// first is a slice as C wants it.
func first(b []byte) (*byte, uintptr) {
	if len(b) == 0 {
		return nil, 0
	}
	return &b[0], uintptr(len(b))
}

func encode(t testing.TB, v any) []byte {
	t.Helper()
	b, err := wire.Encode(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// queue is a queue under test, and the events that were taken from it and not asked for yet.
type queue struct {
	t      testing.TB
	id     uint64
	events [][]any
}

// openQueue opens a queue that is closed with the test, if the test has not closed it.
func openQueue(t testing.TB) *queue {
	t.Helper()
	q := &queue{t: t}
	if status := eryxQueueOpen(&q.id); status != ok {
		t.Fatalf("eryx_queue_open: status %d", status)
	}
	t.Cleanup(func() { eryxQueueClose(q.id) })
	return q
}

// submit asks for an operation and gives the request.
func (q *queue) submit(m message) uint64 {
	q.t.Helper()
	var request uint64
	p, n := first(encode(q.t, m))
	if status := eryxSubmit(q.id, p, n, &request); status != ok {
		q.t.Fatalf("eryx_submit %v: status %d", m["op"], status)
	}
	if request == 0 || request >= 1<<53 {
		q.t.Fatalf("request %d", request)
	}
	return request
}

// take takes events, waiting up to a timeout; false when there are none.
func (q *queue) take(timeout time.Duration) bool {
	q.t.Helper()
	ms := int32(timeout.Milliseconds())
	return q.receive(func(buffer *byte, capacity uintptr, length *uintptr) int32 {
		return eryxNextEvents(q.id, buffer, capacity, length, ms)
	})
}

// drain takes the events that there are; false when there are none.
func (q *queue) drain() bool {
	q.t.Helper()
	return q.receive(func(buffer *byte, capacity uintptr, length *uintptr) int32 {
		return eryxDrain(q.id, buffer, capacity, length)
	})
}

func (q *queue) receive(call func(buffer *byte, capacity uintptr, length *uintptr) int32) bool {
	q.t.Helper()
	buffer := make([]byte, 1<<16)
	var length uintptr
	for {
		status := call(&buffer[0], uintptr(len(buffer)), &length)
		switch status {
		case interrupted:
			continue // Go's own preemption signals
		case eSpace:
			buffer = make([]byte, length)
			continue
		case empty:
			return false
		case ok, more:
		default:
			q.t.Errorf("events: status %d", status)
			return false
		}
		break
	}
	v, err := wire.Decode(buffer[:length])
	if err != nil {
		q.t.Errorf("events: %v", err)
		return false
	}
	for _, event := range v.([]any) {
		q.events = append(q.events, event.([]any))
	}
	return true
}

// next is the next event of a kind and request; events of other requests are kept, other ones of this one dropped.
func (q *queue) next(request uint64, kind string) []any {
	q.t.Helper()
	deadline := time.Now().Add(2 * time.Minute) // the first start on a machine compiles the interpreter
	for {
		for i := 0; i < len(q.events); i++ {
			event := q.events[i]
			if event[1] != int64(request) {
				continue
			}
			q.events = append(q.events[:i], q.events[i+1:]...)
			i--
			if event[0] == kind {
				return event
			}
		}
		if time.Now().After(deadline) {
			q.t.Fatalf("no event %q of request %d", kind, request)
		}
		q.take(time.Second)
	}
}

// result performs an operation that succeeds, and gives its value.
func (q *queue) result(m message) message {
	q.t.Helper()
	return q.value(q.submit(m))
}

// value waits for a request that succeeds.
func (q *queue) value(request uint64) message {
	q.t.Helper()
	done := q.next(request, "done")
	if done[3] != nil {
		q.t.Fatalf("error: %v", done[3])
	}
	return done[2].(message)
}

// code performs an operation that fails, and gives its error's code.
func (q *queue) code(m message) string {
	q.t.Helper()
	return q.failure(q.submit(m))
}

func (q *queue) failure(request uint64) string {
	q.t.Helper()
	done := q.next(request, "done")
	if len(done) != 4 || done[3] == nil {
		q.t.Fatalf("no error: %v", done)
	}
	return done[3].(message)["code"].(string)
}

// complete answers calls and gives the status.
func complete(t testing.TB, answers ...any) int32 {
	t.Helper()
	return eryxComplete(first(encode(t, answers)))
}

// counts is what is open in the library.
func (q *queue) counts() map[string]int64 {
	q.t.Helper()
	counts := map[string]int64{}
	for name, v := range q.result(message{"op": "info"}) {
		if n, ok := v.(int64); ok {
			counts[name] = n
		}
	}
	return counts
}

// leavesNothing checks at the test's end that all handle tables are as they were.
func leavesNothing(t testing.TB) {
	t.Helper()
	before := settled(t, nil)
	t.Cleanup(func() {
		if after := settled(t, before); !equal(before, after) {
			t.Errorf("open before the test: %v, after it: %v", before, after)
		}
	})
}

// settled counts what is open, when no request is and the counts are what they should be; what was cancelled may take a
// moment to end.
func settled(t testing.TB, want map[string]int64) (counts map[string]int64) {
	t.Helper()
	q := &queue{t: t}
	eryxQueueOpen(&q.id)
	defer eryxQueueClose(q.id)
	for range 100 {
		counts = q.counts()
		if counts["request_count"] == 0 && (want == nil || equal(want, counts)) {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	return counts
}

func equal(a, b map[string]int64) bool {
	for name, n := range a {
		if b[name] != n {
			return false
		}
	}
	return len(a) == len(b)
}
