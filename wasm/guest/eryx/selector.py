"""The selector of the event loops: the host knows which sockets they wait for, and says which are ready."""

import errno
import itertools
import selectors
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import _eryx

HOSTED = 1  # the number of the selector of the loop that the host drives
_NANOSECONDS = 1_000_000_000
_READ, _WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
_POLL_ERRORS = ~3 & 0xFFFF  # POLLERR, POLLHUP, POLLNVAL: both directions have something to tell
_ANY = -1  # a descriptor's number for the selector as a whole
_numbers = itertools.count(HOSTED + 1)

Ready = list[tuple[selectors.SelectorKey, int]]


class _Keys(Mapping[Any, selectors.SelectorKey]):
    """What is registered, by file object or descriptor."""

    def __init__(self, keys: dict[int, selectors.SelectorKey], number_of: Callable[[Any], int]) -> None:
        self._keys = keys
        self._number_of = number_of

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[int]:
        return iter(self._keys)

    def get(self, fileobj: Any, default: Any = None) -> Any:
        """As every mapping's; asyncio asks with numbers, and often."""
        if isinstance(fileobj, int):
            return self._keys.get(fileobj, default)
        return super().get(fileobj, default)

    def __getitem__(self, fileobj: Any) -> selectors.SelectorKey:
        try:
            return self._keys[self._number_of(fileobj)]
        except KeyError:
            raise KeyError(f"{fileobj!r} is not registered") from None


class HostSelector(selectors.BaseSelector):
    """A selector whose ``select`` is the host's wait. ``deliver`` takes what else arrives meanwhile."""

    def __init__(self, deliver: Callable[[list[list[Any]]], None], number: int | None = None) -> None:
        self._keys: dict[int, selectors.SelectorKey] = {}
        self._always: set[int] = set()  # descriptors that are no sockets: ready at any time
        self._deliver = deliver
        self._number = number or next(_numbers)
        self._map: _Keys | None = _Keys(self._keys, self._number_of)

    def _number_of(self, fileobj: Any) -> int:
        fd = fileobj if isinstance(fileobj, int) else None
        if fd is None:
            try:
                fd = int(fileobj.fileno())
            except (AttributeError, TypeError, ValueError):
                raise ValueError(f"Invalid file object: {fileobj!r}") from None
        if fd < 0:
            # A file that was closed is found by what it was registered as.
            for key in self._keys.values():
                if key.fileobj is fileobj:
                    return key.fd
            raise ValueError(f"Invalid file descriptor: {fd}")
        return fd

    def _watch(self, fd: int, events: int) -> None:
        try:
            _eryx.net_watch(self._number, fd, events)
        except OSError as error:
            if error.errno == errno.ENOENT:  # the host does not know this selector
                self._again()
                return self._watch(fd, events)
            if error.errno not in (errno.ENOTSOCK, errno.EBADF):
                raise
            self._always.add(fd)  # a file, or closed: whoever uses it will see

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """As every selector's."""
        if not events or events & ~(_READ | _WRITE):
            raise ValueError(f"Invalid events: {events!r}")
        fd = self._number_of(fileobj)
        if fd in self._keys:
            raise KeyError(f"{fileobj!r} (FD {fd}) is already registered")
        key = selectors.SelectorKey(fileobj, fd, events, data)
        self._watch(fd, events)
        self._keys[fd] = key
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        """As every selector's."""
        fd = self._number_of(fileobj)
        try:
            key = self._keys.pop(fd)
        except KeyError:
            raise KeyError(f"{fileobj!r} is not registered") from None
        if fd in self._always:
            self._always.discard(fd)
        else:
            _eryx.net_watch(self._number, fd, 0)
        return key

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """As every selector's."""
        fd = self._number_of(fileobj)
        key = self._keys.get(fd)
        if key is None:
            raise KeyError(f"{fileobj!r} is not registered")
        if not events or events & ~(_READ | _WRITE):
            raise ValueError(f"Invalid events: {events!r}")
        if events != key.events and fd not in self._always:
            self._watch(fd, events)
        self._keys[fd] = key = key._replace(events=events, data=data)
        return key

    def ready(self) -> Ready:
        """What is ready now."""
        if not self._keys:
            return []
        found = _eryx.net_ready(self._number)
        if found is None:
            self._again()
            found = _eryx.net_ready(self._number) or []
        ready: Ready = []
        for fd, events in zip(found[::2], found[1::2]):
            key = self._keys.get(fd)
            if key is not None:
                ready.append((key, (_READ | _WRITE if events & _POLL_ERRORS else events) & key.events))
        for fd in self._always:
            key = self._keys[fd]
            ready.append((key, key.events))
        return ready

    def _again(self) -> None:
        """Tell the host everything: it does not know a selector that came with an image, or a new one."""
        _eryx.net_watch(self._number, _ANY, _READ)
        self._always.clear()
        for fd, key in self._keys.items():
            self._watch(fd, key.events)

    def select(self, timeout: float | None = None) -> Ready:
        """As every selector's: wait for a descriptor; what else arrives ends the wait as well."""
        ns = -1 if timeout is None else 0 if timeout <= 0 else int(timeout * _NANOSECONDS) + 1
        ready = self.ready()
        messages = _eryx.wait(0 if ready else ns, self._number)
        if messages:
            self._deliver(messages)
        return ready or self.ready()

    def get_map(self) -> Mapping[Any, selectors.SelectorKey] | None:  # type: ignore[override]
        """What is registered; None once closed."""
        return self._map

    def close(self) -> None:
        """As every selector's."""
        self._keys.clear()
        self._always.clear()
        self._map = None
        _eryx.net_watch(self._number, _ANY, 0)
