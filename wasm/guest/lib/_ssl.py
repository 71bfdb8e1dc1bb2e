"""The private module behind ssl, as CPython's C module of this name: TLS is done by the host (core/guestnet/tls.go)."""

import os
from typing import Any

from _eryx_ssl import constants as _constants
from _eryx_ssl.bio import MemoryBIO
from _eryx_ssl.certificates import Certificate, nid2obj, txt2obj
from _eryx_ssl.certificates import decode_file as _test_decode_cert
from _eryx_ssl.connection import Connection as _SSLSocket
from _eryx_ssl.context import SSLContext as _SSLContext
from _eryx_ssl.errors import (
    SSLCertVerificationError,
    SSLEOFError,
    SSLError,
    SSLSyscallError,
    SSLWantReadError,
    SSLWantWriteError,
    SSLZeroReturnError,
)

globals().update({name: value for name, value in vars(_constants).items() if name.lstrip("_")[:1].isupper() and name != "ALERTS"})
globals().update({f"ALERT_DESCRIPTION_{name}": value for name, value in _constants.ALERTS.items()})

__all__ = [
    "Certificate",
    "MemoryBIO",
    "RAND_add",
    "RAND_bytes",
    "RAND_status",
    "SSLCertVerificationError",
    "SSLEOFError",
    "SSLError",
    "SSLSession",
    "SSLSyscallError",
    "SSLWantReadError",
    "SSLWantWriteError",
    "SSLZeroReturnError",
    "_SSLContext",
    "_SSLSocket",
    "_test_decode_cert",
    "get_default_verify_paths",
    "nid2obj",
    "txt2obj",
]


class SSLSession:
    """A session that could be resumed; there are none here."""

    def __new__(cls, *args: Any, **kwargs: Any) -> SSLSession:
        raise TypeError("cannot create '_ssl.SSLSession' instances")


def RAND_status() -> bool:
    """True: there always is randomness."""
    return True


def RAND_add(string: Any, entropy: float, /) -> None:
    """Mix something into the generator, which needs nothing."""


def RAND_bytes(n: int, /) -> bytes:
    """Random bytes."""
    if n < 0:
        raise ValueError("num must be positive")
    return os.urandom(n)


def get_default_verify_paths() -> tuple[str, str, str, str]:
    """Where OpenSSL would look for certificates; the host knows its own."""
    return ("SSL_CERT_FILE", "/etc/ssl/cert.pem", "SSL_CERT_DIR", "/etc/ssl/certs")
