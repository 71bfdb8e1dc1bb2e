"""The end of a program that nothing follows: exit handlers, the last references, and what they print."""

import atexit
import gc
import sys
import threading


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

    The globals go by the collector, as in CPython, so that a ``__del__`` still finds the names that it uses.
    """
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.modules.pop("__main__", None)
    gc.collect()
