"""What may cross to the host, and how other values are made so."""

import datetime
import enum
from typing import Any

_MAX_DEPTH = 200
_DATES = (datetime.datetime, datetime.date, datetime.time)


def _key(key: Any, where: str) -> str:
    """A dict's key as text, as json.dumps makes it."""
    if isinstance(key, str):
        return plain_text(key, where)
    if key is True:
        return "true"
    if key is False:
        return "false"
    if key is None:
        return "null"
    if isinstance(key, int):
        return int.__repr__(key)
    if isinstance(key, float):
        return float.__repr__(key)
    raise TypeError(f"{where}: keys must be str, int, float, bool or None, not {type(key).__name__}")


def plain_text(value: str, where: str) -> str:
    """``value`` as exactly a str of valid Unicode."""
    text = str.__str__(value)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError(f"{where}: the text has a lone surrogate, which is not valid Unicode") from None
    return text


def plain(value: Any, where: str, depth: int = 0) -> Any:
    """``value`` in the types that the boundary carries; TypeError or ValueError, which begin with ``where``."""
    if value is None or value is True or value is False:
        return value
    if isinstance(value, enum.Enum) and not isinstance(value, (str, int, float)):
        return plain(value.value, where, depth + 1)
    if isinstance(value, str):
        return plain_text(value, where)
    if isinstance(value, int):
        return int.__int__(value)
    if isinstance(value, float):
        return float.__float__(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    if isinstance(value, _DATES):
        return value.isoformat()
    if depth >= _MAX_DEPTH:
        raise ValueError(f"{where}: the value nests deeper than {_MAX_DEPTH} levels, or contains itself")
    if isinstance(value, dict):
        return {_key(k, where): plain(v, where, depth + 1) for k, v in dict.items(value)}
    if isinstance(value, (list, tuple)):
        return [plain(v, where, depth + 1) for v in value]
    raise TypeError(f"{where}: {type(value).__name__} cannot be passed to the host")
