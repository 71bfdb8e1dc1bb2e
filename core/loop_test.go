package core_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/eryx-go/eryx/core"
)

// TestEventLoop runs what asyncio programs do; each prints what it does under CPython.
func TestEventLoop(t *testing.T) {
	for _, c := range []struct{ name, code, want string }{
		{"sleep", "a = asyncio.get_running_loop().time()\nawait asyncio.sleep(0.05)\nprint(asyncio.get_running_loop().time() - a >= 0.05)", "True"},
		{"sleep result", "print(await asyncio.sleep(0, 'r'), await asyncio.sleep(0.001, 's'))", "r s"},
		{"sleeps at once", "import time\na = time.monotonic()\nawait asyncio.gather(*[asyncio.sleep(0.05) for _ in range(100)])\nprint(time.monotonic() - a < 1)", "True"},
		{"timeout", "try:\n    async with asyncio.timeout(0.01):\n        await asyncio.sleep(9)\nexcept TimeoutError:\n    print('late')", "late"},
		{"wait_for", "try:\n    await asyncio.wait_for(asyncio.Event().wait(), 0.01)\nexcept TimeoutError:\n    print('late')", "late"},
		{"wait", "d, p = await asyncio.wait([asyncio.create_task(asyncio.sleep(x)) for x in (0, 9)], return_when=asyncio.FIRST_COMPLETED)\nprint(len(d), len(p))", "1 1"},
		{"as_completed", "async def f(x):\n    await asyncio.sleep(x / 100)\n    return x\nprint([await c for c in asyncio.as_completed([f(3), f(1), f(2)])])", "[1, 2, 3]"},
		{"queue", `
q = asyncio.Queue(2)
async def produce():
    for i in range(5):
        await q.put(i)
    q.shutdown()
t = asyncio.create_task(produce())
got = []
try:
    while True:
        got.append(await q.get())
except asyncio.QueueShutDown:
    print(got)`, "[0, 1, 2, 3, 4]"},
		{"lock and event", `
lock, event, log = asyncio.Lock(), asyncio.Event(), []
async def f(i):
    async with lock:
        await event.wait()
        log.append(i)
ts = [asyncio.create_task(f(i)) for i in range(3)]
await asyncio.sleep(0)
event.set()
await asyncio.gather(*ts)
print(log)`, "[0, 1, 2]"},
		{"semaphore, condition, barrier", `
s, c, b = asyncio.Semaphore(2), asyncio.Condition(), asyncio.Barrier(3)
async def f(i):
    async with s:
        await asyncio.sleep(0)
    await b.wait()
    async with c:
        c.notify_all()
    return i
print(await asyncio.gather(f(0), f(1), f(2)))`, "[0, 1, 2]"},
		{"task group", `
async def bad():
    raise KeyError('k')
try:
    async with asyncio.TaskGroup() as g:
        g.create_task(bad())
        t = g.create_task(asyncio.sleep(9))
except* KeyError as e:
    print(e.exceptions, t.cancelled())`, "(KeyError('k'),) True"},
		{"to_thread", "import contextvars\nv = contextvars.ContextVar('v')\nv.set(3)\nprint(await asyncio.to_thread(lambda: v.get() + 1))", "4"},
		{"nested run", "async def f():\n    await asyncio.sleep(0.001)\n    return 5\nprint(asyncio.run(f()))\nawait asyncio.sleep(0)\nprint(asyncio.run(f()))", "5\n5"},
		{"nested callback", "async def f():\n    return await echo(x=8)\nprint(asyncio.run(f()), await f())", "8 8"},
		{"runner and new loop", "with asyncio.Runner() as r:\n    print(r.run(asyncio.sleep(0, 1)))\nl = asyncio.new_event_loop()\nprint(l.run_until_complete(asyncio.sleep(0.001, 2)))\nl.close()", "1\n2"},
		{"async for, async with", `
class M:
    async def __aenter__(self):
        return self
    async def __aexit__(self, *e):
        print('exit')
async def g():
    for i in range(3):
        await asyncio.sleep(0)
        yield i
async with M():
    async for x in g():
        print(x)
print([x async for x in g()])`, "0\n1\n2\nexit\n[0, 1, 2]"},
		{"call_later", `
loop, log, e = asyncio.get_running_loop(), [], asyncio.Event()
loop.call_later(0.3, log.append, 2)
loop.call_later(0.01, log.append, 1)
loop.call_soon(log.append, 0)
h = loop.call_later(0.01, log.append, 'no')
h.cancel()
s = loop.call_soon(log.append, 'no')
s.cancel()
loop.call_at(loop.time() + 0.4, e.set)
await e.wait()
print(log, s.cancelled(), isinstance(s, asyncio.Handle), type(h).__name__)`, "[0, 1, 2] True True TimerHandle"},
		{"debug mode", `
loop = asyncio.get_running_loop()
loop.set_debug(True)
print(await asyncio.gather(*[asyncio.sleep(0.001, i) for i in range(3)]), await echo(x=1))
try:
    loop.call_soon(asyncio.sleep)
    print('taken')
except TypeError as e:
    print(e)
loop.set_debug(False)
print(await asyncio.create_task(asyncio.sleep(0, 4)))`, "[0, 1, 2] 1\ncoroutines cannot be used with call_soon()\n4"},
		{"contextvars", `
import contextvars
v = contextvars.ContextVar('v', default=0)
async def f(i):
    v.set(i)
    await echo(x=i)
    await asyncio.sleep(0.001)
    return v.get()
v.set(9)
print(await asyncio.gather(*[f(i) for i in range(3)]), v.get())`, "[0, 1, 2] 9"},
		{"exception handler", `
loop = asyncio.get_running_loop()
loop.set_exception_handler(lambda l, c: print(type(c['exception']).__name__, c['message'].split('<')[0]))
loop.call_soon(lambda: 1 / 0)
await asyncio.sleep(0)
loop.set_exception_handler(None)`, "ZeroDivisionError Exception in callback"},
		{"task factory", `
loop = asyncio.get_running_loop()
loop.set_task_factory(asyncio.eager_task_factory)
print(await asyncio.create_task(asyncio.sleep(0, 1)))
loop.set_task_factory(None)
t = asyncio.create_task(asyncio.sleep(0, 2), name='n')
print(await t, t.get_name())`, "1\n2 n"},
		{"cancel and uncancel", `
async def f():
    try:
        await asyncio.sleep(9)
    except asyncio.CancelledError as e:
        return e.args
t = asyncio.create_task(f())
await asyncio.sleep(0)
t.cancel('why')
print(await t)
async def shielded():
    await asyncio.sleep(0.01)
    print('finished')
inner = asyncio.create_task(shielded())
try:
    await asyncio.wait_for(asyncio.shield(inner), 0.001)
except TimeoutError:
    await inner`, "('why',)\nfinished"},
		{"generators are closed", `
async def g():
    try:
        yield 1
    finally:
        print('closed')
async for x in g():
    break
import gc
gc.collect()
await asyncio.sleep(0)`, "closed"},
	} {
		t.Run(c.name, func(t *testing.T) { expectOutput(t, "import asyncio\n"+c.code, c.want, echoCallback()) })
	}
}

func TestFailureDoesNotPoisonTheNextRun(t *testing.T) {
	s := newSession(t, core.Config{Callbacks: []core.Callback{echoCallback()}})
	for _, code := range []string{
		"import asyncio\nawait asyncio.sleep(0)\nraise KeyError",
		"async def f():\n    raise ValueError\nasyncio.create_task(f())\nawait asyncio.sleep(0.001)\n1/0",
		"raise SystemExit(3)",
		"await asyncio.sleep(0)\nraise SystemExit(3)",
		"asyncio.get_running_loop().call_soon(lambda: exit(3))\nawait asyncio.sleep(1)",
		"raise KeyboardInterrupt",
		"asyncio.get_running_loop().stop()\nawait asyncio.sleep(0)\nraise KeyError",
		"asyncio.current_task().cancel()\nawait asyncio.sleep(1)",
	} {
		if _, err := s.Execute(context.Background(), code, core.WithTimeout(5*time.Second)); err == nil || err.(*core.Error).Killed {
			t.Errorf("%q: %v", code, err)
		}
		if r := execute(t, s, "print(await asyncio.gather(echo(x=1), asyncio.sleep(0.001, 2)))"); string(r.Stdout) != "[1, 2]\n" {
			t.Errorf("after %q: %q", code, r.Stdout)
		}
	}
}

const leftover = `
import asyncio
async def ticking():
    try:
        while True:
            await asyncio.sleep(0.001)
            ticks.append(1)
    except asyncio.CancelledError:
        await asyncio.sleep(0.005)
        print("cancelled")
        raise
ticks = []
task = asyncio.create_task(ticking())
await asyncio.sleep(0.01)
`

func TestLeftoverTasksAreCancelledAndAwaited(t *testing.T) {
	s := newSession(t, core.Config{})
	if r := execute(t, s, leftover); string(r.Stdout) != "cancelled\n" {
		t.Errorf("printed %q", r.Stdout)
	}
	if r := execute(t, s, "n = len(ticks)\nawait asyncio.sleep(0.02)\nprint(len(ticks) == n, task.cancelled())"); string(r.Stdout) != "True True\n" {
		t.Errorf("printed %q", r.Stdout)
	}
}

func TestLeftoverThatSwallowsCancellation(t *testing.T) {
	s := newSession(t, core.Config{})
	begin := time.Now()
	_, err := s.Execute(context.Background(), `
import asyncio
async def stubborn():
    while True:
        try:
            await asyncio.sleep(0.01)
        except asyncio.CancelledError:
            pass
task = asyncio.create_task(stubborn())
await asyncio.sleep(0)
`, core.WithTimeout(300*time.Millisecond))
	if core.ErrorCode(err) != core.CodeTimeout {
		t.Errorf("error %v, want a timeout", err)
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestKeepTasks(t *testing.T) {
	s := newSession(t, core.Config{KeepTasks: true})
	if r := execute(t, s, leftover); strings.Contains(string(r.Stdout), "cancelled") {
		t.Errorf("printed %q", r.Stdout)
	}
	r := execute(t, s, "n = len(ticks)\nawait asyncio.sleep(0.03)\nprint(len(ticks) > n)\ntask.cancel()\ntry:\n    await task\nexcept asyncio.CancelledError:\n    pass")
	if string(r.Stdout) != "True\ncancelled\n" {
		t.Errorf("printed %q", r.Stdout)
	}
}

func TestClosedLoopIsReplaced(t *testing.T) {
	s := newSession(t, core.Config{Callbacks: []core.Callback{echoCallback()}})
	const use = "import asyncio\nprint(await asyncio.gather(echo(x=1), asyncio.sleep(0.001, 2)))"
	execute(t, s, use)
	execute(t, s, "loop = asyncio.get_event_loop()\nloop.close()\ntry:\n    loop.call_soon(print)\nexcept RuntimeError as e:\n    print(e)")
	if r := execute(t, s, use); string(r.Stdout) != "[1, 2]\n" {
		t.Errorf("printed %q", r.Stdout)
	}
}
