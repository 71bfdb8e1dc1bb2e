"""Session stores: many sessions, of which few are in memory."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

from . import _blocking
from ._closing import Closing
from ._request import forget


class StoreStats(NamedTuple):
    """What a store holds: sessions, those in memory and on disk, the disk they take, and how often one moved."""

    session_count: int
    resident_count: int
    on_disk_count: int
    disk_bytes: int
    total_moved: int
    total_returned: int


class SessionStore(Closing):
    """Moves sessions that are not used to disk, as images, and brings them back when they are used again.

    >>> with eryx.SessionStore(max_resident=100) as store:
    ...     sessions = [eryx.Session(store=store) for _ in range(1000)]

    A session does not notice, but that its next use takes some milliseconds: memory, files, callbacks and limits stay.
    Sessions that run stay in memory, and so do those that have a deleted file open.

    Args:
        max_resident: how many sessions at rest are kept in memory at most.
        directory: where the store makes a directory of its own, which only the user can read; None: the system's
            directory for temporary files. It goes when the store is closed.
        max_disk_bytes: how much disk the sessions may take; None: as much as there is. When it is full, creating a
            session and executing in one that is on disk raise ResourceLimitError, whose ``limit`` is "disk".
    """

    _what = "session store"

    def __init__(
        self,
        *,
        max_resident: int = 100,
        directory: str | os.PathLike[str] | None = None,
        max_disk_bytes: int | None = None,
    ) -> None:
        if max_resident < 1:
            raise ValueError(f"max_resident is {max_resident}: use a positive number")
        message: dict[str, Any] = {"op": "store.new", "max_resident": max_resident}
        if directory is not None:
            message["directory"] = os.fspath(directory)
        if max_disk_bytes is not None:
            if max_disk_bytes < 1:
                raise ValueError(f"max_disk_bytes is {max_disk_bytes}: use a positive number, or None for no limit")
            message["max_disk_bytes"] = max_disk_bytes
        self._handle = _blocking.call(message)["store"]

    def stats(self) -> StoreStats:
        """What the store holds now."""
        return StoreStats(**_blocking.call({"op": "store.stats", "store": self._open()}))

    def close(self) -> None:
        """Closes the store and its sessions and removes its directory. Closing again does nothing."""
        if handle := self._take_handle():
            _blocking.call({"op": "store.close", "store": handle})

    def __del__(self) -> None:
        if handle := self._take_handle():
            forget({"op": "store.close", "store": handle})

    def __repr__(self) -> str:
        return f"SessionStore({self.stats()})" if self._handle else "SessionStore(closed)"
