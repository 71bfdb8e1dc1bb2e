package core_test

import (
	"context"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eryx-go/eryx/core"
)

// waitingSessions starts n sessions that each await a callback that nobody answers yet.
func waitingSessions(tb testing.TB, n int) (calls []*core.Call, sessions []*core.Session, results chan string) {
	tb.Helper()
	var mu sync.Mutex
	begun := make(chan struct{}, n)
	hold := core.Callback{Name: "hold", Timeout: core.Unlimited, Start: func(call *core.Call) {
		mu.Lock()
		calls = append(calls, call)
		mu.Unlock()
		begun <- struct{}{}
	}}
	results = make(chan string, n)
	for range n {
		s := newSession(tb, core.Config{Callbacks: []core.Callback{hold}, Limits: core.Limits{ExecutionTimeout: core.Unlimited}})
		sessions = append(sessions, s)
		s.Start(context.Background(), "print(await hold())", func(r *core.Result, err error) {
			if err != nil {
				results <- string(core.ErrorCode(err))
				return
			}
			results <- strings.TrimSpace(string(r.Stdout))
		})
		<-begun
	}
	return calls, sessions, results
}

// TestWaitingSessionsHoldNoGoroutine is many sessions that each await a callback: they hold neither goroutines nor
// threads, and each can be answered, cancelled or closed.
func TestWaitingSessionsHoldNoGoroutine(t *testing.T) {
	const n = 200
	testRuntime(t)
	before := runtime.NumGoroutine()
	calls, sessions, results := waitingSessions(t, n)
	if more := settled(before); more > 20 {
		t.Errorf("%d goroutines for %d sessions that wait", more, n)
	}
	counts := map[string]int{}
	for i, s := range sessions {
		switch i % 2 {
		case 0:
			calls[i].Complete("answered", nil)
		case 1:
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	for range n {
		select {
		case r := <-results:
			counts[r]++
		case <-time.After(20 * time.Second):
			t.Fatalf("sessions hang; ended: %v", counts)
		}
	}
	if counts["answered"] != n/2 || counts["closed"] != n/2 {
		t.Errorf("ends: %v", counts)
	}
}

// settled is how many goroutines there are more than before, once those that are ending have ended.
func settled(before int) int {
	more := 0
	for range 50 {
		if more = runtime.NumGoroutine() - before; more <= 20 {
			return more
		}
		time.Sleep(10 * time.Millisecond)
	}
	return more
}

// BenchmarkWaitingSessions measures what a session that awaits a callback costs: run it with -benchtime 10000x.
func BenchmarkWaitingSessions(b *testing.B) {
	testRuntime(b)
	before, goroutines := residentBytes(b), runtime.NumGoroutine()
	calls, _, results := waitingSessions(b, b.N)
	b.ReportMetric(float64(residentBytes(b)-before)/float64(b.N), "resident-B/session")
	b.ReportMetric(float64(settled(goroutines)), "goroutines")
	for _, call := range calls {
		call.Complete(nil, nil)
	}
	for range b.N {
		<-results
	}
}

// residentBytes is the memory of this process that is in RAM, where what is shared with others counts in part: the
// image, which every session maps, counts once.
func residentBytes(tb testing.TB) int64 {
	tb.Helper()
	runtime.GC()
	text, err := os.ReadFile("/proc/self/smaps_rollup")
	if err != nil {
		tb.Skip("no /proc/self/smaps_rollup on this system: nothing to measure with")
	}
	_, rest, _ := strings.Cut(string(text), "\nPss:")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		tb.Fatalf("unreadable: %s", text)
	}
	kilobytes, err := strconv.ParseInt(fields[0], 10, 64)
	if err != nil {
		tb.Fatal(err)
	}
	return kilobytes << 10
}
