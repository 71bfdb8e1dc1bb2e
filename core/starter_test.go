package core

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Every task runs once, however many begin at the same time and whenever the last goroutine stops looking.
func TestStarterRunsEachTaskOnce(t *testing.T) {
	const beginners, each = 8, 5000
	var s starter
	var ran [beginners * each]atomic.Int32
	var all sync.WaitGroup
	all.Add(beginners * each)
	for b := range beginners {
		go func() {
			for i := range each {
				number := b*each + i
				done := make(chan struct{})
				s.begin(func() {
					ran[number].Add(1)
					close(done)
					all.Done()
				})
				if i%3 == 0 { // so that some find a goroutine that looks, and some do not
					<-done
				}
			}
		}()
	}
	all.Wait()
	for i := range ran {
		if n := ran[i].Load(); n != 1 {
			t.Fatalf("task %d ran %d times", i, n)
		}
	}
	if s.slot.Load() != nil {
		t.Error("a task is left")
	}
}

// A task is not given to one who looks but is not awake: the system may not let it run for long.
func TestStarterDoesNotWaitForWhoSleeps(t *testing.T) {
	var s starter
	s.looking.Store(true) // and seen was never set
	s.seen.Store(int64(-time.Hour))
	done := make(chan struct{})
	s.begin(func() { close(done) })
	<-done
	if s.slot.Load() != nil {
		t.Error("the task lies in the slot, too")
	}
}

// Looks that are of no use become rare, and frequent again once they are of use.
func TestStarterLearns(t *testing.T) {
	var s starter
	for range 20 {
		s.learn(false)
	}
	if s.misses != lookMaxSkip || s.skip.Load() != lookMaxSkip {
		t.Fatalf("after failures: %d to skip, %d the next time", s.skip.Load(), s.misses)
	}
	for range lookMaxSkip {
		if s.look() != nil || s.looking.Load() {
			t.Fatal("it looks")
		}
	}
	if left := s.skip.Load(); left != 0 {
		t.Fatalf("%d are still to be skipped", left)
	}
	for range 20 {
		s.learn(true)
	}
	if s.misses != 0 {
		t.Errorf("after successes: %d misses", s.misses)
	}
}
