"""What all objects that can be closed have in common."""

from __future__ import annotations

import sys
from types import TracebackType

if sys.version_info >= (3, 11):
    from typing import Self
else:
    from typing_extensions import Self


class Closing:
    """Base of objects with ``close``: they can be used by ``with`` and ``async with``."""

    def close(self) -> None:
        """Frees the object. Closing again does nothing."""
        raise NotImplementedError

    def _check_open(self) -> None:
        """Raises ClosedError when the object is closed."""

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
