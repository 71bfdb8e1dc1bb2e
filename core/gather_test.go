package core_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/eryx-go/eryx/core"
)

// TestGather compares what asyncio.gather does for host functions, which need no task each, with what it does for other
// coroutines: every program runs both ways and must print the same.
func TestGather(t *testing.T) {
	answer := core.Callback{Name: "answer", Func: func(ctx context.Context, args map[string]any) (any, error) {
		ms, _ := args["ms"].(int64)
		select {
		case <-time.After(time.Duration(ms) * time.Millisecond):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if text, ok := args["error"].(string); ok {
			return nil, errors.New(text)
		}
		return args["x"], nil
	}}
	for _, c := range []struct{ name, code, want string }{
		{"results in order", "print(await asyncio.gather(a(x=1, ms=5), a(x=2), a(x=3, ms=1)))", "[1, 2, 3]"},
		{"many", "print(sum(await asyncio.gather(*[a(x=i) for i in range(900)])))", "404550"},
		{"none", "print(await asyncio.gather())", "[]"},
		{"error", "try:\n    await asyncio.gather(a(x=1), a(error='bad'), a(ms=20))\nexcept CallbackError as e:\n    print(e)", "bad"},
		{"the first error in time", "try:\n    await asyncio.gather(a(ms=5), a(error='late', ms=60), a(error='early', ms=5), a(error='later', ms=90))\nexcept CallbackError as e:\n    print(e)", "early"},
		{"error while others go on", `
slow = asyncio.gather(a(x=1, ms=30), a(error="bad"), a(error="worse", ms=10), a(x=2, ms=30))
try:
    await slow
except CallbackError as e:
    print(e, slow.done())
await asyncio.sleep(0.06)
print(slow.exception())`, "bad True\nbad"},
		{"error of another", `
async def fail():
    try:
        await a(error="own", ms=5)
    except CallbackError as e:
        return str(e)
both = asyncio.gather(a(x=1, ms=20), a(x=2, ms=20))
task = asyncio.create_task(fail())
print(await both, await task)`, "[1, 2] own"},
		{"errors in two", `
first = asyncio.gather(a(x=1, ms=20), a(x=2), return_exceptions=True)
second = asyncio.gather(a(x=3, ms=20), a(error="bad", ms=5))
print(await asyncio.gather(first, second, return_exceptions=True))`, "[[1, 2], CallbackError('bad')]"},
		{"all errors", "print(len(await asyncio.gather(*[a(error=str(i)) for i in range(300)], return_exceptions=True)))", "300"},
		{"nobody waits", "asyncio.gather(a(ms=9000), a(error='bad'))\nprint('end')", "end"},
		{"bad argument that is raised", "try:\n    await asyncio.gather(a(x=1), a(x=object()), a(ms=5))\nexcept TypeError as e:\n    print('TypeError')", "TypeError"},
		{"return_exceptions", "print(await asyncio.gather(a(x=1), a(error='bad'), return_exceptions=True))", "[1, CallbackError('bad')]"},
		{"bad argument", "print(await asyncio.gather(a(x=1), a(x=object()), return_exceptions=True))",
			"[1, TypeError(\"answer() argument 'x': object cannot be passed to the host\")]"},
		{"only bad arguments", "print([type(e).__name__ for e in await asyncio.gather(a(x={1}), a(x=1j), return_exceptions=True)])", "['TypeError', 'TypeError']"},
		{"the same twice", "c = a(x=1)\nprint(await asyncio.gather(c, c))", "[1, 1]"},
		{"mixed", "print(await asyncio.gather(a(x=1), asyncio.sleep(0, 2), asyncio.create_task(a(x=3))))", "[1, 2, 3]"},
		{"nested", "print(await asyncio.gather(asyncio.gather(a(x=1), a(x=2)), asyncio.gather(a(x=3))))", "[[1, 2], [3]]"},
		{"cancelled", `
g = asyncio.gather(a(ms=9000), a(ms=9000))
await asyncio.sleep(0.01)
print(g.cancel())
try:
    await g
except asyncio.CancelledError:
    print("cancelled", g.cancelled())`, "True\ncancelled False"},
		{"timed out", "try:\n    await asyncio.wait_for(asyncio.gather(a(ms=9000), a(x=1)), 0.02)\nexcept TimeoutError:\n    print('late')", "late"},
		{"cancelled with return_exceptions", `
g = asyncio.gather(a(ms=9000), a(x=1), return_exceptions=True)
await asyncio.sleep(0.02)
g.cancel()
try:
    await g
except asyncio.CancelledError:
    print("cancelled")`, "cancelled"},
		{"a coroutine that was used", "c = a(x=1)\nawait c\nprint(await asyncio.gather(c, return_exceptions=True))", "[RuntimeError('cannot reuse already awaited coroutine')]"},
		{"debug mode", "asyncio.get_running_loop().set_debug(True)\nprint(await asyncio.gather(a(x=1), a(x=2)))", "[1, 2]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			expectOutput(t, "import asyncio\na = answer\n"+c.code, c.want, answer)
			expectOutput(t, "import asyncio\nasync def a(**kw):\n    return await answer(**kw)\n"+c.code, c.want, answer)
		})
	}
}

// TestGatherTellsTheHost is that the host sees which calls are no longer wanted.
func TestGatherTellsTheHost(t *testing.T) {
	ended := make(chan error, 3)
	s := newSession(t, core.Config{Callbacks: waiting(ended)})
	execute(t, s, `
import asyncio
g = asyncio.gather(wait(), wait(), wait())
for _ in range(3):
    await begun()
g.cancel()
try:
    await g
except asyncio.CancelledError:
    pass
`)
	for range 3 {
		select {
		case err := <-ended:
			if !errors.Is(err, context.Canceled) {
				t.Errorf("ended with %v", err)
			}
		case <-time.After(5 * time.Second):
			t.Fatal("a call goes on")
		}
	}
}
