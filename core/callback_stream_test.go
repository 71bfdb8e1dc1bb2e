package core_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/eryx-go/eryx/core"
)

// numbers streams args["n"] numbers; sent counts how many the host has made, and closed is closed at its end.
func numbers(sent *atomic.Int64, closed chan struct{}) core.Callback {
	return core.Callback{
		Name: "numbers", Schema: `{"type": "object", "properties": {"n": {"type": "integer"}}}`,
		Stream: func(_ context.Context, args map[string]any) iter.Seq2[any, error] {
			return func(yield func(any, error) bool) {
				defer close(closed)
				for i := range args["n"].(int64) {
					sent.Add(1)
					if !yield(i, nil) {
						return
					}
				}
			}
		},
	}
}

func awaitClosed(t *testing.T, closed chan struct{}) {
	t.Helper()
	select {
	case <-closed:
	case <-time.After(5 * time.Second):
		t.Error("the stream was not closed on the host")
	}
}

func TestStream(t *testing.T) {
	var sent atomic.Int64
	closed := make(chan struct{})
	expectOutput(t, `
total = 0
async for x in numbers(1000):
    total += x
print(total)
`, "499500", numbers(&sent, closed))
	awaitClosed(t, closed)
}

func TestStreamEarlyEnds(t *testing.T) {
	for name, code := range map[string]string{
		"break":      "async for x in numbers(10**9):\n    if x == 3:\n        break",
		"exception":  "try:\n    async for x in numbers(n=10**9):\n        1 / 0\nexcept ZeroDivisionError:\n    pass",
		"aclose":     "s = numbers(10**9)\nawait anext(s)\nawait s.aclose()\nprint([x async for x in s])",
		"async with": "async with numbers(10**9) as s:\n    await anext(s)",
		"invoke":     "s = invoke('numbers', n=10**9)\nawait anext(s)\ndel s",
		"cancelled": `
import asyncio
async def f():
    async for x in numbers(10**9):
        await asyncio.sleep(1)
t = asyncio.create_task(f())
await asyncio.sleep(0.01)
t.cancel()
try:
    await t
except asyncio.CancelledError:
    pass
del t`,
		"the end of the program": "s = numbers(10**9)\nawait anext(s)",
	} {
		t.Run(name, func(t *testing.T) {
			var sent atomic.Int64
			closed := make(chan struct{})
			s := newSession(t, core.Config{Callbacks: []core.Callback{numbers(&sent, closed)}})
			execute(t, s, code)
			awaitClosed(t, closed)
			if n := sent.Load(); n > 200 {
				t.Errorf("the host made %d items for a program that took a few", n)
			}
		})
	}
}

func TestStreamBackPressure(t *testing.T) {
	var sent atomic.Int64
	closed := make(chan struct{})
	s := newSession(t, core.Config{Callbacks: []core.Callback{numbers(&sent, closed)}})
	execute(t, s, `
import asyncio
s = numbers(10**9)
print(await anext(s))
await asyncio.sleep(0.1)
await s.aclose()
`)
	awaitClosed(t, closed)
	if n := sent.Load(); n > 34 {
		t.Errorf("the host is %d items ahead of the program, want at most 34", n)
	}
}

func TestStreamErrors(t *testing.T) {
	bad := core.Callback{Name: "bad", Stream: func(_ context.Context, args map[string]any) iter.Seq2[any, error] {
		return func(yield func(any, error) bool) {
			if !yield(1, nil) {
				return
			}
			switch args["how"] {
			case "error":
				yield(nil, core.CallbackErrorf("gone", "no more rows"))
			case "panic":
				panic("secret")
			case "value":
				yield(make(chan int), nil)
			}
		}
	}}
	expectOutput(t, `
for how in ["error", "panic", "value", "end"]:
    try:
        async for x in bad(how=how):
            print(x)
        print("ended")
    except CallbackError as e:
        print(e.code, e)
try:
    bad(how=object())
except TypeError as e:
    print("TypeError")
`, `
1
gone no more rows
1
internal the host function failed
1
value the host function returned a value that cannot be passed: value cannot be encoded: type chan int
1
ended
TypeError
`, bad)
}

func TestStreamTimeout(t *testing.T) {
	slow := core.Callback{Name: "slow", Timeout: 50 * time.Millisecond,
		Stream: func(ctx context.Context, _ map[string]any) iter.Seq2[any, error] {
			return func(yield func(any, error) bool) {
				for i := range 5 { // longer than the timeout in all, but each item is in time
					time.Sleep(20 * time.Millisecond)
					if !yield(i, nil) {
						return
					}
				}
				<-ctx.Done()
			}
		}}
	expectOutput(t, `
import asyncio
n = 0
try:
    async for x in slow():
        n += 1
except CallbackError as e:
    print(n, e.code)
`, "5 timeout", slow)
}

// TestStreamOfCalls is a stream that is answered without a goroutine of its own.
func TestStreamOfCalls(t *testing.T) {
	var mu sync.Mutex
	var refused int
	pull := core.Callback{Name: "pull", StartStream: func(call *core.Call) {
		i := 0
		var push func()
		push = func() {
			mu.Lock()
			defer mu.Unlock()
			for i < 500 {
				err := call.Send(i)
				if errors.Is(err, core.ErrNoCredit) {
					refused++
					call.OnCredit(func() { go push() })
					return
				}
				if err != nil {
					return
				}
				i++
			}
			call.Complete(nil, nil)
		}
		go push()
	}}
	expectOutput(t, "print(sum([x async for x in pull()]))", fmt.Sprint(499*500/2), pull)
	mu.Lock()
	defer mu.Unlock()
	if refused == 0 {
		t.Error("500 items were sent at once: no back-pressure")
	}
}

func TestSendOfNoStream(t *testing.T) {
	once := core.Callback{Name: "once", Start: func(call *core.Call) {
		err := call.Send(1)
		call.Complete(strings.Contains(fmt.Sprint(err), "not a stream"), nil)
	}}
	expectOutput(t, "print(await once())", "True", once)
}
