"""What all objects that can be closed have in common."""

from __future__ import annotations

import sys
from types import TracebackType

from .errors import ClosedError

if sys.version_info >= (3, 11):
    from typing import Self
else:
    from typing_extensions import Self


class Closing:
    """Base of objects with ``close``: they can be used by ``with`` and ``async with``."""

    _handle: int = 0  # of the library's object; 0 before it is made and after it is closed
    _what = "object"  # what errors call it

    def _open(self) -> int:
        """The handle, read once: another thread may close the object at any time. ClosedError."""
        handle = self._handle
        if not handle:
            raise ClosedError(f"the {self._what} is closed")
        return handle

    def _take_handle(self) -> int:
        """The handle, which the object then has no more. Of several threads that close it, one gets it and the others 0:
        only operations of a dict are atomic in every Python, those without a GIL included."""
        handle: int = vars(self).pop("_handle", 0)
        return handle

    def close(self) -> None:
        """Frees the object. Closing again does nothing."""
        raise NotImplementedError

    def _check_open(self) -> None:
        """Raises ClosedError when the object is closed."""
        self._open()

    def __enter__(self) -> Self:
        self._check_open()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        self.close()
