"""Calls from an event loop: events wake the loop by a descriptor, and async host functions run in the loop itself."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
import time
import weakref
from collections.abc import AsyncGenerator, Iterator
from typing import Any

from . import _native
from ._request import Call, Queue, Request

_WINDOW = 16  # items of a stream that may be under way, as docs/abi.md has it


class LoopQueue(Queue):
    """The queue of one event loop. All of it runs in the loop's thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._loop = weakref.ref(loop)
        self._buffer = _native.Buffer()
        self._fd = self._library.event_fd(self.id)
        self._pending = 0
        self._calls: dict[int, asyncio.Future[Any]] = {}
        self._room: dict[int, asyncio.Semaphore] = {}  # items that a stream may send
        self._answers: list[bytes] = []

    async def run(self, request: Request) -> None:
        """Submits a request and returns when it is done. When the task is cancelled, so is the request, and its end
        is waited for: no program runs on behind the caller's back."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        request.on_done = functools.partial(_finish, done)
        self.submit(request)
        self._watch(loop)
        try:
            await asyncio.shield(done)
        except asyncio.CancelledError:
            self.cancel(request)
            await self._settled(done)
            raise
        finally:
            self._unwatch(loop)

    @staticmethod
    async def _settled(done: asyncio.Future[None]) -> None:
        end = time.monotonic() + 2
        while not done.done() and (left := end - time.monotonic()) > 0:
            await asyncio.wait([done], timeout=left)

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        self._pending += 1
        if self._pending == 1:
            loop.add_reader(self._fd, self._ready)

    def _unwatch(self, loop: asyncio.AbstractEventLoop) -> None:
        self._pending -= 1
        if self._pending == 0 and not loop.is_closed():
            loop.remove_reader(self._fd)

    def _ready(self) -> None:
        self.dispatch(self._buffer.take(self.id, 0))
        self._flush()

    def on_call(self, call: Call) -> None:
        """Starts the host function: an async one as a task of this loop, a plain one in the loop's executor."""
        if call.callback is None:
            self._answers.append(call.unknown())
            return
        context = call.request.context.copy()
        if call.callback.stream:
            task = context.run(asyncio.ensure_future, self._stream(call))
        else:
            task = context.run(asyncio.ensure_future, _perform(call))
        self._calls[call.id] = task
        task.add_done_callback(functools.partial(self._completed, call))

    async def _stream(self, call: Call) -> bytes:
        """Passes on what a generator yields; the answer at its end."""
        assert call.callback is not None
        room = self._room[call.id] = asyncio.Semaphore(_WINDOW)
        try:
            generator = call.callback.fn(**call.arguments)
            items = generator if hasattr(generator, "__aiter__") else _in_threads(generator)
            async with contextlib.aclosing(items):
                async for item in items:
                    await room.acquire()
                    self._answer(call.item(item))
            return call.value(None)
        except Exception as error:
            return call.failure(error)
        finally:
            self._room.pop(call.id, None)

    def on_more(self, call: int) -> None:
        if (room := self._room.get(call)) is not None:
            room.release()

    def on_ended(self, call: int) -> None:
        task = self._calls.get(call)
        if task is not None:
            task.cancel()

    def _completed(self, call: Call, task: asyncio.Future[bytes]) -> None:
        self._calls.pop(call.id, None)
        if task.cancelled():
            answer = call.failure(asyncio.CancelledError("the host function was cancelled"))
        else:
            answer = task.result()
        self._answer(answer)

    def _answer(self, answer: bytes) -> None:
        """Queues an answer; all that come up in one turn of the loop go together."""
        if not self._answers and (loop := self._loop()) is not None:
            loop.call_soon(self._flush)
        self._answers.append(answer)

    def _flush(self) -> None:
        if self._answers:
            answers, self._answers = self._answers, []
            for call in self._library.complete(answers):
                self.on_ended(call)  # an item of a stream was refused


def _finish(done: asyncio.Future[None]) -> None:
    if not done.done():
        done.set_result(None)


async def _in_threads(generator: Iterator[Any]) -> AsyncGenerator[Any, None]:
    """A plain generator, whose steps may block."""
    end = object()
    while (item := await asyncio.to_thread(next, generator, end)) is not end:
        yield item


async def _perform(call: Call) -> bytes:
    """Runs a host function; the answer."""
    assert call.callback is not None
    try:
        if call.callback.is_async:
            value = await call.callback.fn(**call.arguments)
        else:
            value = await asyncio.to_thread(call.callback.fn, **call.arguments)
            if inspect.isawaitable(value):
                value = await value
        return call.value(value)
    except Exception as error:
        return call.failure(error)


_queues: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, LoopQueue] = weakref.WeakKeyDictionary()


def loop_queue() -> LoopQueue:
    """The running loop's queue. ForkError in a forked child."""
    _native.library()
    loop = asyncio.get_running_loop()
    queue = _queues.get(loop)
    if queue is None:
        queue = _queues[loop] = LoopQueue(loop)
    return queue


async def perform(request: Request) -> None:
    """Performs a request in the running loop."""
    await loop_queue().run(request)


async def call(message: dict[str, Any]) -> dict[str, Any]:
    """Performs an operation that calls no host functions; its value."""
    request = Request(message)
    await perform(request)
    return request.answer()
