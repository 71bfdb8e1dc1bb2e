"""Small parts: limits, output, exits, the selector, randomness, remembered sources."""

import atexit
import linecache
import random
import sys
import tempfile

import pytest
from conftest import FakeShim
from eryx import errors, exits, interrupt, limits, loop, output, preload


def test_remaining_knows_what_is_unlimited(shim: FakeShim) -> None:
    shim.answers["query"] = lambda key: -1 if key in (limits.FUEL, limits.SECONDS) else 10 + key
    left = limits.remaining()
    assert left["seconds"] is None and left["fuel"] is None
    assert left["memory_bytes"] == 10 + limits.MEMORY and left["vfs_bytes"] == 10 + limits.FILES
    shim.answers["query"] = 1_500_000_000
    assert limits.remaining()["seconds"] == 1.5


def test_captured_streams_cannot_be_closed(shim: FakeShim, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[bytes] = []

    def write(data: bytes) -> int:
        written.append(bytes(data))
        return len(data)

    monkeypatch.setattr(output.CapturedOut, "write", staticmethod(write))
    raw = output.CapturedOut(1, "<stdout>")
    stream = output._text(raw, "backslashreplace")
    stream.write("é\ud800\n")
    stream.close()
    assert b"".join(written) == "é\\ud800\n".encode()
    assert not raw.closed and raw.fileno() == 1 and not raw.isatty()


def test_events_reach_those_who_wait() -> None:
    got: list[list[object]] = []
    loop.pending[41] = got.append
    try:
        loop.deliver([[41, 0, "value"], [42, 0, "nobody waits"]])
    finally:
        loop.pending.pop(41, None)
    assert got == [[41, 0, "value"]]


def test_reseed_makes_lives_differ() -> None:
    random.seed(1)
    before = random.random()
    random.seed(1)
    tempfile.tempdir = "/somewhere"
    preload.reseed()
    assert random.random() != before and tempfile.tempdir is None


@pytest.mark.parametrize("code, meant", [(None, (0, "")), (3, (3, "")), (True, (1, "")), ("no", (1, "no\n")), (2**40, (-1, ""))])
def test_exit_codes(code: object, meant: tuple[int, str]) -> None:
    assert errors.exit_code(SystemExit(code)) == meant


def test_remembered_sources_are_bounded() -> None:
    for i in range(errors._MAX_SOURCES + 5):
        errors.remember_source(f"<test:{i}>", "x = 1\n")
    assert "<test:0>" not in linecache.cache and linecache.getline(f"<test:{errors._MAX_SOURCES + 4}>", 1) == "x = 1\n"
    for i in range(errors._MAX_SOURCES + 5):
        linecache.cache.pop(f"<test:{i}>", None)
    errors.forget_sources()


def test_excepthook_of_the_program_is_called(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    seen: list[object] = []
    error = ValueError("x")
    monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)
    exits.report(error)
    monkeypatch.setattr(sys, "excepthook", lambda kind, value, tb: seen.append(value))
    exits.report(error)
    monkeypatch.setattr(sys, "excepthook", lambda: None)
    exits.report(error)
    assert seen == [error] and "Error in sys.excepthook: TypeError" in capsys.readouterr().err


def test_leave_runs_handlers_and_writes_files(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    order: list[str] = []
    file = open(f"{tmp_path}/out.txt", "w")
    file.write("kept")
    monkeypatch.setattr(atexit, "_run_exitfuncs", lambda: order.append("handlers"))
    monkeypatch.setattr("threading._shutdown", lambda: order.append("threads"))
    main = sys.modules["__main__"]
    try:
        exits.leave()
        assert "__main__" not in sys.modules
    finally:
        sys.modules["__main__"] = main
    assert order == ["threads", "handlers"] and open(f"{tmp_path}/out.txt").read() == "kept"
    file.close()


def test_interrupts_pass_except_exception() -> None:
    assert issubclass(interrupt.ExecutionInterrupted, KeyboardInterrupt)
