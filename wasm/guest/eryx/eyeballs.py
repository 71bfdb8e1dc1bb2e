"""``socket.create_connection`` that tries a host's addresses beside one another (RFC 8305, "happy eyeballs")."""

import errno
import socket
import time
from typing import Any

DELAY_S = 0.25  # how long one address has before the next is tried as well
_DEFAULT: Any = socket._GLOBAL_DEFAULT_TIMEOUT  # type: ignore[attr-defined]
_one_by_one = socket.create_connection


class _Race:
    """Connects to the first of several addresses that answers."""

    def __init__(self, addresses: list[Any], source: Any) -> None:
        self._left = addresses[::-1]
        self._source = source
        self._running: list[tuple[socket.socket, Any]] = []
        self.errors: list[OSError] = []

    def _begin(self) -> socket.socket | None:
        """Try the next address; the socket, if it is connected at once."""
        family, kind, proto, _, address = self._left.pop()
        made = None
        try:
            made = socket.socket(family, kind, proto)
            made.setblocking(False)
            if self._source:
                made.bind(self._source)
            made.connect(address)
        except BlockingIOError:
            assert made is not None
            self._running.append((made, address))
            return None
        except OSError as error:
            self.errors.append(error)
            if made is not None:
                made.close()
            return None
        return made

    def _ended(self, ready: list[socket.socket]) -> socket.socket | None:
        """The socket that is connected, of those that have something to tell."""
        for made, address in self._running[:]:
            if made not in ready:
                continue
            self._running.remove((made, address))
            try:
                made.connect(address)  # tells the error in full, or that it is connected
            except OSError as error:
                if error.errno == errno.EISCONN:
                    return made
                self.errors.append(error)
                made.close()
        return None

    def run(self, timeout: float | None) -> socket.socket:
        """The connected socket; OSError when none can be."""
        import select

        end = None if timeout is None else time.monotonic() + timeout
        try:
            while self._left or self._running:
                won = self._begin() if self._left else None
                if won is None and self._running:
                    wait = DELAY_S if self._left else None
                    if end is not None:
                        rest = max(0.0, end - time.monotonic())
                        wait = rest if wait is None else min(wait, rest)
                    sockets = [s for s, _ in self._running]
                    won = self._ended(select.select([], sockets, [], wait)[1])
                if won is not None:
                    return won
                if end is not None and time.monotonic() >= end:
                    raise TimeoutError("timed out")
            raise self.errors[-1]
        finally:
            for loser, _ in self._running:
                loser.close()


def create_connection(address: Any, timeout: Any = _DEFAULT, source_address: Any = None, *, all_errors: bool = False) -> socket.socket:
    """As CPython's, but an address that does not answer holds up the others for a quarter of a second only."""
    host, port = address
    addresses = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)
    if len(addresses) < 2:
        return _one_by_one(address, timeout, source_address, all_errors=all_errors)
    limit = socket.getdefaulttimeout() if timeout is _DEFAULT else timeout
    race = _Race(addresses, source_address)
    try:
        made = race.run(limit)
    except OSError as error:
        if all_errors and race.errors:
            raise ExceptionGroup("create_connection failed", race.errors) from None
        raise error from None
    made.settimeout(limit)
    return made


def install() -> None:
    """Put it in the place of CPython's."""
    create_connection.__module__ = "socket"
    socket.create_connection = create_connection
