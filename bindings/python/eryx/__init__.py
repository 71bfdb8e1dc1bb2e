"""Run untrusted Python in a WebAssembly sandbox.

>>> import eryx
>>> eryx.Sandbox().execute("print('hello')").stdout
b'hello\\n'

Names, parameters and exceptions are those of the package pyeryx; what is new stands beside them.
"""

from typing import TYPE_CHECKING, Any

from ._execute import PackageDict
from ._version import __version__
from .callbacks import CallbackDict, CallbackRegistry
from .errors import (
    CancelledError,
    ClosedError,
    EryxError,
    ExecutionError,
    FileError,
    ForkError,
    Frame,
    InitializationError,
    InvalidError,
    PoolClosedError,
    PoolError,
    PoolExhaustedError,
    PoolTimeoutError,
    PythonError,
    ResourceLimitError,
    SnapshotError,
    TimeoutError,
    UnsupportedError,
)
from .factory import SandboxFactory
from .library import Library
from .limits import ResourceLimits
from .network import ClientCertificateDict, NetAttempt, NetConfig
from .pool import PooledSandbox, PoolStats, SandboxPool
from .replay import ReplayOutcome, SuspendCallback, SuspendedCallback
from .results import CallbackRecord, ExecuteResult, NetEvent, TraceEvent
from .runtime import RuntimeInfo, info
from .sandbox import Sandbox
from .secrets import SecretDict
from .session import Session
from .store import SessionStore, StoreStats
from .vfs import VfsEntry, VfsProgress, VfsStorage, VfsUsage

__all__ = [
    "CallbackDict",
    "CallbackRecord",
    "CallbackRegistry",
    "CancelledError",
    "ClientCertificateDict",
    "ClosedError",
    "EryxError",
    "ExecuteResult",
    "Execution",
    "ExecutionError",
    "Executor",
    "FileError",
    "ForkError",
    "Frame",
    "GuestFunction",
    "InitializationError",
    "InvalidError",
    "Library",
    "MCPManager",
    "MCPServer",
    "NetAttempt",
    "NetConfig",
    "NetEvent",
    "PackageDict",
    "PoolClosedError",
    "PoolError",
    "PoolExhaustedError",
    "PoolStats",
    "PoolTimeoutError",
    "PooledSandbox",
    "PythonError",
    "ReplayOutcome",
    "ResourceLimitError",
    "ResourceLimits",
    "RuntimeInfo",
    "Sandbox",
    "SandboxFactory",
    "SandboxPool",
    "SecretDict",
    "Session",
    "SessionStore",
    "SnapshotError",
    "StoreStats",
    "SuspendCallback",
    "SuspendedCallback",
    "TimeoutError",
    "TraceEvent",
    "UnsupportedError",
    "VfsEntry",
    "VfsProgress",
    "VfsStorage",
    "VfsUsage",
    "__version__",
    "info",
]

if TYPE_CHECKING:
    from .execution import Execution
    from .executor import Executor, GuestFunction
    from .mcp import MCPManager, MCPServer

_LATER = {
    "Execution": "execution",
    "Executor": "executor",
    "GuestFunction": "executor",
    "MCPManager": "mcp",
    "MCPServer": "mcp",
}


def __getattr__(name: str) -> Any:
    """Imports what takes long when it is first used."""
    import importlib

    if name in _LATER:
        value = globals()[name] = getattr(importlib.import_module("." + _LATER[name], __name__), name)
        return value
    if name in ("executor", "mcp"):
        return importlib.import_module("." + name, __name__)
    raise AttributeError(f"module 'eryx' has no attribute {name!r}")


def load_ipython_extension(ipython: object) -> None:
    """``%load_ext eryx``: adds the cell magic ``%%eryx``."""
    from ._magic import register

    register(ipython)
