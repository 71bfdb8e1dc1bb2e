"""What cannot exist in the sandbox, said clearly: an error that can be caught and that tells why and what to use."""

import errno
import importlib.abc
import os
import subprocess
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any, NoReturn

_THREADS = (
    "threads cannot be started in this sandbox: WebAssembly gives it one. "
    "Use asyncio; ThreadPoolExecutor and asyncio.to_thread work and run their function at once"
)
_PROCESSES = "processes cannot be started in this sandbox. concurrent.futures.ThreadPoolExecutor works and runs its function at once"
_PIPES = "there are no pipes in this sandbox: it has one process and one thread. Use io.BytesIO or queue.Queue"
_TERMINAL = "there is no terminal in this sandbox"
_ACCOUNTS = "there are no user accounts in this sandbox"
_DISPLAY = "there is no display in this sandbox"
_INSTALL = "packages cannot be installed from inside this sandbox; whoever made it can add wheels"

_MODULES = {
    "_ctypes": "there is no native code to call in this sandbox",
    "_curses": _TERMINAL,
    "_dbm": "use dbm.sqlite3 or dbm.dumb",
    "_gdbm": "use dbm.sqlite3 or dbm.dumb",
    "_interpreters": "there is one interpreter in this sandbox",
    "_multiprocessing": _PROCESSES,
    "_posixshmem": _PROCESSES,
    "_posixsubprocess": _PROCESSES,
    "_tkinter": _DISPLAY,
    "curses": _TERMINAL,
    "ensurepip": _INSTALL,
    "fcntl": "there are no file locks in this sandbox; os.open with O_CREAT and O_EXCL, or os.mkdir, can make one",
    "grp": _ACCOUNTS,
    "idlelib": _DISPLAY,
    "mmap": "files cannot be mapped into memory in this sandbox; read them",
    "msvcrt": "this sandbox is not Windows",
    "pip": _INSTALL,
    "pwd": _ACCOUNTS,
    "readline": _TERMINAL,
    "resource": "use sandbox.remaining() for the limits of this sandbox",
    "syslog": "there is no system log in this sandbox; use logging",
    "termios": _TERMINAL,
    "tkinter": _DISPLAY,
    "turtle": _DISPLAY,
    "venv": _INSTALL,
}

_OS = {
    **dict.fromkeys("fork forkpty register_at_fork posix_spawn posix_spawnp spawnl spawnle spawnlp spawnlpe".split(), _PROCESSES),
    **dict.fromkeys("spawnv spawnve spawnvp spawnvpe execl execle execlp execlpe execv execve execvp execvpe".split(), _PROCESSES),
    **dict.fromkeys("wait wait3 wait4 waitid waitpid WNOHANG killpg nice setsid setpgid getpgid getpgrp".split(), _PROCESSES),
    **dict.fromkeys("pipe pipe2 mkfifo socketpair eventfd".split(), _PIPES),
    **dict.fromkeys("openpty login_tty ttyname tcgetpgrp ctermid".split(), _TERMINAL),
    **dict.fromkeys("setuid setgid seteuid setegid setreuid setregid setgroups initgroups chown lchown fchown".split(), _ACCOUNTS),
    "chroot": "the sandbox has one root",
    "memfd_create": "use io.BytesIO or a file below /tmp",
}


class _Finder(importlib.abc.MetaPathFinder):
    """The last finder: a module that cannot exist here gives an ImportError that says why."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        reason = _MODULES.get(fullname)
        if reason is not None:
            raise ModuleNotFoundError(f"No module named {fullname!r} ({reason})", name=fullname)


def _os_attribute(name: str) -> NoReturn:
    """The AttributeError of ``os``, with the reason; ``hasattr`` stays false, so that libraries take their other way."""
    reason = _OS.get(name)
    text = f"module 'os' has no attribute {name!r}" + (f" ({reason})" if reason else "")
    raise AttributeError(text, name=name, obj=os)


def _refuse_threads() -> None:
    import _thread
    import threading

    def refuse(*args: Any, **kwargs: Any) -> NoReturn:
        raise RuntimeError(_THREADS)

    _thread.start_new_thread = _thread.start_joinable_thread = _thread.start_new = refuse
    threading._start_new_thread = threading._start_joinable_thread = refuse  # type: ignore[attr-defined]


def no_process(*args: Any, **kwargs: Any) -> NoReturn:
    """Refuse to start a process: what stands for ``os.system`` and ``subprocess.Popen``."""
    raise OSError(errno.ENOTSUP, _PROCESSES)


async def _no_async_process(self: Any, protocol_factory: Any, *args: Any, **kwargs: Any) -> NoReturn:
    """Refuse to start a process, as asyncio's loops."""
    no_process()


def _refuse_processes() -> None:
    import concurrent.futures
    from asyncio import base_events

    os.system = no_process
    subprocess.Popen.__init__ = no_process  # type: ignore[method-assign]
    # Otherwise a Popen that was never made complains when it goes.
    subprocess.Popen.__del__ = lambda self: None  # type: ignore[method-assign]
    base_events.BaseEventLoop.subprocess_exec = _no_async_process  # type: ignore[method-assign]
    base_events.BaseEventLoop.subprocess_shell = _no_async_process  # type: ignore[method-assign]
    lazily = concurrent.futures.__getattr__

    def attribute(name: str) -> Any:
        value = lazily(name)
        if name == "ProcessPoolExecutor":
            sys.modules["concurrent.futures.process"]._check_system_limits = _no_pool  # type: ignore[attr-defined]
        return value

    concurrent.futures.__getattr__ = attribute  # type: ignore[method-assign]


def _no_pool() -> NoReturn:
    raise NotImplementedError(_PROCESSES)


def install() -> None:
    """Put the errors in place."""
    sys.meta_path.append(_Finder())
    os.__getattr__ = _os_attribute  # type: ignore[method-assign]
    _refuse_threads()
    _refuse_processes()
