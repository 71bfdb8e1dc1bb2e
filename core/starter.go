package core

import (
	"runtime"
	"sync/atomic"
	"time"
)

// starter begins tasks in goroutines. Waking a sleeping thread takes longer than a short program: 50 to 100 us on a virtual
// machine. So one goroutine that has done its task looks for the next for a moment, if looking has lately been of use
// (docs/decisions/0019-looking.md, 0021-looking-that-pays.md).
type starter struct {
	slot    atomic.Pointer[func()] // the next task, for who looks
	looking atomic.Bool
	seen    atomic.Int64 // when who looks was last awake, in ns since epoch
	skip    atomic.Int32 // so many do not look
	misses  int32        // how many are to be skipped after the next failure; by who looks
}

const (
	// lookFor is how long a goroutine looks for its next task: until a caller in another language that had its answer has
	// asked again, or has answered.
	lookFor = 200 * time.Microsecond
	// lookYield is how long it lets other goroutines wait meanwhile. Each time costs the waking of a thread.
	lookYield = 50 * time.Microsecond
	// lookStale is how old its last sign of life may be: an older one means that the system lets another program run, and
	// a task would wait for that one.
	lookStale = 100 * time.Microsecond
	// lookMaxSkip is how many tasks in a row are not followed by a look, when looking is of no use.
	lookMaxSkip = 31
)

// epoch is where the starter's clock begins.
var epoch = time.Now()

// tasks begins the executions that nobody waits for, and goes on with those whose answers come from outside.
var tasks starter

// begin runs task in a goroutine.
func (s *starter) begin(task func()) {
	if !s.awake() || !s.slot.CompareAndSwap(nil, &task) {
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

// awake reports that somebody looks, and is not kept from it by another program.
func (s *starter) awake() bool {
	return s.looking.Load() && time.Since(epoch)-time.Duration(s.seen.Load()) < lookStale
}

func (s *starter) work(task func()) {
	task()
	for next := s.look(); next != nil; next = s.look() {
		(*next)()
	}
}

// look is the next task, nil when there is none in time, somebody looks already, or looking is of no use at present.
func (s *starter) look() *func() {
	if s.skip.Load() > 0 {
		s.skip.Add(-1)
		return nil
	}
	if runtime.GOMAXPROCS(0) < 2 || !s.looking.CompareAndSwap(false, true) {
		return nil
	}
	next, paid := s.watch()
	s.learn(paid)
	s.looking.Store(false)
	if next == nil {
		next = s.slot.Swap(nil)
	}
	return next
}

// watch looks for the next task; paid says that it was worth it: it was found, and no other program wanted the processor.
func (s *starter) watch() (next *func(), paid bool) {
	now := time.Since(epoch)
	end, yield := now+lookFor, now+lookYield
	for now < end {
		s.seen.Store(int64(now))
		if s.slot.Load() != nil {
			return s.slot.Swap(nil), true
		}
		last := now
		if now = time.Since(epoch); now-last > lookStale {
			return s.slot.Swap(nil), false
		}
		if now >= yield {
			runtime.Gosched()
			now = time.Since(epoch)
			yield = now + lookYield
		}
	}
	return nil, false
}

// learn doubles the number of looks that are left out with each that was of no use, and takes a quarter off with each that was: in
// the long run three of four have to be. By who looks.
func (s *starter) learn(paid bool) {
	if paid {
		s.misses -= (s.misses + 3) / 4
		return
	}
	s.misses = min(2*s.misses+1, lookMaxSkip)
	s.skip.Store(s.misses)
}
