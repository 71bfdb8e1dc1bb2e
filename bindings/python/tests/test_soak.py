"""A randomized soak, bounded by a count: ERYX_SOAK operations (default 300), or ERYX_SOAK_SECONDS, such as 3600. Nothing may be
left over: memory, threads, descriptors, calls, requests. ERYX_SOAK_SEED repeats one."""

import asyncio
import gc
import os
import pathlib
import random
import threading
import time

import pytest

import eryx
from eryx import _blocking

COUNT = int(os.environ.get("ERYX_SOAK", "300"))
SECONDS = float(os.environ.get("ERYX_SOAK_SECONDS", "0"))
SEED = int(os.environ.get("ERYX_SOAK_SEED", random.randrange(1 << 32)))


def resident_bytes():
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


async def tick(n):
    await asyncio.sleep(0)
    return n


def fail():
    raise LookupError("no")


CALLBACKS = [{"name": "plain", "fn": lambda n: n}, {"name": "tick", "fn": tick}, {"name": "fail", "fn": fail}]
LIMITS = eryx.ResourceLimits(execution_timeout_ms=5000, max_memory_bytes=64 << 20)


class Soak:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.session = eryx.Session(callbacks=CALLBACKS, resource_limits=LIMITS)
        self.sandbox = eryx.Sandbox(callbacks=CALLBACKS[:1], resource_limits=LIMITS)
        self.pool = eryx.SandboxPool(max_size=3, resource_limits=LIMITS)
        self.executor = eryx.Executor(self.pool, max_workers=2)

    def step(self):
        getattr(self, self.random.choice([name for name in dir(Soak) if name.startswith("do_")]))()

    def do_print(self):
        assert eryx.Sandbox().execute("print(1)").stdout == b"1\n"

    def do_calls(self):
        assert self.sandbox.execute("print(sum([await plain(n=i) for i in range(20)]))").stdout == b"190\n"

    def do_gather(self):
        code = "import asyncio\nprint(sum(await asyncio.gather(*[tick(n=i) for i in range(20)])))"
        assert asyncio.run(self.session.execute_async(code)).stdout == b"190\n"

    def do_error(self):
        with pytest.raises(eryx.ExecutionError):
            self.session.execute("await fail()")

    def do_large(self):
        assert len(self.sandbox.execute("print('x' * 1_000_000)").stdout) == 1_000_001

    def do_memory(self):
        with pytest.raises(eryx.EryxError):
            self.sandbox.execute("x = []\nwhile True: x.append(bytearray(1 << 20))")

    def do_cancel(self):
        handle = self.session.start("while True: pass")
        time.sleep(self.random.random() / 50)
        handle.cancel()
        with pytest.raises(eryx.CancelledError):
            handle.wait(10)

    def do_state(self):
        self.session.set("x", self.random.randrange(1 << 70))
        fork = self.session.fork()
        assert fork.get("x") == self.session.get("x")
        fork.close()

    def do_image(self):
        image = self.session.snapshot()
        with eryx.Session(image=image, resource_limits=LIMITS) as copy:
            assert copy.execute("print(1)").stdout == b"1\n"

    def do_lease(self):
        with self.pool.acquire(callbacks=CALLBACKS) as sandbox:
            assert sandbox.execute("print(await tick(n=2), 'y' in globals()); y = 1").stdout == b"2 False\n"

    def do_executor(self):
        double = eryx.GuestFunction("def double(x): return 2 * x", "double")
        assert list(self.executor.map(double, range(4))) == [0, 2, 4, 6]

    def do_journal(self):
        code = "print(await plain(n=1), await plain(n=2))"
        outcome = self.sandbox.execute_with_journal(code)
        again = self.sandbox.execute_with_journal(code, outcome.journal)
        assert again.replayed_callbacks == 2 and again.result.stdout == b"1 2\n"

    def do_reset(self):
        self.session.reset()

    def close(self):
        self.executor.shutdown()
        for thing in (self.session, self.sandbox, self.pool):
            thing.close()


def descriptors():
    return len(os.listdir("/proc/self/fd"))


def steps(soak, count, seconds):
    """Runs a number of steps, or for a time."""
    end = time.monotonic() + seconds
    done = 0
    while time.monotonic() < end if seconds else done < count:
        soak.step()
        done += 1
    return done


@pytest.mark.timeout(SECONDS + 300)
def test_soak():
    print(f"ERYX_SOAK_SEED={SEED}")  # shown when it fails
    soak = Soak(SEED)
    steps(soak, COUNT // 3, SECONDS / 10)
    gc.collect()
    before, threads, files = resident_bytes(), threading.active_count(), descriptors()
    done = steps(soak, COUNT - COUNT // 3, SECONDS)
    gc.collect()
    print(
        f"{done} steps, {(resident_bytes() - before) >> 10} KiB more, {threading.active_count() - threads} threads more"
    )
    assert resident_bytes() - before < 64 << 20
    assert threading.active_count() <= threads + 2
    assert descriptors() <= files + 8
    soak.close()
    for _ in range(500):  # what closes does so in the background
        info = _blocking.call({"op": "info"})
        if info["request_count"] == 0:
            break
        time.sleep(0.01)
    assert (info["call_count"], info["request_count"]) == (0, 0)
