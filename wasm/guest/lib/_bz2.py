"""The private module behind bz2, as CPython's C module of this name; the codec runs on the host."""

import operator
from typing import Any, Self

from _eryx_stream import BZ2_COMPRESS, BZ2_DECOMPRESS, FLAG_FINISH, FLAG_NONE, CodecError, Decompressor, Stream, Unpicklable, pack

__all__ = ["BZ2Compressor", "BZ2Decompressor"]


class BZ2Compressor(Unpicklable):
    """Create a compressor object for compressing data incrementally.

    compresslevel
      Compression level, as a number between 1 and 9.

    For one-shot compression, use the compress() function instead.
    """

    __slots__ = ("_flushed", "_stream")
    _flushed: bool
    _stream: Stream

    def __new__(cls, compresslevel: int = 9, /) -> Self:
        level = operator.index(compresslevel)
        if not 1 <= level <= 9:
            raise ValueError("compresslevel must be between 1 and 9")
        self = super().__new__(cls)
        self._stream = Stream(BZ2_COMPRESS, pack(level))
        self._flushed = False
        return self

    def compress(self, data: Any, /) -> bytes:
        """Provide data to the compressor object.

        Returns a chunk of compressed data if possible, or b'' otherwise.
        """
        if self._flushed:
            raise ValueError("Compressor has been flushed")
        return self._stream.feed(data, -1, FLAG_NONE)[0]

    def flush(self) -> bytes:
        """Finish the compression process.

        Returns the compressed data left in internal buffers. The compressor object may not be used after this.
        """
        if self._flushed:
            raise ValueError("Repeated call to flush()")
        self._flushed = True
        return self._stream.feed(b"", -1, FLAG_FINISH)[0]


class BZ2Decompressor(Decompressor):
    """Create a decompressor object for decompressing data incrementally.

    For one-shot decompression, use the decompress() function instead.
    """

    __slots__ = ("_failed",)
    _failed: bool

    def __new__(cls) -> Self:
        self = super().__new__(cls, Stream(BZ2_DECOMPRESS))
        self._failed = False
        return self

    def decompress(self, data: Any, max_length: int = -1) -> bytes:
        """Decompress *data*, returning uncompressed data as bytes: at most *max_length* bytes if that is not negative.

        Attempting to decompress data after the end of stream is reached raises an EOFError.
        """
        if self._eof:
            raise EOFError("End of stream already reached")
        if self._failed:
            raise OSError("Invalid data stream")
        try:
            return self._decompress(data, operator.index(max_length))
        except CodecError:
            self._failed = True
            raise OSError("Invalid data stream") from None
