"""asyncio: producers and consumers, TaskGroup, timeouts, semaphores, cancellation, async generators."""

import asyncio
from contextlib import asynccontextmanager
from contextvars import ContextVar

request_id = ContextVar("request_id", default="none")


async def produce(queue, name, count):
    for number in range(count):
        await queue.put((name, number))
        await asyncio.sleep(0)


async def consume(queue, results):
    while True:
        name, number = await queue.get()
        try:
            if number == 3:
                raise ValueError(f"{name} made a {number}")
            results.append((name, number * number))
        except ValueError as err:
            results.append((name, str(err)))
        finally:
            queue.task_done()


async def pipeline():
    queue, results = asyncio.Queue(maxsize=2), []
    workers = [asyncio.create_task(consume(queue, results), name=f"worker-{i}") for i in range(3)]
    async with asyncio.TaskGroup() as group:
        for name in ("a", "b"):
            group.create_task(produce(queue, name, 5))
    await queue.join()
    for worker in workers:
        worker.cancel()
    ended = await asyncio.gather(*workers, return_exceptions=True)
    print("results:", sorted(results, key=str))
    print("workers:", [type(e).__name__ for e in ended])


async def limited():
    """At most two at a time; order of the results is that of the calls."""
    gate, running, most = asyncio.Semaphore(2), 0, 0

    async def job(n):
        nonlocal running, most
        async with gate:
            running += 1
            most = max(most, running)
            await asyncio.sleep(0.001 * (5 - n))
            running -= 1
            return n * 10

    print("limited:", await asyncio.gather(*(job(n) for n in range(5))), "at once:", most)


async def timeouts():
    try:
        async with asyncio.timeout(0.01):
            await asyncio.sleep(10)
    except TimeoutError:
        print("timeout: gave up")
    try:
        await asyncio.wait_for(asyncio.Event().wait(), 0.01)
    except asyncio.TimeoutError as err:
        print("wait_for:", type(err).__name__, err is not None)
    task = asyncio.create_task(asyncio.sleep(10, "never"))
    done, pending = await asyncio.wait([task, asyncio.create_task(asyncio.sleep(0.001, "quick"))], return_when=asyncio.FIRST_COMPLETED)
    print("first:", [t.result() for t in done], "pending:", len(pending))
    task.cancel("enough")
    try:
        await task
    except asyncio.CancelledError as err:
        print("cancelled:", err.args)


async def failing_group():
    async def fail(kind, text):
        await asyncio.sleep(0)
        raise kind(text)

    async def patient():
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            print("sibling was cancelled")
            raise

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(patient())
            group.create_task(fail(ValueError, "bad value"))
            group.create_task(fail(KeyError, "bad key"))
    except* ValueError as errors:
        print("values:", [str(e) for e in errors.exceptions])
    except* KeyError as errors:
        print("keys:", [e.args[0] for e in errors.exceptions])


async def ticker(limit):
    try:
        for n in range(limit):
            yield n
            await asyncio.sleep(0)
    finally:
        print("ticker closed")


@asynccontextmanager
async def connection(name):
    print("open", name)
    try:
        yield name.upper()
    finally:
        print("close", name)


async def handle(number):
    request_id.set(f"r{number}")
    await asyncio.sleep(0.001)
    return request_id.get()


async def main():
    await pipeline()
    await limited()
    await timeouts()
    await failing_group()
    async with connection("db") as name:
        print("using", name, [n async for n in ticker(4) if n % 2])
    print("context:", await asyncio.gather(*(handle(n) for n in range(3))), request_id.get())
    loop = asyncio.get_running_loop()
    fired = []
    start = loop.time()
    loop.call_later(0.004, fired.append, "later")
    loop.call_soon(fired.append, "soon")
    future = loop.create_future()
    loop.call_later(0.01, future.set_result, "set")
    print("future:", await future, fired, loop.time() - start >= 0.01)
    condition, ready = asyncio.Condition(), []

    async def waiter(n):
        async with condition:
            await condition.wait_for(lambda: len(ready) > n)
            return n

    waiting = [asyncio.create_task(waiter(n)) for n in range(3)]
    for n in range(3):
        await asyncio.sleep(0)
        async with condition:
            ready.append(n)
            condition.notify_all()
    print("condition:", await asyncio.gather(*waiting))
    print("thread:", await asyncio.to_thread(sum, range(10)))


asyncio.run(main())
