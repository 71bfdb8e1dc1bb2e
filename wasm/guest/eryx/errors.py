"""How an exception of the program is described to the host: once, here, for every language."""

import linecache
import sys
import traceback
from collections.abc import Iterator
from types import CodeType, FrameType, TracebackType
from typing import Any

from .result import clean

RUNTIME = "/usr/lib/eryx/"
_LIBRARY = ("/usr/lib/", "<frozen ")
_MAX_TEXT = 256 * 1024
_MAX_FRAMES = 200


_remembered: list[str] = []
_MAX_SOURCES = 200


def remember_source(filename: str, source: str) -> None:
    """Let tracebacks, ``inspect`` and ``warnings`` show the lines of a source that is in no file.

    A session remembers its last 200 sources: more would be a leak.
    """
    if filename not in linecache.cache:
        _remembered.append(filename)
        if len(_remembered) > _MAX_SOURCES:
            linecache.cache.pop(_remembered.pop(0), None)
    linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)


def forget_sources() -> None:
    """Forget what ``remember_source`` was told."""
    _remembered.clear()


def _strip(error: traceback.TracebackException, seen: set[int]) -> None:
    """Drop the runtime's frames, and the source lines that are not the user's own."""
    if id(error) in seen:
        return
    seen.add(id(error))
    frames = [f for f in error.stack if not f.filename.startswith(RUNTIME)]
    for frame in frames:
        if frame.filename.startswith(_LIBRARY):
            frame._lines = ""  # type: ignore[attr-defined]
    error.stack = traceback.StackSummary.from_list(frames)
    for linked in (error.__cause__, error.__context__, *(error.exceptions or ())):
        if linked is not None:
            _strip(linked, seen)


def hide_runtime() -> None:
    """Leave the runtime's own frames out of the stacks that the program prints: its bottom is ``<module>``."""
    walk = traceback.walk_stack

    def walk_stack(f: FrameType | None) -> Iterator[tuple[FrameType, int]]:
        if f is None:
            f = sys._getframe(1)
        return ((frame, line) for frame, line in walk(f) if not frame.f_code.co_filename.startswith(RUNTIME))

    traceback.walk_stack = walk_stack


def _limit(text: str) -> str:
    if len(text) <= _MAX_TEXT:
        return text
    half = _MAX_TEXT // 2
    return text[:half] + "\n... (shortened) ...\n" + text[-half:]


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        return f"<exception str() failed: {type(error).__name__}>"


def _render(error: BaseException) -> tuple[str, list[list[Any]]]:
    report = traceback.TracebackException.from_exception(error, limit=-_MAX_FRAMES, compact=True)
    _strip(report, set())
    frames = [[clean(f.filename), f.lineno or 0, clean(f.name), clean((f.line or "").strip())] for f in report.stack]
    return "".join(report.format(colorize=False)), frames  # type: ignore[call-arg]


def describe(error: BaseException) -> dict[str, Any]:
    """The error record of ``error``: type, message, rendered traceback, frames; never fails."""
    kind = type(error)
    message = _text_of(error)
    try:
        text, frames = _render(error)
    except BaseException as failure:  # a hostile __str__, a full memory: say what is known
        text, frames = f"{kind.__name__}: {message}\n(the traceback could not be rendered: {type(failure).__name__})\n", []
    name = getattr(kind, "__qualname__", "Exception")
    module = getattr(kind, "__module__", "builtins")
    full = name if module in ("builtins", "__main__") else f"{module}.{name}"
    return {
        "type": clean(str(full)),
        "message": clean(_limit(message)),
        "traceback": clean(_limit(text)),
        "frames": frames,
    }


def exit_code(error: SystemExit) -> tuple[int, str]:
    """What ``sys.exit`` meant: the code, and text for standard error when it was given a message."""
    code = error.code
    if code is None:
        return 0, ""
    if isinstance(code, int):
        return (int(code) if -(2**31) <= code < 2**31 else -1), ""
    return 1, clean(_text_of(error)) + "\n"


def user_frame(tb: TracebackType | None) -> CodeType | None:
    """The innermost code object of the user's own in ``tb``."""
    found = None
    while tb is not None:
        if not tb.tb_frame.f_code.co_filename.startswith((RUNTIME, *_LIBRARY)):
            found = tb.tb_frame.f_code
        tb = tb.tb_next
    return found


def write_stderr(text: str) -> None:
    """Write to standard error; a stream that the program broke is passed over."""
    try:
        sys.stderr.write(text)
    except Exception:
        pass
