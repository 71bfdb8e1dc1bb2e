"""The private module behind lzma, as CPython's C module of this name; the codec runs on the host."""

import operator
from collections.abc import Iterable, Mapping
from typing import Any, Self

from _eryx_stream import FLAG_FINISH, FLAG_NONE, LZMA_COMPRESS, LZMA_DECOMPRESS, CodecError, Decompressor, Stream, Unpicklable, pack

FORMAT_AUTO, FORMAT_XZ, FORMAT_ALONE, FORMAT_RAW = range(4)
CHECK_NONE, CHECK_CRC32, CHECK_CRC64, CHECK_SHA256, CHECK_ID_MAX, CHECK_UNKNOWN = 0, 1, 4, 10, 15, 16
FILTER_LZMA1, FILTER_LZMA2, FILTER_DELTA = 0x4000000000000001, 0x21, 3
FILTER_X86, FILTER_POWERPC, FILTER_IA64, FILTER_ARM, FILTER_ARMTHUMB, FILTER_SPARC = range(4, 10)
MF_HC3, MF_HC4, MF_BT2, MF_BT3, MF_BT4 = 0x03, 0x04, 0x12, 0x13, 0x14
MODE_FAST, MODE_NORMAL = 1, 2
PRESET_DEFAULT = 6
PRESET_EXTREME = 1 << 31

__all__ = [name for name in dir() if name.startswith(("FORMAT_", "CHECK_", "FILTER_", "MF_", "MODE_", "PRESET_"))]
__all__ += ["LZMACompressor", "LZMADecompressor", "LZMAError", "is_check_supported"]

_BRANCH = {FILTER_X86: 1, FILTER_POWERPC: 4, FILTER_IA64: 16, FILTER_ARM: 4, FILTER_ARMTHUMB: 2, FILTER_SPARC: 4}
_LZMA_KEYS = {"id", "preset", "dict_size", "lc", "lp", "pb", "mode", "nice_len", "mf", "depth"}
_PRESET_DICT = [1 << n for n in (18, 20, 21, 22, 22, 23, 23, 24, 25, 26)]
_UNSUPPORTED = "Invalid or unsupported options"
_MIN_DICT, _MAX_DICT = 4096, 3 << 29
_UINT32, _UINT64 = (1 << 32) - 1, (1 << 64) - 1


class LZMAError(Exception):
    """Call to liblzma failed."""


# Such a filter: its id, its argument (dictionary size, distance or start offset), lc, lp, pb.
type _Filter = tuple[int, int, int, int, int]


def _number(value: Any, limit: int) -> int:
    number = operator.index(value)
    if number < 0:
        raise ValueError("Value must be nonnegative") if limit == _UINT64 else OverflowError("can't convert negative value to unsigned int")
    if number > limit:
        raise OverflowError("Value too large for integer type")
    return number


def _preset_dict(preset: int) -> int:
    level, rest = preset & 31, preset & ~31 & ~PRESET_EXTREME
    if level > 9 or rest:
        raise LZMAError(f"Invalid compression preset: {preset}")
    return _PRESET_DICT[level]


def _parse_lzma(spec: Mapping[str, Any]) -> _Filter:
    preset = spec["preset"] if "preset" in spec else PRESET_DEFAULT
    size = _preset_dict(_number(preset, _UINT32))
    if not _LZMA_KEYS.issuperset(spec):
        raise ValueError("Invalid filter specifier for LZMA filter")
    options = {"dict_size": size, "lc": 3, "lp": 0, "pb": 2, "mode": MODE_NORMAL, "nice_len": 64, "mf": MF_BT4, "depth": 0}
    for key in options:
        if key in spec:
            options[key] = _number(spec[key], _UINT32)
    lc, lp, pb = options["lc"], options["lp"], options["pb"]
    if (
        lc + lp > 4
        or pb > 4
        or not _MIN_DICT <= options["dict_size"] <= _MAX_DICT
        or options["mode"] not in (MODE_FAST, MODE_NORMAL)
        or options["mf"] not in (MF_HC3, MF_HC4, MF_BT2, MF_BT3, MF_BT4)
        or not 2 <= options["nice_len"] <= 273
    ):
        raise LZMAError(_UNSUPPORTED)
    return spec["id"], options["dict_size"], lc, lp, pb


def _parse_filter(spec: Any) -> _Filter:
    if not hasattr(spec, "keys") or not hasattr(spec, "__getitem__"):
        raise TypeError("Filter specifier must be a dict or dict-like object")
    if "id" not in spec:
        raise ValueError('Filter specifier must have an "id" entry')
    ident = _number(spec["id"], _UINT64)
    if ident in (FILTER_LZMA1, FILTER_LZMA2):
        return _parse_lzma(spec)
    if ident == FILTER_DELTA:
        if not {"id", "dist"}.issuperset(spec):
            raise ValueError("Invalid filter specifier for delta filter")
        dist = _number(spec["dist"], _UINT32) if "dist" in spec else 1
        if not 1 <= dist <= 256:
            raise LZMAError(_UNSUPPORTED)
        return ident, dist, 0, 0, 0
    if ident in _BRANCH:
        if not {"id", "start_offset"}.issuperset(spec):
            raise ValueError("Invalid filter specifier for BCJ filter")
        offset = _number(spec["start_offset"], _UINT32) if "start_offset" in spec else 0
        if offset % _BRANCH[ident]:
            raise LZMAError(_UNSUPPORTED)
        return ident, offset, 0, 0, 0
    raise ValueError(f"Invalid filter ID: {ident}")


def _parse_chain(filters: Iterable[Any]) -> list[_Filter]:
    if not hasattr(filters, "__getitem__") or isinstance(filters, dict):
        raise TypeError("object is not a sequence")
    specs = list(filters)
    if len(specs) > 4:
        raise ValueError("Too many filters - liblzma supports a maximum of 4")
    chain = [_parse_filter(spec) for spec in specs]
    last = (FILTER_LZMA1, FILTER_LZMA2)
    if not chain or chain[-1][0] not in last or any(f[0] in last for f in chain[:-1]):
        raise LZMAError(_UNSUPPORTED)
    return chain


def _flat(chain: list[_Filter]) -> list[int]:
    return [len(chain)] + [number for f in chain for number in f]


def _error(error: CodecError) -> LZMAError:
    """What liblzma would have said."""
    text = str(error)
    for known in ("Memory usage limit exceeded", "Input format not supported by decoder", "Unsupported integrity check"):
        if known in text:
            return LZMAError(known)
    if "corrupt" in text:
        return LZMAError("Corrupt input data")
    return LZMAError(_UNSUPPORTED)


class LZMACompressor(Unpicklable):
    """LZMACompressor(format=FORMAT_XZ, check=-1, preset=None, filters=None)

    Create a compressor object for compressing data incrementally. The arguments are those of lzma.open().
    """

    __slots__ = ("_flushed", "_stream")
    _flushed: bool
    _stream: Stream

    def __new__(cls, format: int = FORMAT_XZ, check: int = -1, preset: int | None = None, filters: Any = None) -> Self:
        if preset is not None and filters is not None:
            raise ValueError("Cannot specify both preset and filter chain")
        format, check = operator.index(format), operator.index(check)
        if format != FORMAT_XZ and check not in (-1, CHECK_NONE):
            raise ValueError("Integrity checks are only supported by FORMAT_XZ")
        if format not in (FORMAT_XZ, FORMAT_ALONE, FORMAT_RAW):
            raise ValueError(f"Invalid container format: {format}")
        if format == FORMAT_RAW and filters is None:
            raise ValueError("Must specify filters for FORMAT_RAW")
        if format == FORMAT_XZ:
            check = CHECK_CRC64 if check == -1 else check
            if not is_check_supported(check):
                raise LZMAError("Unsupported integrity check")
        chain = cls._chain(format, preset, filters)
        self = super().__new__(cls)
        self._stream = Stream(LZMA_COMPRESS, pack(format, max(check, 0), *_flat(chain)))
        self._flushed = False
        return self

    @staticmethod
    def _chain(format: int, preset: int | None, filters: Any) -> list[_Filter]:
        ident = FILTER_LZMA1 if format == FORMAT_ALONE else FILTER_LZMA2
        if filters is None:
            level = PRESET_DEFAULT if preset is None else _number(preset, _UINT32)
            try:
                return [(ident, _preset_dict(level), 3, 0, 2)]
            except LZMAError:
                if format == FORMAT_ALONE:
                    raise
                raise LZMAError(_UNSUPPORTED) from None
        chain = _parse_chain(filters)
        if format == FORMAT_ALONE and (len(chain) != 1 or chain[0][0] != FILTER_LZMA1):
            raise ValueError("Invalid filter chain for FORMAT_ALONE - must be a single LZMA1 filter")
        if format == FORMAT_XZ and chain[-1][0] != FILTER_LZMA2:
            raise LZMAError(_UNSUPPORTED)
        return chain

    def compress(self, data: Any, /) -> bytes:
        """Provide data to the compressor object.

        Returns a chunk of compressed data if possible, or b'' otherwise.
        """
        if self._flushed:
            raise ValueError("Compressor has been flushed")
        return self._feed(data, FLAG_NONE)

    def flush(self) -> bytes:
        """Finish the compression process.

        Returns the compressed data left in internal buffers. The compressor object may not be used after this.
        """
        if self._flushed:
            raise ValueError("Repeated call to flush()")
        self._flushed = True
        return self._feed(b"", FLAG_FINISH)

    def _feed(self, data: Any, flags: int) -> bytes:
        try:
            return self._stream.feed(data, -1, flags)[0]
        except CodecError as error:
            raise _error(error) from None


class LZMADecompressor(Decompressor):
    """Create a decompressor object for decompressing data incrementally.

    format
      Specifies the container format of the input stream: FORMAT_AUTO (the default), FORMAT_XZ, FORMAT_ALONE, FORMAT_RAW.
    memlimit
      Limit the amount of memory used by the decompressor, in bytes.
    filters
      A custom filter chain, required for FORMAT_RAW and not accepted with any other format.
    """

    __slots__ = ("_check", "_failed")
    _check: int
    _failed: LZMAError | None

    def __new__(cls, format: int = FORMAT_AUTO, memlimit: int | None = None, filters: Any = None) -> Self:
        format = operator.index(format)
        if memlimit is not None:
            if format == FORMAT_RAW:
                raise ValueError("Cannot specify memory limit with FORMAT_RAW")
            memlimit = _number(memlimit, _UINT64)
        if format == FORMAT_RAW and filters is None:
            raise ValueError("Must specify filters for FORMAT_RAW")
        if format != FORMAT_RAW and filters is not None:
            raise ValueError("Cannot specify filters except with FORMAT_RAW")
        if format not in (FORMAT_AUTO, FORMAT_XZ, FORMAT_ALONE, FORMAT_RAW):
            raise ValueError(f"Invalid container format: {format}")
        chain = _parse_chain(filters) if filters is not None else []
        limit = -1 if memlimit is None else min(memlimit, 1 << 62)
        self = super().__new__(cls, Stream(LZMA_DECOMPRESS, pack(format, limit, *_flat(chain))))
        self._check = CHECK_NONE if format in (FORMAT_ALONE, FORMAT_RAW) else CHECK_UNKNOWN
        self._failed = None
        return self

    @property
    def check(self) -> int:
        """ID of the integrity check used by the input stream."""
        return self._check

    def decompress(self, data: Any, max_length: int = -1) -> bytes:
        """Decompress *data*, returning uncompressed data as bytes: at most *max_length* bytes if that is not negative.

        Attempting to decompress data after the end of stream is reached raises an EOFError.
        """
        if self._eof:
            raise EOFError("Already at end of stream")
        if self._failed is not None:
            raise self._failed
        try:
            out = self._decompress(data, operator.index(max_length))
        except CodecError as error:
            self._failed = _error(error)
            raise self._failed from None
        if self._stream.info:
            self._check = self._stream.info - 1
        return out


def is_check_supported(check_id: int, /) -> bool:
    """Test whether the given integrity check is supported."""
    return operator.index(check_id) in (CHECK_NONE, CHECK_CRC32, CHECK_CRC64, CHECK_SHA256)


def _dict_size(bits: int) -> int:
    return _UINT32 if bits == 40 else (2 | bits & 1) << (bits // 2 + 11)


def _encode_filter_properties(filter: Any, /) -> bytes:
    """Return a bytes object encoding the options (properties) of the filter specified by *filter* (a dict)."""
    ident, arg, lc, lp, pb = _parse_filter(filter)
    if ident == FILTER_LZMA1:
        return bytes([(pb * 5 + lp) * 9 + lc]) + arg.to_bytes(4, "little")
    if ident == FILTER_LZMA2:
        return bytes([next(bits for bits in range(41) if _dict_size(bits) >= arg)])
    if ident == FILTER_DELTA:
        return bytes([arg - 1])
    return arg.to_bytes(4, "little") if arg else b""


def _decode_filter_properties(filter_id: int, encoded_props: Any, /) -> dict[str, int]:
    """Return a dict with the options of the filter with ID *filter_id*, as *encoded_props* describes them."""
    ident, props = _number(filter_id, _UINT64), bytes(memoryview(encoded_props))
    if ident == FILTER_LZMA1 and len(props) == 5 and props[0] < 225:
        rest, lc = divmod(props[0], 9)
        pb, lp = divmod(rest, 5)
        if lc + lp <= 4:
            return {"id": ident, "dict_size": int.from_bytes(props[1:], "little"), "lc": lc, "lp": lp, "pb": pb}
    if ident == FILTER_LZMA2 and len(props) == 1 and props[0] <= 40:
        return {"id": ident, "dict_size": _dict_size(props[0])}
    if ident == FILTER_DELTA and len(props) == 1:
        return {"id": ident, "dist": props[0] + 1}
    if ident in _BRANCH:
        if not props:
            return {"id": ident}
        if len(props) == 4:
            return {"id": ident, "start_offset": int.from_bytes(props, "little")}
    raise LZMAError(_UNSUPPORTED)
