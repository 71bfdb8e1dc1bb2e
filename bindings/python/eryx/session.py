"""Sessions: one guest whose state lives from one execution to the next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from . import _blocking
from ._calling import Caller
from ._execute import PackageArgument, PathArgument, Volume, common_config, from_factory, granted_config
from ._request import OutputHandler
from .callbacks import CallbacksArgument, collect
from .library import LibrariesArgument, Offer
from .limits import ResourceLimits, check_limit
from .network import NetConfig
from .secrets import Scrub, SecretDict

if TYPE_CHECKING:
    from .factory import SandboxFactory
    from .mcp import MCPManager
    from .store import SessionStore
    from .vfs import VfsStorage


def _session_limits() -> ResourceLimits:
    """A session has no limits by itself but those of callbacks, as pyeryx has it."""
    return ResourceLimits(execution_timeout_ms=None, max_memory_bytes=None)


class Session(Caller):
    """Runs programs in one guest: globals, functions, classes, imports and files persist.

    >>> with eryx.Session() as session:
    ...     _ = session.execute("x = 20")
    ...     session.execute("print(x + 1)").stdout_text
    '21\\n'

    Executions of one session run one after the other, whatever thread they come from.

    Args:
        execution_timeout_ms: wall-clock time of each execution; None: no limit.
        callbacks, libraries, mcp, on_stdout, on_stderr, result_variable, args, env, volumes: as for Sandbox.
        packages, site_packages, requirements, lock_file, trace, max_trace_events, factory: as for Sandbox.
        resource_limits: for each execution; default: no limits but those of callbacks, output and files.
        stdin: what the program reads from standard input.
        keep_tasks: asyncio tasks that an execution did not wait for go on in later ones instead of being cancelled.
        checkpoint: an execution that fails or is killed leaves the session as it was before, files included.
        image: start from what ``snapshot`` returned.
        store: moves the session to disk while it is not used and others are.
        vfs: where its files are kept, to be shared with others; they outlive the session.
        vfs_mount_path: where its writable files are, instead of "/data", which then is not there.
        network, secrets, scrub_stdout, scrub_stderr, scrub_result, scrub_files, redact_responses: as for Sandbox.
    """

    _kind = _what = "session"

    def __init__(
        self,
        *,
        execution_timeout_ms: int | None = None,
        callbacks: CallbacksArgument = None,
        mcp: MCPManager | None = None,
        on_stdout: OutputHandler | None = None,
        on_stderr: OutputHandler | None = None,
        result_variable: str | None = None,
        resource_limits: ResourceLimits | None = None,
        args: list[str] | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes | None = None,
        keep_tasks: bool = False,
        checkpoint: bool = False,
        volumes: list[Volume] | None = None,
        packages: list[PackageArgument] | None = None,
        image: bytes | None = None,
        trace: bool = False,
        requirements: list[str] | None = None,
        lock_file: PathArgument | None = None,
        store: SessionStore | None = None,
        factory: SandboxFactory | None = None,
        vfs: VfsStorage | None = None,
        vfs_mount_path: str | None = None,
        site_packages: PackageArgument | None = None,
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
        if resource_limits is None:
            resource_limits = _session_limits()
        config = common_config(
            resource_limits,
            result_variable=result_variable,
            args=args,
            env=env,
            volumes=volumes,
            packages=packages,
            site_packages=site_packages,
            requirements=requirements,
            lock_file=lock_file,
            vfs=vfs,
            vfs_mount_path=vfs_mount_path,
            trace=trace,
            max_trace_events=max_trace_events,
            mcp=mcp,
        )
        if execution_timeout_ms is None:
            execution_timeout_ms = resource_limits.execution_timeout_ms
        self._timeout_ms = check_limit("execution_timeout_ms", execution_timeout_ms)
        self._unsaved: dict[str, str] = {}
        if stdin is not None:
            config["stdin"] = bytes(stdin)
        config["keep_tasks"] = bool(keep_tasks)
        config["checkpoint"] = bool(checkpoint)
        scrub = Scrub(scrub_stdout, scrub_stderr, scrub_result, scrub_files)
        config.update(granted_config(network, secrets, scrub, redact_responses))
        offer, fields = from_factory(factory, callbacks, libraries)
        if image is not None:
            fields["image"] = bytes(image)
        self._mcp = mcp  # which closes itself when nobody holds it
        self._store = store  # which lives as long as its sessions
        if store is not None:
            fields["store"] = store._open()
        self._vfs, self._vfs_mount_path = vfs, vfs_mount_path
        super().__init__(config, offer, (on_stdout, on_stderr), network, **fields)

    @property
    def vfs(self) -> VfsStorage | None:
        """The storage that the session was made with, or None."""
        return self._vfs

    @property
    def vfs_mount_path(self) -> str | None:
        """Where the storage is mounted, or where the writable files were asked to be; None when neither was given."""
        return self._vfs_mount_path or ("/data" if self._vfs is not None else None)

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
        _blocking.perform(request)
        request.result()

    def set_callbacks(self, callbacks: CallbacksArgument) -> None:
        """Replaces the callbacks, but for those of libraries, from the next execution on."""
        offer = Offer(collect(callbacks), self._offer.libraries)
        _blocking.call(self._message("set_callbacks", callbacks=offer.messages()))
        self._keep(offer)

    def snapshot_state(self) -> bytes:
        """The program's globals, to be restored by any version: data, functions and classes by value, modules by name.

        What cannot be pickled is left out; ``unsaved`` names it. ``snapshot`` takes everything.
        """
        answer = self._ask("snapshot_state")
        self._unsaved = {name: reason for name, reason in answer["unsaved"]}
        snapshot: bytes = answer["snapshot"]
        return snapshot

    @property
    def unsaved(self) -> dict[str, str]:
        """The globals that the last ``snapshot_state`` left out, and why."""
        return dict(self._unsaved)

    def restore_state(self, snapshot: bytes) -> None:
        """Merges the globals of a ``snapshot_state`` into the program's. SnapshotError for damaged bytes."""
        self._ask("restore_state", snapshot=bytes(snapshot))

    def snapshot(self, kind: Literal["image", "pickle"] = "image") -> bytes:
        """What ``restore`` and ``from_snapshot`` take.

        An image is all of the session's memory and private files, exactly, generators and open databases included. It
        can be restored by the same build of eryx, in other processes and on other machines. A pickle is what
        ``snapshot_state`` gives: for any build, but without what cannot be pickled, which ``unsaved`` names.
        """
        answer = self._ask("snapshot", kind=kind)
        if kind == "pickle":
            self._unsaved = {name: reason for name, reason in answer["unsaved"]}
        image: bytes = answer["image"]
        return image

    def restore(self, snapshot: bytes) -> None:
        """Replaces the session's memory and private files by those of an image, or merges the globals of a pickle.

        SnapshotError for bytes that are damaged or of another build; then nothing has changed.
        """
        self._ask("restore", image=bytes(snapshot))

    @classmethod
    def from_snapshot(cls, snapshot: bytes, **options: Any) -> Session:
        """A session that begins where ``snapshot`` was taken, of either kind. Options are those of Session; an image of
        a factory's session needs the option ``factory``."""
        session = cls(**options)
        try:
            session.restore(snapshot)
        except BaseException:
            session.close()
            raise
        return session

    def fork(self) -> Session:
        """An independent copy of the session with the same settings; takes about a millisecond."""
        answer = _blocking.call(self._message("fork"))
        child = type(self).__new__(type(self))
        child.__dict__.update(self.__dict__, _handle=answer["session"])
        return child

    def clear_state(self) -> None:
        """Forgets the program's globals; imports, files and callbacks stay."""
        _blocking.call(self._message("clear_state"))

    def reset(self) -> None:
        """Starts a new guest; files stay, and ``execution_count`` is 0 again. Also after a program was killed."""
        _blocking.call(self._message("reset"))

    async def clear_state_async(self) -> None:
        """``clear_state`` without blocking the event loop."""
        from . import _async

        await _async.call(self._message("clear_state"))

    async def reset_async(self) -> None:
        """``reset`` without blocking the event loop."""
        from . import _async

        await _async.call(self._message("reset"))

    def is_complete(self, source: str) -> str:
        """Whether ``source`` is a whole interactive statement: "complete", "incomplete" or "invalid"."""
        state: str = _blocking.call(self._message("is_complete", source=source))["state"]
        return state

    def __repr__(self) -> str:
        return f"Session(execution_count={self.execution_count})" if self._handle else "Session(closed)"
