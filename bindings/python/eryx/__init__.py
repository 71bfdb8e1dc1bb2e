"""Run untrusted Python in a WebAssembly sandbox.

>>> import eryx
>>> eryx.Sandbox().execute("print('hello')").stdout
b'hello\\n'

Names, parameters and exceptions are those of the package pyeryx; what is new stands beside them.
"""

from typing import TYPE_CHECKING, Any

from ._version import __version__
from .callbacks import CallbackDict, CallbackRegistry
from .errors import (
    CancelledError,
    ClosedError,
    EryxError,
    ExecutionError,
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
from .limits import ResourceLimits
from .network import ClientCertificateDict, NetAttempt, NetConfig
from .pool import PooledSandbox, PoolStats, SandboxPool
from .results import CallbackRecord, ExecuteResult, NetEvent, TraceEvent
from .sandbox import Sandbox
from .secrets import SecretDict
from .session import Session

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
    "ForkError",
    "Frame",
    "InitializationError",
    "InvalidError",
    "NetAttempt",
    "NetConfig",
    "NetEvent",
    "PoolClosedError",
    "PoolError",
    "PoolExhaustedError",
    "PoolStats",
    "PoolTimeoutError",
    "PooledSandbox",
    "PythonError",
    "ResourceLimitError",
    "ResourceLimits",
    "Sandbox",
    "SandboxFactory",
    "SandboxPool",
    "SecretDict",
    "Session",
    "SnapshotError",
    "TimeoutError",
    "TraceEvent",
    "UnsupportedError",
    "__version__",
]

if TYPE_CHECKING:
    from .execution import Execution


def __getattr__(name: str) -> Any:
    """Imports what takes long when it is first used."""
    if name == "Execution":
        from .execution import Execution

        return Execution
    raise AttributeError(f"module 'eryx' has no attribute {name!r}")


def load_ipython_extension(ipython: object) -> None:
    """``%load_ext eryx``: adds the cell magic ``%%eryx``."""
    from ._magic import register

    register(ipython)
