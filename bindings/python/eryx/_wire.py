"""MessagePack as the library speaks it: text keys, integers of any size, nothing that is not data."""

from __future__ import annotations

import collections.abc
import datetime
from typing import Any

import msgpack

_BIG_INT = 1
_MAX_DEPTH = 200


def _default(value: Any) -> Any:
    if isinstance(value, int):
        length = (value.bit_length() + 8) // 8
        return msgpack.ExtType(_BIG_INT, value.to_bytes(length, "big", signed=True))
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, collections.abc.Mapping):
        items = dict(value)
        _check(items, 0)
        return items
    raise TypeError(f"a value of type {type(value).__name__} cannot be passed to the sandbox")


def _ext(kind: int, data: bytes) -> Any:
    if kind != _BIG_INT or not data:
        raise ValueError(f"extension type {kind}")
    return int.from_bytes(data, "big", signed=True)


_pack: Any = msgpack.packb  # whose own type says that it may give None


def encode(value: Any, depth: int = 0) -> bytes:
    """``value`` as a message. TypeError or ValueError for what is not None, bool, number, str, bytes-like, list,
    tuple, a mapping with str keys, date or time. ``depth``: how many levels of the message are around it."""
    _check(value, depth)
    try:
        data: bytes = _pack(value, default=_default)
    except UnicodeEncodeError:
        raise ValueError("text with lone surrogates cannot be passed to the sandbox") from None
    return data


def refusal(answer: bytes) -> tuple[int, bytes]:
    """The call of an answer that the library does not take, and the answer that fails it."""
    head = msgpack.Unpacker()
    head.feed(answer[:16])
    head.read_array_header()
    call: int = head.unpack()
    return call, encode([call, 1, "value", "ValueError: the value is too large for a message"])


def _check(value: Any, depth: int) -> None:
    """Refuses what msgpack would write and the library would not read."""
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                raise TypeError(f"a key of type {type(key).__name__}: keys must be str")
        items: Any = value.values()
    elif isinstance(value, (list, tuple)):
        items = value
    else:
        return
    if depth >= _MAX_DEPTH:
        raise ValueError(f"a value nests deeper than {_MAX_DEPTH} levels, or contains itself")
    for item in items:
        if type(item) in (dict, list, tuple) or isinstance(item, (dict, list, tuple)):
            _check(item, depth + 1)


def _text_keys(value: dict[Any, Any]) -> dict[Any, Any]:
    for key in value:
        if type(key) is not str:
            raise ValueError("a key that is not text")
    return value


def decode(data: bytes | memoryview) -> Any:
    """The value of a message of the library's. ValueError for one that is not well-formed."""
    try:
        value = msgpack.unpackb(data, ext_hook=_ext, object_hook=_text_keys, strict_map_key=True)
    except (msgpack.exceptions.UnpackException, UnicodeDecodeError) as error:
        raise ValueError(f"not a message: {error}") from None
    return value
