"""Every exception of this package. All derive from EryxError and carry a stable ``code``."""

from __future__ import annotations

import builtins
import errno
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from .results import ExecuteResult


class Frame(NamedTuple):
    """One level of a traceback of the sandboxed program, outermost first."""

    file: str
    line: int
    function: str
    source: str


class PythonError(NamedTuple):
    """An exception of the sandboxed program, as its own interpreter describes it."""

    type: str
    message: str
    traceback: str
    frames: tuple[Frame, ...] = ()


class EryxError(Exception):
    """Base of all errors. ``str()`` of an error of the program is the program's own traceback.

    Attributes:
        code: the stable word for what went wrong, the same in every language ("python", "timeout", "limit", ...).
        message: one line about it.
        python: the program's exception, where there was one.
        limit: the limit that was hit ("execution_timeout", "fuel", "memory", "output"), or None.
        exit_code: what the program gave to ``sys.exit``, 0 otherwise.
        killed: the program had to be stopped by force; a session must be reset.
        result: what the execution left nevertheless (output, figures), or None.
    """

    code: str = "internal"
    limit: str | None = None
    exit_code: int = 0
    killed: bool = False
    python: PythonError | None = None
    result: ExecuteResult | None = None

    def __init__(self, message: str = "", *args: Any) -> None:
        super().__init__(message, *args)
        self.message: str = message

    @property
    def type(self) -> str | None:
        """The class name of the program's exception, or None."""
        return self.python.type if self.python else None

    @property
    def traceback(self) -> str | None:
        """The program's traceback, or None."""
        return self.python.traceback if self.python else None

    @property
    def stdout(self) -> bytes:
        """What the program wrote before it failed."""
        return self.result.stdout if self.result else b""

    @property
    def stderr(self) -> bytes:
        """What the program wrote to standard error before it failed, its traceback not included."""
        return self.result.stderr if self.result else b""

    def _repr_html_(self) -> str:
        from ._html import error_html

        return error_html(self)


class ExecutionError(EryxError):
    """The program raised an exception, or ended itself with an exit code that is not 0."""

    code = "python"


class InvalidError(ExecutionError, ValueError):
    """An argument makes no sense, such as source code with a NUL byte."""

    code = "invalid"


class InitializationError(EryxError):
    """The interpreter, a factory or a session could not be made."""

    code = "initialization"


class ResourceLimitError(EryxError):
    """A limit was hit; ``limit`` says which."""

    code = "limit"


class TimeoutError(builtins.TimeoutError, EryxError):
    """The execution took too long. Caught as the builtin TimeoutError, too."""

    code = "timeout"


# The name that pyeryx's class prints as; it tells the class from the builtin in a traceback.
TimeoutError.__name__ = TimeoutError.__qualname__ = "SandboxTimeoutError"


class CancelledError(EryxError):
    """The execution was cancelled by its caller."""

    code = "cancelled"


class PoolError(EryxError):
    """Base of what can go wrong with a pool."""

    code = "pool"


class PoolExhaustedError(PoolError):
    """All leases of the pool are in use."""

    code = "pool_exhausted"


class PoolTimeoutError(PoolError):
    """No lease was released in time."""

    code = "pool_timeout"


class PoolClosedError(PoolError):
    """The pool is closed."""

    code = "pool_closed"


class SnapshotError(InitializationError):
    """A snapshot could not be made or used."""

    code = "snapshot"


class ClosedError(EryxError, ValueError):
    """The object is closed, or its guest has ended and the session wants ``reset()``."""

    code = "closed"


class FileError(EryxError, OSError):
    """A file of a VfsStorage could not be used. It is also the builtin error for the case, such as FileNotFoundError,
    and has ``errno``."""

    code = "file"

    def __str__(self) -> str:
        return self.message


def _file_class(builtin: type[OSError]) -> type[FileError]:
    """FileError that the builtin's ``except`` catches, too."""
    return type(builtin.__name__, (FileError, builtin), {"__module__": __name__, "__doc__": FileError.__doc__})


_FILE_ERRORS = {
    "ENOENT": _file_class(FileNotFoundError),
    "EEXIST": _file_class(FileExistsError),
    "EISDIR": _file_class(IsADirectoryError),
    "ENOTDIR": _file_class(NotADirectoryError),
    "EACCES": _file_class(PermissionError),
    "EPERM": _file_class(PermissionError),
}


class UnsupportedError(EryxError):
    """This library does not have the operation."""

    code = "unsupported"


class ForkError(EryxError, RuntimeError):
    """Eryx was used before ``os.fork()``, and is used in the child process, where its threads do not exist.

    Use multiprocessing's "spawn" or "forkserver", or use eryx for the first time after the fork.
    """

    code = "fork"


CODES: dict[str, type[EryxError]] = {
    "python": ExecutionError,
    "exit": ExecutionError,
    "timeout": TimeoutError,
    "limit": ResourceLimitError,
    "cancelled": CancelledError,
    "initialization": InitializationError,
    "snapshot": SnapshotError,
    "suspended": ExecutionError,
    "pool_exhausted": PoolExhaustedError,
    "pool_timeout": PoolTimeoutError,
    "pool_closed": PoolClosedError,
    "closed": ClosedError,
    "invalid": InvalidError,
    "file": FileError,
    "unsupported": UnsupportedError,
    "internal": EryxError,
}


def error_from(record: dict[str, Any], result: ExecuteResult | None = None) -> EryxError:
    """The exception of an error record. A code that is not known becomes EryxError."""
    code = record["code"]
    python = record.get("python")
    details = None
    if python is not None:
        frames = tuple(Frame(*frame) for frame in python["frames"])
        details = PythonError(python["type"], python["message"], python["traceback"], frames)
    text = details.traceback if details and code == "python" else record["message"]
    name = record.get("errno", "")
    kind = CODES.get(code, EryxError)
    error = (_FILE_ERRORS.get(name, kind) if kind is FileError else kind)(text)
    if isinstance(error, FileError):
        error.errno = getattr(errno, name, None)
        error.strerror = text
    error.code = code
    error.message = details.message if details and code == "python" else record["message"]
    error.python = details
    error.limit = record.get("limit")
    error.exit_code = record.get("exit_code", 0)
    error.killed = record.get("killed", False)
    error.result = result
    return error
