"""Tracing of the program's own code, on ``sys.monitoring``; docs/tracing.md says what is reported and when.

Events go to the host in batches. The frequent one, a line, is recorded in C (shim/trace.c). Code of libraries has its
events switched off the first time it runs, so that it runs at full speed.
"""

import sys
from types import CodeType
from typing import Any

import _eryx

_TOOL = 4  # one of the numbers that sys.monitoring leaves to tools like this
_CALL, _RETURN, _EXCEPTION = 1, 2, 3
_MAX_TEXT = 1000

_monitoring = sys.monitoring
_events = _monitoring.events
_LOCAL = _events.LINE | _events.PY_RETURN
_GLOBAL = _events.PY_START | _events.RAISE | _events.PY_UNWIND
# Skipped as noise: how loops and generators end.
_SILENT = (StopIteration, StopAsyncIteration, GeneratorExit)
# Files under these are libraries, whose code is not the program's own; so is what has no file but the program.
_LIBRARIES = ("/usr/", "/lib/", "/site-packages/")

on = False
_filename = "<user>"


def is_own(code: CodeType) -> bool:
    """Whether ``code`` is the program's own: its source, and modules in its folders."""
    filename = code.co_filename
    if filename == _filename or filename.startswith("<user"):
        own = True
    else:
        own = not filename.startswith(("<", *_LIBRARIES))
    return own and not code.co_name.startswith("_")


def _text(error: BaseException) -> str:
    try:
        text = f"{type(error).__name__}: {error}"
    except Exception:
        text = type(error).__name__
    return text[:_MAX_TEXT].encode("utf-8", "backslashreplace").decode("utf-8")


def _line_of(code: CodeType) -> int:
    """Where the frame is that runs ``code`` and has called the caller."""
    return sys._getframe(2).f_lineno or 0


def _start(code: CodeType, offset: int) -> Any:
    if not is_own(code):
        return _monitoring.DISABLE
    _monitoring.set_local_events(_TOOL, code, _LOCAL)
    _eryx.trace_event(code, [_CALL, 0 if code.co_name == "<module>" else code.co_firstlineno])
    return None


def _return(code: CodeType, offset: int, value: object) -> None:
    _eryx.trace_event(code, [_RETURN, _line_of(code)])


def _unwind(code: CodeType, offset: int, error: BaseException) -> None:
    if is_own(code):
        _eryx.trace_event(code, [_RETURN, _line_of(code)])


def _raise(code: CodeType, offset: int, error: BaseException) -> None:
    if is_own(code) and not isinstance(error, _SILENT):
        _eryx.trace_event(code, [_EXCEPTION, _line_of(code), _text(error)])


def start(filename: str) -> None:
    """Trace from now on; ``filename`` is the program's own."""
    global on, _filename
    _filename = filename
    if on:
        return
    _monitoring.use_tool_id(_TOOL, "eryx")
    for event, function in (
        (_events.PY_START, _start),
        (_events.PY_RETURN, _return),
        (_events.PY_UNWIND, _unwind),
        (_events.RAISE, _raise),
        (_events.LINE, _eryx.trace_line),
    ):
        _monitoring.register_callback(_TOOL, event, function)
    _monitoring.restart_events()
    _monitoring.set_events(_TOOL, _GLOBAL)
    on = True


def stop() -> None:
    """Trace no more, and give the host what is left."""
    global on
    if not on:
        return
    on = False
    _monitoring.set_events(_TOOL, 0)
    _monitoring.free_tool_id(_TOOL)
    _eryx.trace_flush()


def flush() -> None:
    """Give the host what is recorded so far, so that what it records itself comes after it."""
    if on:
        _eryx.trace_flush()
