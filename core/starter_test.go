package core

import (
	"sync"
	"sync/atomic"
	"testing"
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
