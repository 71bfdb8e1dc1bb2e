"""An executor whose tasks run in sandboxes: ``concurrent.futures`` for untrusted programs and functions."""

from __future__ import annotations

import ast
import concurrent.futures
import inspect
import os
import pickle
import textwrap
from collections.abc import Callable
from typing import Any, NamedTuple

from ._request import OutputHandler
from .pool import PooledSandbox, SandboxPool

# What the guest runs for arguments that are pickled. The host never unpickles what a sandbox gives.
_CALL_PICKLED = """
async def __eryx_call__(name, data):
    import inspect, pickle
    args, kwargs = pickle.loads(data)
    value = eval(name)(*args, **kwargs)
    return await value if inspect.isawaitable(value) else value
"""


class GuestFunction(NamedTuple):
    """A function of untrusted source: ``name`` is what the source defines. It can be pickled, and sent to other hosts.

    >>> double = eryx.GuestFunction("def double(x): return 2 * x", "double")
    """

    source: str
    name: str

    @classmethod
    def of(cls, function: Callable[..., Any]) -> GuestFunction:
        """The source of a Python function, plain or async, without its decorators.

        In the sandbox it has the builtins and what it imports by itself; its module's globals are not there.
        TypeError for what has no source of its own: lambdas, methods, builtins, functions that use variables of an
        enclosing one.
        """
        function = inspect.unwrap(function)
        if not inspect.isfunction(function) or function.__name__ == "<lambda>":
            raise TypeError(f"{function!r} cannot be sent to a sandbox: use a function made by def, or its source")
        if function.__code__.co_freevars:
            raise TypeError(
                f"{function.__name__}() uses variables of an enclosing function, which do not go with it: "
                f"{', '.join(function.__code__.co_freevars)}; pass them as arguments"
            )
        try:
            source = textwrap.dedent(inspect.getsource(function))
            definition = ast.parse(source).body[0]
        except (OSError, SyntaxError) as error:
            raise TypeError(f"the source of {function.__name__}() cannot be found: {error}") from None
        if not isinstance(definition, (ast.FunctionDef, ast.AsyncFunctionDef)):
            raise TypeError(f"the source of {function.__name__}() is no def")
        return cls("".join(source.splitlines(keepends=True)[definition.lineno - 1 :]), definition.name)

    def run(self, sandbox: PooledSandbox, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Defines the function in a sandbox and calls it; the value that it returns."""
        sandbox.execute(self.source)
        if _is_plain([*args, kwargs]):
            return sandbox.call(self.name, *args, **kwargs)
        data = pickle.dumps((args, kwargs), protocol=5)
        sandbox.execute(_CALL_PICKLED)
        return sandbox.call("__eryx_call__", self.name, data)


Task = str | GuestFunction | Callable[..., Any]


class Executor(concurrent.futures.Executor):
    """Runs untrusted programs and functions side by side, each in a pristine sandbox of a pool.

    >>> with eryx.Executor(max_workers=4) as executor:
    ...     list(executor.map(eryx.GuestFunction("def double(x): return 2 * x", "double"), [1, 2, 3]))
    [2, 4, 6]

    What ``submit`` and ``map`` take as function:

    - a GuestFunction, or a Python function whose source is sent (see ``GuestFunction.of``): the future's result is
      what it returns. Arguments that JSON has no word for (sets, dates, ...) are pickled and arrive as what they
      are; the result may be what callbacks may pass.
    - a str, which is a program: the future's result is its ExecuteResult. Arguments by name are its globals, others
      are in the global list ``args``.

    What a task raises, and limits that it hits, are the future's exception, as of ``Sandbox.execute``.

    Args:
        pool: where the sandboxes come from; it stays open. Default: a pool of the executor's own.
        max_workers: how many tasks run at once; default: as many as the pool has, else as there are processors.
        on_stdout, on_stderr: called with the bytes of output of all tasks, from several threads.
        options: of the executor's own pool, as SandboxPool has them: factory, resource_limits, callbacks, ...
    """

    def __init__(
        self,
        pool: SandboxPool | None = None,
        *,
        max_workers: int | None = None,
        on_stdout: OutputHandler | None = None,
        on_stderr: OutputHandler | None = None,
        **options: Any,
    ) -> None:
        if pool is not None and options:
            raise TypeError(f"options of a pool that is given already: {', '.join(options)}")
        if max_workers is not None and max_workers < 1:
            raise ValueError(f"max_workers is {max_workers}: use a positive number")
        if max_workers is None:
            max_workers = pool.max_size if pool is not None else (os.cpu_count() or 1)
        self._own: SandboxPool | None = None
        if pool is None:
            settings: dict[str, Any] = {"max_size": max_workers, "acquire_timeout_ms": None, **options}
            pool = self._own = SandboxPool(**settings)
        self._pool = pool
        self._handlers = (on_stdout, on_stderr)
        self._threads = concurrent.futures.ThreadPoolExecutor(max_workers, thread_name_prefix="eryx-executor")

    def submit(self, fn: Task, /, *args: Any, **kwargs: Any) -> concurrent.futures.Future[Any]:
        """Has a task run as soon as a sandbox is free. RuntimeError after ``shutdown``."""
        task = fn if isinstance(fn, (str, GuestFunction)) else GuestFunction.of(fn)
        return self._threads.submit(self._run, task, args, kwargs)

    def _run(self, task: str | GuestFunction, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        on_stdout, on_stderr = self._handlers
        with self._pool.acquire(on_stdout=on_stdout, on_stderr=on_stderr) as sandbox:
            if isinstance(task, GuestFunction):
                return task.run(sandbox, args, kwargs)
            if args:
                kwargs = {"args": list(args), **kwargs}
            for name, value in kwargs.items():
                sandbox.set(name, value)
            return sandbox.execute(task)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Takes no more tasks; with ``wait`` returns when those that were submitted are done. A task that runs is
        not stopped: its limits are for that. The executor's own pool is closed."""
        self._threads.shutdown(wait=wait, cancel_futures=cancel_futures)
        if self._own is not None and wait:
            self._own.close()

    def __repr__(self) -> str:
        return f"Executor({self._pool!r})"


def _is_plain(value: Any) -> bool:
    """Whether a value reaches the guest as it is without pickle."""
    if value is None or type(value) in (bool, int, float, str, bytes):
        return True
    if type(value) is list:
        return all(map(_is_plain, value))
    return type(value) is dict and all(type(key) is str and _is_plain(item) for key, item in value.items())
