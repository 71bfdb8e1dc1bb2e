"""Sandboxes: programs that know nothing of each other."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import TracebackType

from ._execute import Executor, PackageArgument, Volume, common_config
from ._request import OutputHandler
from .callbacks import CallbacksArgument, collect
from .limits import ResourceLimits

if sys.version_info >= (3, 11):
    from typing import Self
else:
    from typing_extensions import Self


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
    ) -> None:
        self._limits = ResourceLimits() if resource_limits is None else resource_limits
        config = common_config(self._limits, result_variable, args, env, volumes, packages)
        super().__init__(config, collect(callbacks), (on_stdout, on_stderr))

    def __repr__(self) -> str:
        return f"Sandbox(resource_limits={self._limits!r})"

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
