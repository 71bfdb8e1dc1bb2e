package core_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/eryx-go/eryx/core"
)

// waiting is a callback that waits for the end of its context and reports it, and "begun", which returns once one more
// call of the first has begun.
func waiting(ended chan error) []core.Callback {
	begun := make(chan struct{}, 100)
	return []core.Callback{
		{Name: "wait", Func: func(ctx context.Context, _ map[string]any) (any, error) {
			begun <- struct{}{}
			<-ctx.Done()
			ended <- ctx.Err()
			return "too late", nil
		}},
		{Name: "begun", Func: func(ctx context.Context, _ map[string]any) (any, error) {
			<-begun
			return nil, nil
		}},
	}
}

func TestCancellationReachesTheHost(t *testing.T) {
	for name, code := range map[string]string{
		"wait_for": "t = asyncio.create_task(wait())\nawait begun()\ntry:\n    await asyncio.wait_for(t, 0.01)\nexcept TimeoutError:\n    print('ok')",
		"timeout": "async def f():\n    async with asyncio.timeout(None) as limit:\n        asyncio.create_task(soon(limit))\n        await wait()\n" +
			"async def soon(limit):\n    await begun()\n    limit.reschedule(0)\ntry:\n    await f()\nexcept TimeoutError:\n    print('ok')",
		"cancel": "t = asyncio.create_task(wait())\nawait begun()\nt.cancel()\n" +
			"try:\n    await t\nexcept asyncio.CancelledError:\n    print('ok')",
		"task group": "try:\n    async with asyncio.TaskGroup() as g:\n        g.create_task(wait())\n        await begun()\n" +
			"        raise KeyError\nexcept* KeyError:\n    print('ok')",
		"gather": "g = asyncio.gather(wait(), asyncio.sleep(9))\nawait begun()\ng.cancel()\n" +
			"try:\n    await g\nexcept asyncio.CancelledError:\n    print('ok')",
		"left over": "t = asyncio.create_task(wait())\nawait begun()\nprint('ok')",
	} {
		t.Run(name, func(t *testing.T) {
			ended := make(chan error, 1)
			s := newSession(t, core.Config{Callbacks: append(waiting(ended), echoCallback())})
			if r := execute(t, s, "import asyncio\n"+code+"\n"); string(r.Stdout) != "ok\n" {
				t.Errorf("printed %q", r.Stdout)
			}
			select {
			case err := <-ended:
				if !errors.Is(err, context.Canceled) {
					t.Errorf("the context's error is %v", err)
				}
			case <-time.After(5 * time.Second):
				t.Fatal("the context was not cancelled")
			}
			// The late answer reaches nobody, and the session goes on.
			if r := execute(t, s, "print(await echo(x=5))"); string(r.Stdout) != "5\n" {
				t.Errorf("afterwards printed %q", r.Stdout)
			}
		})
	}
}

func TestCallbackNeverAnswers(t *testing.T) {
	ended := make(chan error, 2)
	s := newSession(t, core.Config{Callbacks: append(waiting(ended), core.Callback{Name: "lost", Start: func(*core.Call) {}})})
	for _, name := range []string{"wait", "lost"} {
		_, err := s.Execute(context.Background(), "await "+name+"()", core.WithTimeout(50*time.Millisecond))
		if core.ErrorCode(err) != core.CodeTimeout || err.(*core.Error).Killed {
			t.Errorf("%s: %v", name, err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		time.AfterFunc(20*time.Millisecond, cancel)
		if _, err := s.Execute(ctx, "await "+name+"()"); core.ErrorCode(err) != core.CodeCancelled {
			t.Errorf("%s: %v", name, err)
		}
	}
	if r := execute(t, s, "print(1)"); string(r.Stdout) != "1\n" {
		t.Errorf("printed %q", r.Stdout)
	}
}

func TestCallbackAnswersTwiceAndLate(t *testing.T) {
	var kept []*core.Call
	var mu sync.Mutex
	twice := core.Callback{Name: "twice", Start: func(call *core.Call) {
		mu.Lock()
		kept = append(kept, call)
		mu.Unlock()
		go func() {
			call.Complete("first", nil)
			call.Complete("second", errors.New("second"))
		}()
	}}
	never := core.Callback{Name: "never", Start: func(call *core.Call) {
		mu.Lock()
		kept = append(kept, call)
		mu.Unlock()
	}}
	s := newSession(t, core.Config{Callbacks: []core.Callback{twice, never}})
	r := execute(t, s, `
import asyncio
print([await twice() for _ in range(100)] == ["first"] * 100)
try:
    await asyncio.wait_for(never(), 0.01)
except TimeoutError:
    pass
`)
	if string(r.Stdout) != "True\n" {
		t.Errorf("printed %q", r.Stdout)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, call := range kept { // the sandbox is gone
		call.Complete("late", nil)
		if call.Err() == nil {
			t.Error("a call outlives its execution")
		}
	}
}

func TestCallbackAnswersAreBounded(t *testing.T) {
	big := core.Callback{Name: "big", Func: func(_ context.Context, args map[string]any) (any, error) {
		return make([]byte, args["n"].(int64)), nil
	}}
	expectOutput(t, `
import asyncio
async def size(n):
    try:
        return len(await big(n=n))
    except CallbackError as e:
        return e.code
print(await size(1 << 20), await size(20 << 20), await size(100 << 20))
print(sum(await asyncio.gather(*[size(1 << 20) for _ in range(20)])) >> 20)
`, "1048576 20971520 value\n20", big)
}

func TestCallbackHostileValues(t *testing.T) {
	cycle := map[string]any{}
	cycle["self"] = cycle
	var pointer any
	pointer = &pointer
	values := []any{math.NaN(), cycle, pointer, "\xff\xfe", map[string]any{"\xff": 1}, func() {}, struct{}{}, map[int]int{1: 2}}
	odd := core.Callback{Name: "odd", Func: func(_ context.Context, args map[string]any) (any, error) {
		return values[args["i"].(int64)], nil
	}}
	expectOutput(t, fmt.Sprintf(`
for i in range(%d):
    try:
        print(await odd(i=i))
    except CallbackError as e:
        print(e.code)
`, len(values)), "nan\n"+strings.TrimSuffix(strings.Repeat("value\n", len(values)-1), "\n"), odd)
}

// TestMillionTasksWithoutAwaiting: a million tasks that call the host are the guest's own memory, whose limit ends them
// before the host is called once. The session lives on.
func TestMillionTasksWithoutAwaiting(t *testing.T) {
	var begun atomic.Int64
	slow := core.Callback{Name: "slow", Func: func(context.Context, map[string]any) (any, error) {
		begun.Add(1)
		return 1, nil
	}}
	s := newSession(t, core.Config{Callbacks: []core.Callback{slow}, Limits: core.Limits{MaxMemoryBytes: 64 << 20, ExecutionTimeout: core.Unlimited}})
	before := runtime.NumGoroutine()
	_, err := s.Execute(t.Context(), `
import asyncio
tasks = [asyncio.create_task(slow()) for _ in range(1_000_000)]
await asyncio.sleep(0)
print("never")
`)
	var e *core.Error
	if !errors.As(err, &e) || e.Code != core.CodePython || e.Limit != "memory" || e.Python == nil || e.Python.Type != "MemoryError" || e.Killed {
		t.Errorf("%+v, want a MemoryError at the limit of memory", err)
	}
	if n := begun.Load(); n != 0 {
		t.Errorf("%d calls began", n)
	}
	if after := runtime.NumGoroutine(); after > before+2 {
		t.Errorf("%d goroutines, %d before", after, before)
	}
	if r, err := s.Execute(t.Context(), "print(await slow())"); err != nil || string(r.Stdout) != "1\n" {
		t.Errorf("afterwards: %q, %v", r.Stdout, err)
	}
}

// TestCallsWithoutAwaiting starts far more calls than may be under way: what the host keeps depends on the limit alone.
func TestCallsWithoutAwaiting(t *testing.T) {
	var begun atomic.Int64
	slow := core.Callback{Name: "slow", Func: func(ctx context.Context, _ map[string]any) (any, error) {
		begun.Add(1)
		<-ctx.Done()
		return nil, nil
	}}
	s := newSession(t, core.Config{
		Callbacks: []core.Callback{slow},
		Limits:    core.Limits{MaxCallbackInvocations: core.Unlimited, MaxPendingCallbacks: 500, CallbackTimeout: core.Unlimited, MaxMemoryBytes: 512 << 20},
	})
	before := runtime.NumGoroutine()
	peak := 0
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = s.Execute(context.Background(), `
import asyncio
refused = 0
async def one():
    global refused
    try:
        await slow()
    except CallbackError as e:
        assert e.code == "limit", e.code
        refused += 1
for _ in range(3):
    tasks = [asyncio.create_task(one()) for _ in range(10_000)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
print(refused)
`, core.WithTimeout(60*time.Second))
	}()
	for running := true; running; {
		select {
		case <-done:
			running = false
		case <-time.After(5 * time.Millisecond):
			peak = max(peak, runtime.NumGoroutine()-before)
		}
	}
	if peak > 600 || begun.Load() > 500 {
		t.Errorf("%d goroutines and %d calls, for a limit of 500", peak, begun.Load())
	}
}

func TestInvocationLimit(t *testing.T) {
	s := newSession(t, core.Config{Callbacks: []core.Callback{echoCallback()}, Limits: core.Limits{MaxCallbackInvocations: 3}})
	r := execute(t, s, `
n = 0
try:
    while True:
        await echo(x=1)
        n += 1
except CallbackError as e:
    print(n, e.code)
import sandbox
print(sandbox.remaining()["callbacks"])
`)
	if string(r.Stdout) != "3 limit\n0\n" || r.CallbackInvocations != 4 {
		t.Errorf("printed %q, %d invocations", r.Stdout, r.CallbackInvocations)
	}
	if r := execute(t, s, "print(await echo(x=1))"); string(r.Stdout) != "1\n" {
		t.Errorf("the limit is not for each execution: %q", r.Stdout)
	}
}

// TestForgedMessages is a guest that speaks to the host directly.
func TestForgedMessages(t *testing.T) {
	s := newSession(t, core.Config{Callbacks: []core.Callback{echoCallback(), {Name: "lost", Start: func(*core.Call) {}}}})
	r := execute(t, s, `
import _eryx
def attempt(f, message):
    try:
        f(message)
        return "taken"
    except (OSError, ValueError) as e:
        return type(e).__name__
for m in [1, [], [1], [1, "echo"], ["x", "echo", {}], [1, 2, {}], [1, "echo", []], [2**70, "echo", {}], None, "echo", [1, "echo", {}, 4]]:
    print(attempt(_eryx.callback, m), end=" ")
print()
print(attempt(_eryx.callback, [7, "lost", {}]), attempt(_eryx.callback, [7, "lost", {}]), attempt(_eryx.callback, [-1, "lost", {}]))
for m in [1, [], ["cancel"], ["cancel", "x"], ["credit", 7], ["credit", 7, -5], ["credit", 7, 2**62], ["cancel", 10**9], ["trace", 1, [0]], ["trace"], "a" * (2 << 20)]:
    print(attempt(_eryx.emit, m), end=" ")
print()
`)
	want := strings.Repeat("OSError ", 11) + "\ntaken taken taken\n" +
		"OSError OSError OSError OSError OSError taken taken taken OSError OSError OSError \n"
	if string(r.Stdout) != want {
		t.Errorf("printed %q\nwant %q", r.Stdout, want)
	}
	if r := execute(t, s, "print(await echo(x=1))"); string(r.Stdout) != "1\n" {
		t.Errorf("afterwards printed %q", r.Stdout)
	}
}

// TestAnswerDoesNotFit is an answer for which the guest has no memory left.
func TestAnswerDoesNotFit(t *testing.T) {
	big := core.Callback{Name: "big", Func: func(context.Context, map[string]any) (any, error) {
		return make([]byte, 10<<20), nil
	}}
	s := newSession(t, core.Config{Callbacks: []core.Callback{big, echoCallback()}, Limits: core.Limits{MaxMemoryBytes: 52 << 20}})
	_, err := s.Execute(context.Background(), `
import sandbox
hog = bytearray(sandbox.remaining()["memory_bytes"] - (6 << 20))
await big()
`, core.WithTimeout(20*time.Second))
	var e *core.Error
	if !errors.As(err, &e) || e.Limit != "memory" || e.Killed {
		t.Fatalf("error %v, want the memory limit", err)
	}
	if r := execute(t, s, "del hog\nprint(await echo(x=1), len(await big()))"); string(r.Stdout) != "1 10485760\n" {
		t.Errorf("afterwards printed %q", r.Stdout)
	}
}
