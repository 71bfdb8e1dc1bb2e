"""Capture of the result variable as JSON."""

import json
from typing import Any

_MISSING = object()


def clean(text: str) -> str:
    """``text`` with lone surrogates escaped, so that it is valid UTF-8."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace").decode("utf-8")
    return text


def capture(namespace: dict[str, Any], name: str) -> dict[str, Any]:
    """Pop the variable ``name`` and encode it: ``{"result_json": …}``, ``{"result_error": …}`` or ``{}``.

    An absent variable gives neither; ``None`` gives ``null``. NaN, infinities, bytes, sets and keys that are
    not strings, numbers, booleans or None are not JSON and give an error; the run still counts as a success.
    """
    value = namespace.pop(name, _MISSING)
    if value is _MISSING:
        return {}
    try:
        return {"result_json": json.dumps(value, allow_nan=False, ensure_ascii=False).encode("utf-8").decode("utf-8")}
    except UnicodeEncodeError:
        return {"result_json": json.dumps(value, allow_nan=False)}
    except Exception as error:
        kind = type(value).__name__
        return {"result_error": f"result is not JSON-serializable: {clean(kind)} ({type(error).__name__})"}
