"""The private module behind compression.zstd, as CPython's C module of this name; the codec runs on the host.

Two differences to libzstd: the many parameters that only tune its search are checked and then ignored, and a frame
that is compressed with a trained dictionary always says which (dict_id_flag=0 is ignored).
"""

import operator
import sys
from typing import Any, Self

from _eryx_stream import (
    FLAG_FINISH,
    FLAG_FLUSH,
    FLAG_NONE,
    STATE_INPUT,
    ZSTD_COMPRESS,
    ZSTD_DECOMPRESS,
    ZSTD_TRAIN,
    CodecError,
    Decompressor,
    Stream,
    Unpicklable,
    pack,
)

zstd_version = "1.5.7"
zstd_version_number = 10507

ZSTD_CLEVEL_DEFAULT = 3
ZSTD_DStreamOutSize = 128 << 10

ZSTD_c_compressionLevel = 100
ZSTD_c_windowLog = 101
ZSTD_c_hashLog = 102
ZSTD_c_chainLog = 103
ZSTD_c_searchLog = 104
ZSTD_c_minMatch = 105
ZSTD_c_targetLength = 106
ZSTD_c_strategy = 107
ZSTD_c_enableLongDistanceMatching = 160
ZSTD_c_ldmHashLog = 161
ZSTD_c_ldmMinMatch = 162
ZSTD_c_ldmBucketSizeLog = 163
ZSTD_c_ldmHashRateLog = 164
ZSTD_c_contentSizeFlag = 200
ZSTD_c_checksumFlag = 201
ZSTD_c_dictIDFlag = 202
ZSTD_c_nbWorkers = 400
ZSTD_c_jobSize = 401
ZSTD_c_overlapLog = 402
ZSTD_d_windowLogMax = 100

ZSTD_fast, ZSTD_dfast, ZSTD_greedy, ZSTD_lazy, ZSTD_lazy2, ZSTD_btlazy2, ZSTD_btopt, ZSTD_btultra, ZSTD_btultra2 = range(1, 10)

# Name and bounds of each parameter, those of libzstd on a 32-bit machine without threads.
_C_PARAMETERS = {
    ZSTD_c_compressionLevel: ("compression_level", -(1 << 17), 22),
    ZSTD_c_windowLog: ("window_log", 10, 30),
    ZSTD_c_hashLog: ("hash_log", 6, 30),
    ZSTD_c_chainLog: ("chain_log", 6, 29),
    ZSTD_c_searchLog: ("search_log", 1, 29),
    ZSTD_c_minMatch: ("min_match", 3, 7),
    ZSTD_c_targetLength: ("target_length", 0, 128 << 10),
    ZSTD_c_strategy: ("strategy", 1, 9),
    ZSTD_c_enableLongDistanceMatching: ("enable_long_distance_matching", 0, 2),
    ZSTD_c_ldmHashLog: ("ldm_hash_log", 6, 30),
    ZSTD_c_ldmMinMatch: ("ldm_min_match", 4, 4096),
    ZSTD_c_ldmBucketSizeLog: ("ldm_bucket_size_log", 1, 8),
    ZSTD_c_ldmHashRateLog: ("ldm_hash_rate_log", 0, 25),
    ZSTD_c_contentSizeFlag: ("content_size_flag", 0, 1),
    ZSTD_c_checksumFlag: ("checksum_flag", 0, 1),
    ZSTD_c_dictIDFlag: ("dict_id_flag", 0, 1),
    ZSTD_c_nbWorkers: ("nb_workers", 0, 0),
    ZSTD_c_jobSize: ("job_size", 0, 0),
    ZSTD_c_overlapLog: ("overlap_log", 0, 0),
}
_D_PARAMETERS = {ZSTD_d_windowLogMax: ("window_log_max", 10, 30)}
# 0 stands for the default; a flag takes any number.
_FLAGS = (ZSTD_c_contentSizeFlag, ZSTD_c_checksumFlag, ZSTD_c_dictIDFlag)

_DICT_MAGIC = b"\x37\xa4\x30\xec"
_DICT_NONE, _DICT_FULL, _DICT_RAW = range(3)
_DIGESTED, _UNDIGESTED, _PREFIX = range(3)
_FLAG_CHECKSUM, _FLAG_CONTENT_SIZE, _FLAG_DICT_ID = 1, 2, 4
_FRAME_MAGIC, _SKIP_MAGIC, _SKIP_MASK = 0xFD2FB528, 0x184D2A50, 0xFFFFFFF0
_MAX_BLOCK = 128 << 10
_INT32 = 1 << 31
_CONTENTSIZE_ERROR = (1 << 64) - 2

# The enums of compression.zstd, once it has said so.
_parameter_types: list[Any] = [None, None]


class ZstdError(Exception):
    """An error occurred in the zstd library."""


def _as_int(value: Any) -> int:
    number = operator.index(value)
    if not -_INT32 <= number < _INT32:
        raise OverflowError("Python int too large to convert to C int")
    return number


def _check_parameter(kind: str, table: dict[int, tuple[str, int, int]], key: int, value: int) -> None:
    if key not in table:
        raise ValueError(f"invalid {kind} parameter 'unknown parameter (key {key})'")
    name, low, high = table[key]
    if low <= value <= high or value == 0 or key in _FLAGS:
        return
    raise ValueError(f"{kind} parameter '{name}' received an illegal value {value}; the valid range is [{low}, {high}]")


def _check_level(level: int) -> None:
    _, low, high = _C_PARAMETERS[ZSTD_c_compressionLevel]
    if not low <= level <= high:
        raise ValueError(f"illegal compression level {level}; the valid range is [{low}, {high}]")


class ZstdDict(Unpicklable):
    """Represents a Zstandard dictionary.

    dict_content
      The content of a Zstandard dictionary as a bytes-like object.
    is_raw
      If true, perform no checks on *dict_content*, useful for some advanced cases.

    The dictionary can be used for compression or decompression, and can be shared by multiple ZstdCompressor or
    ZstdDecompressor objects.
    """

    __slots__ = ("_content", "_dict_id", "_loads")
    _content: bytes
    _dict_id: int
    _loads: bool | None

    def __new__(cls, dict_content: Any, /, *, is_raw: bool = False) -> Self:
        content = bytes(memoryview(dict_content))
        if len(content) < 8:
            raise ValueError("Zstandard dictionary content too short (must have at least eight bytes)")
        self = super().__new__(cls)
        self._content = content
        self._dict_id = int.from_bytes(content[4:8], "little") if content.startswith(_DICT_MAGIC) else 0
        self._loads = None
        if not is_raw and self._dict_id == 0:
            raise ValueError("invalid Zstandard dictionary")
        return self

    def __len__(self) -> int:
        return len(self._content)

    def __repr__(self) -> str:
        return f"<ZstdDict dict_id={self._dict_id} dict_size={len(self._content)}>"

    @property
    def dict_id(self) -> int:
        """The Zstandard dictionary, an int between 0 and 2**32; 0 indicates a 'raw content' dictionary."""
        return self._dict_id

    @property
    def dict_content(self) -> bytes:
        """The content of a Zstandard dictionary, as a bytes object."""
        return self._content

    @property
    def as_digested_dict(self) -> tuple[ZstdDict, int]:
        """Load as a digested dictionary to compressor."""
        return self, _DIGESTED

    @property
    def as_undigested_dict(self) -> tuple[ZstdDict, int]:
        """Load as an undigested dictionary to compressor."""
        return self, _UNDIGESTED

    @property
    def as_prefix(self) -> tuple[ZstdDict, int]:
        """Load as a prefix to compressor/decompressor."""
        return self, _PREFIX

    def _check(self, purpose: str, digested: bool) -> None:
        """Raise ZstdError if the codec cannot read this dictionary."""
        if self._loads is None:
            probe = Stream(ZSTD_DECOMPRESS, pack(10, _DICT_FULL, tail=self._content))
            try:
                probe.open()
            except CodecError:
                self._loads = False
            else:
                self._loads = True
            probe.close()
        if not self._loads and digested:
            kind = "CDict" if purpose == "compression" else "DDict"
            raise ZstdError(f"Failed to create a ZSTD_{kind} instance from Zstandard dictionary content.")
        if not self._loads:
            raise ZstdError(f"Unable to load Zstandard dictionary or prefix for {purpose}: Dictionary is corrupted")


def _load(zstd_dict: Any, purpose: str) -> tuple[int, bytes, bool]:
    """How to use a dictionary argument: its kind, its bytes, and whether it is for the first frame only."""
    if zstd_dict is None:
        return _DICT_NONE, b"", False
    use = _UNDIGESTED if purpose == "compression" else _DIGESTED
    if type(zstd_dict) is tuple and len(zstd_dict) == 2 and isinstance(zstd_dict[1], int):
        zstd_dict, use = zstd_dict[0], _as_int(zstd_dict[1])
    if not isinstance(zstd_dict, ZstdDict) or use not in (_DIGESTED, _UNDIGESTED, _PREFIX):
        raise TypeError("zstd_dict argument should be a ZstdDict object.")
    if use == _PREFIX or not zstd_dict.dict_content.startswith(_DICT_MAGIC):
        return _DICT_RAW, zstd_dict.dict_content, use == _PREFIX
    zstd_dict._check(purpose, use == _DIGESTED)
    return _DICT_FULL, zstd_dict.dict_content, False


class ZstdCompressor(Unpicklable):
    """Create a compressor object for compressing data incrementally.

    level
      The compression level to use. Defaults to COMPRESSION_LEVEL_DEFAULT.
    options
      A dict object that contains advanced compression parameters.
    zstd_dict
      A ZstdDict object, a pre-trained Zstandard dictionary.

    For one-shot compression, use the compress() function instead.
    """

    CONTINUE, FLUSH_BLOCK, FLUSH_FRAME = range(3)

    __slots__ = ("_dict", "_last_mode", "_level", "_options", "_pledged", "_stream")
    _dict: tuple[int, bytes, bool]
    _last_mode: int
    _level: int
    _options: dict[int, int]
    _pledged: int | None
    _stream: Stream | None

    def __new__(cls, level: Any = None, options: Any = None, zstd_dict: Any = None) -> Self:
        self = super().__new__(cls)
        if level is not None and options is not None:
            raise TypeError("Only one of level or options should be used.")
        self._level = ZSTD_CLEVEL_DEFAULT
        if level is not None:
            self._set_level(level)
        self._options = {ZSTD_c_contentSizeFlag: 1, ZSTD_c_checksumFlag: 0, ZSTD_c_dictIDFlag: 1, ZSTD_c_windowLog: 0}
        if options is not None:
            self._set_options(options)
        self._dict = _load(zstd_dict, "compression")
        self._last_mode = self.FLUSH_FRAME
        self._pledged = None
        self._stream = None
        return self

    def _set_level(self, level: Any) -> None:
        if not isinstance(level, int):
            raise TypeError("invalid type for level, expected int")
        if not -_INT32 <= level < _INT32:
            _, low, high = _C_PARAMETERS[ZSTD_c_compressionLevel]
            raise ValueError(f"illegal compression level; the valid range is [{low}, {high}]")
        _check_level(level)
        self._level = int(level) or ZSTD_CLEVEL_DEFAULT

    def _set_options(self, options: Any) -> None:
        if not isinstance(options, dict):
            raise TypeError(f"ZstdCompressor() argument 'options' must be dict, not {type(options).__name__}")
        for key, value in options.items():
            if _parameter_types[1] is not None and type(key) is _parameter_types[1]:
                raise TypeError("compression options dictionary key must not be a DecompressionParameter attribute")
            key, value = _as_int(key), _as_int(value)
            if key == ZSTD_c_compressionLevel:
                _check_level(value)
                self._level = value or ZSTD_CLEVEL_DEFAULT
                continue
            _check_parameter("compression", _C_PARAMETERS, key, value)
            self._options[key] = value

    @property
    def last_mode(self) -> int:
        """The last mode used to this compressor object: CONTINUE, FLUSH_BLOCK or FLUSH_FRAME, which it starts as."""
        return self._last_mode

    def _start(self, size: int | None) -> Stream:
        """The stream of a new frame, whose content has size bytes if that is known."""
        options = self._options
        flags = _FLAG_CHECKSUM if options[ZSTD_c_checksumFlag] else 0
        flags |= _FLAG_CONTENT_SIZE if options[ZSTD_c_contentSizeFlag] else 0
        flags |= _FLAG_DICT_ID if options[ZSTD_c_dictIDFlag] else 0
        kind, content, once = self._dict
        if once:
            self._dict = _DICT_NONE, b"", False
        pledged = self._pledged if self._pledged is not None else size
        self._pledged = None
        if pledged is None:
            pledged = -1
        return Stream(ZSTD_COMPRESS, pack(self._level, options[ZSTD_c_windowLog], flags, pledged, kind, tail=content))

    def _run(self, data: Any, mode: int) -> bytes:
        if self._stream is None:
            with memoryview(data) as view:
                self._stream = self._start(view.nbytes if mode == self.FLUSH_FRAME else None)
        try:
            out, _, _ = self._stream.feed(data, -1, (FLAG_NONE, FLAG_FLUSH, FLAG_FINISH)[mode])
        except BaseException as error:
            self._stream, self._last_mode = None, self.FLUSH_FRAME
            if isinstance(error, CodecError):
                raise ZstdError(f"Unable to compress Zstandard data: {error}") from None
            raise
        if mode == self.FLUSH_FRAME:
            self._stream = None
        self._last_mode = mode
        return out

    def compress(self, data: Any, mode: int = CONTINUE) -> bytes:
        """Provide data to the compressor object.

        mode
          Can be these 3 values ZstdCompressor.CONTINUE, ZstdCompressor.FLUSH_BLOCK, ZstdCompressor.FLUSH_FRAME

        Return a chunk of compressed data if possible, or b'' otherwise.
        """
        mode = _as_int(mode)
        if mode not in (self.CONTINUE, self.FLUSH_BLOCK, self.FLUSH_FRAME):
            raise ValueError(
                "mode argument wrong value, it should be one of ZstdCompressor.CONTINUE, "
                "ZstdCompressor.FLUSH_BLOCK, ZstdCompressor.FLUSH_FRAME."
            )
        return self._run(data, mode)

    def flush(self, mode: int = FLUSH_FRAME) -> bytes:
        """Finish the compression process.

        mode
          Can be these 2 values ZstdCompressor.FLUSH_FRAME, ZstdCompressor.FLUSH_BLOCK

        The compressor object can still be used after this method is called.
        """
        mode = _as_int(mode)
        if mode not in (self.FLUSH_FRAME, self.FLUSH_BLOCK):
            raise ValueError("mode argument wrong value, it should be ZstdCompressor.FLUSH_FRAME or ZstdCompressor.FLUSH_BLOCK.")
        return self._run(b"", mode)

    def set_pledged_input_size(self, size: int | None, /) -> None:
        """Set the uncompressed content size to be written into the frame header; None if it is not known."""
        if size is not None:
            size = operator.index(size)
            if not 0 <= size < _CONTENTSIZE_ERROR:
                raise ValueError(f"size argument should be a positive int less than {_CONTENTSIZE_ERROR}")
            size = min(size, 1 << 62)
        if self._last_mode != self.FLUSH_FRAME:
            raise ValueError("set_pledged_input_size() method must be called when last_mode == FLUSH_FRAME")
        self._pledged = size


class ZstdDecompressor(Decompressor):
    """Create a decompressor object for decompressing data incrementally.

    zstd_dict
      A ZstdDict object, a pre-trained Zstandard dictionary.
    options
      A dict object that contains advanced decompression parameters.

    For one-shot decompression, use the decompress() function instead.
    """

    __slots__ = ()

    def __new__(cls, zstd_dict: Any = None, options: Any = None) -> Self:
        kind, content, _ = _load(zstd_dict, "decompression")
        return super().__new__(cls, Stream(ZSTD_DECOMPRESS, pack(cls._window(options), kind, tail=content)))

    @staticmethod
    def _window(options: Any) -> int:
        window = 0
        if options is None:
            options = {}
        if not isinstance(options, dict):
            raise TypeError(f"ZstdDecompressor() argument 'options' must be dict, not {type(options).__name__}")
        for key, value in options.items():
            if _parameter_types[0] is not None and type(key) is _parameter_types[0]:
                raise TypeError("decompression options dictionary key must not be a CompressionParameter attribute")
            key, value = _as_int(key), _as_int(value)
            _check_parameter("decompression", _D_PARAMETERS, key, value)
            window = value
        return window or 27

    def decompress(self, data: Any, max_length: int = -1) -> bytes:
        """Decompress *data*, returning uncompressed bytes if possible: at most *max_length* if that is not negative.

        Attempting to decompress data after the end of a frame is reached raises an EOFError.  Any data found after
        the end of the frame is ignored and saved in the self.unused_data attribute.
        """
        if self._eof:
            raise EOFError("Already at the end of a Zstandard frame.")
        try:
            return self._decompress(data, operator.index(max_length))
        except BaseException as error:
            self._restart()
            if isinstance(error, CodecError):
                raise ZstdError(f"Unable to decompress Zstandard data: {error}") from None
            raise


def _check_samples(samples_bytes: Any, samples_sizes: Any, dict_size: int) -> None:
    if not isinstance(samples_bytes, bytes):
        raise TypeError(f"argument 'samples_bytes' must be bytes, not {type(samples_bytes).__name__}")
    if not isinstance(samples_sizes, tuple):
        raise TypeError(f"argument 'samples_sizes' must be tuple, not {type(samples_sizes).__name__}")
    if not -sys.maxsize <= operator.index(dict_size) <= sys.maxsize:
        raise OverflowError("Python int too large to convert to C ssize_t")
    if dict_size <= 0:
        raise ValueError("dict_size argument should be positive number.")
    if any(operator.index(size) < 0 for size in samples_sizes) or sum(samples_sizes) != len(samples_bytes):
        raise ValueError("The samples size tuple doesn't match the concatenation's size.")


def _train(base: bytes, samples: bytes, sizes: tuple[int, ...], dict_size: int, level: int, doing: str) -> bytes:
    stream = Stream(ZSTD_TRAIN, pack(max(min(dict_size, 8 << 20), 256), level, 0, len(sizes), *sizes, tail=base))
    try:
        if dict_size < 256:
            raise CodecError("Dictionary is too small")
        out = b""
        state = STATE_INPUT
        while not out and state == STATE_INPUT:
            out, _, state = stream.feed(samples, -1, FLAG_FINISH)
        return out
    except CodecError as error:
        raise ZstdError(f"Unable to {doing} the Zstandard dictionary: {error}") from None
    finally:
        stream.close()


def train_dict(samples_bytes: bytes, samples_sizes: tuple[int, ...], dict_size: int, /) -> bytes:
    """Train a Zstandard dictionary on sample data."""
    _check_samples(samples_bytes, samples_sizes, dict_size)
    return _train(b"", samples_bytes, samples_sizes, dict_size, ZSTD_CLEVEL_DEFAULT, "train")


def finalize_dict(
    custom_dict_bytes: bytes, samples_bytes: bytes, samples_sizes: tuple[int, ...], dict_size: int, compression_level: int, /
) -> bytes:
    """Finalize a Zstandard dictionary."""
    if not isinstance(custom_dict_bytes, bytes):
        raise TypeError(f"argument 'custom_dict_bytes' must be bytes, not {type(custom_dict_bytes).__name__}")
    compression_level = _as_int(compression_level)
    _check_samples(samples_bytes, samples_sizes, dict_size)
    level = min(max(compression_level, -(1 << 17)), 22) or ZSTD_CLEVEL_DEFAULT
    return _train(custom_dict_bytes, samples_bytes, samples_sizes, dict_size, level, "finalize")


def get_param_bounds(parameter: int, is_compress: bool) -> tuple[int, int]:
    """Get CompressionParameter/DecompressionParameter bounds."""
    table, kind = (_C_PARAMETERS, "compression") if is_compress else (_D_PARAMETERS, "decompression")
    found = table.get(_as_int(parameter))
    if found is None:
        raise ZstdError(f"Unable to get zstd {kind} parameter bounds: Unsupported parameter")
    return found[1], found[2]


def _header(frame: memoryview) -> tuple[int, int | None, int, bool]:
    """A frame's header: its size, the content's size, the dictionary's id, whether a checksum follows. IndexError when short."""
    magic = int.from_bytes(frame[:4], "little")
    if len(frame) >= 8 and magic & _SKIP_MASK == _SKIP_MAGIC:
        return 8, 0, 0, False
    if len(frame) < 5 or magic != _FRAME_MAGIC:
        raise IndexError
    descriptor = frame[4]
    single = descriptor >> 5 & 1
    dict_bytes = (0, 1, 2, 4)[descriptor & 3]
    size_bytes = (single, 2, 4, 8)[descriptor >> 6]
    at = 6 - single
    end = at + dict_bytes + size_bytes
    if len(frame) < end or descriptor & 8:
        raise IndexError
    dict_id = int.from_bytes(frame[at : at + dict_bytes], "little")
    size = int.from_bytes(frame[at + dict_bytes : end], "little") if size_bytes else None
    if size is not None and size_bytes == 2:
        size += 256
    return end, size, dict_id, bool(descriptor & 4)


def get_frame_info(frame_buffer: Any) -> tuple[int | None, int]:
    """Get Zstandard frame infomation from a frame header."""
    try:
        with memoryview(frame_buffer) as view, view.cast("B") as frame:
            _, size, dict_id, _ = _header(frame)
    except IndexError:
        raise ZstdError(
            "Error when getting information from the header of a Zstandard frame. Ensure the frame_buffer argument "
            "starts from the beginning of a frame, and its length is not less than the frame header (6~18 bytes)."
        ) from None
    return size, dict_id


def _frame_size(frame: memoryview) -> int:
    end, _, _, checksum = _header(frame)
    if int.from_bytes(frame[:4], "little") != _FRAME_MAGIC:
        end += int.from_bytes(frame[4:8], "little")
    else:
        last = 0
        while not last:
            if end + 3 > len(frame):
                raise IndexError
            block = int.from_bytes(frame[end : end + 3], "little")
            last, kind, size = block & 1, block >> 1 & 3, block >> 3
            if kind == 3 or size > _MAX_BLOCK:
                raise ValueError
            end += 3 + (1 if kind == 1 else size)
        end += 4 * checksum
    if end > len(frame):
        raise IndexError
    return end


def get_frame_size(frame_buffer: Any) -> int:
    """Get the size of a Zstandard frame, including the header and optional checksum."""
    try:
        with memoryview(frame_buffer) as view, view.cast("B") as frame:
            return _frame_size(frame)
    except (IndexError, ValueError) as error:
        reason = "Src size is incorrect" if isinstance(error, IndexError) else "Data corruption detected"
        raise ZstdError(
            "Error when finding the compressed size of a Zstandard frame. Ensure the frame_buffer argument starts from the "
            f"beginning of a frame, and its length is not less than this complete frame. Zstd error message: {reason}."
        ) from None


def set_parameter_types(c_parameter_type: type, d_parameter_type: type) -> None:
    """Set CompressionParameter and DecompressionParameter types for validity check."""
    if not isinstance(c_parameter_type, type) or not isinstance(d_parameter_type, type):
        raise TypeError("set_parameter_types() takes two types")
    _parameter_types[:] = c_parameter_type, d_parameter_type
