"""Blocking calls: the calling thread waits for events itself and runs plain host functions.

A host function that returns at once runs right where the event was taken, so that no other thread must wake up. When
one takes longer, the monitor starts helper threads, which take over waiting for events and running the other functions:
so functions that block run side by side, without a thread for each call.
"""

from __future__ import annotations

import asyncio
import collections
import inspect
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from . import _native
from ._request import Call, Queue, Request

T = TypeVar("T")

_POLL_MS = 1000  # how long a wait lasts at most; events and signals end it at once
_FLUSH_AFTER = 0.001  # seconds that an answer may wait for others
_STUCK_AFTER = 0.004  # seconds after which a host function is taken to block
_MAX_HELPERS = 64  # threads per queue


class ThreadQueue(Queue):
    """The queue of one thread's blocking calls."""

    def __init__(self) -> None:
        super().__init__()
        self._work: collections.deque[Call] = collections.deque()
        self._busy: dict[int, float] = {}  # thread -> when its host function began
        self._servers = 0  # threads in _serve, helpers included
        self._helpers = 0
        self._ended: set[int] = set()
        self._buffer = _native.Buffer()

    def on_call(self, call: Call) -> None:
        self._work.append(call)

    def on_ended(self, call: int) -> None:
        """Only calls that have not begun can be dropped; a plain function cannot be interrupted."""
        for waiting in list(self._work):
            if waiting.id == call:
                self._ended.add(call)

    def run(self, request: Request) -> None:
        """Submits a request and returns when it is done. Whatever interrupts the wait cancels it."""
        self.submit(request)
        self.finish(request)

    def finish(self, request: Request) -> None:
        """The rest of ``run``, for a request that has been submitted."""
        watched = bool(request.callbacks)
        if watched:
            monitor.watch(self)
        try:
            self._serve(self._buffer, lambda: request.done)
        except BaseException:
            self._abandon(request)
            raise
        finally:
            if watched:
                monitor.forget(self)

    def _abandon(self, request: Request) -> None:
        """Cancels a request and waits a little for its end, so that the program does not go on unseen."""
        self.cancel(request)
        end = time.monotonic() + 2
        while not request.done and time.monotonic() < end:
            self.dispatch(self._buffer.take(self.id, 100))
            self._work.clear()

    def _serve(self, buffer: _native.Buffer, finished: Callable[[], bool]) -> None:
        """Takes events and runs host functions until ``finished``. Several threads may do so at once."""
        answers: list[bytes] = []
        since = 0.0
        self._servers += 1
        try:
            while True:
                try:
                    call = self._work.popleft()
                except IndexError:
                    if answers:
                        self._library.complete(answers)
                        answers = []
                    if finished():
                        return
                    self.dispatch(buffer.take(self.id, _POLL_MS))
                    continue
                if call.id in self._ended:
                    self._ended.discard(call.id)
                    continue
                now = time.monotonic()
                if not answers:
                    since = now
                answers.append(self._perform(call, now))
                if now - since > _FLUSH_AFTER:
                    self._library.complete(answers)
                    answers = []
        finally:
            self._servers -= 1

    def _perform(self, call: Call, now: float) -> bytes:
        """Runs a host function; the answer."""
        if call.callback is None:
            return call.unknown()
        thread = threading.get_ident()
        outer = self._busy.get(thread)
        self._busy[thread] = now
        try:
            value = call.request.context.copy().run(call.callback.fn, **call.arguments)
            if inspect.isawaitable(value):
                value = run_coroutine(_awaited(value))
            return call.value(value)
        except Exception as error:
            return call.failure(error)
        finally:
            if outer is None:
                self._busy.pop(thread, None)
            else:
                self._busy[thread] = outer

    def relieve(self, now: float) -> None:
        """Called by the monitor: starts helpers when every thread that serves is stuck in a host function."""
        stuck = sum(1 for began in list(self._busy.values()) if now - began > _STUCK_AFTER)
        if stuck < self._servers:
            return
        wanted = min(len(self._work) + 1, _MAX_HELPERS - self._helpers)
        for _ in range(wanted):
            self._helpers += 1
            threading.Thread(target=self._help, name="eryx-callbacks", daemon=True).start()

    def _help(self) -> None:
        try:
            self._serve(_native.Buffer(), self._relieved)
        except Exception:
            pass  # the queue was closed: its thread has ended
        finally:
            self._helpers -= 1

    def _relieved(self) -> bool:
        """True for a helper when nothing is under way, or when another thread is free to serve."""
        return not self._requests or self._servers - len(self._busy) > 1


async def _awaited(value: Any) -> Any:
    return await value


class _Monitor:
    """One thread of the process that looks after the queues with plain host functions."""

    _TICK = 0.003
    _LINGER = 300  # ticks without work until it sleeps

    def __init__(self) -> None:
        self._queues: dict[ThreadQueue, int] = {}
        self._wanted = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def watch(self, queue: ThreadQueue) -> None:
        with self._lock:
            self._queues[queue] = self._queues.get(queue, 0) + 1
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="eryx-monitor", daemon=True)
                self._thread.start()
        if not self._wanted.is_set():
            self._wanted.set()

    def forget(self, queue: ThreadQueue) -> None:
        with self._lock:
            count = self._queues.get(queue, 0) - 1
            if count > 0:
                self._queues[queue] = count
            else:
                self._queues.pop(queue, None)

    def _run(self) -> None:
        idle = 0
        while True:
            with self._lock:
                queues = list(self._queues)
            idle = 0 if queues else idle + 1
            if idle > self._LINGER:
                self._wanted.clear()
                if not self._queues:
                    del queues
                    self._wanted.wait()
                idle = 0
                continue
            now = time.monotonic()
            for queue in queues:
                queue.relieve(now)
            queues = []
            time.sleep(self._TICK)


monitor = _Monitor()
_local = threading.local()


def thread_queue() -> ThreadQueue:
    """The calling thread's queue. ForkError in a forked child."""
    _native.library()
    queue: ThreadQueue | None = getattr(_local, "queue", None)
    if queue is None:
        queue = _local.queue = ThreadQueue()
    return queue


def call(message: dict[str, Any]) -> dict[str, Any]:
    """Performs an operation that calls no host functions; its value."""
    request = Request(message)
    thread_queue().run(request)
    return request.answer()


def run_coroutine(coroutine: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine to its end in an event loop of its own: in this thread, or in another when this one has a
    loop that runs."""
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
