package core

import "sync"

// workQueue is the calls of Callback.Func that no goroutine has begun. A goroutine is not started for each: one that
// works off the queue first makes sure that another follows it, so that a function that takes long delays no other,
// and many quick ones need few goroutines.
type workQueue struct {
	mu       sync.Mutex
	calls    []*Call
	next     int  // the first that is not begun
	starting bool // a goroutine is on its way
}

func (q *workQueue) add(call *Call) {
	q.mu.Lock()
	q.calls = append(q.calls, call)
	q.mu.Unlock()
}

// take removes the first call, nil if there is none. start says that the caller must start another goroutine.
func (q *workQueue) take() (call *Call, start bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.next == len(q.calls) {
		q.calls, q.next = q.calls[:0], 0
		return nil, false
	}
	call = q.calls[q.next]
	q.calls[q.next] = nil
	q.next++
	start = q.next < len(q.calls) && !q.starting
	q.starting = q.starting || start
	return call, start
}

// claim reports that a goroutine is needed for what waits, and notes that the caller starts it.
func (q *workQueue) claim() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.next == len(q.calls) || q.starting {
		return false
	}
	q.starting = true
	return true
}

func (q *workQueue) arrived() {
	q.mu.Lock()
	q.starting = false
	q.mu.Unlock()
}

// startWork sees to it that the calls that wait are begun.
func (x *execution) startWork() {
	if x.work.claim() {
		go x.worker()
	}
}

// worker is a goroutine that works off the queue, and goes on to drive the program if nobody else does.
func (x *execution) worker() {
	x.work.arrived()
	if x.workOff() {
		x.pump(stepMessage, true)
	}
}

// workOff runs calls until none waits, or until the answer of one makes the caller drive the program: true.
func (x *execution) workOff() bool {
	for {
		call, start := x.work.take()
		if start {
			go x.worker()
		}
		if call == nil {
			return false
		}
		if call.over() { // cancelled before it began
			continue
		}
		if value, err := call.run(); call.answer(value, err) {
			return true
		}
	}
}
