"""Blocking calls. Without host functions the calling thread waits for the events itself; with them see _serve.py."""

from __future__ import annotations

import threading
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

from . import _native, _serve
from ._request import Queue, Request

T = TypeVar("T")

_POLL_MS = 1000  # how long a wait lasts at most; events and signals end it at once
_GRACE = 2.0  # seconds that an abandoned program has to end


class ThreadQueue(Queue):
    """The queue of one thread's blocking calls."""

    def __init__(self) -> None:
        super().__init__()
        self._buffer = _native.Buffer()

    def run(self, request: Request) -> None:
        """Submits a request and returns when it is done. Whatever interrupts the wait cancels it."""
        self.submit(request)
        try:
            while not request.done:
                self.dispatch(self._buffer.take(self.id, _POLL_MS))
        except BaseException:
            self._abandon(request)
            raise

    def _abandon(self, request: Request) -> None:
        """Cancels a request and waits a little for its end, so that the program does not go on unseen."""
        self.cancel(request)
        end = time.monotonic() + _GRACE
        while not request.done and time.monotonic() < end:
            self.dispatch(self._buffer.take(self.id, 100))


_local = threading.local()


def run(request: Request) -> None:
    """Performs a request and returns when it is done. ForkError in a forked child."""
    _native.library()
    if not request.callbacks:
        _run_here(request)
        return
    server = _serve.take()
    done = threading.Lock()
    done.acquire()
    request.on_done = done.release
    try:
        server.submit(request)
        try:
            done.acquire()
        except BaseException:
            server.cancel(request)
            done.acquire(timeout=_GRACE)
            raise
    finally:
        _serve.give_back(server)


def _run_here(request: Request) -> None:
    """Performs a request on the calling thread's queue. It is taken for this time: what a handler of output, or of a
    signal, executes meanwhile has another one, so that it does not handle events that are not its own."""
    own = vars(_local)
    queue: ThreadQueue = own.pop("queue", None) or ThreadQueue()
    try:
        queue.run(request)
    finally:
        own["queue"] = queue


def perform(request: Request) -> None:
    """``run``, in whichever way the callbacks need."""
    if request.has_async:
        from . import _async  # asyncio takes longer to import than all of this package

        run_coroutine(_async.perform(request))
    else:
        run(request)


def call(message: dict[str, Any]) -> dict[str, Any]:
    """Performs an operation that calls no host functions; its value."""
    request = Request(message)
    run(request)
    return request.answer()


def run_coroutine(coroutine: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine to its end in an event loop of its own: in this thread, or in another when this one has a
    loop that runs."""
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    outcome: list[Any] = []

    def target() -> None:
        try:
            outcome.append((asyncio.run(coroutine), None))
        except BaseException as error:
            outcome.append((None, error))

    thread = threading.Thread(target=target, name="eryx-loop", daemon=True)
    thread.start()
    thread.join()
    value, error = outcome[0]
    if error is not None:
        raise error
    return value  # type: ignore[no-any-return]
