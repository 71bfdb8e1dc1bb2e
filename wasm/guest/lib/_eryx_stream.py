"""What _bz2, _lzma and _zstd share: streams of codecs that run on the host (core/guest/codec)."""

import struct
from typing import Any, NoReturn, Self

import _eryx_codec  # type: ignore[import-not-found]

# Kinds, flags and states, as in core/guest/codec/codec.go.
BZ2_COMPRESS, BZ2_DECOMPRESS, LZMA_COMPRESS, LZMA_DECOMPRESS, ZSTD_COMPRESS, ZSTD_DECOMPRESS, ZSTD_TRAIN = range(1, 8)
FLAG_NONE, FLAG_FLUSH, FLAG_FINISH = range(3)
STATE_INPUT, STATE_MORE, STATE_END = range(3)

# The errno values of WASI that the host answers with.
_EBADF, _EMFILE, _ENOMEM = 8, 33, 48

_LOST = (
    "this compression stream is lost: it lives outside of the sandbox's memory, "
    "so that a snapshot, a fork or a restored image does not carry it along"
)


def pack(*numbers: int, tail: bytes = b"") -> bytes:
    """The parameters of a stream: 64-bit integers, then raw bytes."""
    return struct.pack(f"<{len(numbers)}q", *numbers) + tail


class CodecError(Exception):
    """The codec cannot do it: the data is corrupt, or the parameters are. Each module says so in its own words."""


class Stream:
    """One stream on the host. It is opened by its first use and closed at its end, by an error or by `close`."""

    __slots__ = ("_handle", "_kind", "_params", "info")

    def __init__(self, kind: int, params: bytes = b"") -> None:
        self._handle = 0
        self._kind = kind
        self._params = params
        self.info = 0

    def open(self) -> None:
        """Start the stream now; CodecError when the host refuses its parameters."""
        if not self._handle:
            try:
                self._handle = _eryx_codec.open(self._kind, self._params)
            except OSError as error:
                raise _translate(error) from None

    def feed(self, data: Any, max_length: int, flags: int) -> tuple[bytes, int, int]:
        """Give input, take at most ``max_length`` bytes of output (-1: all): the output, how much input was taken,
        and the state. CodecError when the codec fails; the stream is closed then."""
        self.open()
        try:
            out, taken, state, self.info = _eryx_codec.feed(self._handle, data, max_length, flags)
        except OSError as error:
            self.close()
            raise _translate(error) from None
        except BaseException:
            self.close()
            raise
        if state == STATE_END:
            self.close()
        return out, taken, state

    def close(self, _close: Any = _eryx_codec.close) -> None:
        """End the stream. A later use starts a new one."""
        handle, self._handle = self._handle, 0
        if handle:
            _close(handle)

    __del__ = close


def _translate(error: OSError) -> Exception:
    """The exception for a refusal of the host's: a CodecError unless it has nothing to do with the codec."""
    number, text = error.args[0], str(error.args[1])
    if number == _EBADF:
        return RuntimeError(_LOST)
    if number == _EMFILE:
        return OSError(_EMFILE, "too many open compression streams")
    if number == _ENOMEM and "Memory usage limit" not in text:
        return MemoryError(text or "no memory for another compression stream")
    return CodecError(text)


class Unpicklable:
    """Refuses to be copied, as the C types do."""

    __slots__ = ()

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError(f"cannot pickle {type(self).__module__}.{type(self).__name__!r} object")


class Decompressor(Unpicklable):
    """The part that all decompressors have in common: input that waits, and what follows the stream."""

    __slots__ = ("_at", "_eof", "_needs_input", "_pending", "_stream", "_unused")
    _stream: Stream

    # In __new__, as in the C types: an object that was never initialised must still behave.
    def __new__(cls, stream: Stream) -> Self:
        self = super().__new__(cls)
        self._stream = stream
        self._restart()
        return self

    def _restart(self) -> None:
        self._pending: Any = b""
        self._at = 0
        self._eof = False
        self._needs_input = True
        self._unused = b""

    @property
    def eof(self) -> bool:
        """True if the end-of-stream marker has been reached."""
        return self._eof

    @property
    def needs_input(self) -> bool:
        """True if more input is needed before more decompressed data can be produced."""
        return self._needs_input

    @property
    def unused_data(self) -> bytes:
        """Data found after the end of the compressed stream."""
        return self._unused

    def _decompress(self, data: Any, max_length: int) -> bytes:
        with memoryview(data) as given, given.cast("B") as view:
            if self._at < len(self._pending):
                if view.nbytes:
                    self._pending, self._at = self._pending[self._at :] + bytes(view), 0
                out, taken, state = self._take(self._pending, max_length)
            else:
                out, taken, state = self._stream.feed(view, max_length, FLAG_NONE)
                if taken < view.nbytes:
                    self._pending, self._at, taken = bytes(view[taken:]), 0, 0
        self._at += taken
        if self._at >= len(self._pending):
            self._pending, self._at = b"", 0
        self._needs_input = state == STATE_INPUT and len(out) != max_length
        if state == STATE_END:
            self._eof = True
            self._unused, self._pending, self._at = self._pending[self._at :], b"", 0
        return out

    def _take(self, pending: bytes, max_length: int) -> tuple[bytes, int, int]:
        with memoryview(pending) as view:
            return self._stream.feed(view[self._at :], max_length, FLAG_NONE)
