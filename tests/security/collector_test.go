package security_test

import (
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/eryx-go/eryx/core"
)

// Without preemption a collection would never end while a guest spins. How long it takes is for the benchmark;
// here is a generous bound.
func TestTheHostsCollectorRunsWhileGuestsSpin(t *testing.T) {
	const guests = 8
	var spinning, ended sync.WaitGroup
	spinning.Add(guests)
	ended.Add(guests)
	for range guests {
		var once sync.Once
		begun := core.Config{
			Limits:   core.Limits{ExecutionTimeout: 3 * time.Second},
			OnStdout: func([]byte) { once.Do(spinning.Done) },
		}
		sandbox, err := rt.NewSandbox(begun)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			defer ended.Done()
			_, err := sandbox.Execute(t.Context(), "print('begun')\nwhile True: pass")
			if core.ErrorCode(err) != core.CodeTimeout {
				t.Errorf("ended with %v", err)
			}
		}()
	}
	spinning.Wait()
	began := time.Now()
	runtime.GC()
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("a collection took %v", took)
	}
	ended.Wait()
	stillWorks(t)
}
