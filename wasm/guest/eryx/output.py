"""Standard streams whose text goes to the host's capture buffer as it is written."""

import io
import sys

import _eryx


class CapturedStream(io.RawIOBase):
    """The raw stream under ``sys.stdout`` or ``sys.stderr``.

    Writes go to a buffer in memory that the host reads, also after it killed the guest, so nothing
    printed is ever lost and a small ``print`` costs no host call.
    """

    def __init__(self, fd: int, name: str) -> None:
        self._fd = fd
        self.name = name
        self.mode = "wb"

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._fd

    def isatty(self) -> bool:
        return False

    def flush(self) -> None:
        pass

    def close(self) -> None:
        """A captured stream stays open: closing ``sys.stdout`` must not lose a later traceback."""


class CapturedOut(CapturedStream):
    """Standard output."""

    # A builtin function is no descriptor, so it is called with the data alone: one call less per write.
    write = _eryx.write1  # type: ignore[assignment]


class CapturedErr(CapturedStream):
    """Standard error."""

    write = _eryx.write2  # type: ignore[assignment]


def _text(raw: CapturedStream, errors: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(raw, encoding="utf-8", errors=errors, newline="\n", write_through=True)


def install() -> None:
    """Make fresh ``sys.stdout`` and ``sys.stderr``, and the same objects as their ``__std*__`` originals."""
    sys.stdout = sys.__stdout__ = _text(CapturedOut(1, "<stdout>"), "backslashreplace")  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = _text(CapturedErr(2, "<stderr>"), "backslashreplace")  # type: ignore[misc]


def flush() -> None:
    """Push out text that user code left in wrappers of its own; never raises."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:
            pass
