"""Execution from an event loop: the caller's loop, cancellation, handles."""

import asyncio
import threading
import time

import pytest

import eryx


def test_callbacks_run_in_the_callers_loop_and_thread():
    async def main():
        loop, thread = asyncio.get_running_loop(), threading.get_ident()
        lock = asyncio.Lock()
        seen = []

        async def use():
            async with lock:
                await asyncio.sleep(0.001)
                seen.append((asyncio.get_running_loop() is loop, threading.get_ident() == thread))
            return len(seen)

        async with eryx.Sandbox(callbacks=[{"name": "use", "fn": use}]) as sandbox:
            result = await sandbox.execute_async("import asyncio\nprint(await asyncio.gather(use(), use(), use()))")
        assert result.stdout == b"[1, 2, 3]\n"
        assert seen == [(True, True)] * 3

    asyncio.run(main())


def test_plain_callbacks_do_not_block_the_loop():
    async def main():
        ticks = []

        async def tick():
            while True:
                ticks.append(1)
                await asyncio.sleep(0.01)

        ticker = asyncio.create_task(tick())
        sandbox = eryx.Sandbox(callbacks=[{"name": "nap", "fn": lambda: time.sleep(0.2)}])
        await sandbox.execute_async("await nap()")
        ticker.cancel()
        assert len(ticks) > 5

    asyncio.run(main())


def test_many_at_once():
    async def main():
        async def echo(n):
            await asyncio.sleep(0)
            return n

        sandbox = eryx.Sandbox(callbacks=[{"name": "echo", "fn": echo}])
        results = await asyncio.gather(*[sandbox.execute_async(f"print(await echo(n={i}))") for i in range(30)])
        assert [r.stdout for r in results] == [b"%d\n" % i for i in range(30)]

    asyncio.run(main())


def test_errors_are_raised():
    async def main():
        with pytest.raises(eryx.ExecutionError, match="ZeroDivisionError"):
            await eryx.Sandbox().execute_async("1/0")

    asyncio.run(main())


def test_cancelling_the_task_ends_the_program_and_its_callbacks():
    async def main():
        cancelled = asyncio.Event()

        async def forever():
            try:
                await asyncio.sleep(30)
            except asyncio.CancelledError:
                cancelled.set()
                raise

        session = eryx.Session(callbacks=[{"name": "forever", "fn": forever}])
        task = asyncio.create_task(session.execute_async("await forever()"))
        await asyncio.sleep(0.1)
        task.cancel()
        began = time.monotonic()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(cancelled.wait(), 1)
        assert time.monotonic() - began < 1
        assert (await session.execute_async("print('alive')")).stdout == b"alive\n"

    asyncio.run(main())


def test_cancelling_a_busy_program():
    async def main():
        session = eryx.Session()
        task = asyncio.create_task(session.execute_async("while True: pass"))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await session.execute_async("print('alive')")).stdout == b"alive\n"

    asyncio.run(main())


def test_wait_for():
    async def main():
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(eryx.Sandbox().execute_async("while True: pass"), 0.1)

    asyncio.run(main())


def test_the_program_cancels_its_callback():
    async def main():
        ended = asyncio.Event()

        async def forever():
            try:
                await asyncio.sleep(30)
            finally:
                ended.set()

        sandbox = eryx.Sandbox(callbacks=[{"name": "forever", "fn": forever}])
        code = "import asyncio\ntry:\n    await asyncio.wait_for(forever(), 0.05)\nexcept TimeoutError:\n    print('gave up')"
        assert (await sandbox.execute_async(code)).stdout == b"gave up\n"
        await asyncio.wait_for(ended.wait(), 1)

    asyncio.run(main())


def test_blocking_execute_inside_of_a_running_loop():
    async def main():
        async def f():
            await asyncio.sleep(0.01)
            return 7

        assert eryx.Sandbox(callbacks=[{"name": "f", "fn": f}]).execute("print(await f())").stdout == b"7\n"

    asyncio.run(main())


def test_several_loops_one_after_the_other_and_side_by_side():
    sandbox = eryx.Sandbox(callbacks=[{"name": "f", "fn": lambda: 1}])

    def once():
        return asyncio.run(sandbox.execute_async("print(await f())")).stdout

    assert [once() for _ in range(3)] == [b"1\n"] * 3
    results = []
    threads = [threading.Thread(target=lambda: results.append(once())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert results == [b"1\n"] * 4


def test_handle_wait_and_cancel():
    handle = eryx.Sandbox().start("while True: pass")
    time.sleep(0.1)
    assert not handle.done()
    handle.cancel()
    handle.cancel()
    with pytest.raises(eryx.CancelledError):
        handle.wait(5)
    assert handle.done()
    assert eryx.Sandbox().start("print(1)").wait(10).stdout == b"1\n"


def test_handle_can_be_awaited():
    async def main():
        return await eryx.Sandbox().start("print(2)")

    assert asyncio.run(main()).stdout == b"2\n"


def test_session_async_methods():
    async def main():
        async with eryx.Session() as session:
            await session.execute_async("x = 1")
            await session.clear_state_async()
            assert (await session.execute_async("print('x' in globals())")).stdout == b"False\n"
            await session.reset_async()
            assert session.execution_count == 0

    asyncio.run(main())
