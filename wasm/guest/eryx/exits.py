"""The end of a program that nothing follows: exit handlers, the last references, and what they print."""

import atexit
import gc
import io
import sys
import threading
from typing import Any

_kept: set[str] = set()  # names of __main__ that belong to an image


def keep_globals(namespace: dict[str, Any]) -> None:
    """Note that the image that is about to be taken owns ``namespace``: it is immortal and never goes by itself."""
    _kept.update(namespace)


def report(error: BaseException) -> None:
    """Show an uncaught exception to the program's own ``sys.excepthook``, if it set one."""
    hook = sys.excepthook
    if hook is sys.__excepthook__:
        return
    try:
        hook(type(error), error, error.__traceback__)
    except Exception as failure:
        sys.stderr.write(f"Error in sys.excepthook: {failure!r}\n")


def leave() -> None:
    """Do what the interpreter does when it ends: handlers, then the globals, so that files are written out.

    The globals go by the collector, as in CPython, so that a ``__del__`` still finds the names that it uses. But
    the collector may close a file before its buffer is written, so that is done first.
    """
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for writer in [o for o in gc.get_objects() if issubclass(type(o), (io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom))]:
        try:
            writer.flush()
        except (OSError, ValueError):
            pass  # closed, or opened for reading
    main = sys.modules.pop("__main__", None)
    if _kept and main is not None:
        _forget(main.__dict__)
    del main
    gc.collect()


def _forget(namespace: dict[str, Any]) -> None:
    """Drop what the program added to an image's globals, the last first: what an object uses is older than it."""
    for name in reversed([n for n in namespace if n not in _kept]):
        del namespace[name]
