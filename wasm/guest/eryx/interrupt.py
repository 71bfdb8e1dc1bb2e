"""The polite interrupt: an exception that the host raises in running code, so that ``finally`` blocks run."""

import signal


class ExecutionInterrupted(KeyboardInterrupt):
    """Raised in the program when its time, its fuel or its caller's patience is over.

    It is a ``KeyboardInterrupt``, so that ``except Exception`` lets it pass and asyncio stops at once.
    Code that swallows it is killed after the grace period.
    """


_REASON = ["execution interrupted"]


def set_reason(text: str) -> None:
    """Remember what the next interrupt says."""
    _REASON[0] = text


def _raise(signum: int, frame: object) -> None:
    raise ExecutionInterrupted(_REASON[0])


def install() -> None:
    """Make the interrupt signal raise ``ExecutionInterrupted``."""
    signal.signal(signal.SIGINT, _raise)
