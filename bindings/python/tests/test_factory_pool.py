"""Factories, pools and traces."""

import asyncio
import threading
import time

import pytest

import eryx


@pytest.fixture(scope="module")
def factory():
    return eryx.SandboxFactory(imports=["json"], setup_code="RATE = 1.5\nopen('/data/f', 'w').write('kept')")


def test_sandboxes_and_sessions_begin_where_the_factory_ended(factory):
    code = "import json\nprint(json.dumps(RATE), open('/data/f').read())\nRATE = 2"
    sandbox = factory.create_sandbox()
    assert sandbox.execute(code).stdout == b"1.5 kept\n"
    assert sandbox.execute(code).stdout == b"1.5 kept\n"
    session = factory.create_session()
    session.execute("RATE += 1")
    assert session.execute("print(RATE)").stdout == b"2.5\n"
    assert factory.size_bytes > 1 << 20
    assert repr(factory).startswith("SandboxFactory(size_bytes=")


def test_save_and_load(factory, tmp_path):
    factory.save(tmp_path / "factory.bin")
    loaded = eryx.SandboxFactory.load(tmp_path / "factory.bin")
    assert loaded.create_sandbox().execute("print(RATE)").stdout == b"1.5\n"
    again = eryx.SandboxFactory.from_bytes(factory.to_bytes())
    sandbox = again.create_sandbox()
    again.close()
    with pytest.raises(eryx.ClosedError):
        again.create_sandbox()
    assert sandbox.execute("print(RATE)").stdout == b"1.5\n"
    with pytest.raises(eryx.EryxError):
        eryx.SandboxFactory.from_bytes(b"garbage")


def test_factory_with_callbacks_and_packages(tmp_path):
    (tmp_path / "mine.py").write_text("VALUE = 7\n")
    factory = eryx.SandboxFactory(
        site_packages=tmp_path,
        imports=["mine"],
        setup_code="import mine\nFOUND = await f() + mine.VALUE",
        callbacks=[{"name": "f", "fn": lambda: 1}],
    )
    sandbox = factory.create_sandbox(callbacks=[{"name": "g", "fn": lambda: 2}])
    assert sandbox.execute("print(FOUND, await f(), await g())").stdout == b"8 1 2\n"


def test_a_factory_that_fails():
    with pytest.raises(eryx.InitializationError, match="ZeroDivisionError") as caught:
        eryx.SandboxFactory(setup_code="1/0")
    assert caught.value.type == "ZeroDivisionError"


def test_pool_leases_are_pristine(factory):
    with factory.create_pool(max_size=2, min_idle=1) as pool:
        with pool.acquire() as sandbox:
            sandbox.execute("RATE = 99\nopen('/data/x', 'w').write('x')")
            assert sandbox.execute("print(RATE)").stdout == b"99\n"
        with pool.acquire() as sandbox:
            assert sandbox.execute("import os\nprint(RATE, os.path.exists('/data/x'))").stdout == b"1.5 False\n"
        stats = pool.stats()
        assert (stats.in_use, stats.total_acquisitions, stats.available) == (0, 2, 2)
        with pytest.raises(ValueError):
            sandbox.execute("1")
    assert pool.is_closed
    with pytest.raises(eryx.PoolClosedError):
        pool.acquire()


def test_pool_bounds_and_waits():
    with eryx.SandboxPool(max_size=1, acquire_timeout_ms=150) as pool:
        lease = pool.acquire()
        assert pool.try_acquire() is None
        with pytest.raises(eryx.PoolTimeoutError):
            pool.acquire()
        threading.Timer(0.05, lease.release).start()
        second = pool.acquire()
        assert second.execute("print(1)").stdout == b"1\n"
        assert pool.stats().wait_count == 2
        second.release()
        second.release()
        assert isinstance(pool.evict_idle(), int)


def test_closing_a_pool_wakes_who_waits():
    pool = eryx.SandboxPool(max_size=1)
    lease = pool.acquire()
    outcome = []

    def wait():
        try:
            pool.acquire()
        except eryx.PoolError as error:
            outcome.append(type(error))

    thread = threading.Thread(target=wait)
    thread.start()
    time.sleep(0.2)
    pool.close()
    thread.join(5)
    assert outcome == [eryx.PoolClosedError]
    assert lease.execute("print('goes on')").stdout == b"goes on\n"


def test_lease_of_its_own_kind():
    out = []
    with (
        eryx.SandboxPool(callbacks=[{"name": "f", "fn": lambda: 1}]) as pool,
        pool.acquire(
            resource_limits=eryx.ResourceLimits(execution_timeout_ms=100),
            callbacks=[{"name": "g", "fn": lambda: 2}],
            on_stdout=out.append,
        ) as lease,
    ):
        lease.execute("print(await f(), await g())")
        assert b"".join(out) == b"1 2\n"
        with pytest.raises(eryx.TimeoutError):
            lease.execute("while True: pass")


def test_pool_from_a_loop():
    async def main():
        pool = eryx.SandboxPool(max_size=2)

        async def one(n):
            async with await pool.acquire_async() as sandbox:
                return (await sandbox.execute_async(f"print({n})")).stdout

        results = await asyncio.gather(*map(one, range(6)))
        pool.close()
        return results

    assert asyncio.run(main()) == [b"%d\n" % n for n in range(6)]


def test_trace():
    sandbox = eryx.Sandbox(trace=True, callbacks=[{"name": "cb", "fn": lambda x: x}])
    trace = sandbox.execute("def f(n):\n    return n\nf(1)\nawait cb(x=1)").trace
    kinds = [event.kind for event in trace]
    assert [e.line for e in trace if e.kind == "line" and e.function == "f"] == [2]
    assert "callback_start" in kinds and "callback_end" in kinds
    start = next(e for e in trace if e.kind == "callback_start")
    assert (start.callback, start.arguments_json) == ("cb", '{"x":1}')
    with pytest.raises(eryx.ExecutionError) as caught:
        sandbox.execute("1/0")
    assert any(e.kind == "exception" and "ZeroDivisionError" in e.message for e in caught.value.result.trace)
    assert eryx.Sandbox().execute("1").trace == ()
