package guest

import "testing"

func TestAsyncio(t *testing.T) {
	runAll(t, []program{
		{name: "ways to run", code: `
import asyncio
async def value(x):
    await asyncio.sleep(0.001)
    return x
async def nested():
    return asyncio.run(value(5))
print(asyncio.run(value(1)))
with asyncio.Runner() as runner:
    print(runner.run(value(2)), runner.run(value(3)))
loop = asyncio.new_event_loop()
print(loop.run_until_complete(value(4)))
loop.close()
print(asyncio.run(nested()))
`, want: "1\n2 3\n4\n5"},
		{name: "inside a program that awaits", code: `
import asyncio
async def value(x):
    await asyncio.sleep(0.001)
    return x
print(await value(1), asyncio.run(value(2)))
async def outer():
    with asyncio.Runner() as runner:
        return runner.run(value(3)), await value(4)
print(await outer())
loop = asyncio.new_event_loop()
loop.call_later(0.001, loop.stop)
loop.run_forever()
print(loop.is_running(), asyncio.get_running_loop().is_running(), asyncio.current_task().get_name())
loop.close()
`, want: "1 2\n(3, 4)\nFalse True main"},
		{name: "old style", code: `
import asyncio
async def value(x):
    await asyncio.sleep(0.001)
    return x
loop = asyncio.get_event_loop()
print(loop.run_until_complete(value(1)))
loop.call_later(0.001, loop.stop)
loop.run_forever()
print(loop.run_until_complete(asyncio.gather(value(2), value(3))))
`, want: "1\n[2, 3]"},
		{name: "waiting in a loop of its own costs nothing", code: `
import asyncio, sandbox
async def wait():
    await asyncio.sleep(0.3)
asyncio.get_event_loop().run_until_complete(wait())
import time
print(time.process_time() < 100)
`, want: "True"},
		{name: "tools", code: `
import asyncio
async def value(x):
    await asyncio.sleep(0.001)
    return x
async with asyncio.TaskGroup() as group:
    a, b = group.create_task(value(1)), group.create_task(value(2))
print(a.result(), b.result())
try:
    async with asyncio.timeout(0.01):
        await asyncio.sleep(10)
except TimeoutError:
    print("timeout")
print(await asyncio.to_thread(abs, -3), await asyncio.get_running_loop().run_in_executor(None, abs, -4))
queue, lock = asyncio.Queue(), asyncio.Lock()
await queue.put(5)
async with lock:
    print(await queue.get(), lock.locked())
async def numbers():
    for i in range(3):
        yield i
print([i async for i in numbers()], [await done for done in asyncio.as_completed([value(6)])])
try:
    await asyncio.create_subprocess_exec("ls")
except OSError as error:
    print(error.strerror)
`, want: `
1 2
timeout
3 4
5 True
[0, 1, 2] [6]
processes cannot be started in this sandbox. concurrent.futures.ThreadPoolExecutor works and runs its function at once`},
		{name: "tasks left over", code: `
import asyncio
async def background():
    try:
        await asyncio.sleep(100)
    finally:
        print("cancelled")
task = asyncio.create_task(background())
await asyncio.sleep(0)
print("end")
`, want: "end\ncancelled"},
		{name: "failing task", code: `
import asyncio
async def bad():
    raise ValueError("in a task")
async with asyncio.TaskGroup() as group:
    group.create_task(bad())
`, err: "    +------------------------------------"},
	})
}
