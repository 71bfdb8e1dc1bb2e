"""The executor: untrusted functions and programs, with the interface of concurrent.futures."""

import asyncio
import concurrent.futures
import datetime
import decimal
import functools
import operator
import threading

import pytest

import eryx


def double(x):
    return 2 * x


def describe(value, *, more=None):
    return f"{type(value).__name__} {value!r} {more!r}"


async def slowly(x):
    import asyncio

    await asyncio.sleep(0)
    return x + 1


@functools.lru_cache  # is left behind
def decorated(x):
    return [x]


def reads_a_global():
    return GLOBAL  # noqa: F821


def fails():
    raise ValueError("so it is")


@pytest.fixture(scope="module")
def executor():
    with eryx.Executor(max_workers=2) as executor:
        yield executor


def test_functions_by_their_source(executor):
    assert executor.submit(double, 21).result() == 42
    assert executor.submit(double, x="ab").result() == "abab"
    assert executor.submit(slowly, 1).result() == 2
    assert executor.submit(decorated, 1).result() == [1]
    function = eryx.GuestFunction("import math\ndef f(x): return math.floor(x)", "f")
    assert executor.submit(function, 2.5).result() == 2


def test_map_keeps_the_order(executor):
    assert list(executor.map(double, range(20))) == list(range(0, 40, 2))
    assert list(executor.map(eryx.GuestFunction("def f(a, b): return a - b", "f"), [5, 6], [1, 2])) == [4, 4]
    with pytest.raises(concurrent.futures.TimeoutError):
        list(executor.map("import time; time.sleep(0.5)", [1], timeout=0.01))


def test_arguments_keep_their_types(executor):
    for value, text in [
        ({"a": [1, None, True, 2.5, "é"]}, "dict {'a': [1, None, True, 2.5, 'é']} None"),
        (b"\x00\xff", r"bytes b'\x00\xff' None"),
        (1 << 100, f"int {1 << 100} None"),
        ((1, 2), "tuple (1, 2) None"),
        ([(1,)], "list [(1,)] None"),
        ({1: 2}, "dict {1: 2} None"),
        (frozenset([1]), "frozenset frozenset({1}) None"),
        (datetime.date(2026, 1, 2), "date datetime.date(2026, 1, 2) None"),
        (decimal.Decimal("0.10"), "Decimal Decimal('0.10') None"),
    ]:
        assert executor.submit(describe, value).result() == text
    assert executor.submit(describe, 1, more={2}).result() == "int 1 {2}"


def test_what_is_no_source(executor):
    captured = 1

    def closure():
        return captured

    for thing in (lambda: 1, len, closure, operator.itemgetter(0), executor.submit, functools.partial(double, 1), 5):
        with pytest.raises(TypeError):
            executor.submit(thing)


def test_programs(executor):
    result = executor.submit("print(name, args); result = 6 * 7", 1, (2,), name="x").result()
    assert (result.stdout, result.result) == (b"x [1, [2]]\n", 42)
    assert [r.stdout for r in executor.map("print(args[0])", "ab")] == [b"a\n", b"b\n"]


def test_each_task_begins_anew(executor):
    for _ in range(6):
        assert executor.submit("print('x' in globals()); x = 1; open('/data/f', 'x')").result().stdout == b"False\n"


def test_failures_are_the_futures_exceptions(executor):
    with pytest.raises(eryx.ExecutionError, match="ValueError: so it is"):
        executor.submit(fails).result()
    with pytest.raises(eryx.ExecutionError, match="NameError"):
        executor.submit(reads_a_global).result()
    with pytest.raises(eryx.ExecutionError, match="SyntaxError"):
        executor.submit("x =").result()
    with pytest.raises(eryx.ExecutionError, match="TypeError"):
        executor.submit(eryx.GuestFunction("def f(): return {1}", "f")).result()
    with pytest.raises(eryx.ExecutionError, match="NameError"):
        executor.submit(eryx.GuestFunction("", "f")).result()
    error = executor.submit("import sys; print(1); sys.exit(3)").exception()
    assert (error.code, error.exit_code, error.stdout) == ("exit", 3, b"1\n")


def test_limits_and_options():
    with eryx.Executor(
        max_workers=1,
        resource_limits=eryx.ResourceLimits(execution_timeout_ms=100),
        factory=eryx.SandboxFactory(setup_code="BASE = 40"),
        callbacks=[{"name": "two", "fn": lambda: 2}],
    ) as executor:
        with pytest.raises(eryx.TimeoutError):
            executor.submit("while True: pass").result()
        assert executor.submit("result = BASE + await two()").result().result == 42


def test_output_handlers():
    written = []
    with eryx.Executor(max_workers=2, on_stdout=written.append) as executor:
        list(executor.map("print(args[0])", ["a", "b"]))
    assert sorted(written) == [b"a\n", b"b\n"]


def test_a_pool_that_is_shared():
    with eryx.SandboxPool(max_size=3) as pool:
        with eryx.Executor(pool) as executor:
            assert list(executor.map(double, [1, 2])) == [2, 4]
        assert not pool.is_closed
        with pytest.raises(RuntimeError):
            executor.submit(double, 1)
        with pytest.raises(TypeError, match="given already"):
            eryx.Executor(pool, max_size=3)
    with pytest.raises(ValueError):
        eryx.Executor(max_workers=0)


def test_tasks_run_side_by_side():
    barrier = threading.Barrier(3)
    with eryx.Executor(max_workers=3, callbacks=[{"name": "meet", "fn": barrier.wait}]) as executor:
        assert sorted(executor.map(eryx.GuestFunction("async def f(i): return await meet()", "f"), range(3))) == [
            0,
            1,
            2,
        ]


def test_waiting_tasks_can_be_cancelled():
    go = threading.Event()
    with eryx.Executor(max_workers=1, callbacks=[{"name": "wait", "fn": go.wait}]) as executor:
        first = executor.submit("await wait()")
        second = executor.submit("print(1)")
        assert second.cancel()
        go.set()
        first.result()
        third = executor.submit("await wait()")
        executor.shutdown(wait=True, cancel_futures=True)
        assert third.cancelled() or third.result()


def test_as_completed_and_asyncio(executor):
    futures = {executor.submit(double, i): i for i in range(5)}
    assert {futures[f]: f.result() for f in concurrent.futures.as_completed(futures)} == {i: 2 * i for i in range(5)}

    async def main():
        loop = asyncio.get_running_loop()
        return await asyncio.gather(*[loop.run_in_executor(executor, double, i) for i in range(4)])

    assert asyncio.run(main()) == [0, 2, 4, 6]
