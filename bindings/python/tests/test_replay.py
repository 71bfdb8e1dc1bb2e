"""Journals, suspension, and traces of one execution."""

import asyncio
import json

import pytest

import eryx


class Host:
    """Host functions that note what they are asked, and suspend while ``suspends``."""

    def __init__(self, *, coroutines=False):
        self.asked = []
        self.suspends = False
        self.coroutines = coroutines

    def callbacks(self):
        def add(a, b):
            self.asked.append(("add", a, b))
            return a + b

        def fail():
            self.asked.append(("fail",))
            raise KeyError("missing")

        def values():
            return [1.0, 1, 2**70, float("inf"), b"\x00\xff", {"$eryx": 1}, "é\U0001f600"]

        def ask(x):
            self.asked.append(("ask", x))
            if self.suspends:
                raise eryx.SuspendCallback(f"approve {x}")
            return "ok"

        async def ask_async(x):
            await asyncio.sleep(0)
            return ask(x)

        functions = [add, fail, values]
        return [
            *({"name": f.__name__, "fn": f} for f in functions),
            {"name": "ask", "fn": ask_async if self.coroutines else ask},
        ]


def stored(journal):
    """A journal after it has been stored as JSON."""
    return json.loads(json.dumps(journal))


def test_replay():
    host = Host()
    sandbox = eryx.Sandbox(callbacks=host.callbacks())
    code = """
import asyncio
print(await asyncio.gather(*[add(a=i, b=1) for i in range(3)]), await values())
try:
    await fail()
except CallbackError as error:
    print(error.code, error)
"""
    first = sandbox.execute_with_journal(code)
    assert first.error is None and first.suspended is None and first.replayed_callbacks == 0
    assert first.journal["code"] == code
    entry = first.journal["entries"][0]
    assert (entry["index"], entry["name"], entry["args_json"], entry["result"]) == (
        0,
        "add",
        '{"a":0,"b":1}',
        {"Ok": 1},
    )
    assert first.journal["entries"][-1]["result"]["Err"] == "KeyError: 'missing'"
    host.asked.clear()
    again = sandbox.execute_with_journal(code, stored(first.journal))
    assert host.asked == [] and again.replayed_callbacks == 5
    assert again.result.stdout == first.result.stdout and again.journal == first.journal
    assert repr(again) == "ReplayOutcome(ok=True, journal_entries=5, replayed_callbacks=5, suspended=None)"


@pytest.mark.parametrize("coroutines", [False, True])
def test_suspend_and_resume(coroutines):
    host = Host(coroutines=coroutines)
    host.suspends = True
    with eryx.Session(callbacks=host.callbacks()) as session:
        session.execute("x = 1")
        code = "x = 2\nprint(await add(a=1, b=2))\nprint(await ask(x='q'))\nx = 3"
        outcome = session.execute_with_journal(code)
        assert outcome.result is None and isinstance(outcome.error, eryx.ExecutionError)
        assert str(outcome.error) == "execution suspended: approve q" and outcome.error.code == "suspended"
        assert outcome.error.stdout == b"3\n"
        assert outcome.suspended.name == "ask" and json.loads(outcome.suspended.args_json) == {"x": "q"}
        assert outcome.suspended.reason == "approve q"
        assert [e["name"] for e in outcome.journal["entries"]] == ["add"]
        assert session.execute("print(x)").stdout == b"1\n"
        host.suspends = False
        host.asked.clear()
        outcome = session.execute_with_journal(code, stored(outcome.journal))
        assert outcome.error is None and outcome.result.stdout == b"3\nok\n" and outcome.replayed_callbacks == 1
        assert host.asked == [("ask", "q")]
        assert session.execute("print(x)").stdout == b"3\n"


def test_suspend_and_resume_async():
    host = Host(coroutines=True)

    async def main():
        host.suspends = True
        session = eryx.Session(callbacks=host.callbacks())
        outcome = await session.execute_with_journal_async("print(await ask(x=1))")
        assert outcome.suspended.reason == "approve 1"
        host.suspends = False
        outcome = await session.execute_with_journal_async("print(await ask(x=1))", outcome.journal)
        assert outcome.result.stdout == b"ok\n"
        session.close()

    asyncio.run(main())


def test_lease():
    host = Host()
    with eryx.SandboxPool(max_size=1, callbacks=host.callbacks()) as pool, pool.acquire() as lease:
        lease.execute("x = 1")
        host.suspends = True
        outcome = lease.execute_with_journal("x = 2\nawait ask(x=1)")
        assert outcome.suspended.name == "ask" and lease.execute("print(x)").stdout == b"1\n"
        host.suspends = False
        outcome = lease.execute_with_journal("x = 2\nawait ask(x=1)", outcome.journal)
        assert outcome.error is None and lease.execute("print(x)").stdout == b"2\n"


def test_errors_are_outcomes():
    with eryx.Session(execution_timeout_ms=200) as session:
        outcome = session.execute_with_journal("x = 1\n1/0")
        assert isinstance(outcome.error, eryx.ExecutionError) and "ZeroDivisionError" in str(outcome.error)
        assert outcome.result is None and outcome.journal["entries"] == [] and outcome.suspended is None
        assert session.execute("print(x)").stdout == b"1\n"
        outcome = session.execute_with_journal("x = 2\nwhile True: pass")
        assert isinstance(outcome.error, eryx.TimeoutError)
        assert session.execute("print(x)").stdout == b"1\n"


@pytest.mark.parametrize(
    "journal",
    [{}, [], "x", {"entries": 1}, {"code": "", "entries": [{"name": "add"}]}, {"code": "", "entries": [object()]}],
)
def test_bad_journals(journal):
    with pytest.raises(ValueError, match="Invalid journal"):
        eryx.Sandbox().execute_with_journal("1", journal)


def test_suspend_without_journal():
    host = Host()
    host.suspends = True
    with eryx.Session(callbacks=host.callbacks()) as session:
        with pytest.raises(eryx.ExecutionError, match="execution suspended: approve 1") as caught:
            session.execute("x = 5\nawait ask(x=1)")
        assert caught.value.code == "suspended"
        assert session.execute("print(x)").stdout == b"5\n"
    reason = {"name": "ask", "fn": lambda: (_ for _ in ()).throw(eryx.SuspendCallback())}
    assert eryx.Sandbox(callbacks=[reason]).execute_with_journal("await ask()").suspended.reason == ""


def test_trace_of_one_execution():
    session = eryx.Session()
    live = []
    result = session.execute("x = 1", trace=True, on_trace=live.append)
    assert [event.kind for event in result.trace] == ["call", "line", "return"]
    assert live == list(result.trace)
    assert session.execute("x = 1", on_trace=live.append).trace == () and len(live) == 6
    assert session.execute("x = 1").trace == () and len(live) == 6
    traced = eryx.Sandbox(trace=True)
    assert len(traced.execute("x = 1").trace) == 3
    assert traced.execute("x = 1", trace=False).trace == ()
    assert len(traced.execute("x = 1", on_trace=live.append).trace) == 3 and len(live) == 9
    assert asyncio.run(session.execute_async("x = 1", trace=True, on_trace=live.append)).trace == tuple(live[-3:])
    with pytest.raises(TypeError):
        session.execute("x = 1", on_trace=3)


def test_trace_handler_that_raises(capsys):
    def broken(event):
        raise RuntimeError("handler")

    assert eryx.Sandbox().execute("print(1)", on_trace=broken).stdout == b"1\n"
    assert "RuntimeError: handler" in capsys.readouterr().err
