"""What comes of an execution."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple


class CallbackRecord(NamedTuple):
    """One host function's call: its name, how long it took, and its error's text or None."""

    name: str
    duration_ms: float
    error: str | None


class TraceEvent(NamedTuple):
    """One step of a traced execution.

    Attributes:
        kind: "line", "call", "return", "exception", "callback_start" or "callback_end".
        file, function, line: where; empty for callbacks.
        message: the exception, or the failure of a callback.
        callback: the host function's name.
        arguments_json: what it was given, as JSON; empty when that is too long.
        duration_ms: how long it took, for "callback_end".
    """

    kind: str
    file: str
    function: str
    line: int
    message: str = ""
    callback: str = ""
    arguments_json: str = ""
    duration_ms: float = 0.0


class NetEvent(NamedTuple):
    """One step of a program's on the network.

    Attributes:
        kind: "resolve", "connect", "listen", "accept", or "close" of a connection.
        protocol, host, address, port, listen: as of a NetAttempt.
        refused: why it was refused; None when it was not.
        error: why it failed otherwise; None when it did not.
        bytes_up, bytes_down: what was sent and received; of "close".
        duration_ms: how long it took; of "close", how long the connection lasted.
    """

    kind: str
    protocol: str
    host: str
    address: str | None = None
    port: int | None = None
    listen: bool = False
    refused: str | None = None
    error: str | None = None
    bytes_up: int = 0
    bytes_down: int = 0
    duration_ms: float = 0.0


def _net_event(record: dict[str, Any]) -> NetEvent:
    return NetEvent(**{name: value for name, value in record.items() if name in NetEvent._fields})


def trace_event(record: list[Any]) -> TraceEvent:
    """A record of a trace as docs/abi.md describes it."""
    kind, file, function, line, *rest = record
    if kind == "exception":
        return TraceEvent(kind, file, function, line, message=rest[0])
    if kind == "callback_start":
        return TraceEvent(kind, file, function, line, callback=rest[0], arguments_json=rest[1])
    if kind == "callback_end":
        return TraceEvent(kind, file, function, line, callback=rest[0], message=rest[1], duration_ms=rest[2])
    return TraceEvent(kind, file, function, line)


def _clip(text: str, limit: int = 50) -> str:
    return text if len(text) <= limit else text[:limit] + "..."


class ExecuteResult:
    """All that came of one execution.

    Attributes:
        stdout: what the program wrote, up to the output limit; ``stdout_text`` is its text.
        stderr: the same for standard error.
        duration_ms: wall-clock time in milliseconds.
        callback_invocations: how many host functions the program called, refused calls included.
        peak_memory_bytes: the most memory that the guest held.
        fuel_consumed: CPU used, in loop iterations of the guest's machine code: deterministic.
        result_json: the result variable as JSON text; None when the program did not set it.
        result_error: why the result variable could not be encoded; None otherwise.
        stdout_truncated, stderr_truncated: there was more output than the limit.
        exit_code: what the program gave to ``sys.exit``.
        callbacks: the calls of host functions in the order of their ends, at most 1000.
        value: what a function of the guest returned, for the calls that have one.
        network: what the program did on the network: NetEvents, at most 1000.
        trace: what the program did, step by step, with ``trace=True``; ``trace_truncated``: there was more.
    """

    __slots__ = (
        "callback_invocations",
        "callbacks",
        "duration_ms",
        "exit_code",
        "fuel_consumed",
        "network",
        "peak_memory_bytes",
        "result_error",
        "result_json",
        "stderr",
        "stderr_truncated",
        "stdout",
        "stdout_truncated",
        "trace",
        "trace_truncated",
        "value",
    )

    stdout: bytes
    stderr: bytes
    duration_ms: float
    callback_invocations: int
    peak_memory_bytes: int | None
    fuel_consumed: int | None
    result_json: str | None
    result_error: str | None
    stdout_truncated: bool
    stderr_truncated: bool
    exit_code: int
    callbacks: tuple[CallbackRecord, ...]
    value: Any
    network: tuple[NetEvent, ...]
    trace: tuple[TraceEvent, ...]
    trace_truncated: bool

    def __init__(self, record: dict[str, Any]) -> None:
        """Of a result record; fields that this version does not know are ignored."""
        put, get = partial(object.__setattr__, self), record.get
        put("stdout", record["stdout"])
        put("stderr", record["stderr"])
        put("duration_ms", record["duration_ms"])
        put("callback_invocations", record["callback_invocations"])
        for name in ("peak_memory_bytes", "fuel_consumed", "result_json", "result_error", "value"):
            put(name, get(name))
        for name in ("stdout_truncated", "stderr_truncated", "trace_truncated"):
            put(name, get(name, False))
        put("exit_code", get("exit_code", 0))
        put("callbacks", tuple(CallbackRecord(*c) for c in get("callbacks", ())))
        put("network", tuple(map(_net_event, get("network", ()))))
        put("trace", tuple(map(trace_event, get("trace", ()))))

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"a result cannot be changed: {name}")

    @property
    def stdout_text(self) -> str:
        """``stdout`` as text; bytes that are not UTF-8 become replacement characters."""
        return self.stdout.decode("utf-8", "replace")

    @property
    def stderr_text(self) -> str:
        """``stderr`` as text; bytes that are not UTF-8 become replacement characters."""
        return self.stderr.decode("utf-8", "replace")

    @property
    def result(self) -> Any:
        """The result variable's value. None also when it was not set; ``result_json`` tells the two apart."""
        if self.result_json is None:
            return None
        import json  # not before it is needed

        return json.loads(self.result_json)

    def __str__(self) -> str:
        return self.stdout_text

    def __repr__(self) -> str:
        parts = [f"stdout={_clip(self.stdout_text)!r}"]
        if self.stderr:
            parts.append(f"stderr={_clip(self.stderr_text)!r}")
        if self.result_json is not None:
            parts.append(f"result={_clip(self.result_json)}")
        if self.result_error is not None:
            parts.append(f"result_error={self.result_error!r}")
        parts.append(f"duration_ms={self.duration_ms:.2f}")
        if self.callback_invocations:
            parts.append(f"callback_invocations={self.callback_invocations}")
        return f"ExecuteResult({', '.join(parts)})"

    def _repr_html_(self) -> str:
        from ._html import result_html

        return result_html(self)
