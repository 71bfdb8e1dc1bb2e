"""Programs that run in the background."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from . import _blocking, _native
from ._request import Request
from .results import ExecuteResult

if TYPE_CHECKING:
    from ._execute import Runner


class Execution:
    """A program under way: await it, or call ``wait``; ``cancel`` ends it early."""

    def __init__(self, request: Request, owner: Runner) -> None:
        self._request = request
        self._owner: Runner | None = owner  # which closes itself when nobody holds it
        self._future: concurrent.futures.Future[ExecuteResult] = concurrent.futures.Future()
        self._future.set_running_or_notify_cancel()  # a task that awaits it may be cancelled; that does not end it
        self._lock = threading.Lock()  # whoever comes second, of cancel and the submission, sees the first
        self._cancelled = False

    def cancel(self) -> None:
        """Ends the program: it sees KeyboardInterrupt and is killed after a grace period. May be called often."""
        with self._lock:
            self._cancelled = True
            request = self._request.id
        if request and (library := _native.loaded()) is not None:
            library.cancel(request)

    def done(self) -> bool:
        """Whether the program has ended."""
        return self._future.done()

    def wait(self, timeout: float | None = None) -> ExecuteResult:
        """The result; blocks up to ``timeout`` seconds, then concurrent.futures.TimeoutError.

        Raises what ``execute`` raises; CancelledError after ``cancel``.
        """
        return self._future.result(timeout)

    def __await__(self) -> Generator[Any, None, ExecuteResult]:
        return asyncio.wrap_future(self._future).__await__()

    def _submitted(self) -> None:
        with self._lock:
            cancelled = self._cancelled
        if cancelled:
            self.cancel()

    def _run(self) -> None:
        try:
            self._request.on_submit = self._submitted
            _blocking.perform(self._request)
            self._future.set_result(self._request.result())
        except BaseException as error:
            self._future.set_exception(error)
        finally:
            self._owner = None
