"""Sessions: one guest whose state lives from one execution to the next."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from . import _async, _blocking
from ._execute import Executor, process_config
from ._request import OutputHandler
from .callbacks import CallbacksArgument, collect
from .limits import ResourceLimits, check_limit

if sys.version_info >= (3, 11):
    from typing import Self
else:
    from typing_extensions import Self


def _session_limits() -> ResourceLimits:
    """A session has no limits by itself but those of callbacks, as pyeryx has it."""
    return ResourceLimits(execution_timeout_ms=None, max_memory_bytes=None)


class Session(Executor):
    """Runs programs in one guest: globals, functions, classes, imports and files persist.

    >>> with eryx.Session() as session:
    ...     session.execute("x = 20")
    ...     session.execute("print(x + 1)").stdout_text
    '21\\n'

    Executions of one session run one after the other, whatever thread they come from.

    Args:
        execution_timeout_ms: wall-clock time of each execution; None: no limit.
        callbacks, on_stdout, on_stderr, result_variable, args, env: as for Sandbox.
        resource_limits: for each execution; default: no limits but those of callbacks, output and files.
        stdin: what the program reads from standard input.
        keep_tasks: asyncio tasks that an execution did not wait for go on in later ones instead of being cancelled.
    """

    _kind = "session"

    def __init__(
        self,
        *,
        execution_timeout_ms: int | None = None,
        callbacks: CallbacksArgument = None,
        on_stdout: OutputHandler | None = None,
        on_stderr: OutputHandler | None = None,
        result_variable: str | None = None,
        resource_limits: ResourceLimits | None = None,
        args: list[str] | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes | None = None,
        keep_tasks: bool = False,
    ) -> None:
        if resource_limits is None:
            resource_limits = _session_limits()
        elif not isinstance(resource_limits, ResourceLimits):
            raise TypeError(f"resource_limits must be ResourceLimits, not {type(resource_limits).__name__}")
        if execution_timeout_ms is None:
            execution_timeout_ms = resource_limits.execution_timeout_ms
        self._timeout_ms = check_limit("execution_timeout_ms", execution_timeout_ms)
        config = process_config(args, env, result_variable)
        config["limits"] = resource_limits._message()
        if stdin is not None:
            config["stdin"] = bytes(stdin)
        if keep_tasks:
            config["keep_tasks"] = True
        super().__init__(config, collect(callbacks), (on_stdout, on_stderr))

    @property
    def execution_timeout_ms(self) -> int | None:
        """Wall-clock time of each execution in milliseconds; None: no limit. It can be changed at any time."""
        return self._timeout_ms

    @execution_timeout_ms.setter
    def execution_timeout_ms(self, value: int | None) -> None:
        self._timeout_ms = check_limit("execution_timeout_ms", value)

    @property
    def execution_count(self) -> int:
        """How many executions were begun since the session started or was reset, failed ones included."""
        count: int = _blocking.call(self._message("execution_count"))["count"]
        return count

    def _options(self) -> dict[str, Any]:
        return {"limits": {"execution_timeout_ms": -1 if self._timeout_ms is None else self._timeout_ms}}

    def _execute_interactive(self, source: str) -> None:
        """Runs one statement as a prompt does: the value of an expression is printed."""
        request = self._request(source, {**self._options(), "interactive": True})
        _blocking.run(request)
        request.result()

    def clear_state(self) -> None:
        """Forgets the program's globals; imports, files and callbacks stay."""
        _blocking.call(self._message("clear_state"))

    def reset(self) -> None:
        """Starts a new guest; files stay, and ``execution_count`` is 0 again. Also after a program was killed."""
        _blocking.call(self._message("reset"))

    async def clear_state_async(self) -> None:
        """``clear_state`` without blocking the event loop."""
        await _async.call(self._message("clear_state"))

    async def reset_async(self) -> None:
        """``reset`` without blocking the event loop."""
        await _async.call(self._message("reset"))

    def is_complete(self, source: str) -> str:
        """Whether ``source`` is a whole interactive statement: "complete", "incomplete" or "invalid"."""
        state: str = _blocking.call(self._message("is_complete", source=source))["state"]
        return state

    def __repr__(self) -> str:
        return f"Session(execution_count={self.execution_count})" if self._handle else "Session(closed)"

    def __enter__(self) -> Self:
        self._enter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
