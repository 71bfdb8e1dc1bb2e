"""What sandboxes and sessions have in common: settings, executing and being closed."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypedDict, Union

from . import _blocking
from ._closing import Closing
from ._request import ON_CONNECT, OutputHandler, Request, TraceHandler, forget
from .callbacks import Callback, CallbacksArgument, has_async
from .library import LibrariesArgument, Offer
from .limits import ResourceLimits
from .network import NetConfig, network_message
from .replay import ReplayOutcome, journal_text, outcome
from .results import ExecuteResult
from .secrets import Scrub, SecretDict, secrets_config
from .vfs import VfsStorage

if TYPE_CHECKING:
    from .execution import Execution
    from .factory import SandboxFactory
    from .mcp import MCPManager


class Runner(Closing):
    """Base of Sandbox and Session: something with a handle that runs programs."""

    _kind = ""
    _trace = False
    _decider: Callback | None = None  # of connections

    def __init__(
        self,
        config: dict[str, Any],
        offer: Offer,
        handlers: tuple[OutputHandler | None, OutputHandler | None],
        network: NetConfig | None = None,
        **fields: Any,
    ) -> None:
        for handler in handlers:
            if handler is not None and not callable(handler):
                raise TypeError(f"an output handler must be callable, not {type(handler).__name__}")
        self._handlers = handlers
        self._trace = bool(config.get("trace"))
        self._decider = None if network is None else network._decider()
        self._keep(offer)
        config.update(offer.config())
        answer = _blocking.call({"op": f"{self._kind}.new", "config": config, **fields})
        self._handle = answer[self._kind]

    def _keep(self, offer: Offer) -> None:
        served = offer.served()
        if self._decider is not None:
            served[ON_CONNECT] = self._decider
        self._offer = offer
        # One value: who executes while another thread replaces the callbacks has the old or the new ones, no mixture.
        self._serving = served, has_async(served)

    def _request(self, code: str, options: dict[str, Any], on_trace: TraceHandler | None = None) -> Request:
        if not isinstance(code, str):
            raise TypeError(f"code must be a str, not {type(code).__name__}")
        if on_trace is None:
            return self._program("execute", code=code, **options)
        if not callable(on_trace):
            raise TypeError(f"on_trace must be callable, not {type(on_trace).__name__}")
        request = self._program("execute", code=code, trace_events=True, **options)
        request.on_trace = on_trace
        return request

    def _execute_request(
        self, code: str, trace: bool | None, on_trace: TraceHandler | None, filename: str | None
    ) -> Request:
        """A request of ``execute``: where the arguments say nothing, what the object was made with counts."""
        trace = self._trace if trace is None else bool(trace)
        options = self._options()
        if filename is not None:
            options["filename"] = os.fspath(filename)
        if trace != self._trace or on_trace is not None:
            options["trace"] = trace
        return self._request(code, options, on_trace)

    def _program(self, operation: str, **fields: Any) -> Request:
        """A request that may run code of the guest's."""
        message = self._message(operation, **fields)
        for name, handler in zip(("stdout_events", "stderr_events"), self._handlers):
            if handler is not None:
                message[name] = True
        served, is_async = self._serving
        return Request(message, served, self._handlers, is_async)

    def _message(self, operation: str, **fields: Any) -> dict[str, Any]:
        return {"op": f"{self._kind}.{operation}", self._kind: self._open(), **fields}

    def _options(self) -> dict[str, Any]:
        return {}

    def execute(
        self,
        code: str,
        *,
        trace: bool | None = None,
        on_trace: TraceHandler | None = None,
        filename: str | None = None,
    ) -> ExecuteResult:
        """Runs a program and returns its result.

        Host functions run while this waits: plain ones in this thread or in helpers, async ones in an event loop of
        their own. Ctrl-C ends the program and raises KeyboardInterrupt.

        Args:
            trace: collect what the program does in ``ExecuteResult.trace``; None: as the object was made.
            on_trace: called with each TraceEvent as it comes.
            filename: the program's name in tracebacks; None: "<user>". No such file is needed.

        Raises:
            ExecutionError: the program raised; ``str()`` of it is the traceback.
            TimeoutError, ResourceLimitError: a limit was hit.
            ClosedError: this object is closed, or the session must be reset.
        """
        request = self._execute_request(code, trace, on_trace, filename)
        _blocking.perform(request)
        return request.result()

    def execute_with_journal(self, code: str, journal: dict[str, Any] | None = None) -> ReplayOutcome:
        """Runs a program and keeps a journal of what its host functions answer.

        With the journal of an earlier run, the calls that are in it are answered from it, in whatever order the
        program makes them; from the first call that is not, the host functions are called. So a program that was
        suspended by SuspendCallback, ran out of time or was lost in a crash goes on where it was, if it does
        the same again. A session whose program is stopped so is as it was before.

        What becomes of the program, be it an error, is in the outcome.

        Raises:
            ValueError: ``journal`` is none.
            ClosedError: this object is closed, or the session must be reset.
        """
        request = self._journal_request(code, journal)
        _blocking.perform(request)
        return outcome(request)

    async def execute_with_journal_async(self, code: str, journal: dict[str, Any] | None = None) -> ReplayOutcome:
        """``execute_with_journal`` without blocking the event loop."""
        request = self._journal_request(code, journal)
        from . import _async

        await _async.perform(request)
        return outcome(request)

    def _journal_request(self, code: str, journal: dict[str, Any] | None) -> Request:
        return self._request(code, {**self._options(), "journal": journal_text(journal)})

    async def execute_async(
        self,
        code: str,
        *,
        trace: bool | None = None,
        on_trace: TraceHandler | None = None,
        filename: str | None = None,
    ) -> ExecuteResult:
        """``execute`` without blocking the event loop. Async host functions run in the loop that awaits this.

        Cancelling the task ends the program.
        """
        request = self._execute_request(code, trace, on_trace, filename)
        from . import _async  # asyncio takes longer to import than all of this package

        await _async.perform(request)
        return request.result()

    def type_stubs(self) -> str:
        """The callbacks, and what libraries say of their modules, as Python stubs: to show to people and language models."""
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
        if handle := self._take_handle():
            forget({"op": f"{self._kind}.close", self._kind: handle})

    def __del__(self) -> None:
        self.close()



# (host path, guest path, read only), as pyeryx has it, or a mode: "read_only", "read_write", "copy_on_write".
# A fourth element bounds by how many bytes the program can make the volume grow.
_HostPath = Union[str, "os.PathLike[str]"]
Volume = tuple[_HostPath, str, bool | str] | tuple[_HostPath, str, bool | str, int]
PathArgument = Union[str, "os.PathLike[str]"]


class PackageDict(TypedDict, total=False):
    """A package and how it is taken: a file or directory at ``path``, or ``data``, the content of a wheel or archive,
    whose file name ``path`` then is where it is known. ``drop_native`` takes a wheel without its machine code."""

    path: PathArgument
    data: bytes
    drop_native: bool


# A file or directory on the host, or the content of a wheel or archive, with its file name where it is known.
PackageArgument = Union[str, "os.PathLike[str]", bytes, tuple[str, bytes], PackageDict]


def _volume(item: Volume) -> dict[str, Any]:
    host, guest, mode, *quota = item
    if isinstance(mode, bool):
        mode = "read_only" if mode else "read_write"
    message = {"host_path": os.fspath(host), "guest_path": guest, "mode": mode}
    return {**message, "quota_bytes": quota[0]} if quota else message


def package_messages(
    site_packages: PackageArgument | None, packages: list[PackageArgument] | None
) -> list[dict[str, Any]]:
    """Packages, a directory of them first, as messages have them."""
    return [_package(item) for item in (*([] if site_packages is None else [site_packages]), *(packages or []))]


def _package(item: PackageArgument) -> dict[str, Any]:
    if isinstance(item, dict):
        return _package_dict(item)
    if isinstance(item, bytes):
        return {"data": item}
    if isinstance(item, tuple):
        name, data = item
        return {"path": os.fspath(name), "data": bytes(data)}
    return {"path": os.fspath(item)}


def _package_dict(item: PackageDict) -> dict[str, Any]:
    if unknown := set(item) - {"path", "data", "drop_native"}:
        raise ValueError(f"a package has no key {min(map(str, unknown))!r}")
    if "path" not in item and "data" not in item:
        raise ValueError("a package must have a 'path' or 'data' key")
    message: dict[str, Any] = {}
    if "path" in item:
        message["path"] = os.fspath(item["path"])
    if "data" in item:
        message["data"] = bytes(item["data"])
    if item.get("drop_native"):
        message["drop_native"] = True
    return message


def add_requirements(config: dict[str, Any], requirements: list[str] | None, lock_file: PathArgument | None) -> None:
    """Adds packages that are to be fetched to a configuration."""
    if requirements:
        config["requirements"] = list(requirements)
    if lock_file is not None:
        config["lock_file"] = os.fspath(lock_file)


def common_config(
    limits: ResourceLimits,
    *,
    result_variable: str | None = None,
    args: list[str] | None = None,
    env: Mapping[str, str] | None = None,
    volumes: list[Volume] | None = None,
    packages: list[PackageArgument] | None = None,
    site_packages: PackageArgument | None = None,
    requirements: list[str] | None = None,
    lock_file: PathArgument | None = None,
    vfs: VfsStorage | None = None,
    vfs_mount_path: str | None = None,
    trace: bool = False,
    max_trace_events: int | None = None,
    mcp: MCPManager | None = None,
) -> dict[str, Any]:
    """The part of a configuration that sandboxes and sessions share."""
    if not isinstance(limits, ResourceLimits):
        raise TypeError(f"resource_limits must be ResourceLimits, not {type(limits).__name__}")
    config: dict[str, Any] = {"limits": limits._message()}
    if trace:
        config["trace"] = True
    if max_trace_events is not None:
        if max_trace_events < 1:
            raise ValueError(f"max_trace_events must be at least 1, not {max_trace_events}")
        config["max_trace_events"] = max_trace_events
    if args is not None:
        config["args"] = list(args)
    if env is not None:
        config["env"] = dict(env)
    if volumes:
        config["volumes"] = [_volume(item) for item in volumes]
    if found := package_messages(site_packages, packages):
        config["packages"] = found
    add_requirements(config, requirements, lock_file)
    if vfs is not None:
        if not isinstance(vfs, VfsStorage):
            raise TypeError(f"vfs must be a VfsStorage, not {type(vfs).__name__}")
        config["vfs"] = vfs._open()
    if vfs_mount_path is not None:
        config["vfs_mount_path"] = os.fspath(vfs_mount_path)
    if mcp is not None:
        config["mcp"] = mcp._open()
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
    factory: SandboxFactory | None, callbacks: CallbacksArgument, libraries: LibrariesArgument
) -> tuple[Offer, dict[str, Any]]:
    """The callbacks and libraries, those of the factory included, and the field that names it."""
    offer = Offer.of(callbacks, libraries)
    if factory is None:
        return offer, {}
    return factory._offer.beside(*offer), {"factory": factory._open()}
