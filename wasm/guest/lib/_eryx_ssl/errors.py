"""The exceptions of `ssl`, and how the host's failures become them."""

import errno
from typing import Any, NoReturn

import _eryx_tls  # type: ignore[import-not-found]

from .constants import SSL_ERROR_EOF, SSL_ERROR_SSL, SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE, SSL_ERROR_ZERO_RETURN

# Statuses and questions, as in core/guestnet/tls.go and core/guest/imports_tls.go.
OK, WANT_READ, WANT_WRITE, ZERO_RETURN, EOF, FAILED = range(6)
ASK_POLICY, ASK_FAILURE, ASK_INFO, ASK_CERTIFICATE, ASK_PAIR, ASK_CIPHERS = range(6)

LOST = (
    "this TLS connection is lost: it lives outside of the sandbox's memory, "
    "so that a snapshot, a fork or a restored image does not carry it along"
)
NO_NETWORK = "network access is not permitted in this sandbox; whoever made it can grant it with the option network"


class SSLError(OSError):
    """An error occurred in the SSL implementation."""

    reason: str | None = None
    library: str | None = None

    def __str__(self) -> str:
        return str(self.args[1]) if len(self.args) > 1 and isinstance(self.args[1], str) else str(self.args)


class SSLZeroReturnError(SSLError):
    """SSL/TLS session closed cleanly."""


class SSLWantReadError(SSLError):
    """Non-blocking SSL socket needs to read more data before the requested operation can be completed."""


class SSLWantWriteError(SSLError):
    """Non-blocking SSL socket needs to write more data before the requested operation can be completed."""


class SSLSyscallError(SSLError):
    """System error when attempting SSL operation."""


class SSLEOFError(SSLError):
    """SSL/TLS connection terminated abruptly."""


class SSLCertVerificationError(SSLError, ValueError):
    """A certificate could not be verified."""

    verify_code: int = 0
    verify_message: str = ""


for _class in (SSLError, SSLZeroReturnError, SSLWantReadError, SSLWantWriteError, SSLSyscallError, SSLEOFError, SSLCertVerificationError):
    _class.__module__ = "ssl"


def translate(failure: list[Any]) -> Exception:
    """The exception for a failure of the host's: [kind, reason, text, verify code, verify text]."""
    kind, reason, text, code, detail = failure
    if kind == "permission":
        return PermissionError(errno.EACCES, text)
    prefix = f"[SSL: {reason}] " if reason else "[SSL] "
    cls = SSLCertVerificationError if kind == "verify" else SSLError
    error = cls(SSL_ERROR_SSL, prefix + text)
    error.library, error.reason = "SSL", reason or None
    if isinstance(error, SSLCertVerificationError):
        error.verify_code, error.verify_message = code, detail
    return error


def raise_for(handle: int, status: int) -> NoReturn:
    """Raise what a status that is not OK means."""
    if status == WANT_READ:
        raise SSLWantReadError(SSL_ERROR_WANT_READ, "The operation did not complete (read)")
    if status == WANT_WRITE:
        raise SSLWantWriteError(SSL_ERROR_WANT_WRITE, "The operation did not complete (write)")
    if status == ZERO_RETURN:
        raise SSLZeroReturnError(SSL_ERROR_ZERO_RETURN, "TLS/SSL connection has been closed (EOF)")
    if status == EOF:
        error = SSLEOFError(SSL_ERROR_EOF, "[SSL: UNEXPECTED_EOF_WHILE_READING] EOF occurred in violation of protocol")
        error.library, error.reason = "SSL", "UNEXPECTED_EOF_WHILE_READING"
        raise error
    raise translate(_eryx_tls.ask(handle, ASK_FAILURE, b""))


def host_error(error: OSError) -> Exception:
    """The exception for an errno of the host's."""
    if error.errno == errno.EACCES:
        return PermissionError(errno.EACCES, NO_NETWORK)
    if error.errno == errno.EBADF:
        return SSLError(SSL_ERROR_SSL, LOST)
    if error.errno == errno.EMFILE:
        return OSError(errno.EMFILE, "too many TLS connections are open in this sandbox; close some first")
    return error


def ssl_error(text: str, reason: str | None = None) -> SSLError:
    """An SSLError of our own."""
    error = SSLError(SSL_ERROR_SSL, f"[SSL: {reason}] {text}" if reason else text)
    error.library, error.reason = "SSL", reason
    return error
