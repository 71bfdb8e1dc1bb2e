"""Streaming host functions: ``async for item in name(...)``."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

import _eryx

from .loop import pending

_ERROR, _ITEM, _END = 1, 2, 3
# How many items the host may be ahead of the program. It refills what was taken when half of it is.
WINDOW = 32


class Stream:
    """The items of one call, as they come: an asynchronous iterator that is also a context manager.

    The host is asked when the first item is. ``aclose()``, the end of the iteration, or dropping the stream ends
    the call on the host.
    """

    def __init__(self, name: str, number: int, arguments: dict[str, Any], send: Callable[[str, int, dict[str, Any]], None],
                 error: Callable[[str, str], Exception]) -> None:  # fmt: skip
        self._name = name
        self._number = number
        self._arguments: dict[str, Any] | None = arguments
        self._send = send
        self._error = error
        self._items: deque[Any] = deque()
        self._taken = 0
        self._failure: Exception | None = None
        self._ended = False
        self._waiter: asyncio.Future[None] | None = None

    def __repr__(self) -> str:
        return f"<stream of {self._name}>"

    def __aiter__(self) -> Stream:
        return self

    async def __anext__(self) -> Any:
        if self._arguments is not None:
            self._begin()
        if self._waiter is not None:
            raise RuntimeError(f"{self!r} is already being iterated over by another task")
        while not self._items:
            if self._failure is not None:
                failure, self._failure = self._failure, None
                raise failure
            if self._ended:
                raise StopAsyncIteration
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        item = self._items.popleft()
        self._taken += 1
        if self._taken >= WINDOW // 2 and not self._ended:
            _eryx.emit(["credit", self._number, self._taken])
            self._taken = 0
        return item

    def _begin(self) -> None:
        arguments, self._arguments = self._arguments, None
        pending[self._number] = self._receive
        try:
            self._send(self._name, self._number, arguments or {})
        except BaseException:
            self._ended = True
            pending.pop(self._number, None)
            raise

    def _receive(self, message: list[Any]) -> None:
        kind = message[1]
        if kind == _ITEM:
            self._items.append(message[2])
        else:
            pending.pop(self._number, None)
            self._ended = True
            if kind == _ERROR:
                self._failure = self._error(message[3], message[2])
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _close(self) -> None:
        self._items.clear()
        self._arguments = None
        self._ended = True
        if pending.pop(self._number, None) is not None:
            _eryx.emit(["cancel", self._number])

    async def aclose(self) -> None:
        """End the call; more items are not wanted."""
        self._close()

    async def __aenter__(self) -> Stream:
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._close()

    def __del__(self) -> None:
        try:
            self._close()
        except Exception:  # the interpreter is going away, or the execution is over
            pass
