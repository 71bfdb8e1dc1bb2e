"""A randomized soak, bounded by a count: ERYX_SOAK operations (default 300). Nothing may be left over."""

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

    def do_reset(self):
        self.session.reset()


def test_soak():
    soak = Soak(COUNT)
    for _ in range(COUNT // 3):
        soak.step()
    gc.collect()
    before, threads = resident_bytes(), threading.active_count()
    for _ in range(COUNT - COUNT // 3):
        soak.step()
    gc.collect()
    assert resident_bytes() - before < 64 << 20
    assert threading.active_count() <= threads + 2
    info = _blocking.call({"op": "info"})
    assert info["call_count"] == 0 and info["request_count"] == 0
