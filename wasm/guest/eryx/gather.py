"""``asyncio.gather`` of host functions without a task for each.

A task exists to drive a coroutine; that of a host function does nothing but wait for one future. So when all that is
gathered are such coroutines, each is started at once and its future gathered. Everything else is asyncio's own.
"""

import asyncio
import functools
from asyncio import CancelledError, events, tasks
from collections.abc import Callable
from types import CodeType
from typing import Any

from .loop import HostedLoop, pending

_original = tasks.gather
# Set by install(): the code that all host functions' coroutines run, and what cancels a call by its number.
_code: CodeType
cancel_call: Callable[[int], None]
starting = False  # host functions return their futures


async def _begin_all(coroutines: tuple[Any, ...], loop: HostedLoop, children: list[asyncio.Future[Any]]) -> None:
    """Add the futures that the coroutines wait for; one that fails to begin is a future that has failed.

    While ``starting`` is set a host function returns its future at once, so that no coroutine is left that would have to be
    closed, which takes an exception each.
    """
    for coroutine in coroutines:
        try:
            children.append(await coroutine)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            failed = loop.create_future()
            failed.set_exception(error)
            children.append(failed)


def _begin(coroutines: tuple[Any, ...], loop: HostedLoop) -> list[asyncio.Future[Any]]:
    """The futures of the coroutines' calls, which have begun."""
    global starting
    children: list[asyncio.Future[Any]] = []
    starting = True
    try:
        _begin_all(coroutines, loop, children).send(None)
    except StopIteration:
        pass
    finally:
        starting = False
    return children


def _outcome(future: asyncio.Future[Any]) -> Any:
    """What ``future`` contributes to the results when exceptions are results."""
    if future.cancelled():
        message = future._cancel_message  # type: ignore[attr-defined]
        return CancelledError("" if message is None else message)
    error = future.exception()
    return future.result() if error is None else error


class _Gathering:
    """One gathering: as asyncio.gather's own function has it, for futures that nobody else knows."""

    def __init__(self, coroutines: tuple[Any, ...], loop: HostedLoop, return_exceptions: bool) -> None:
        self.return_exceptions = return_exceptions
        self.children = _begin(coroutines, loop)
        self.outer = tasks._GatheringFuture(self.children, loop=loop)  # type: ignore[attr-defined]
        self.numbers: dict[asyncio.Future[Any], int] | None = None

    def start(self) -> asyncio.Future[Any]:
        """Wait for all children."""
        done = self.make_callback()
        for child in self.children:
            if child.done():
                done(child)
            else:
                child.add_done_callback(done)
        return self.outer  # type: ignore[no-any-return]

    def make_callback(self) -> Any:
        """What each child calls when it is done; the usual case, an answer, is short."""
        left = len(self.children)
        outer = self.outer

        def done(future: asyncio.Future[Any]) -> None:
            nonlocal left
            left -= 1
            if future._exception is not None or future.cancelled() or outer.done():
                self.unusual(future)
            if not left and not outer.done():
                self.finish(future)

        return done

    def unusual(self, future: asyncio.Future[Any]) -> None:
        """A child has failed or was cancelled."""
        cancelled = future.cancelled()
        if cancelled:
            self.tell_host(future)
        error = future._make_cancelled_error() if cancelled else future.exception()  # type: ignore[attr-defined]
        if not self.return_exceptions and error is not None and not self.outer.done():
            self.outer.set_exception(error)

    def tell_host(self, future: asyncio.Future[Any]) -> None:
        """Cancel the call of a child on the host, unless its answer is here."""
        if self.numbers is None:
            self.numbers = {waiting: number for number, waiting in pending.items()}
        number = self.numbers.get(future)
        if number is not None:
            cancel_call(number)

    def finish(self, last: asyncio.Future[Any]) -> None:
        """All children are done."""
        if self.return_exceptions:
            results = [_outcome(child) for child in self.children]
        else:
            results = [child.result() for child in self.children]
        if self.outer._cancel_requested:
            self.outer.set_exception(last._make_cancelled_error())  # type: ignore[attr-defined]
        else:
            self.outer.set_result(results)


def _all_calls(awaitables: tuple[Any, ...]) -> bool:
    """Whether ``awaitables`` are distinct coroutines of host functions."""
    try:
        for awaitable in awaitables:
            if awaitable.cr_code is not _code:
                return False
        return len(set(awaitables)) == len(awaitables)
    except (AttributeError, TypeError):
        return False


@functools.wraps(_original)
def gather(*coros_or_futures: Any, return_exceptions: bool = False) -> Any:
    loop = events._get_running_loop()
    if type(loop) is HostedLoop and coros_or_futures and loop.is_plain() and _all_calls(coros_or_futures):
        return _Gathering(coros_or_futures, loop, return_exceptions).start()
    return _original(*coros_or_futures, return_exceptions=return_exceptions)


def install(code: CodeType, cancel: Callable[[int], None]) -> None:
    """Make this asyncio's ``gather``; ``code`` is that of host functions, ``cancel`` what ends a call by its number."""
    global _code, cancel_call
    _code, cancel_call = code, cancel
    asyncio.gather = tasks.gather = gather
