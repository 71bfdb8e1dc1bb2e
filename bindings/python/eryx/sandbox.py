"""Sandboxes: programs that know nothing of each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ._execute import Executor, PackageArgument, Volume, common_config, from_factory, granted_config
from ._request import OutputHandler
from .callbacks import CallbacksArgument, collect
from .limits import ResourceLimits
from .network import NetConfig
from .secrets import Scrub, SecretDict

if TYPE_CHECKING:
    from .factory import SandboxFactory


class Sandbox(Executor):
    """Runs programs, each from the pristine interpreter with empty files.

    >>> eryx.Sandbox().execute("print('hello')").stdout
    b'hello\\n'

    It may be used from many threads and tasks at once.

    Args:
        resource_limits: for each execution; default ``ResourceLimits()``.
        callbacks: host functions that programs can await: a CallbackRegistry, or a list of dicts and registries.
        on_stdout, on_stderr: called with the bytes of output as they are written.
        result_variable: the global whose value becomes ``ExecuteResult.result``; default "result".
        args: the program's ``sys.argv``.
        env: environment variables that the program sees.
        volumes: directories of the host: (host path, guest path, read only), or a mode instead of the bool:
            "read_only", "read_write" or "copy_on_write".
        packages: wheels, source archives or directories on the host that programs may import.
        trace: collect what programs do, step by step, in ``ExecuteResult.trace``.
        network: what programs may reach on the network; None: nothing.
        secrets: values that programs may send without seeing them: {name: {"value": ..., "allowed_hosts": [...]}}.
        scrub_stdout, scrub_stderr, scrub_files: whether placeholders of secrets become "[REDACTED]" there; default
            True. scrub_result: in results; default False.
        redact_responses: hide the values of secrets in the HTTP responses of the hosts that they may be sent to.
        factory: programs begin where the factory's imports and set-up code ended.
    """

    _kind = "sandbox"

    def __init__(
        self,
        *,
        resource_limits: ResourceLimits | None = None,
        callbacks: CallbacksArgument = None,
        on_stdout: OutputHandler | None = None,
        on_stderr: OutputHandler | None = None,
        result_variable: str | None = None,
        args: list[str] | None = None,
        env: Mapping[str, str] | None = None,
        volumes: list[Volume] | None = None,
        packages: list[PackageArgument] | None = None,
        trace: bool = False,
        factory: SandboxFactory | None = None,
        network: NetConfig | None = None,
        secrets: Mapping[str, SecretDict] | None = None,
        scrub_stdout: bool | None = None,
        scrub_stderr: bool | None = None,
        scrub_result: bool | None = None,
        scrub_files: bool | None = None,
        redact_responses: bool = False,
    ) -> None:
        self._limits = ResourceLimits() if resource_limits is None else resource_limits
        config = common_config(self._limits, result_variable, args, env, volumes, packages, trace)
        scrub = Scrub(scrub_stdout, scrub_stderr, scrub_result, scrub_files)
        config.update(granted_config(network, secrets, scrub, redact_responses))
        found, fields = from_factory(factory, collect(callbacks))
        super().__init__(config, found, (on_stdout, on_stderr), network, **fields)

    def __repr__(self) -> str:
        return f"Sandbox(resource_limits={self._limits!r})"
