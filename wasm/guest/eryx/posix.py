"""The functions of ``os`` that the WASI build leaves out and that have a plain answer in a sandbox."""

import errno
import os
import signal
import socket
import stat
from collections.abc import Callable
from typing import Any, NoReturn

import _eryx

USER = "sandbox"
USER_ID = 1000  # what the shim's stat says of every file
_PARENT = 1
_umask = 0o022
_READ_ONLY = 1  # of a device's number: see device in core/guestfs/namespace.go
_open, _mkdir = os.open, os.mkdir
_raise_signal = signal.raise_signal


def gethostname() -> str:
    """The name that ``os.uname`` gives too."""
    return os.uname().nodename


def getlogin() -> str:
    """The name of the only user."""
    return USER


def getuid() -> int:
    """The id of the only user."""
    return USER_ID


def getgroups() -> list[int]:
    """The groups of the only user."""
    return [USER_ID]


def getppid() -> int:
    """A process without a visible parent has this one."""
    return _PARENT


def umask(mask: int, /) -> int:
    """Set what ``os.open`` and ``os.mkdir`` leave out of a mode. Files of the built-in ``open`` have 0o644 always."""
    global _umask
    before, _umask = _umask, mask & 0o777
    return before


def chmod(path: Any, mode: int, *, dir_fd: int | None = None, follow_symlinks: bool = True) -> None:
    """Set the permissions of a file, as ``os.chmod``; those of an open file and of a link itself stay as they are."""
    if dir_fd is not None:
        raise NotImplementedError("chmod: dir_fd unavailable on this platform")
    if isinstance(path, int) or not follow_symlinks:
        return
    name = os.fsencode(path)
    try:
        _eryx.chmod(name if name.startswith(b"/") else os.path.join(os.getcwdb(), name), mode)
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from None


def _set_mode(path: Any, mode: int, given: int, dir_fd: int | None) -> None:
    """Give what was just made the mode that was asked for, where the host gave it another."""
    mode &= 0o777 & ~_umask
    if mode != given and dir_fd is None:
        chmod(path, mode)


def mkdir(path: Any, mode: int = 0o777, *, dir_fd: int | None = None) -> None:
    """``os.mkdir`` with a mode, which the WASI build leaves out."""
    _mkdir(path, dir_fd=dir_fd)
    _set_mode(path, mode, 0o755, dir_fd)


def open_fd(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
    """``os.open`` with a mode, and reading where the flags say neither that nor writing, as on Linux."""
    if not flags & os.O_RDWR:  # in WASI it is O_RDONLY | O_WRONLY
        flags |= os.O_RDONLY
    if not flags & os.O_CREAT or (mode & 0o777 & ~_umask) == 0o644:
        return _open(path, flags, dir_fd=dir_fd)
    if not flags & os.O_EXCL:
        try:
            return _open(path, flags & ~os.O_CREAT, dir_fd=dir_fd)
        except FileNotFoundError:
            pass
    fd = _open(path, flags, dir_fd=dir_fd)
    _set_mode(path, mode, 0o644, dir_fd)
    return fd


def access(path: Any, mode: int, *, dir_fd: int | None = None, effective_ids: bool = False, follow_symlinks: bool = True) -> bool:
    """Whether a file can be used: permissions are not enforced, but read-only filesystems are."""
    try:
        state = os.stat(path, dir_fd=dir_fd, follow_symlinks=follow_symlinks)
    except OSError:
        return False
    if mode & os.W_OK and state.st_dev & _READ_ONLY and not stat.S_ISCHR(state.st_mode):
        return False
    return not mode & os.X_OK or stat.S_ISDIR(state.st_mode) or bool(state.st_mode & 0o111)


def dup(fd: int, /) -> int:
    """Another descriptor of the same open file."""
    return _eryx.dup(fd, -1)


def dup2(fd: int, fd2: int, inheritable: bool = True) -> int:
    """Make ``fd2`` another descriptor of the same open file, closing what it was."""
    if fd2 < 0:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    return _eryx.dup(fd, fd2)


def sched_getaffinity(pid: int, /) -> set[int]:
    """The one processor."""
    return {0}


def get_terminal_size(fd: int = 1, /) -> NoReturn:
    """There is no terminal: the error by which callers fall back to a default."""
    raise OSError(errno.ENOTTY, os.strerror(errno.ENOTTY))


def kill(pid: int, sig: int, /) -> None:
    """Send ``sig`` to this process, the only one."""
    if pid not in (0, os.getpid()):
        raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH))
    if sig != 0:
        raise_signal(sig)


def raise_signal(signalnum: int, /) -> None:
    """Send a signal to this process; one that nobody handles ends the run, with the code a shell would show."""
    handler = signal.getsignal(signalnum)
    if handler is signal.SIG_DFL or handler is None:
        os._exit(128 + signalnum)
    _raise_signal(signalnum)


def abort() -> NoReturn:
    """End the run as SIGABRT does: at once, with the code a shell would show."""
    os._exit(128 + signal.SIGABRT)


def install() -> None:
    """Add the functions to ``os``, and the one to ``socket`` that needs no network."""
    if not hasattr(socket, "gethostname"):
        socket.gethostname = gethostname
    for function in (getlogin, getuid, getgroups, getppid, umask, chmod, dup, dup2, sched_getaffinity, get_terminal_size, kill, abort):
        function.__module__ = "posix"
        setattr(os, function.__name__, function)
    replaced: dict[str, Callable[..., Any]] = {"open": open_fd, "mkdir": mkdir, "access": access}
    for name, replacement in replaced.items():
        replacement.__module__, replacement.__name__, replacement.__qualname__ = "posix", name, name
        setattr(os, name, replacement)
        os.supports_dir_fd.add(replacement)
    os.supports_effective_ids.add(access)
    os.supports_follow_symlinks.add(access)
    signal.raise_signal = raise_signal
    os.geteuid = os.getgid = os.getegid = getuid
