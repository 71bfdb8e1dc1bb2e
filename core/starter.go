package core

import (
	"runtime"
	"sync/atomic"
	"time"
)

// starter begins tasks in goroutines. Waking a sleeping thread takes longer than a short program: 50 to 100 us on a virtual
// machine. So one goroutine that has done its task looks for the next for a moment, and gives way to all others meanwhile.
type starter struct {
	slot    atomic.Pointer[func()] // the next task, for who looks
	looking atomic.Bool
}

// lookFor is how long a goroutine looks for its next task: until a caller in another language that had its answer has asked
// again (docs/decisions/0019-looking.md).
const lookFor = 200 * time.Microsecond

// tasks begins the executions that nobody waits for.
var tasks starter

// begin runs task in a goroutine.
func (s *starter) begin(task func()) {
	if !s.looking.Load() || !s.slot.CompareAndSwap(nil, &task) {
		go s.work(task)
		return
	}
	// Who looked may have stopped in between, without having seen it.
	if !s.looking.Load() {
		if left := s.slot.Swap(nil); left != nil {
			go s.work(*left)
		}
	}
}

func (s *starter) work(task func()) {
	task()
	for next := s.look(); next != nil; next = s.look() {
		(*next)()
	}
}

// look is the next task, nil when there is none in time or somebody looks already.
func (s *starter) look() *func() {
	if runtime.GOMAXPROCS(0) < 2 || !s.looking.CompareAndSwap(false, true) {
		return nil
	}
	next := s.slot.Swap(nil)
	for end := time.Now().Add(lookFor); next == nil && time.Now().Before(end); next = s.slot.Swap(nil) {
		runtime.Gosched()
	}
	s.looking.Store(false)
	if next == nil {
		next = s.slot.Swap(nil)
	}
	return next
}
