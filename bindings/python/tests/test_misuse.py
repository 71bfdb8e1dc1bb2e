"""Objects used after they were closed, and closed while other threads use them: errors that say so, no crash, no hang."""

import asyncio
import threading

import pytest

import eryx


def session():
    return eryx.Session()


def lease():
    with eryx.SandboxPool() as pool:
        return pool.acquire()


RUNS = {
    "execute": lambda o: o.execute("1"),
    "execute_async": lambda o: asyncio.run(o.execute_async("1")),
    "execute_with_journal": lambda o: o.execute_with_journal("1"),
    "start": lambda o: o.start("1").wait(),
    "type_stubs": lambda o: o.type_stubs(),
    "with": lambda o: o.__enter__(),
}
VALUES = {"call": lambda o: o.call("f"), "get": lambda o: o.get("x"), "set": lambda o: o.set("x", 1)}
STATE = {
    "set_callbacks": lambda o: o.set_callbacks(None),
    "snapshot_state": lambda o: o.snapshot_state(),
    "restore_state": lambda o: o.restore_state(b""),
    "snapshot": lambda o: o.snapshot(),
    "restore": lambda o: o.restore(b""),
    "fork": lambda o: o.fork(),
    "clear_state": lambda o: o.clear_state(),
    "reset": lambda o: o.reset(),
    "reset_async": lambda o: asyncio.run(o.reset_async()),
    "is_complete": lambda o: o.is_complete("1"),
    "execution_count": lambda o: o.execution_count,
}
CLOSED = {
    "Sandbox": (eryx.Sandbox, RUNS),
    "Session": (session, {**RUNS, **VALUES, **STATE}),
    "PooledSandbox": (lease, {**RUNS, **VALUES}),
    "SandboxFactory": (
        eryx.SandboxFactory,
        {
            "create_sandbox": lambda o: o.create_sandbox(),
            "create_session": lambda o: o.create_session(),
            "create_pool": lambda o: o.create_pool(),
            "to_bytes": lambda o: o.to_bytes(),
            "save": lambda o: o.save("/dev/null"),
            "with": lambda o: o.__enter__(),
        },
    ),
    "SandboxPool": (
        eryx.SandboxPool,
        {
            "acquire": lambda o: o.acquire(),
            "acquire_async": lambda o: asyncio.run(o.acquire_async()),
            "try_acquire": lambda o: o.try_acquire(),
            "stats": lambda o: o.stats(),
            "evict_idle": lambda o: o.evict_idle(),
        },
    ),
    "MCPManager": (
        eryx.MCPManager,
        {
            "connect": lambda o: o.connect("x", "true"),
            "list_tools": lambda o: o.list_tools(),
            "server_names": lambda o: o.server_names,
            "with": lambda o: o.__enter__(),
        },
    ),
}


@pytest.mark.parametrize(
    "name, use", [(name, use) for name, (_, uses) in CLOSED.items() for use in uses], ids=lambda value: value
)
def test_after_close(name, use):
    make, uses = CLOSED[name]
    thing = make()
    for _ in range(2):
        thing.close()
    with pytest.raises((eryx.ClosedError, eryx.PoolClosedError), match="is closed|was released|is released"):
        uses[use](thing)
    assert "closed" in repr(thing) or "released" in repr(thing) or name == "Sandbox"


@pytest.mark.parametrize("make", [eryx.Sandbox, session, lease])
def test_closed_while_threads_use_it(make):
    for _ in range(5):
        thing = make()
        started = threading.Barrier(5)
        outcomes = []

        def work(thing=thing, started=started, outcomes=outcomes):
            started.wait()
            try:
                while True:
                    thing.execute("sum(range(1000))")
            except (eryx.EryxError, ValueError) as error:
                outcomes.append(type(error))

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        started.wait()
        thing.close()
        for thread in threads:
            thread.join(20)
            assert not thread.is_alive()
        assert len(outcomes) == 4 and set(outcomes) <= {eryx.ClosedError, eryx.CancelledError}


def test_one_object_in_many_threads_and_loops():
    with eryx.Session(callbacks=[{"name": "f", "fn": lambda: 1}]) as shared:
        shared.execute("n = 0")

        def blocking():
            for _ in range(10):
                shared.execute("n += await f()")

        async def awaiting():
            await asyncio.gather(*[shared.execute_async("n += await f()") for _ in range(10)])

        threads = [threading.Thread(target=blocking) for _ in range(3)]
        threads += [threading.Thread(target=asyncio.run, args=(awaiting(),)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert shared.get("n") == 60
