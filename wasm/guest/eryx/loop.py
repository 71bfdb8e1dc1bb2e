"""An asyncio event loop that the host drives.

The selector asks the host for events. While the host drives (``HostedLoop.step``), nothing ever blocks: when
nothing is runnable the runner returns to the host with the next timer's deadline. A loop that the program runs
itself (``asyncio.run``) blocks inside a host call instead, which the host can interrupt.
"""

import asyncio
import contextlib
import functools
import heapq
import selectors
import socket
import sys
import threading
import warnings
from asyncio import events, format_helpers, selector_events, tasks
from collections.abc import Callable, Iterator
from typing import Any

import _eryx

from . import eyeballs, network
from .selector import HOSTED, HostSelector

# id -> what takes the events of that request: a function, or the future that the only event settles (callbacks.py)
pending: dict[int, Any] = {}
settle: Callable[[asyncio.Future[Any], list[Any]], None]
_NANOSECONDS = 1_000_000_000


def receive_one(message: list[Any]) -> None:
    """Hand an event from the host to the one who waits for it; dropped when nobody does any more."""
    receiver = pending.get(message[0])
    if receiver is None:
        return
    if isinstance(receiver, asyncio.Future):
        del pending[message[0]]
        settle(receiver, message)  # noqa: F821 (callbacks.py sets it)
    else:
        receiver(message)


def deliver(messages: list[list[Any]]) -> None:
    """Hand events from the host to those who wait for them."""
    for message in messages:
        receive_one(message)



@contextlib.contextmanager
def _nested(inner: asyncio.AbstractEventLoop | None = None) -> Iterator[None]:
    """Put the running loop and its current task aside, unless it is ``inner`` itself, so that another can run."""
    outer = events._get_running_loop()
    if outer is None or outer is inner:
        yield
        return
    task = tasks._swap_current_task(outer, None)  # type: ignore[attr-defined]
    events._set_running_loop(None)
    try:
        yield
    finally:
        events._set_running_loop(outer)
        tasks._swap_current_task(outer, task)  # type: ignore[attr-defined]


class Loop(selector_events.BaseSelectorEventLoop):
    """The event loop of the sandbox: asyncio's own, without threads and self-pipe."""

    def __init__(self, selector: selectors.BaseSelector | None = None) -> None:
        super().__init__(selector or HostSelector(deliver))

    def _make_self_pipe(self) -> None:  # no threads: nobody else can wake the loop
        self._ssock = self._csock = None
        self._internal_fds = 0

    def _close_self_pipe(self) -> None:
        pass

    def _write_to_self(self) -> None:
        pass

    async def getaddrinfo(self, host: Any, port: Any, *, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0) -> Any:
        """As asyncio's: the loop goes on while the host resolves."""
        await network.look_up(self, host, flags)
        return socket.getaddrinfo(host, port, family, type, proto, flags)

    async def create_connection(self, protocol_factory: Any, host: Any = None, port: Any = None, **kwargs: Any) -> Any:
        """As asyncio's; a host's addresses are tried beside one another."""
        if host is not None and kwargs.get("happy_eyeballs_delay") is None:
            kwargs["happy_eyeballs_delay"] = eyeballs.DELAY_S
        return await super().create_connection(protocol_factory, host, port, **kwargs)

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]
        """Run ``func`` now: the sandbox has one thread."""
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except BaseException as error:
            if isinstance(error, (KeyboardInterrupt, SystemExit)):
                raise
            future.set_exception(error)
        return future

    def run_until_complete(self, future: Any) -> Any:
        """As asyncio's; inside another loop's task it runs nested, and the outer loop stands still meanwhile."""
        with _nested(self):
            return super().run_until_complete(future)

    def run_forever(self) -> None:
        """As asyncio's; nested as ``run_until_complete`` is."""
        with _nested(self):
            super().run_forever()

class HostedLoop(Loop):
    """The loop that the host drives: it never blocks. Its hot parts are in C, see shim/loop.c."""

    out_of_memory: Callable[[MemoryError], None]  # set by the runner
    _task_factory = None  # asyncio's constructor calls set_debug() before it sets this

    def __init__(self) -> None:
        super().__init__(HostSelector(deliver, HOSTED))
        self._keys = self._selector._keys  # type: ignore[attr-defined]
        _eryx.loop_setup(
            self, self._ready, events.Handle, asyncio.Future, pending, self._handle_failed, self._run_other, receive_one  # type: ignore[attr-defined]
        )
        self.turn = self._make_turn()
        self._hooks: Any = None
        self._tune()

    def is_plain(self) -> bool:
        """Whether the loop is open, and neither debug mode nor a task factory asks for asyncio's own ways."""
        return not (self._debug or self._closed or self._task_factory)  # type: ignore[attr-defined]

    def _tune(self) -> None:
        """Replace the methods that asyncio calls most by functions in C that do only what is needed then."""
        if self.is_plain():
            fast = {
                "call_soon": _eryx.call_soon,
                "create_task": functools.partial(asyncio.Task, loop=self),
                "create_future": functools.partial(asyncio.Future, loop=self),
            }
            self.__dict__.update(fast)
        else:
            for name in ("call_soon", "create_task", "create_future"):
                self.__dict__.pop(name, None)

    def set_debug(self, enabled: bool) -> None:
        """As asyncio's."""
        super().set_debug(enabled)
        self._tune()

    def set_task_factory(self, factory: Any) -> None:
        """As asyncio's."""
        super().set_task_factory(factory)
        self._tune()

    def close(self) -> None:
        """As asyncio's."""
        super().close()
        self._tune()

    def _handle_failed(self, handle: events.Handle, error: Exception) -> None:
        """What Handle._run does when the callback fails."""
        source = format_helpers._format_callback_source(handle._callback, handle._args)  # type: ignore[attr-defined]
        self.call_exception_handler({"message": f"Exception in callback {source}", "exception": error, "handle": handle})

    def _run_other(self, handle: Any) -> None:
        """Run a handle that was not made by the C code: a timer's."""
        if not handle._cancelled:
            handle._run()

    def _make_turn(self) -> Callable[[], int]:
        """``turn()`` runs what is runnable now, without blocking: 0 if more is, else nanoseconds until the next timer, -1: none.

        It is a closure, since each attribute of the loop costs as much as a call in C here.
        """
        ready: Any = self._ready  # type: ignore[attr-defined]
        keys, wait, receive, run_ready = self._keys, _eryx.wait, _eryx.receive, _eryx.run_ready

        def turn() -> int:
            try:
                messages = wait(0)
                if messages:
                    receive(messages)
            except MemoryError as error:  # what came from the host does not fit
                self.out_of_memory(error)
            if keys:
                self._process_events(self._selector.ready())  # type: ignore[attr-defined]
            scheduled = self._scheduled  # type: ignore[attr-defined]
            if scheduled:
                self._due_timers(scheduled, ready)
            run_ready(len(ready))
            if ready:
                return 0
            return self._next_deadline() if keys or self._scheduled else -1  # type: ignore[attr-defined]

        return turn

    def _due_timers(self, scheduled: list[Any], ready: Any) -> None:
        end = self.time() + self._clock_resolution  # type: ignore[attr-defined]
        while scheduled:
            timer = scheduled[0]
            if timer._cancelled:
                self._timer_cancelled_count -= 1  # type: ignore[attr-defined]
            elif timer._when >= end:
                return
            else:
                ready.append(timer)
            heapq.heappop(scheduled)
            timer._scheduled = False

    def _next_deadline(self) -> int:
        """Nanoseconds until the next timer; -1 when there is none."""
        if self._selector._always:  # type: ignore[attr-defined]
            return 0
        scheduled = self._scheduled  # type: ignore[attr-defined]
        while scheduled and scheduled[0]._cancelled:
            self._timer_cancelled_count -= 1  # type: ignore[attr-defined]
            heapq.heappop(scheduled)._scheduled = False
        if not scheduled:
            return -1
        return max(0, int((scheduled[0]._when - self.time()) * _NANOSECONDS))


    def enter(self) -> None:
        """Make this the running loop until ``leave``, with asyncio's hooks for asynchronous generators."""
        self._thread_id = threading.get_ident()
        self._hooks = sys.get_asyncgen_hooks()
        sys.set_asyncgen_hooks(firstiter=self._asyncgen_firstiter_hook, finalizer=self._asyncgen_finalizer_hook)  # type: ignore[attr-defined]
        events._set_running_loop(self)

    def forget(self) -> None:
        """Drop everything that is to run, without memory to end it: tasks go unfinished, and nobody is told of each."""
        ready: Any = self._ready  # type: ignore[attr-defined]
        for handle in ready:
            task = getattr(handle._callback, "__self__", None)
            if isinstance(task, asyncio.Task):
                task._log_destroy_pending = False  # type: ignore[attr-defined]
        handle = task = None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "never awaited", of each
            ready.clear()
            self._scheduled.clear()  # type: ignore[attr-defined]

    def leave(self) -> None:
        """Undo ``enter``."""
        self._thread_id = None  # type: ignore[assignment]
        events._set_running_loop(None)
        sys.set_asyncgen_hooks(*self._hooks)


def install() -> None:
    """Make asyncio use ``Loop`` wherever it makes a loop of its own, nested runs included."""
    from asyncio import runners

    asyncio.SelectorEventLoop = asyncio.EventLoop = Loop  # type: ignore[assignment]
    from asyncio import unix_events

    unix_events.SelectorEventLoop = unix_events.EventLoop = Loop  # type: ignore[assignment]
    for policy in ("_DefaultEventLoopPolicy", "_UnixDefaultEventLoopPolicy"):
        cls = getattr(unix_events, policy, None)
        if cls is not None:
            cls._loop_factory = Loop
    run, run_in = runners.run, runners.Runner.run

    @functools.wraps(run)
    def nested_run(*args: Any, **kwargs: Any) -> Any:
        with _nested():
            return run(*args, **kwargs)

    @functools.wraps(run_in)
    def nested_run_in(self: asyncio.Runner, *args: Any, **kwargs: Any) -> Any:
        with _nested():
            return run_in(self, *args, **kwargs)

    asyncio.run = runners.run = nested_run
    runners.Runner.run = nested_run_in  # type: ignore[method-assign]
