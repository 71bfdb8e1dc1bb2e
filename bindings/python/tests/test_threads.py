"""Objects that many threads use at once. Without a GIL (``python3.14t``) the threads really run side by side; with one, what
they assert holds all the same."""

import asyncio
import concurrent.futures
import functools
import os
import subprocess
import sys
import sysconfig
import threading
import time

import pytest

import eryx

THREADS = 8
ROUNDS = 25


@pytest.fixture(autouse=True)
def switching_often():
    """With a GIL, threads take turns a hundred times as often as usual."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(5e-5)
    yield
    sys.setswitchinterval(before)


@pytest.fixture(autouse=True)
def nothing_left_over():
    """All that a test opens is closed at its end; closing may go on for a moment."""
    before = eryx.info()
    yield
    for _ in range(500):
        after = eryx.info()
        if (after.session_count, after.call_count, after.request_count) == (before.session_count, 0, 0):
            return
        time.sleep(0.01)
    raise AssertionError(f"left over: {after}, before {before}")


def side_by_side(*works, timeout=50):
    """Runs each function in a thread of its own, all beginning at once; what they return."""
    barrier = threading.Barrier(len(works))

    def run(work):
        barrier.wait()
        return work()

    with concurrent.futures.ThreadPoolExecutor(len(works)) as pool:
        return [future.result(timeout) for future in [pool.submit(run, work) for work in works]]


def test_importing_and_using_leaves_the_gil_off():
    code = """if True:
        import sys
        enabled = getattr(sys, "_is_gil_enabled", lambda: True)
        before = enabled()
        import eryx
        eryx.Sandbox(callbacks=[{"name": "f", "fn": lambda: 1}]).execute("await f()")
        eryx.Executor, eryx.MCPManager, eryx.Execution
        print(before, enabled())
    """
    command = [sys.executable, "-W", "error", "-c", code]
    env = {name: value for name, value in os.environ.items() if name != "PYTHON_GIL"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    expected = not sysconfig.get_config_var("Py_GIL_DISABLED")
    assert done.stdout == f"{expected} {expected}\n", done.stderr


def test_first_use_from_many_threads_loads_one_library():
    code = f"""if True:
        import threading, eryx
        from eryx import _native
        barrier, found = threading.Barrier({THREADS}), []
        def work():
            barrier.wait()
            found.append((id(_native.library()), eryx.Sandbox().execute("print(1)").stdout))
        threads = [threading.Thread(target=work) for _ in range({THREADS})]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        print(len(found), len(set(found)))
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == f"{THREADS} 1\n", done.stderr


def test_a_sandbox_with_host_functions():
    calls = set()

    def add(thread, i):
        calls.add((thread, i))
        return thread * 1000 + i

    sandbox = eryx.Sandbox(callbacks=[{"name": "add", "fn": add}])

    def work(thread):
        for i in range(ROUNDS):
            assert int(sandbox.execute(f"print(await add(thread={thread}, i={i}))").stdout) == thread * 1000 + i

    side_by_side(*[lambda thread=thread: work(thread) for thread in range(THREADS)])
    assert len(calls) == THREADS * ROUNDS


def test_async_host_functions_in_a_loop_of_each_thread():
    async def where():
        await asyncio.sleep(0)
        return threading.get_ident()

    session = eryx.Session(callbacks=[{"name": "where", "fn": where}])
    sandbox = eryx.Sandbox(callbacks=[{"name": "where", "fn": where}])

    async def work():
        own = threading.get_ident()
        for _ in range(ROUNDS // 5):
            code = "print(await where())"
            results = await asyncio.gather(session.execute_async(code), *[sandbox.execute_async(code)] * 1)
            assert [int(result.stdout) for result in results] == [own, own]

    side_by_side(*[lambda: asyncio.run(work())] * THREADS)
    assert session.execution_count == THREADS * (ROUNDS // 5)
    session.close()


def test_output_keeps_its_order_while_host_functions_block():
    """Helper threads take events, too."""
    nap = {"name": "nap", "fn": lambda: time.sleep(0.01)}
    code = """
import asyncio
async def napping():
    for _ in range(5):
        await nap()
naps = [asyncio.ensure_future(napping()) for _ in range(6)]
for i in range(300):
    print(i, flush=True)
    await asyncio.sleep(0)
    if i % 10 == 0:
        await nap()
await asyncio.gather(*naps)
"""

    def work():
        seen, inside = [], []

        def on_stdout(data):
            inside.append(1)
            assert len(inside) == 1, "two threads handle the output of one program"
            seen.append(data)
            inside.pop()

        result = eryx.Sandbox(callbacks=[nap], on_stdout=on_stdout).execute(code)
        assert b"".join(seen) == result.stdout == b"".join(b"%d\n" % i for i in range(300))

    side_by_side(*[work] * 4)


def test_calls_that_end_while_others_are_taken():
    """A program that times out leaves calls that nobody waits for, between those of others that are begun."""
    limits = eryx.ResourceLimits(execution_timeout_ms=60)
    nap = {"name": "nap", "fn": lambda: time.sleep(0.01)}
    sandbox = eryx.Sandbox(callbacks=[nap], resource_limits=limits)
    code = "import asyncio\nawait asyncio.gather(asyncio.sleep(60), *[nap() for _ in range(400)])"

    def work():
        for _ in range(3):
            with pytest.raises(eryx.TimeoutError):
                sandbox.execute(code)

    side_by_side(*[work] * 4)


@functools.cache
def shared_pool():
    return eryx.SandboxPool()


MAKERS = {
    "sandbox": eryx.Sandbox,
    "session": eryx.Session,
    "factory": eryx.SandboxFactory,
    "vfs": eryx.VfsStorage,
    "store": eryx.SessionStore,
    "pool": eryx.SandboxPool,
    "lease": lambda: shared_pool().acquire(),
    "mcp": eryx.MCPManager,
}


@pytest.mark.parametrize("name", MAKERS)
def test_closing_at_once_is_closing_once(name):
    """Nobody closes what another thread has closed: that would be an error."""
    for _ in range(5):
        thing = MAKERS[name]()
        side_by_side(*[thing.close] * THREADS)
        with pytest.raises((eryx.ClosedError, eryx.PoolClosedError)):
            thing.__enter__() if name != "pool" else thing.acquire()


def test_closing_while_others_execute():
    for callbacks in (None, [{"name": "f", "fn": lambda: 1}]):
        for make in (eryx.Sandbox, eryx.Session):
            thing = make(callbacks=callbacks)
            begun = threading.Semaphore(0)

            def work(thing=thing, begun=begun, callbacks=callbacks):
                count = 0
                with pytest.raises((eryx.ClosedError, eryx.CancelledError)):
                    while True:
                        thing.execute("await f()" if callbacks else "1")
                        count += 1
                        begun.release()
                return count

            def close(thing=thing, begun=begun):
                for _ in range(THREADS):
                    begun.acquire()
                thing.close()

            counts = side_by_side(*[work] * (THREADS - 1), close)
            assert sum(counts[:-1]) >= THREADS


def test_dropping_in_another_thread():
    """The last reference goes while programs of the object run, or in a thread that never used it."""

    def work():
        for _ in range(ROUNDS // 2):
            session = eryx.Session(callbacks=[{"name": "f", "fn": lambda: 1}])
            handle = session.start("print(await f())")
            box = [session]
            del session
            thread = threading.Thread(target=box.clear)
            thread.start()
            assert handle.wait(30).stdout == b"1\n"
            thread.join()

    side_by_side(*[work] * THREADS)


def test_cancelling_at_every_moment():
    """Before it is submitted, while it is, while it runs, and when it has ended."""
    sandbox = eryx.Sandbox()

    def work(delay):
        for i in range(ROUNDS):
            handle = sandbox.start("import time\ntime.sleep(30)")
            time.sleep(delay * i)
            threads = [threading.Thread(target=handle.cancel) for _ in range(2)]
            for thread in threads:
                thread.start()
            with pytest.raises(eryx.CancelledError):
                handle.wait(30)
            for thread in threads:
                thread.join()
            handle.cancel()

    side_by_side(*[lambda delay=delay: work(delay) for delay in (0, 0, 0.0001, 0.0005)])


def test_a_task_that_awaits_an_execution_may_be_cancelled():
    async def main():
        handle = eryx.Sandbox().start("import time\ntime.sleep(0.3)\nprint('done')")

        async def awaiting():
            return await handle

        task = asyncio.ensure_future(awaiting())
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return (await handle).stdout

    assert asyncio.run(main()) == b"done\n"


def test_callbacks_that_are_replaced_while_others_execute():
    """Whoever executes has the plain or the async ones, no mixture."""

    async def number():
        return 1

    async def numbers():
        yield 1

    plain = [{"name": "number", "fn": lambda: 1}, {"name": "numbers", "fn": number}]
    later = [{"name": "number", "fn": number}, {"name": "numbers", "fn": numbers}]
    session = eryx.Session(callbacks=plain)
    stop = threading.Event()

    def replace():
        for i in range(ROUNDS * 4):
            session.set_callbacks(plain if i % 2 else later)
        stop.set()

    def work():
        while not stop.is_set():
            assert session.execute("print(await number())").stdout == b"1\n"

    side_by_side(replace, *[work] * 4)
    session.set_callbacks(later)
    assert session.execute("print([n async for n in numbers()])").stdout == b"[1]\n"
    session.close()


def test_a_pool_and_its_leases():
    with eryx.SandboxPool(max_size=3, callbacks=[{"name": "f", "fn": lambda n: n}]) as pool:

        def work():
            for i in range(ROUNDS // 5):
                with pool.acquire() as lease:
                    assert lease.execute(f"print('x' in globals(), await f(n={i})); x = 1").stdout == b"False %d\n" % i
            return True

        assert side_by_side(*[work] * THREADS) == [True] * THREADS
        stats = pool.stats()
        assert (stats.in_use, stats.total_acquisitions) == (0, THREADS * (ROUNDS // 5))


def test_forks_while_the_session_executes():
    session = eryx.Session()
    session.execute("n = 41")

    def fork():
        for _ in range(ROUNDS // 3):
            with session.fork() as copy:
                assert copy.execute("n += 1\nprint(n)").stdout == b"42\n"

    def work():
        for _ in range(ROUNDS):
            assert session.execute("print(n)").stdout == b"41\n"

    side_by_side(fork, fork, work, work)
    session.close()


def test_files_that_threads_share():
    storage = eryx.VfsStorage()

    def work(name):
        for i in range(ROUNDS):
            storage.write(f"/{name}/{i}", b"x" * i, parents=True)
            assert storage.read(f"/{name}/{i}") == b"x" * i
        storage.remove(f"/{name}", recursive=True)

    side_by_side(*[lambda name=name: work(name) for name in range(THREADS)])
    assert storage.list("/") == []
    storage.close()


def test_a_handler_that_executes():
    """What a handler of output runs has its own events; those of the program that printed come afterwards, all of them."""
    inner, seen = eryx.Sandbox(), []

    def on_stdout(data):
        seen.append((data, inner.execute("print(1)").stdout))

    code = "import time\nfor i in range(20):\n    print(i, flush=True)\n    time.sleep(0.001)"
    for callbacks in (None, [{"name": "f", "fn": lambda: 1}]):
        seen.clear()
        outer = eryx.Sandbox(on_stdout=on_stdout, callbacks=callbacks)
        assert outer.execute(code).stdout == b"".join(data for data, _ in seen)
        assert {answer for _, answer in seen} == {b"1\n"}
