"""The polite interrupt: an exception that the host raises in running code, so that ``finally`` blocks run."""

import signal
from asyncio import base_events, events
from types import FrameType


class ExecutionInterrupted(KeyboardInterrupt):
    """Raised in the program when its time, its fuel or its caller's patience is over.

    It is a ``KeyboardInterrupt``, so that ``except Exception`` lets it pass and asyncio stops at once.
    Code that swallows it is killed after the grace period.
    """


_REASON = ["execution interrupted"]


def set_reason(text: str) -> None:
    """Remember what the next interrupt says."""
    _REASON[0] = text


# The code of event loops: it takes a handle out of the queue and calls it, or puts one in for a task's next step.
# An exception there would lose the handle, whose task would then wait for ever and could not even be cancelled.
_LOOPS: set[str] = {events.Handle._run.__code__.co_filename, base_events.BaseEventLoop._run_once.__code__.co_filename}  # type: ignore[attr-defined]


def _raise_now() -> None:
    raise ExecutionInterrupted(_REASON[0])


def _raise(signum: int, frame: FrameType | None) -> None:
    if frame is not None and frame.f_code.co_filename in _LOOPS:
        running = events._get_running_loop()
        if running is not None and not running.is_closed():
            running.call_soon(_raise_now)
            return
    raise ExecutionInterrupted(_REASON[0])


def install() -> None:
    """Make the interrupt signal raise ``ExecutionInterrupted``."""
    from .loop import Loop

    _LOOPS.add(Loop.run_in_executor.__code__.co_filename)
    signal.signal(signal.SIGINT, _raise)
