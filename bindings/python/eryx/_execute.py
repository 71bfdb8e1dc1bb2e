"""What sandboxes and sessions have in common: settings, executing and being closed."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Union

from . import _blocking
from ._closing import Closing
from ._request import ON_CONNECT, OutputHandler, Request, forget
from .callbacks import Callback
from .errors import ClosedError
from .limits import ResourceLimits
from .network import NetConfig, network_message
from .results import ExecuteResult
from .secrets import Scrub, SecretDict, secrets_config

if TYPE_CHECKING:
    from .execution import Execution
    from .factory import SandboxFactory


class Executor(Closing):
    """Base of Sandbox and Session: something with a handle that runs programs."""

    _kind = ""
    _decider: Callback | None = None  # of connections

    def __init__(
        self,
        config: dict[str, Any],
        callbacks: Mapping[str, Callback],
        handlers: tuple[OutputHandler | None, OutputHandler | None],
        network: NetConfig | None = None,
        **fields: Any,
    ) -> None:
        for handler in handlers:
            if handler is not None and not callable(handler):
                raise TypeError(f"an output handler must be callable, not {type(handler).__name__}")
        self._handlers = handlers
        self._decider = None if network is None else network._decider()
        self._keep(callbacks)
        if callbacks:
            config["callbacks"] = [callback.message() for callback in callbacks.values()]
        self._handle: int = 0
        answer = _blocking.call({"op": f"{self._kind}.new", "config": config, **fields})
        self._handle = answer[self._kind]

    def _keep(self, callbacks: Mapping[str, Callback]) -> None:
        self._callbacks = callbacks
        self._served = callbacks if self._decider is None else {**callbacks, ON_CONNECT: self._decider}
        self._async = any(callback.is_async for callback in self._served.values())

    def _request(self, code: str, options: dict[str, Any]) -> Request:
        if not isinstance(code, str):
            raise TypeError(f"code must be a str, not {type(code).__name__}")
        return self._program("execute", code=code, **options)

    def _program(self, operation: str, **fields: Any) -> Request:
        """A request that may run code of the guest's."""
        message = self._message(operation, **fields)
        for name, handler in zip(("stdout_events", "stderr_events"), self._handlers):
            if handler is not None:
                message[name] = True
        return Request(message, self._served, self._handlers)

    def _message(self, operation: str, **fields: Any) -> dict[str, Any]:
        self._check_open()
        return {"op": f"{self._kind}.{operation}", self._kind: self._handle, **fields}

    def _options(self) -> dict[str, Any]:
        return {}

    def execute(self, code: str) -> ExecuteResult:
        """Runs a program and returns its result.

        Host functions run while this waits: plain ones in this thread or in helpers, async ones in an event loop of
        their own. Ctrl-C ends the program and raises KeyboardInterrupt.

        Raises:
            ExecutionError: the program raised; ``str()`` of it is the traceback.
            TimeoutError, ResourceLimitError: a limit was hit.
            ClosedError: this object is closed, or the session must be reset.
        """
        request = self._request(code, self._options())
        self._perform(request)
        return request.result()

    def _perform(self, request: Request) -> None:
        """Waits for a request in whichever way its callbacks need."""
        _blocking.perform(request, self._async)

    async def execute_async(self, code: str) -> ExecuteResult:
        """``execute`` without blocking the event loop. Async host functions run in the loop that awaits this.

        Cancelling the task ends the program.
        """
        request = self._request(code, self._options())
        from . import _async  # asyncio takes longer to import than all of this package

        await _async.perform(request)
        return request.result()

    def type_stubs(self) -> str:
        """The callbacks as Python stubs, to show to people and language models."""
        text: str = _blocking.call(self._message("type_stubs"))["text"]
        return text

    def start(self, code: str) -> Execution:
        """Starts a program in the background. The handle can be awaited, waited for and cancelled.

        Host functions run in a thread of the execution's own; use ``execute_async`` to have them in your loop.
        """
        from .execution import Execution

        execution = Execution(self._request(code, self._options()), self)
        threading.Thread(target=execution._run, name="eryx-execution", daemon=True).start()
        return execution

    def close(self) -> None:
        """Frees the object's memory; what it executes ends. Closing again does nothing."""
        handle, self._handle = getattr(self, "_handle", 0), 0
        if handle:
            forget({"op": f"{self._kind}.close", self._kind: handle})

    def __del__(self) -> None:
        self.close()

    def _check_open(self) -> None:
        if not self._handle:
            raise ClosedError(f"the {self._kind} is closed")


# (host path, guest path, read only), as pyeryx has it, or a mode: "read_only", "read_write", "copy_on_write".
Volume = tuple[Union[str, "os.PathLike[str]"], str, bool | str]
PackageArgument = Union[str, "os.PathLike[str]"]


def _volume(item: Volume) -> dict[str, Any]:
    host, guest, mode = item
    if isinstance(mode, bool):
        mode = "read_only" if mode else "read_write"
    return {"host_path": os.fspath(host), "guest_path": guest, "mode": mode}


def common_config(
    limits: ResourceLimits,
    result_variable: str | None,
    args: list[str] | None,
    env: Mapping[str, str] | None,
    volumes: list[Volume] | None,
    packages: list[PackageArgument] | None,
    trace: bool,
) -> dict[str, Any]:
    """The part of a configuration that sandboxes and sessions share."""
    if not isinstance(limits, ResourceLimits):
        raise TypeError(f"resource_limits must be ResourceLimits, not {type(limits).__name__}")
    config: dict[str, Any] = {"limits": limits._message()}
    if trace:
        config["trace"] = True
    if args is not None:
        config["args"] = list(args)
    if env is not None:
        config["env"] = dict(env)
    if volumes:
        config["volumes"] = [_volume(item) for item in volumes]
    if packages:
        config["packages"] = [{"path": os.fspath(path)} for path in packages]
    if result_variable is not None:
        if not isinstance(result_variable, str):
            raise TypeError(f"result_variable must be a str, not {type(result_variable).__name__}")
        config["result_variable"] = result_variable
    return config


def granted_config(
    network: NetConfig | None, secrets: Mapping[str, SecretDict] | None, scrub: Scrub, redact_responses: bool
) -> dict[str, Any]:
    """The part of a configuration that is about the network and secrets."""
    config = secrets_config(secrets, scrub, redact_responses)
    message = network_message(network)
    return config if message is None else {**config, "network": message}


def from_factory(
    factory: SandboxFactory | None, callbacks: Mapping[str, Callback]
) -> tuple[dict[str, Callback], dict[str, Any]]:
    """The callbacks, those of the factory included, and the field that names it."""
    if factory is None:
        return dict(callbacks), {}
    return {**factory._callbacks, **callbacks}, {"factory": factory._open()}
