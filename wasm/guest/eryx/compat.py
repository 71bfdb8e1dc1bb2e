"""What WebAssembly lacks, as a program expects it: inline executors, and the surroundings of a user's process."""

import os
import sys
from collections.abc import Callable
from typing import Any

from . import absent, network, posix


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

    def __init__(
        self: Any, max_workers: Any = None, thread_name_prefix: str = "", initializer: Any = None, initargs: Any = (), **kw: Any
    ) -> None:
        original(self, max_workers, thread_name_prefix, initializer, initargs, **kw)
        self._initializer_left = initializer is not None
        self._initializer_call = lambda: initializer(*initargs)

    def shutdown(self: Any, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """No more work is taken; all that was taken is done."""
        self._shutdown = True

    cls: Any = thread.ThreadPoolExecutor
    cls.submit, cls.__init__, cls.shutdown = submit, __init__, shutdown


def _sysconfig() -> None:
    """Mend the one value of the build's configuration that its build cut off."""
    import sysconfig

    values = sys.modules[__import__(sysconfig._get_sysconfigdata_name()).__name__].build_time_vars  # type: ignore[attr-defined]
    values["CONFIG_ARGS"] += "'" * (values["CONFIG_ARGS"].count("'") % 2)


def _locale() -> None:
    """UTF-8 wherever C asks for the locale's encoding, as ``open(..., encoding="locale")`` does."""
    import locale

    locale.setlocale(locale.LC_CTYPE, "C.UTF-8")


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
    os.environ.update({"HOME": "/data", "USER": posix.USER, "LOGNAME": posix.USER, "LANG": "C.UTF-8", "TMPDIR": "/tmp", "TZ": "UTC"})
    absent.install()
    posix.install()
    network.install()
    _locale()
    _inline_executor()
    _sysconfig()
    _zoneinfo()
    _site_builtins()
