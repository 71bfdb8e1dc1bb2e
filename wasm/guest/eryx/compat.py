"""What WebAssembly lacks, as a program expects it: inline executors, and errors that say why."""

import importlib.abc
import importlib.machinery
import os
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

_NO_THREADS = (
    "threads cannot be started in this sandbox: WebAssembly gives it one. "
    "Use asyncio; ThreadPoolExecutor and asyncio.to_thread work and run their function at once"
)
_MISSING = {
    "_ctypes": "ctypes is not available in this sandbox: there is no native code to call",
    "_multiprocessing": "multiprocessing is not available in this sandbox: it cannot start processes",
    "_posixshmem": "shared memory is not available in this sandbox: it cannot start processes",
    "_curses": "curses is not available in this sandbox: there is no terminal",
    "_tkinter": "tkinter is not available in this sandbox: there is no display",
    "termios": "termios is not available in this sandbox: there is no terminal",
    "readline": "readline is not available in this sandbox: there is no terminal",
    "pwd": "pwd is not available in this sandbox: there are no user accounts",
    "grp": "grp is not available in this sandbox: there are no user accounts",
    "resource": "resource is not available in this sandbox: use sandbox.remaining()",
    "fcntl": "fcntl is not available in this sandbox",
    "mmap": "mmap is not available in this sandbox",
    "syslog": "syslog is not available in this sandbox",
}


class _MissingModules(importlib.abc.MetaPathFinder):
    """The last finder: a module that cannot exist here gives an ImportError that says why."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        reason = _MISSING.get(fullname)
        if reason is not None:
            raise ModuleNotFoundError(f"No module named {fullname!r} ({reason})", name=fullname)
        return None


def _inline_threads() -> None:
    import _thread
    import threading

    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError(_NO_THREADS)

    _thread.start_new_thread = _thread.start_joinable_thread = refuse  # type: ignore[attr-defined, assignment]
    threading._start_new_thread = threading._start_joinable_thread = refuse  # type: ignore[attr-defined]


def _inline_executor() -> None:
    from concurrent.futures import _base, thread

    def submit(self: Any, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Run ``fn`` at once and return its finished future."""
        if self._shutdown:
            raise RuntimeError("cannot schedule new futures after shutdown")
        if self._initializer_left:
            self._initializer_left = False
            self._initializer_call()
        future: Any = _base.Future()
        future.set_running_or_notify_cancel()
        try:
            future.set_result(fn(*args, **kwargs))
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            future.set_exception(error)
        return future

    original = thread.ThreadPoolExecutor.__init__

    def __init__(self: Any, max_workers: Any = None, thread_name_prefix: str = "", initializer: Any = None, initargs: Any = (), **kw: Any) -> None:
        original(self, max_workers, thread_name_prefix, initializer, initargs, **kw)
        self._initializer_left = initializer is not None
        self._initializer_call = lambda: initializer(*initargs)

    def shutdown(self: Any, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """No more work is taken; all that was taken is done."""
        self._shutdown = True

    cls: Any = thread.ThreadPoolExecutor
    cls.submit, cls.__init__, cls.shutdown = submit, __init__, shutdown


def _sysconfig() -> None:
    import sysconfig

    name = sysconfig._get_sysconfigdata_name()  # type: ignore[attr-defined]
    try:
        __import__(name)
    except ImportError:
        module = ModuleType(name)
        module.build_time_vars = {"VERSION": "3.14", "EXT_SUFFIX": ".cpython-314-wasm32-wasi.so", "SOABI": "cpython-314-wasm32-wasi", "prefix": "/usr", "exec_prefix": "/usr", "Py_GIL_DISABLED": 0}  # type: ignore[attr-defined]
        sys.modules[name] = module


def _zoneinfo() -> None:
    import zoneinfo

    zoneinfo.reset_tzpath(["/usr/share/zoneinfo"])


def _site_builtins() -> None:
    """``exit``, ``quit`` and ``help``, which module ``site`` makes elsewhere."""
    import _sitebuiltins
    import builtins

    class Quitter(_sitebuiltins.Quitter):
        def __call__(self, code: Any = None) -> Any:
            raise SystemExit(code)  # standard input stays open for the session's next execution

    for name in ("exit", "quit"):
        setattr(builtins, name, Quitter(name, "Ctrl-D (i.e. EOF)"))
    builtins.help = _sitebuiltins._Helper()


def install() -> None:
    """Apply all of it, once, while the image is made."""
    sys.meta_path.append(_MissingModules())
    os.environ.update({"HOME": "/data", "USER": "sandbox", "LOGNAME": "sandbox", "LANG": "C.UTF-8", "TMPDIR": "/tmp", "TZ": "UTC"})
    _inline_threads()
    _inline_executor()
    _sysconfig()
    _zoneinfo()
    _site_builtins()
