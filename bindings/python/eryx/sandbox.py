"""Sandboxes: programs that know nothing of each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ._execute import PackageArgument, PathArgument, Runner, Volume, common_config, from_factory, granted_config
from ._request import OutputHandler
from .callbacks import CallbacksArgument
from .library import LibrariesArgument
from .limits import ResourceLimits
from .network import NetConfig
from .secrets import Scrub, SecretDict

if TYPE_CHECKING:
    from .factory import SandboxFactory
    from .mcp import MCPManager
    from .vfs import VfsStorage


class Sandbox(Runner):
    """Runs programs, each from the pristine interpreter with empty files.

    >>> eryx.Sandbox().execute("print('hello')").stdout
    b'hello\\n'

    It may be used from many threads and tasks at once.

    Args:
        resource_limits: for each execution; default ``ResourceLimits()``.
        callbacks: host functions that programs can await: a CallbackRegistry, or a list of dicts and registries.
        mcp: its servers' tools, which programs can await as ``mcp.<server>.<tool>(...)``.
        on_stdout, on_stderr: called with the bytes of output as they are written.
        result_variable: the global whose value becomes ``ExecuteResult.result``; default "result".
        args: the program's ``sys.argv``.
        env: environment variables that the program sees.
        volumes: directories of the host: (host path, guest path, read only), or a mode instead of the bool:
            "read_only", "read_write" or "copy_on_write"; a fourth element bounds, in bytes, how much it can grow.
        packages: what programs may import: wheels, source archives or directories on the host, or the bytes of a wheel or
            archive, alone or with its file name: ("x-1.0.tar.gz", data). A PackageDict says more.
        requirements: packages that pip fetches, such as "jinja2>=3", with what they need; pure-Python wheels only.
        lock_file: where names, versions and hashes of what was chosen are kept. If it is there, exactly that is used.
        trace: collect what programs do, step by step, in ``ExecuteResult.trace``.
        max_trace_events: how many steps of it are kept at most; None: 100,000.
        network: what programs may reach on the network; None: nothing.
        secrets: values that programs may send without seeing them: {name: {"value": ..., "allowed_hosts": [...]}}.
        scrub_stdout, scrub_stderr, scrub_files: whether placeholders of secrets become "[REDACTED]" there; default
            True. scrub_result: in results; default False.
        redact_responses: hide the values of secrets in the HTTP responses of the hosts that they may be sent to.
        factory: programs begin where the factory's imports and set-up code ended.
        vfs: the files that programs share, instead of none that last.
        vfs_mount_path: where their writable files are, instead of "/data", which then is not there.
        site_packages: a directory of packages, beside ``packages``.
        libraries: bundles of host functions, modules and stubs.
    """

    _kind = _what = "sandbox"

    def __init__(
        self,
        *,
        resource_limits: ResourceLimits | None = None,
        callbacks: CallbacksArgument = None,
        mcp: MCPManager | None = None,
        on_stdout: OutputHandler | None = None,
        on_stderr: OutputHandler | None = None,
        result_variable: str | None = None,
        args: list[str] | None = None,
        env: Mapping[str, str] | None = None,
        volumes: list[Volume] | None = None,
        packages: list[PackageArgument] | None = None,
        trace: bool = False,
        requirements: list[str] | None = None,
        lock_file: PathArgument | None = None,
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
        self._limits = ResourceLimits() if resource_limits is None else resource_limits
        config = common_config(
            self._limits,
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
        scrub = Scrub(scrub_stdout, scrub_stderr, scrub_result, scrub_files)
        config.update(granted_config(network, secrets, scrub, redact_responses))
        offer, fields = from_factory(factory, callbacks, libraries)
        self._mcp = mcp  # which closes itself when nobody holds it
        super().__init__(config, offer, (on_stdout, on_stderr), network, **fields)

    def __repr__(self) -> str:
        return f"Sandbox(resource_limits={self._limits!r})"
