"""Factories: packages, imports and set-up code that are done once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Union

from . import _blocking
from ._closing import Closing
from ._execute import PackageArgument, Volume
from ._request import OutputHandler, Request, forget
from .callbacks import Callback, CallbacksArgument, collect
from .errors import ClosedError
from .limits import ResourceLimits
from .network import NetConfig
from .pool import SandboxPool
from .sandbox import Sandbox
from .secrets import SecretDict
from .session import Session

Path = Union[str, "os.PathLike[str]"]


class SandboxFactory(Closing):
    """Makes sandboxes and sessions that begin where its imports and set-up code ended, as fast as any other.

    >>> factory = eryx.SandboxFactory(imports=["json"], setup_code="RATE = 1.19")
    >>> factory.create_sandbox().execute("print(json.dumps(RATE))")

    What it made outlives it, and its sandboxes run side by side.

    Args:
        site_packages: a directory of packages.
        packages: wheels, source archives or directories on the host.
        requirements: packages to be fetched, such as "jinja2>=3", with what they need.
        imports: modules that are imported now.
        setup_code: runs once, now; its globals and files are those of every sandbox and session.
        callbacks: host functions, for the set-up code and for what the factory makes.
        cache: accepted for pyeryx's sake; there is nothing to switch off.
    """

    def __init__(
        self,
        *,
        site_packages: Path | None = None,
        packages: list[PackageArgument] | None = None,
        imports: list[str] | None = None,
        setup_code: str | None = None,
        callbacks: CallbacksArgument = None,
        cache: bool = True,
        requirements: list[str] | None = None,
        resource_limits: ResourceLimits | None = None,
    ) -> None:
        paths = [*([site_packages] if site_packages is not None else []), *(packages or [])]
        found = collect(callbacks)
        config: dict[str, Any] = {
            "packages": [{"path": os.fspath(path)} for path in paths],
            "imports": list(imports or []),
            "requirements": list(requirements or []),
            "setup_code": setup_code or "",
            "callbacks": [callback.message() for callback in found.values()],
        }
        if resource_limits is not None:
            config["limits"] = resource_limits._message()
        request = Request({"op": "factory.new", "config": config}, found)
        _blocking.perform(request, any(callback.is_async for callback in found.values()))
        self._adopt(request.answer(), found)

    def _adopt(self, answer: dict[str, Any], callbacks: Mapping[str, Callback]) -> None:
        self._handle: int = answer["factory"]
        self._size: int = answer["size_bytes"]
        self._callbacks = dict(callbacks)

    @classmethod
    def _loaded(cls, callbacks: CallbacksArgument, **fields: Any) -> SandboxFactory:
        factory = cls.__new__(cls)
        factory._adopt(_blocking.call({"op": "factory.load", **fields}), collect(callbacks))
        return factory

    @staticmethod
    def load(
        path: Path, *, site_packages: Path | None = None, callbacks: CallbacksArgument = None, cache: bool = True
    ) -> SandboxFactory:
        """A factory that ``save`` wrote, by the same build of eryx. Its packages are inside of the file."""
        return SandboxFactory._loaded(callbacks, path=os.fspath(path))

    @staticmethod
    def from_bytes(data: bytes, *, callbacks: CallbacksArgument = None) -> SandboxFactory:
        """A factory of what ``to_bytes`` returned, by the same build of eryx."""
        return SandboxFactory._loaded(callbacks, data=bytes(data))

    def _open(self) -> int:
        if not self._handle:
            raise ClosedError("the factory is closed")
        return self._handle

    def save(self, path: Path) -> None:
        """Writes the factory to a file."""
        _blocking.call({"op": "factory.save", "factory": self._open(), "path": os.fspath(path)})

    def to_bytes(self) -> bytes:
        """The factory as bytes."""
        data: bytes = _blocking.call({"op": "factory.bytes", "factory": self._open()})["data"]
        return data

    @property
    def size_bytes(self) -> int:
        """The memory that all sandboxes and sessions of the factory share."""
        return self._size

    def create_sandbox(
        self,
        *,
        site_packages: Path | None = None,
        resource_limits: ResourceLimits | None = None,
        callbacks: CallbacksArgument = None,
        volumes: list[Volume] | None = None,
        on_stdout: OutputHandler | None = None,
        on_stderr: OutputHandler | None = None,
        result_variable: str | None = None,
        trace: bool = False,
        network: NetConfig | None = None,
        secrets: Mapping[str, SecretDict] | None = None,
        scrub_stdout: bool | None = None,
        scrub_stderr: bool | None = None,
        scrub_result: bool | None = None,
        scrub_files: bool | None = None,
        redact_responses: bool = False,
    ) -> Sandbox:
        """A sandbox whose programs begin where the factory ended. Parameters are those of Sandbox."""
        return Sandbox(
            factory=self,
            packages=None if site_packages is None else [site_packages],
            resource_limits=resource_limits,
            callbacks=callbacks,
            volumes=volumes,
            on_stdout=on_stdout,
            on_stderr=on_stderr,
            result_variable=result_variable,
            trace=trace,
            network=network,
            secrets=secrets,
            scrub_stdout=scrub_stdout,
            scrub_stderr=scrub_stderr,
            scrub_result=scrub_result,
            scrub_files=scrub_files,
            redact_responses=redact_responses,
        )

    def create_session(
        self,
        *,
        resource_limits: ResourceLimits | None = None,
        callbacks: CallbacksArgument = None,
        volumes: list[Volume] | None = None,
        on_stdout: OutputHandler | None = None,
        on_stderr: OutputHandler | None = None,
        result_variable: str | None = None,
        trace: bool = False,
        network: NetConfig | None = None,
        secrets: Mapping[str, SecretDict] | None = None,
        scrub_stdout: bool | None = None,
        scrub_stderr: bool | None = None,
        scrub_result: bool | None = None,
        scrub_files: bool | None = None,
        redact_responses: bool = False,
    ) -> Session:
        """A session that begins where the factory ended. Parameters are those of Session."""
        return Session(
            factory=self,
            resource_limits=resource_limits,
            callbacks=callbacks,
            volumes=volumes,
            on_stdout=on_stdout,
            on_stderr=on_stderr,
            result_variable=result_variable,
            trace=trace,
            network=network,
            secrets=secrets,
            scrub_stdout=scrub_stdout,
            scrub_stderr=scrub_stderr,
            scrub_result=scrub_result,
            scrub_files=scrub_files,
            redact_responses=redact_responses,
        )

    def create_pool(
        self,
        *,
        max_size: int = 10,
        min_idle: int = 1,
        acquire_timeout_ms: int | None = 30_000,
        idle_timeout_ms: int | None = 300_000,
        resource_limits: ResourceLimits | None = None,
        network: NetConfig | None = None,
        secrets: Mapping[str, SecretDict] | None = None,
        scrub_stdout: bool | None = None,
        scrub_stderr: bool | None = None,
        scrub_result: bool | None = None,
        scrub_files: bool | None = None,
        redact_responses: bool = False,
    ) -> SandboxPool:
        """A pool of sandboxes that begin where the factory ended. Parameters are those of SandboxPool."""
        return SandboxPool(
            factory=self,
            max_size=max_size,
            min_idle=min_idle,
            acquire_timeout_ms=acquire_timeout_ms,
            idle_timeout_ms=idle_timeout_ms,
            resource_limits=resource_limits,
            network=network,
            secrets=secrets,
            scrub_stdout=scrub_stdout,
            scrub_stderr=scrub_stderr,
            scrub_result=scrub_result,
            scrub_files=scrub_files,
            redact_responses=redact_responses,
        )

    def close(self) -> None:
        """Frees the factory; what it made lives on."""
        handle, self._handle = getattr(self, "_handle", 0), 0
        if handle:
            forget({"op": "factory.close", "factory": handle})

    def _check_open(self) -> None:
        self._open()

    def __del__(self) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"SandboxFactory(size_bytes={self._size})" if self._handle else "SandboxFactory(closed)"
