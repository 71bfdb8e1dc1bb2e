"""The library itself: what it is, and what it has open."""

from __future__ import annotations

from typing import Any, NamedTuple

from . import _blocking


class RuntimeInfo(NamedTuple):
    """What the library is and what is open in this process, in all threads of it.

    Attributes:
        version: the library's.
        operations: the names of all operations that it has, sorted.
        runtime_loaded: whether the interpreter runs.
        call_count: calls of host functions that wait for their answer.
        request_count: operations under way, without the one that asks this.
    """

    version: str
    operations: tuple[str, ...]
    runtime_loaded: bool
    sandbox_count: int
    session_count: int
    factory_count: int
    pool_count: int
    store_count: int
    mcp_count: int
    vfs_count: int
    call_count: int
    request_count: int


def info() -> RuntimeInfo:
    """What the library is and what is open, for monitoring and to find what was not closed."""
    answer: dict[str, Any] = _blocking.call({"op": "info"})
    answer["operations"] = tuple(answer["operations"])
    return RuntimeInfo(**{name: answer[name] for name in RuntimeInfo._fields})
