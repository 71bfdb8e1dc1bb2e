"""Factories: packages, imports and set-up code that are done once."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar, Union

from . import _blocking
from ._closing import Closing
from ._execute import PackageArgument, add_requirements, package_messages
from ._request import Request, forget
from .callbacks import CallbacksArgument, has_async
from .library import LibrariesArgument, Offer
from .limits import ResourceLimits
from .pool import SandboxPool
from .sandbox import Sandbox
from .session import Session

Path = Union[str, "os.PathLike[str]"]


P = ParamSpec("P")
T = TypeVar("T")


def _takes_parameters_of(
    maker: Callable[P, T],
) -> Callable[[Callable[..., T]], Callable[Concatenate[SandboxFactory, P], T]]:
    """A decorator: the method has the parameters of ``maker``, for readers, type checkers and ``inspect.signature``."""

    def decorate(method: Callable[..., T]) -> Callable[Concatenate[SandboxFactory, P], T]:
        method.__wrapped__ = maker.__init__  # type: ignore[attr-defined]
        return method

    return decorate


class SandboxFactory(Closing):
    """Makes sandboxes and sessions that begin where its imports and set-up code ended, as fast as any other.

    >>> factory = eryx.SandboxFactory(imports=["json"], setup_code="RATE = 1.19")
    >>> factory.create_sandbox().execute("import json; print(json.dumps(RATE))").stdout_text
    '1.19\\n'

    What it made outlives it, and its sandboxes run side by side.

    Args:
        site_packages: a directory of packages.
        packages: wheels, source archives or directories on the host, or the bytes of a wheel or archive, as for Sandbox.
        requirements: packages to be fetched, such as "jinja2>=3", with what they need.
        lock_file: where names, versions and hashes of what was chosen are kept; as for Sandbox.
        imports: modules that are imported now, so that the programs' own ``import`` of them takes no time.
        setup_code: runs once, now; its globals and files are those of every sandbox and session.
        callbacks: host functions, for the set-up code and for what the factory makes.
        libraries: bundles of host functions, modules and stubs, for the imports, the set-up code and what the factory
            makes.
        cache: accepted for pyeryx's sake; there is nothing to switch off.
        resource_limits: of the imports and of the set-up code, each; default 5 minutes and 1 GiB.
    """

    _what = "factory"

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
        lock_file: Path | None = None,
        libraries: LibrariesArgument = None,
    ) -> None:
        offer = Offer.of(callbacks, libraries)
        config: dict[str, Any] = {
            "packages": package_messages(site_packages, packages),
            "imports": list(imports or []),
            "setup_code": setup_code or "",
            **offer.config(),
        }
        add_requirements(config, requirements, lock_file)
        if resource_limits is not None:
            config["limits"] = resource_limits._message()
        served = offer.served()
        request = Request({"op": "factory.new", "config": config}, served, has_async=has_async(served))
        _blocking.perform(request)
        self._adopt(request.answer(), offer)

    def _adopt(self, answer: dict[str, Any], offer: Offer) -> None:
        self._handle = answer["factory"]
        self._size: int = answer["size_bytes"]
        self._offer = offer

    @classmethod
    def _loaded(cls, offer: Offer, **fields: Any) -> SandboxFactory:
        factory = cls.__new__(cls)
        factory._adopt(_blocking.call({"op": "factory.load", **fields}), offer)
        return factory

    @staticmethod
    def load(
        path: Path,
        *,
        site_packages: Path | None = None,
        callbacks: CallbacksArgument = None,
        cache: bool = True,
        libraries: LibrariesArgument = None,
    ) -> SandboxFactory:
        """A factory that ``save`` wrote, by the same build of eryx. Its packages are inside of the file; callbacks and
        libraries are not."""
        return SandboxFactory._loaded(Offer.of(callbacks, libraries), path=os.fspath(path))

    @staticmethod
    def from_bytes(
        data: bytes, *, callbacks: CallbacksArgument = None, libraries: LibrariesArgument = None
    ) -> SandboxFactory:
        """A factory of what ``to_bytes`` returned, by the same build of eryx."""
        return SandboxFactory._loaded(Offer.of(callbacks, libraries), data=bytes(data))

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

    @_takes_parameters_of(Sandbox)
    def create_sandbox(self, **options: Any) -> Sandbox:
        """A sandbox whose programs begin where the factory ended. Parameters are those of Sandbox, without factory."""
        return Sandbox(factory=self, **options)

    @_takes_parameters_of(Session)
    def create_session(self, **options: Any) -> Session:
        """A session that begins where the factory ended. Parameters are those of Session, without factory."""
        return Session(factory=self, **options)

    @_takes_parameters_of(SandboxPool)
    def create_pool(self, **options: Any) -> SandboxPool:
        """A pool of sandboxes that begin where the factory ended. Parameters are those of SandboxPool, without
        factory."""
        return SandboxPool(factory=self, **options)

    def close(self) -> None:
        """Frees the factory; what it made lives on."""
        if handle := self._take_handle():
            forget({"op": "factory.close", "factory": handle})

    def __del__(self) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"SandboxFactory(size_bytes={self._size})" if self._handle else "SandboxFactory(closed)"
