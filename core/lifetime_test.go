package core_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/eryx-go/eryx/core"
)

// begunSession is a session whose programs tell begun when they print.
func begunSession(t *testing.T) (s *core.Session, begun chan struct{}) {
	begun = make(chan struct{}, 100)
	return newSession(t, core.Config{OnStdout: func([]byte) { begun <- struct{}{} }}), begun
}

func TestCloseEndsWhatRunsAndWakesWhoWaits(t *testing.T) {
	for name, program := range map[string]string{
		"spins":  "print(1)\nwhile True: pass",
		"waits":  "import asyncio\nprint(1)\nawait asyncio.Event().wait()",
		"sleeps": "import time\nprint(1)\ntime.sleep(10**6)",
	} {
		t.Run(name, func(t *testing.T) {
			s, begun := begunSession(t)
			var ended sync.WaitGroup
			for range 4 { // one runs, three wait for their turn
				ended.Go(func() {
					if _, err := s.Execute(t.Context(), program); core.ErrorCode(err) != core.CodeClosed {
						t.Errorf("ended with %v, want closed", err)
					}
				})
			}
			<-begun
			for range 2 {
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			}
			ended.Wait()
			if _, err := s.Execute(t.Context(), "1"); core.ErrorCode(err) != core.CodeClosed {
				t.Errorf("after Close: %v", err)
			}
			for _, f := range []func() error{s.Reset, s.ClearState} {
				if err := f(); core.ErrorCode(err) != core.CodeClosed {
					t.Errorf("after Close: %v", err)
				}
			}
		})
	}
}

func TestContextsEndExecutions(t *testing.T) {
	s, begun := begunSession(t)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-begun; cancel(); cancel() }()
	_, err := s.Execute(ctx, "print(1)\nwhile True: pass")
	if core.ErrorCode(err) != core.CodeCancelled || !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if _, err := s.Execute(ctx, "print(1)"); core.ErrorCode(err) != core.CodeCancelled {
		t.Errorf("cancelled before: %v", err)
	}
	short, end := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer end()
	_, err = s.Execute(short, "import asyncio\nawait asyncio.Event().wait()")
	if core.ErrorCode(err) != core.CodeTimeout || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("deadline: %v", err)
	}
	if r := execute(t, s, "print('lives')"); string(r.Stdout) != "lives\n" {
		t.Errorf("got %q", r.Stdout)
	}
}

func TestExecutionCountResetAndClearState(t *testing.T) {
	s := newSession(t, core.Config{})
	execute(t, s, "import json\nx = 1\nopen('/data/f', 'w').write('kept')")
	_, _ = s.Execute(t.Context(), "1 / 0")
	if n := s.ExecutionCount(); n != 2 {
		t.Errorf("count %d, want 2", n)
	}
	if err := s.ClearState(); err != nil {
		t.Fatal(err)
	}
	if r := execute(t, s, "print('x' in globals(), open('/data/f').read())"); string(r.Stdout) != "False kept\n" {
		t.Errorf("after ClearState: %q", r.Stdout)
	}
	if err := s.Reset(); err != nil {
		t.Fatal(err)
	}
	if n := s.ExecutionCount(); n != 0 {
		t.Errorf("count after Reset %d, want 0", n)
	}
	if r := execute(t, s, "print('x' in globals(), open('/data/f').read())"); string(r.Stdout) != "False kept\n" {
		t.Errorf("after Reset: %q", r.Stdout)
	}
}

func TestAKilledSessionSaysSoUntilReset(t *testing.T) {
	s := newSession(t, core.Config{Limits: core.Limits{GracePeriod: time.Millisecond}})
	_, err := s.Execute(t.Context(), "while True:\n    try:\n        while True: pass\n    except BaseException: pass", core.WithTimeout(100*time.Millisecond))
	if e, _ := err.(*core.Error); e == nil || !e.Killed {
		t.Fatalf("ended with %v", err)
	}
	if _, err := s.Execute(t.Context(), "1"); core.ErrorCode(err) != core.CodeClosed {
		t.Errorf("a dead session ran: %v", err)
	}
	if err := s.Reset(); err != nil {
		t.Fatal(err)
	}
	execute(t, s, "1")
}

// TestHammer uses one sandbox and one session from many goroutines, some of which cancel.
func TestHammer(t *testing.T) {
	sandbox, err := testRuntime(t).NewSandbox(core.Config{})
	if err != nil {
		t.Fatal(err)
	}
	s := newSession(t, core.Config{})
	execute(t, s, "n = 0")
	var users sync.WaitGroup
	var counted atomic.Int64
	for worker := range 8 {
		users.Go(func() {
			for i := range 15 {
				ctx, cancel := context.WithCancel(t.Context())
				if (worker+i)%3 == 0 {
					time.AfterFunc(time.Duration(i)*100*time.Microsecond, cancel)
				}
				r, err := sandbox.Execute(ctx, "x = globals().get('x', 0) + 1\nfor _ in range(1000): pass\nresult = x")
				if err == nil && string(r.JSON) != "1" || err != nil && core.ErrorCode(err) != core.CodeCancelled {
					t.Errorf("sandbox: %v, %s", err, r.JSON)
				}
				cancel()
				if _, err := s.Execute(t.Context(), "n += 1"); err != nil {
					t.Errorf("session: %v", err)
				}
				counted.Add(1)
			}
		})
	}
	users.Wait()
	if r := execute(t, s, "result = n"); string(r.JSON) != "120" || counted.Load() != 120 {
		t.Errorf("counted %s of %d", r.JSON, counted.Load())
	}
}

// TestRuntimeEndsWhileItPrepares: a runtime that makes instances ahead of demand ends at once when it is closed, with
// what it has made.
func TestRuntimeEndsWhileItPrepares(t *testing.T) {
	testRuntime(t) // fills the cache
	before := runtime.NumGoroutine()
	for range 3 {
		rt, err := core.NewRuntime(context.Background(), core.RuntimeConfig{})
		if err != nil {
			t.Fatal(err)
		}
		factory, err := rt.NewFactory(context.Background(), core.FactoryConfig{SetupCode: "x = 1"})
		if err != nil {
			t.Fatal(err)
		}
		var sessions []*core.Session
		for i := range 12 {
			makeSession := rt.NewSession
			if i%2 == 1 {
				makeSession = factory.NewSession
			}
			s, err := makeSession(core.Config{})
			if err != nil {
				t.Fatal(err)
			}
			sessions = append(sessions, s)
		}
		_ = factory.Close()
		for _, s := range sessions {
			_ = s.Close()
		}
		if err := rt.Close(); err != nil {
			t.Error(err)
		}
	}
	if more := settled(before); more > 20 {
		t.Errorf("%d goroutines are left", more)
	}
}
