"""Plain host functions of blocking calls.

A server is a queue with a thread that takes its events. A host function that returns at once runs right there, so that
no other thread must wake up for it. When one takes longer, the monitor starts helper threads, which take over waiting
for events and running the other functions: so functions that block run side by side, without a thread for each call,
and the end of the program is seen although a function still runs. The caller of ``execute`` waits for the end only.
"""

from __future__ import annotations

import collections
import threading
import time
from typing import Any

from . import _native
from ._request import Call, Queue
from .errors import EryxError

_POLL_MS = 1000  # how long a wait for events lasts at most; events end it at once
_FLUSH_AFTER = 0.001  # seconds that an answer may wait for others
_STUCK_AFTER = 0.004  # seconds after which a host function is taken to block
_MAX_HELPERS = 64  # threads per server, beside its own
_MAX_IDLE = 8  # servers that are kept for later


class Server(Queue):
    """A queue, and the threads that serve it."""

    def __init__(self) -> None:
        super().__init__()
        self._work: collections.deque[Call] = collections.deque()
        self._ended: set[int] = set()
        self._busy: dict[int, float] = {}  # thread -> when its host function began
        self._servers = 0  # threads in _serve, helpers included
        self._helpers = 0
        self._closed = False
        self._count = threading.Lock()
        self._taking = threading.Lock()  # held from taking events until they are handled: output keeps its order
        threading.Thread(target=self._main, name="eryx-callbacks", daemon=True).start()

    def on_call(self, call: Call) -> None:
        self._work.append(call)

    def on_ended(self, call: int) -> None:
        """Only calls that have not begun can be dropped; a plain function cannot be interrupted."""
        if any(waiting.id == call for waiting in self._waiting()):
            self._ended.add(call)

    def _waiting(self) -> list[Call]:
        """The calls that have not begun."""
        while True:
            try:
                return list(self._work)
            except RuntimeError:  # without a GIL, another thread may take a call meanwhile
                pass

    def stuck(self) -> bool:
        """Whether a host function still runs."""
        return bool(self._busy)

    def close(self) -> None:
        """Ends the threads, those in a host function when it returns."""
        self._closed = True
        super().close()

    def _main(self) -> None:
        self._guarded(_native.Buffer(), helper=False)

    def _help(self) -> None:
        try:
            self._guarded(_native.Buffer(1 << 14), helper=True)
        finally:
            with self._count:
                self._helpers -= 1

    def _guarded(self, buffer: _native.Buffer, helper: bool) -> None:
        with self._count:
            self._servers += 1
        try:
            self._serve(buffer, helper)
        except EryxError:
            if not self._closed:
                raise
        finally:
            with self._count:
                self._servers -= 1

    def _serve(self, buffer: _native.Buffer, helper: bool) -> None:
        """Takes events and runs host functions. Several threads may do so at once."""
        answers: list[bytes] = []
        since = 0.0
        while not self._closed:
            try:
                call = self._work.popleft()
            except IndexError:
                if answers:
                    self._library.complete(answers)
                    answers = []
                if helper and self._relieved():
                    return
                self._receive(buffer)
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

    def _receive(self, buffer: _native.Buffer) -> None:
        """Waits for events and handles them, unless another thread does; then until that has done so."""
        if not self._taking.acquire(timeout=_POLL_MS / 1000):
            return
        try:
            if not self._work:
                self.dispatch(buffer.take(self.id, _POLL_MS))
        finally:
            self._taking.release()

    def _perform(self, call: Call, now: float) -> bytes:
        """Runs a host function; the answer."""
        if call.callback is None:
            return call.unknown()
        thread = threading.get_ident()
        self._busy[thread] = now
        try:
            value = call.request.context.copy().run(call.callback.fn, **call.arguments)
            if hasattr(type(value), "__await__"):
                import asyncio  # not before it is needed

                value = asyncio.run(_awaited(value))
            return call.value(value)
        except Exception as error:
            return call.failure(error)
        except BaseException as error:  # SystemExit in a thread that is not the caller's
            return call.failure(error)
        finally:
            self._busy.pop(thread, None)

    def relieve(self, now: float) -> None:
        """Called by the monitor: starts helpers for what waits behind a host function that takes long."""
        stuck = sum(1 for began in list(self._busy.values()) if now - began > _STUCK_AFTER)
        if not stuck or self._closed:
            return
        wanted = len(self._work) or (1 if stuck >= self._servers else 0)
        for _ in range(min(wanted, _MAX_HELPERS - self._helpers)):
            with self._count:
                self._helpers += 1
            threading.Thread(target=self._help, name="eryx-helper", daemon=True).start()

    def _relieved(self) -> bool:
        """True for a helper when nothing is under way, or when another thread is free to serve."""
        return not self._requests or self._servers - len(self._busy) > 1


async def _awaited(value: Any) -> Any:
    return await value


class _Monitor:
    """One thread of the process that looks after the servers in use."""

    _TICK = 0.003
    _LINGER = 300  # ticks without work until it sleeps

    def __init__(self) -> None:
        self._servers: set[Server] = set()
        self._wanted = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def watch(self, server: Server) -> None:
        with self._lock:
            self._servers.add(server)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="eryx-monitor", daemon=True)
                self._thread.start()
        if not self._wanted.is_set():
            self._wanted.set()

    def forget(self, server: Server) -> None:
        with self._lock:
            self._servers.discard(server)

    def _run(self) -> None:
        idle = 0
        while True:
            with self._lock:
                servers = list(self._servers)
                if not servers and idle > self._LINGER:
                    self._wanted.clear()
            if not self._wanted.is_set():
                self._wanted.wait()
                idle = 0
                continue
            idle = 0 if servers else idle + 1
            now = time.monotonic()
            for server in servers:
                server.relieve(now)
            time.sleep(self._TICK)


_monitor = _Monitor()
_idle: list[Server] = []
_idle_lock = threading.Lock()


def take() -> Server:
    """A server for one execution."""
    try:
        server = _idle.pop()
    except IndexError:
        server = Server()
    _monitor.watch(server)
    return server


def give_back(server: Server) -> None:
    """Keeps a server for later, unless a host function still runs in it."""
    _monitor.forget(server)
    with _idle_lock:
        kept = not server.stuck() and len(_idle) < _MAX_IDLE
        if kept:
            server._ended.clear()  # of calls that were taken just before their end was told
            _idle.append(server)
    if not kept:
        server.close()
