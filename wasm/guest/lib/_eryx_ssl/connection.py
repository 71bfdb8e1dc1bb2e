"""_SSLSocket: one TLS connection, over a socket or over two memory buffers."""

import socket as _socket
import time
import weakref
from typing import Any

import _eryx
import _eryx_tls  # type: ignore[import-not-found]

from . import certificates, constants
from .errors import (
    ASK_INFO,
    ASK_POLICY,
    FAILED,
    OK,
    WANT_READ,
    WANT_WRITE,
    SSLWantReadError,
    SSLWantWriteError,
    host_error,
    raise_for,
    ssl_error,
    translate,
)

_HANDSHAKE, _READ, _WRITE, _FEED, _FEED_END, _TAKE, _SHUTDOWN, _PENDING = range(8)
_CHUNK = 64 << 10
_IN, _OUT = range(2)  # directions of move()
_recv, _send = _socket.socket.recv, _socket.socket.send


def insecure_allowed() -> bool:
    """Whether the network policy lets the guest switch the verification off."""
    try:
        return bool(_eryx_tls.ask(0, ASK_POLICY, b"")["insecure"])
    except OSError as error:
        raise host_error(error) from None


class Connection:
    """A TLS connection. The host encrypts and decrypts; the bytes of the wire pass through here."""

    session: Any = None
    session_reused = False

    def __init__(self, context: Any, sock: Any, incoming: Any, outgoing: Any, server_side: bool, hostname: str | None, owner: Any) -> None:
        self._handle = 0
        self._context = context
        self._sock = None if sock is None else weakref.ref(sock)
        self._incoming, self._outgoing = incoming, outgoing
        self._left = b""  # ciphertext that the socket had no room for
        self._owed = 0  # bytes taken by a write that said it would block
        self._ended = False  # the host knows that nothing more is received
        self._info: dict[str, Any] | None = None
        self.server_side = bool(server_side)
        self.server_hostname = hostname
        self.owner = owner and weakref.ref(owner)
        if server_side and context.protocol == constants.PROTOCOL_TLS_CLIENT:
            raise ssl_error("Cannot create a server socket with a PROTOCOL_TLS_CLIENT context")
        if not server_side and context.protocol == constants.PROTOCOL_TLS_SERVER:
            raise ssl_error("Cannot create a client socket with a PROTOCOL_TLS_SERVER context")
        if hostname is not None and (not hostname or hostname.startswith(".")):
            raise ValueError("server_hostname cannot be an empty string or start with a leading dot.")

    def _open(self) -> int:
        """Make the host's part, on first use."""
        options = self._context.options_for(self.server_side, self.server_hostname, insecure_allowed())
        try:
            handle = _eryx_tls.open(_eryx.pack(options))
        except OSError as error:
            raise host_error(error) from None
        if isinstance(handle, bytes):
            raise translate(_eryx.unpack(handle))
        self._handle = handle
        return int(handle)

    def __del__(self, _close: Any = _eryx_tls.close) -> None:
        handle, self._handle = self._handle, 0
        if handle:
            _close(handle)

    @property
    def context(self) -> Any:
        """The context that the connection was made with."""
        return self._context

    @context.setter
    def context(self, value: Any) -> None:
        self._context = value

    # ---- the wire ---------------------------------------------------------------------------------------

    def _put(self, op: int, data: Any, deadline: float | None) -> tuple[int, int]:
        """Do an operation that takes bytes, and send what it makes: its status, and how many bytes it took."""
        try:
            status, consumed, pending = _eryx_tls.put(self._handle or self._open(), op, data)
        except OSError as error:
            raise host_error(error) from None
        if pending:
            self._flush(deadline)
        return status, consumed

    def _flush(self, deadline: float | None) -> None:
        """Send the ciphertext that waits. A socket that does not block keeps what it has no room for."""
        handle = self._handle
        if self._sock is None:
            pending = 1
            while pending:
                _, data, pending = _eryx_tls.get(handle, _TAKE, _CHUNK)
                self._outgoing.write(data)
            return
        while True:
            data = self._left
            if not data:
                if _eryx_tls.move(handle, self._socket().fileno(), _OUT) == 0:
                    return
                _, data, _ = _eryx_tls.get(handle, _TAKE, _CHUNK)
                if not data:
                    return
            self._left = data
            while data:
                sent = self._transfer(_send, deadline, data)
                if sent is None:
                    return
                self._left = data = data[sent:]

    def _transfer(self, function: Any, deadline: float | None, argument: Any) -> Any:
        """Call the socket's send or recv, within what is left of its timeout; None when it would block."""
        sock = self._socket()
        limited = deadline is not None
        timeout = sock.gettimeout()
        try:
            if limited:
                left = deadline - time.monotonic()  # type: ignore[operator]
                if left <= 0:
                    raise TimeoutError
                sock.settimeout(left)
            return function(sock, argument)
        except BlockingIOError:
            return None
        except TimeoutError:
            raise TimeoutError(f"The {'read' if function is _recv else 'write'} operation timed out") from None
        finally:
            if limited:
                sock.settimeout(timeout)

    def _socket(self) -> Any:
        sock = None if self._sock is None else self._sock()
        if sock is None:
            raise ssl_error("Underlying socket connection gone")
        return sock

    def _deadline(self) -> float | None:
        if self._sock is None:
            return None
        timeout = self._socket().gettimeout()
        return time.monotonic() + timeout if timeout else None

    def _receive(self, deadline: float | None) -> bool:
        """Hand ciphertext to the host; False when there is none now."""
        if self._ended:
            return False
        if self._sock is None:
            return self._receive_bio()
        moved = _eryx_tls.move(self._handle, self._socket().fileno(), _IN)  # what can be had at once needs no way through here
        if moved is not None:
            self._ended = moved == 0
            return True
        data = self._transfer(_recv, deadline, _CHUNK)
        if data is None:
            return False
        self._feed(data)
        return True

    def _receive_bio(self) -> bool:
        bio = self._incoming
        if not bio.pending:
            if bio.eof:
                self._feed(b"")
                return True
            return False
        with bio.peek(_CHUNK) as data:
            _, consumed, _ = _eryx_tls.put(self._handle, _FEED, data)
        bio.consume(consumed)
        return bool(consumed)

    def _feed(self, data: bytes) -> None:
        if not data:
            self._ended = True
            _eryx_tls.put(self._handle, _FEED_END, b"")
        while data:
            _, consumed, _ = _eryx_tls.put(self._handle, _FEED, data)
            if not consumed:
                raise ssl_error("the peer sends more than the connection can hold")
            data = data[consumed:]

    def _until_done(self, op: int, data: Any = b"") -> int:
        """Repeat an operation that takes bytes until it is done, or would block."""
        deadline = self._deadline()
        while True:
            status, consumed = self._put(op, data, deadline)
            if status == OK:
                return consumed
            if status == WANT_WRITE:
                self._flush(deadline)
                if self._left:
                    raise_for(self._handle, WANT_WRITE)
                continue
            if status != WANT_READ or not self._receive(deadline):
                self._say(status, deadline)
                raise_for(self._handle, status)

    def _say(self, status: int, deadline: float | None) -> None:
        """Send the alert that a failure has left behind, if the peer still takes it."""
        if status == FAILED:
            try:
                self._flush(deadline)
            except OSError:
                pass

    # ---- ssl's interface ----------------------------------------------------------------------------------

    def do_handshake(self) -> None:
        """Do the handshake."""
        self._until_done(_HANDSHAKE)

    def write(self, b: Any, /) -> int:
        """Write bytes; how many were taken."""
        taken: int
        with memoryview(b) as view, view.cast("B") as data:
            if self._left:
                self._flush(self._deadline())
                if self._left:
                    raise_for(self._handle, WANT_WRITE)
            if self._owed:  # the same bytes again, which are sent by now
                taken, self._owed = self._owed, 0
                return taken
            if not data.nbytes:
                return 0
            taken = self._until_done(_WRITE, data[:_CHUNK])
            if self._left:  # a socket that does not block: as with OpenSSL, the caller comes again
                self._owed = taken
                raise_for(self._handle, WANT_WRITE)
            # Over memory there is always room: all is taken, as OpenSSL does, and anyio does not look at the count.
            while self._sock is None and taken < data.nbytes:
                taken += self._until_done(_WRITE, data[taken : taken + _CHUNK])
            return taken

    def read(self, size: int, buffer: Any = None, /) -> Any:
        """Read up to size bytes, into buffer if there is one."""
        if buffer is None:
            if size < 0:
                raise ValueError("size should not be negative")
            if size == 0:
                return b""
            return self._read(_eryx_tls.get, min(size, 1 << 20))
        with memoryview(buffer) as view, view.cast("B") as data:
            if not 0 < size <= data.nbytes:
                size = data.nbytes
            if not size:
                return 0
            return self._read(_eryx_tls.get_into, data[:size])

    def _read(self, get: Any, target: Any) -> Any:
        deadline = self._deadline()
        if not self._handle:
            self._open()
        while True:
            status, result, pending = get(self._handle, _READ, target)
            if pending:
                self._flush(deadline)
            if status == OK:
                return result
            if status != WANT_READ or not self._receive(deadline):
                if status == 3:  # the peer said goodbye
                    return b"" if get is _eryx_tls.get else 0
                self._say(status, deadline)
                raise_for(self._handle, status)

    def pending(self) -> int:
        """How many bytes can be read without receiving any."""
        if not self._handle:
            return 0
        return int(_eryx_tls.put(self._handle, _PENDING, b"")[1])

    def shutdown(self) -> Any:
        """Say goodbye and wait for the peer's goodbye; the socket, if there is one."""
        if not self._handle:
            raise ssl_error("shutdown while in init", "SHUTDOWN_WHILE_IN_INIT")
        self._until_done(_SHUTDOWN)
        return None if self._sock is None else self._socket()

    def _about(self) -> dict[str, Any]:
        """What the host tells after the handshake; {} before."""
        if not self._info:
            if not self._handle:
                return {}
            try:
                self._info = _eryx_tls.ask(self._handle, ASK_INFO, b"")
            except OSError as error:
                raise host_error(error) from None
        return self._info or {}

    def getpeercert(self, binary_mode: bool = False, /) -> Any:
        """The peer's certificate: a dictionary, or DER; None if there is none."""
        info = self._about()
        if not info:
            raise ValueError("handshake not done yet")
        chain = info["chain"]
        if not chain:
            return None
        if binary_mode:
            return chain[0]
        if self._context.verify_mode == constants.CERT_NONE:
            return {}
        return certificates.decode(chain[0])

    def get_verified_chain(self) -> list[certificates.Certificate] | None:
        """The chain up to the root that vouches for it."""
        info = self._about()
        chain = info.get("verified") or info.get("chain")
        return [certificates.Certificate(der) for der in chain] if chain else None

    def get_unverified_chain(self) -> list[certificates.Certificate] | None:
        """The chain as it was received."""
        chain = self._about().get("chain")
        return [certificates.Certificate(der) for der in chain] if chain else None

    def selected_alpn_protocol(self) -> str | None:
        """The protocol that was agreed on."""
        return self._about().get("alpn") or None

    def cipher(self) -> tuple[str, str, int] | None:
        """(name, version, bits) of the cipher suite."""
        info = self._about()
        return (info["cipher"], info["version"], info["bits"]) if info else None

    def shared_ciphers(self) -> list[tuple[str, str, int]] | None:
        """The cipher suites of both ends, of which the chosen one is known."""
        cipher = self.cipher()
        return [cipher] if cipher and self.server_side else None

    def compression(self) -> None:
        """None: TLS does not compress."""

    def version(self) -> str | None:
        """The version of TLS."""
        return self._about().get("version")

    def get_channel_binding(self, cb_type: str = "tls-unique", /) -> bytes | None:
        """Channel binding data."""
        if cb_type != "tls-unique":
            raise ValueError(f"'{cb_type}' channel binding type not implemented")
        return self._about().get("unique") or None

    def verify_client_post_handshake(self) -> None:
        """Ask the client for its certificate afterwards; not supported."""
        raise NotImplementedError("Post-handshake auth is not supported in this sandbox")


Connection.__module__, Connection.__qualname__, Connection.__name__ = "_ssl", "_SSLSocket", "_SSLSocket"

__all__ = ["Connection", "SSLWantReadError", "SSLWantWriteError", "insecure_allowed"]
