"""Requests under way, and the queue that their events arrive on."""

from __future__ import annotations

import contextvars
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any

from . import _native, _wire
from .callbacks import Callback
from .errors import error_from
from .replay import SuspendCallback
from .results import ExecuteResult, TraceEvent, trace_event

OutputHandler = Callable[[bytes], Any]
TraceHandler = Callable[[TraceEvent], Any]

_AROUND = 1  # levels around an answer: the array of answers

# What decides about connections, among a request's callbacks; no program can name it.
ON_CONNECT = "\0on_connect"


class Request:
    """One operation: what to do with its events, and in the end its outcome."""

    __slots__ = (
        "callbacks",
        "context",
        "done",
        "error",
        "handlers",
        "has_async",
        "id",
        "message",
        "on_done",
        "on_submit",
        "on_trace",
        "on_transfer",
        "value",
    )

    def __init__(
        self,
        message: dict[str, Any],
        callbacks: Mapping[str, Callback] | None = None,
        handlers: tuple[OutputHandler | None, OutputHandler | None] = (None, None),
        has_async: bool = False,
    ) -> None:
        self.message = message
        self.has_async = has_async  # whether some of the callbacks must be awaited
        self.callbacks = callbacks or {}
        self.handlers = handlers
        self.context = contextvars.copy_context()
        self.on_done: Callable[[], None] | None = None
        self.on_submit: Callable[[], None] | None = None
        self.on_trace: TraceHandler | None = None
        self.on_transfer: Callable[[list[Any]], Any] | None = None
        self.id = 0
        self.done = False
        self.value: Any = None
        self.error: Any = None

    def finish(self, value: Any, error: Any) -> None:
        """The "done" event."""
        self.value, self.error, self.done = value, error, True
        if self.on_done is not None:
            self.on_done()

    def output(self, stream: int, data: bytes) -> None:
        """The "output" event. What a handler raises is printed and ignored, as the program must not see it."""
        self._handle(self.handlers[stream - 1], data)

    def trace(self, records: list[Any]) -> None:
        """The "trace" event."""
        for record in records:
            self._handle(self.on_trace, trace_event(record))

    def transfer(self, fields: list[Any]) -> None:
        """The "transfer" event."""
        self._handle(self.on_transfer, fields)

    def _handle(self, handler: Callable[[Any], Any] | None, value: Any) -> None:
        if handler is None:
            return
        try:
            self.context.run(handler, value)
        except Exception:
            import traceback  # not before it is needed

            traceback.print_exc(file=sys.stderr)

    def answer(self) -> dict[str, Any]:
        """The value of an operation, or its error raised."""
        if self.error is not None:
            raise error_from(self.error)
        value: dict[str, Any] = self.value
        return value

    def result(self) -> ExecuteResult:
        """The result of an execution, or its error raised with the result inside."""
        result = ExecuteResult(self.value) if self.value is not None else None
        if self.error is not None:
            raise error_from(self.error, result)
        assert result is not None
        return result


class Call:
    """A call of a host function that wants an answer."""

    __slots__ = ("arguments", "callback", "id", "name", "request")

    def __init__(self, request: Request, call: int, name: str, arguments: dict[str, Any]) -> None:
        self.request = request
        self.id = call
        self.name = name
        self.callback = request.callbacks.get(name)
        self.arguments = arguments

    def item(self, item: Any) -> bytes:
        """One item of a stream. TypeError or ValueError when it cannot be passed."""
        return _wire.encode([self.id, 2, item], _AROUND)

    def value(self, value: Any) -> bytes:
        """The answer that returns ``value``, or says why it cannot be passed."""
        try:
            return _wire.encode([self.id, 0, value], _AROUND)
        except Exception as error:
            return self.failure(error)

    def failure(self, error: BaseException) -> bytes:
        """The answer that raises in the program. It has the error's class and text, never the host's traceback."""
        if isinstance(error, SuspendCallback):
            reason = str(error.args[0]) if error.args else ""
            return _wire.encode([self.id, 3, reason.encode("utf-8", "replace").decode()])
        code = getattr(error, "callback_code", "callback")
        try:
            text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        except Exception:
            text = type(error).__name__
        if not isinstance(code, str):
            code = "callback"
        text = text.encode("utf-8", "replace").decode()
        return _wire.encode([self.id, 1, code.encode("utf-8", "replace").decode(), text])

    def unknown(self) -> bytes:
        """The answer when there is no such function."""
        return _wire.encode([self.id, 1, "unknown", f"Callback '{self.name}' not found"])


class Queue:
    """A queue of the library's and the requests that were submitted to it. Subclasses handle calls."""

    def __init__(self) -> None:
        self._library = _native.library()
        self.id = self._library.queue_open()
        self._requests: dict[int, Request] = {}
        self._lock = threading.Lock()

    def submit(self, request: Request) -> None:
        """Begins a request. The lock keeps its first event from being handled before it can be found."""
        with self._lock:
            request.id = self._library.submit(self.id, request.message)
            self._requests[request.id] = request
        if request.on_submit is not None:
            request.on_submit()

    def cancel(self, request: Request) -> None:
        """Ends a request early."""
        self._library.cancel(request.id)

    def dispatch(self, events: list[Any]) -> None:
        """Handles events. Events of requests that nobody waits for any more are dropped."""
        for event in events:
            kind, identity = event[0], event[1]
            with self._lock:
                request = self._requests.get(identity)
                if kind == "done":
                    self._requests.pop(identity, None)
            if request is None:
                continue
            if kind == "call":
                self.on_call(Call(request, event[2], event[3], event[4]))
            elif kind == "connect":
                self.on_call(Call(request, event[2], ON_CONNECT, event[3]))
            elif kind == "done":
                request.finish(event[2], event[3])
            elif kind == "output":
                request.output(event[2], event[3])
            elif kind == "transfer":
                request.transfer(event[2:])
            elif kind == "trace":
                request.trace(event[2])
            elif kind == "more":
                self.on_more(event[2])
            elif kind == "ended":
                self.on_ended(event[2])
            elif kind == "progress":
                print(f"eryx: {event[2]}", file=sys.stderr, flush=True)

    def on_call(self, call: Call) -> None:
        """A host function is called."""
        raise NotImplementedError

    def on_more(self, call: int) -> None:
        """One more item of a stream may be sent."""

    def on_ended(self, call: int) -> None:
        """The answer to a call is not wanted any more."""

    def close(self) -> None:
        """Cancels what is under way."""
        if (library := _native.loaded()) is not None:
            library.queue_close(self.id)

    def __del__(self) -> None:
        if hasattr(self, "id"):
            self.close()


def forget(message: dict[str, Any]) -> None:
    """Begins an operation whose outcome nobody wants, such as closing in a finalizer. Never raises."""
    try:
        library = _native.loaded()
        if library is not None:
            library.submit(0, message)
    except Exception:
        pass
