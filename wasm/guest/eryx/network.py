"""What CPython's own socket module lacks in this build, and how loops wait for the host's resolver."""

import asyncio
import os
import socket
from typing import Any

import _eryx

from . import eyeballs


def socketpair(family: int | None = None, type: int = socket.SOCK_STREAM, proto: int = 0) -> tuple[socket.socket, socket.socket]:
    """Two connected sockets, inside the sandbox: no network is needed for them."""
    if type != socket.SOCK_STREAM:
        raise ValueError("Only SOCK_STREAM is supported for now")
    if proto not in (0, socket.IPPROTO_TCP):
        raise ValueError("Only protocol zero is supported")
    first, second = _eryx.net_pair()
    return socket.socket(fileno=first), socket.socket(fileno=second)


def _encoded(host: Any) -> str | None:
    """The name as getaddrinfo would pass it on; None when that has nothing to ask for."""
    if isinstance(host, str):
        return host if host.isascii() else host.encode("idna").decode("ascii")
    if isinstance(host, (bytes, bytearray)):
        return bytes(host).decode("ascii", "replace")
    return None


async def look_up(loop: asyncio.AbstractEventLoop, host: Any, flags: int = 0) -> None:
    """Wait until the host's resolver has an answer about ``host``, good or bad."""
    name = _encoded(host)
    if not name or flags & socket.AI_NUMERICHOST:
        return
    fd = _eryx.net_lookup(name)
    try:
        answered = loop.create_future()
        loop.add_reader(fd, _answer, answered)
        try:
            await answered
        finally:
            loop.remove_reader(fd)
    finally:
        os.close(fd)


def _answer(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def install() -> None:
    """Add the functions to ``socket``."""
    socketpair.__module__ = "socket"
    socket.socketpair = socketpair
    eyeballs.install()
