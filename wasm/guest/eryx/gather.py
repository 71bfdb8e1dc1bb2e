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
# Set by install(): the code that all host functions' coroutines run, what numbers calls, and what cancels one by its number.
_code: CodeType
next_number: Callable[[], int]
cancel_call: Callable[[int], None]
starting = False  # host functions return their futures


async def _begin_all(
    coroutines: tuple[Any, ...], loop: HostedLoop, children: list[asyncio.Future[Any]], failed: list[asyncio.Future[Any]]
) -> None:
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
            future = loop.create_future()
            future.set_exception(error)
            children.append(future)
            failed.append(future)


def _begin(coroutines: tuple[Any, ...], loop: HostedLoop, failed: list[asyncio.Future[Any]]) -> list[asyncio.Future[Any]]:
    """The futures of the coroutines' calls, which have begun; those that have failed are added to ``failed``."""
    global starting
    children: list[asyncio.Future[Any]] = []
    starting = True
    try:
        _begin_all(coroutines, loop, children, failed).send(None)
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


_result = asyncio.Future.result


def call_failed(number: int, future: asyncio.Future[Any]) -> None:
    """Call ``number``, for which ``future`` waits, has failed: if it was gathered, that gathering has to know."""
    for gathering in tuple(_open):
        if gathering.first < number < gathering.last:
            gathering.fail(future)


def forget() -> None:
    """The gatherings that are open will never be done."""
    _open.clear()


class _Gathering:
    """One gathering: as asyncio.gather's own function has it, for futures that nobody else knows.

    Only one child at a time has a callback: when it is done, the next one that is not gets it. What fails meanwhile is told by
    ``call_failed``, and what is cancelled is cancelled with all others.
    """

    def __init__(self, coroutines: tuple[Any, ...], loop: HostedLoop, return_exceptions: bool) -> None:
        self.loop = loop
        self.return_exceptions = return_exceptions
        failed: list[asyncio.Future[Any]] = []
        self.first = next_number()  # all calls of the children have numbers between these two
        self.children = _begin(coroutines, loop, failed)
        self.last = next_number()
        self.rest = iter(self.children)
        self.outer = tasks._GatheringFuture(self.children, loop=loop)  # type: ignore[attr-defined]
        self.failure: asyncio.Future[Any] | None = None  # the first
        for child in failed:
            self.fail(child)

    def start(self) -> asyncio.Future[Any]:
        """Wait for all children."""
        _open.add(self)
        self.go_on(None)
        return self.outer  # type: ignore[no-any-return]

    def go_on(self, _: Any) -> None:
        """Wait for the next child that is not done."""
        for child in self.rest:
            if not child.done():
                child.add_done_callback(self.go_on)
                return
        _open.discard(self)
        self.finish()

    def fail(self, child: asyncio.Future[Any]) -> None:
        """A child has failed."""
        error = child.exception()  # also for its own sake: somebody has seen it
        if self.return_exceptions or self.outer.done():
            return
        if self.failure is None and any(child is own for own in self.children):
            self.failure = child
        if self.failure is child:
            self.outer.set_exception(error)

    def finish(self) -> None:
        """All children are done."""
        outer = self.outer
        if outer._cancel_requested:
            self.finish_cancelled()
        elif not outer.done():
            try:
                outer.set_result(list(map(_outcome if self.return_exceptions else _result, self.children)))
            except CancelledError:  # of one child, which is nobody else's business
                self.finish_cancelled()

    def finish_cancelled(self) -> None:
        """All children are done, some because they were cancelled."""
        cancelled = [child for child in self.children if child.cancelled()]
        self.tell_host(cancelled)
        if not self.outer.done():
            self.outer.set_exception(cancelled[0]._make_cancelled_error())  # type: ignore[attr-defined]

    def tell_host(self, cancelled: list[asyncio.Future[Any]]) -> None:
        """Cancel the calls of children on the host, unless their answers are here."""
        numbers = {waiting: number for number, waiting in pending.items()}
        for child in cancelled:
            number = numbers.get(child)
            if number is not None:
                cancel_call(number)


_open: set[_Gathering] = set()  # those with children that are not done


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


def install(code: CodeType, number: Callable[[], int], cancel: Callable[[int], None]) -> None:
    """Make this asyncio's ``gather``: ``code`` is that of host functions, ``number`` gives a call its number, by which ``cancel``
    ends it."""
    global _code, next_number, cancel_call
    _code, next_number, cancel_call = code, number, cancel
    asyncio.gather = tasks.gather = gather
