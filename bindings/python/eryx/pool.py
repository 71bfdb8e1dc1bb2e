"""Pools: a bounded number of sandboxes, some of them ready-made."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple

from . import _blocking
from ._calling import Caller
from ._closing import Closing
from ._execute import PackageArgument, PathArgument, Volume, common_config, from_factory, granted_config
from ._request import OutputHandler, forget
from .callbacks import Callback, CallbacksArgument, collect
from .errors import ClosedError, PoolClosedError, PoolExhaustedError
from .library import LibrariesArgument, Offer
from .limits import ResourceLimits
from .network import NetConfig
from .secrets import Scrub, SecretDict

if TYPE_CHECKING:
    from .factory import SandboxFactory
    from .mcp import MCPManager

_Handlers = tuple["OutputHandler | None", "OutputHandler | None"]


class PoolStats(NamedTuple):
    """How a pool is used: sandboxes now (total, idle, available, in use), and counts and times since it was made."""

    total: int
    idle: int
    available: int
    in_use: int
    total_acquisitions: int
    total_creations: int
    wait_count: int
    total_wait_time_ms: float
    average_wait_time_ms: float


class PooledSandbox(Caller):
    """A sandbox of a pool, the caller's until ``release``. Its state lasts as long; nobody else sees any of it."""

    _kind = _what = "session"

    def __init__(self, handle: int, offer: Offer, handlers: _Handlers, decider: Callback | None = None) -> None:
        self._handle = handle
        self._handlers = handlers
        self._decider = decider
        self._keep(offer)

    def release(self) -> None:
        """Gives the sandbox back. Releasing again does nothing; executing afterwards is a ValueError."""
        if handle := self._take_handle():
            _blocking.call({"op": "session.close", "session": handle})

    def close(self) -> None:
        """``release``."""
        self.release()

    def __del__(self) -> None:
        super().close()

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        if handle := self._take_handle():
            from . import _async

            await _async.call({"op": "session.close", "session": handle})

    def __repr__(self) -> str:
        return "PooledSandbox()" if self._handle else "PooledSandbox(released)"


class SandboxPool(Closing):
    """Bounds how many sandboxes run at once and keeps some ready. Each lease is pristine.

    >>> with eryx.SandboxPool(max_size=4) as pool, pool.acquire() as sandbox:
    ...     sandbox.execute("print(1)").stdout_text
    '1\\n'

    Args:
        factory: where leases begin; None is the plain interpreter.
        max_size: how many leases there may be at once.
        min_idle: how many sandboxes wait ready-made at least.
        acquire_timeout_ms: how long ``acquire`` waits; None: for ever.
        idle_timeout_ms: how long more than ``min_idle`` sandboxes are kept unused; None: for ever.
        resource_limits, callbacks, args, env: of every lease that does not ask for its own; as for Sandbox.
        libraries, mcp, result_variable, volumes, packages, site_packages, requirements, lock_file, trace: of every lease; as for
            Sandbox.
        network, secrets, scrub_stdout, scrub_stderr, scrub_result, scrub_files, redact_responses, max_trace_events: of every
            lease, as for Sandbox.
    """

    _what = "pool"

    def __init__(
        self,
        *,
        factory: SandboxFactory | None = None,
        max_size: int = 10,
        min_idle: int = 1,
        acquire_timeout_ms: int | None = 30_000,
        idle_timeout_ms: int | None = 300_000,
        resource_limits: ResourceLimits | None = None,
        callbacks: CallbacksArgument = None,
        mcp: MCPManager | None = None,
        result_variable: str | None = None,
        args: list[str] | None = None,
        env: Mapping[str, str] | None = None,
        volumes: list[Volume] | None = None,
        packages: list[PackageArgument] | None = None,
        site_packages: PackageArgument | None = None,
        requirements: list[str] | None = None,
        lock_file: PathArgument | None = None,
        trace: bool = False,
        network: NetConfig | None = None,
        secrets: Mapping[str, SecretDict] | None = None,
        scrub_stdout: bool | None = None,
        scrub_stderr: bool | None = None,
        scrub_result: bool | None = None,
        scrub_files: bool | None = None,
        redact_responses: bool = False,
        max_trace_events: int | None = None,
        libraries: LibrariesArgument = None,
    ) -> None:
        if max_size < 1:
            raise ValueError(f"max_size is {max_size}: use a positive number")
        limits = ResourceLimits() if resource_limits is None else resource_limits
        config = common_config(
            limits,
            result_variable=result_variable,
            args=args,
            env=env,
            volumes=volumes,
            packages=packages,
            site_packages=site_packages,
            requirements=requirements,
            lock_file=lock_file,
            trace=trace,
            max_trace_events=max_trace_events,
            mcp=mcp,
        )
        self._mcp = mcp  # which closes itself when nobody holds it
        self._max_size = max_size
        scrub = Scrub(scrub_stdout, scrub_stderr, scrub_result, scrub_files)
        config.update(granted_config(network, secrets, scrub, redact_responses))
        self._decider = None if network is None else network._decider()
        self._offer, fields = from_factory(factory, callbacks, libraries)
        config.update(self._offer.config())
        message = {
            "op": "pool.new",
            "config": config,
            "max_size": max_size,
            "min_idle": min_idle,
            "acquire_timeout_ms": -1 if acquire_timeout_ms is None else acquire_timeout_ms,
            "idle_timeout_ms": -1 if idle_timeout_ms is None else idle_timeout_ms,
            **fields,
        }
        self._handle = _blocking.call(message)["pool"]

    def _message(self, operation: str, **fields: Any) -> dict[str, Any]:
        return {"op": f"pool.{operation}", "pool": self._open(), **fields}

    def _open(self) -> int:
        try:
            return super()._open()
        except ClosedError as error:
            raise PoolClosedError(str(error)) from None

    def _lease(
        self,
        wait: bool,
        limits: ResourceLimits | None,
        callbacks: CallbacksArgument,
        args: list[str] | None,
        env: Mapping[str, str] | None,
        stdin: bytes | None,
    ) -> tuple[dict[str, Any], Offer]:
        config: dict[str, Any] = {}
        if args is not None:
            config["args"] = list(args)
        if env is not None:
            config["env"] = dict(env)
        if stdin is not None:
            config["stdin"] = bytes(stdin)
        offer = self._offer
        if limits is not None:
            config["limits"] = limits._message()
        if callbacks is not None:
            offer = offer.beside(collect(callbacks))
            config["callbacks"] = offer.messages()
        return self._message("acquire", config=config, wait=wait), offer

    def acquire(
        self,
        *,
        resource_limits: ResourceLimits | None = None,
        callbacks: CallbacksArgument = None,
        on_stdout: OutputHandler | None = None,
        on_stderr: OutputHandler | None = None,
        args: list[str] | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes | None = None,
    ) -> PooledSandbox:
        """A lease; waits for one behind those who wait already. PoolTimeoutError, PoolClosedError.

        Args:
            resource_limits: instead of the pool's, where they say something.
            callbacks: beside the pool's.
            on_stdout, on_stderr: called with the bytes of output as they are written.
            args, env: instead of the pool's.
            stdin: what programs read from standard input.
        """
        message, offer = self._lease(True, resource_limits, callbacks, args, env, stdin)
        return PooledSandbox(_blocking.call(message)["session"], offer, (on_stdout, on_stderr), self._decider)

    async def acquire_async(
        self,
        *,
        resource_limits: ResourceLimits | None = None,
        callbacks: CallbacksArgument = None,
        on_stdout: OutputHandler | None = None,
        on_stderr: OutputHandler | None = None,
        args: list[str] | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes | None = None,
    ) -> PooledSandbox:
        """``acquire`` without blocking the event loop."""
        message, offer = self._lease(True, resource_limits, callbacks, args, env, stdin)
        from . import _async

        return PooledSandbox((await _async.call(message))["session"], offer, (on_stdout, on_stderr), self._decider)

    def try_acquire(
        self,
        *,
        resource_limits: ResourceLimits | None = None,
        callbacks: CallbacksArgument = None,
        on_stdout: OutputHandler | None = None,
        on_stderr: OutputHandler | None = None,
        args: list[str] | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes | None = None,
    ) -> PooledSandbox | None:
        """A lease, or None when there is none at once."""
        message, offer = self._lease(False, resource_limits, callbacks, args, env, stdin)
        try:
            return PooledSandbox(_blocking.call(message)["session"], offer, (on_stdout, on_stderr), self._decider)
        except PoolExhaustedError:
            return None

    def stats(self) -> PoolStats:
        """How the pool is used now."""
        return PoolStats(**_blocking.call(self._message("stats")))

    def check(self) -> None:
        """Runs an empty program as a lease would, beside the leases; raises what fails when the pool does not work."""
        _blocking.call(self._message("check"))

    def evict_idle(self) -> int:
        """Frees sandboxes that were unused for longer than the timeout; how many."""
        count: int = _blocking.call(self._message("evict_idle"))["count"]
        return count

    @property
    def max_size(self) -> int:
        """How many leases there may be at once."""
        return self._max_size

    @property
    def is_closed(self) -> bool:
        """Whether ``close`` was called."""
        return not self._handle

    def close(self) -> None:
        """Wakes who waits, with PoolClosedError, and frees idle sandboxes; leases go on. Again: nothing."""
        if handle := self._take_handle():
            _blocking.call({"op": "pool.close", "pool": handle})

    def __del__(self) -> None:
        if handle := self._take_handle():
            forget({"op": "pool.close", "pool": handle})

    def __repr__(self) -> str:
        return "SandboxPool(closed)" if self.is_closed else f"SandboxPool({self.stats()})"
