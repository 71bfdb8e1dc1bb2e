"""MemoryBIO: bytes on their way, in memory."""

from typing import Any

from .errors import ssl_error


class MemoryBIO:
    """A memory buffer that data passes through, between a program and its TLS connection."""

    __slots__ = ("__weakref__", "_buffer", "_ended", "_start")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._start = 0
        self._ended = False

    @property
    def pending(self) -> int:
        """The number of bytes pending in the memory BIO."""
        return len(self._buffer) - self._start

    @property
    def eof(self) -> bool:
        """Whether the memory BIO is at EOF."""
        return self._ended and not self.pending

    def read(self, size: int = -1, /) -> bytes:
        """Read up to size bytes; all of them if size is not given or negative."""
        pending = self.pending
        if size is None or size < 0 or size > pending:
            size = pending
        end = self._start + size
        data = bytes(memoryview(self._buffer)[self._start : end])
        self.consume(size)
        return data

    def write(self, b: Any, /) -> int:
        """Write the bytes-like object b; the number of bytes written."""
        if isinstance(b, str):
            raise TypeError("a bytes-like object is required, not 'str'")
        if self._ended:
            raise ssl_error("cannot write() after write_eof()")
        with memoryview(b) as view:
            self._buffer += view.cast("B") if view.contiguous and view.nbytes else bytes(view)
            return view.nbytes

    def write_eof(self) -> None:
        """Write an EOF marker: once all is read, there is no more."""
        self._ended = True

    def peek(self, size: int) -> memoryview:
        """The first bytes, which stay; release it before the buffer changes."""
        return memoryview(self._buffer)[self._start : self._start + size]

    def consume(self, size: int) -> None:
        """Drop the first bytes."""
        self._start += size
        if self._start == len(self._buffer):
            self._buffer.clear()
            self._start = 0
        elif self._start > 1 << 18:
            del self._buffer[: self._start]
            self._start = 0
