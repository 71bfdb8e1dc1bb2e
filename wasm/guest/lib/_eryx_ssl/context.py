"""_SSLContext: the settings that connections are made with."""

import os
from typing import Any, Self

import _eryx_tls  # type: ignore[import-not-found]

from . import certificates, constants
from .bio import MemoryBIO
from .connection import Connection
from .errors import ASK_CIPHERS, ASK_PAIR, host_error, ssl_error

_CLIENT, _SERVER = constants.PROTOCOL_TLS_CLIENT, constants.PROTOCOL_TLS_SERVER
_MAX_FILE_BYTES = 16 << 20
_OLD = {constants.PROTOCOL_TLSv1: 0x301, constants.PROTOCOL_TLSv1_1: 0x302, constants.PROTOCOL_TLSv1_2: 0x303}
_NO = [
    (constants.OP_NO_TLSv1, 0x301),
    (constants.OP_NO_TLSv1_1, 0x302),
    (constants.OP_NO_TLSv1_2, 0x303),
    (constants.OP_NO_TLSv1_3, 0x304),
]


class SSLContext:
    """The part of ssl.SSLContext that is C in CPython."""

    _protocol: int
    _host_flags: int
    _roots: dict[bytes, None]
    _alpn: list[str]
    _ciphers: list[int]
    _message_callback: Any
    post_handshake_auth: bool

    def __new__(cls, protocol: int, /) -> Self:
        if protocol not in (constants.PROTOCOL_TLS, _CLIENT, _SERVER, *_OLD):
            raise ValueError("invalid or unsupported protocol version")
        self = super().__new__(cls)
        self._protocol = protocol
        client = protocol == _CLIENT
        self._verify_mode = constants.CERT_REQUIRED if client else constants.CERT_NONE
        self._check_hostname = client
        self._verify_flags = constants.VERIFY_X509_TRUSTED_FIRST
        self._options = constants.OP_ALL | constants.OP_NO_SSLv3 | constants.OP_CIPHER_SERVER_PREFERENCE | constants.OP_NO_COMPRESSION
        self._options |= constants.OP_ENABLE_MIDDLEBOX_COMPAT | constants.OP_IGNORE_UNEXPECTED_EOF
        self._minimum = self._maximum = _OLD.get(protocol, 0)
        self._host_flags = constants.HOSTFLAG_NO_PARTIAL_WILDCARDS
        self._roots = {}
        self._chain = self._key = b""
        self._alpn = []
        self._ciphers = []
        self._num_tickets = 2
        self.post_handshake_auth = False
        self._message_callback = None
        return self

    @property
    def protocol(self) -> int:
        """The protocol that the context was made with."""
        return self._protocol

    @property
    def verify_mode(self) -> int:
        """Whether the peer's certificate is wanted: CERT_NONE, CERT_OPTIONAL or CERT_REQUIRED."""
        return self._verify_mode

    @verify_mode.setter
    def verify_mode(self, value: int) -> None:
        value = int(value)
        if value not in (constants.CERT_NONE, constants.CERT_OPTIONAL, constants.CERT_REQUIRED):
            raise ValueError("invalid value for verify_mode")
        if value == constants.CERT_NONE and self._check_hostname:
            raise ValueError("Cannot set verify_mode to CERT_NONE when check_hostname is enabled.")
        self._verify_mode = value

    @property
    def check_hostname(self) -> bool:
        """Whether the certificate must be the server's."""
        return self._check_hostname

    @check_hostname.setter
    def check_hostname(self, value: Any) -> None:
        self._check_hostname = bool(value)
        if value and self._verify_mode == constants.CERT_NONE:
            self._verify_mode = constants.CERT_REQUIRED

    @property
    def verify_flags(self) -> int:
        """Flags of the verification; they change nothing here."""
        return self._verify_flags

    @verify_flags.setter
    def verify_flags(self, value: int) -> None:
        self._verify_flags = int(value)

    @property
    def options(self) -> int:
        """OP_... flags; of them OP_NO_TLSv... have an effect."""
        return self._options

    @options.setter
    def options(self, value: int) -> None:
        if value < 0:
            raise OverflowError("can't convert negative value to unsigned int")
        self._options = int(value)

    @property
    def minimum_version(self) -> int:
        """The least version of TLS."""
        return self._minimum or constants.PROTO_MINIMUM_SUPPORTED

    @minimum_version.setter
    def minimum_version(self, value: int) -> None:
        self._minimum = _version(value)

    @property
    def maximum_version(self) -> int:
        """The greatest version of TLS."""
        return self._maximum or constants.PROTO_MAXIMUM_SUPPORTED

    @maximum_version.setter
    def maximum_version(self, value: int) -> None:
        self._maximum = _version(value)

    @property
    def num_tickets(self) -> int:
        """How many session tickets a server sends; none are sent here."""
        return self._num_tickets

    @num_tickets.setter
    def num_tickets(self, value: int) -> None:
        if self._protocol != _SERVER:
            raise ValueError("SSLContext is not a server context.")
        if value < 0:
            raise ValueError("value must be non-negative")
        self._num_tickets = value

    @property
    def security_level(self) -> int:
        """OpenSSL's security level."""
        return 2

    @property
    def sni_callback(self) -> None:
        """A function that chooses a context by the name that a client asks for; not supported."""
        return None

    @sni_callback.setter
    def sni_callback(self, value: Any) -> None:
        if value is not None:
            raise NotImplementedError("sni_callback is not supported in this sandbox")

    @property
    def _msg_callback(self) -> Any:
        return self._message_callback

    @_msg_callback.setter
    def _msg_callback(self, value: Any) -> None:
        self._message_callback = value

    def set_ciphers(self, cipherlist: str, /) -> None:
        """Choose cipher suites of TLS 1.2 by their names; keywords such as HIGH or ECDH+AESGCM leave the default."""
        known = {c["name"]: c["id"] & 0xFFFF for c in self.get_ciphers()}
        chosen, keywords = [], False
        for word in cipherlist.replace(",", ":").replace(" ", ":").split(":"):
            if word in known:
                chosen.append(known[word])
            elif word and word[0] not in "!-@" and (word.isupper() or "+" in word or word == "DEFAULT") and "-" not in word:
                keywords = True
        if not chosen and not keywords:
            raise ssl_error("No cipher can be selected.")
        self._ciphers = [] if keywords else chosen

    def get_ciphers(self) -> list[dict[str, Any]]:
        """The cipher suites."""
        try:
            suites = _eryx_tls.ask(0, ASK_CIPHERS, b"")
        except OSError as error:
            raise host_error(error) from None
        return [
            {"id": 0x03000000 | number, "name": name, "protocol": version, "strength_bits": bits, "alg_bits": bits}
            for name, number, bits, version in suites
        ]

    def set_ecdh_curve(self, name: str, /) -> None:
        """Choose a curve; all usual ones are offered in any case."""
        if name not in ("prime256v1", "secp256r1", "secp384r1", "secp521r1", "X25519", "P-256", "P-384", "P-521"):
            raise ValueError(f"unknown elliptic curve name {name!r}")

    def load_dh_params(self, path: Any, /) -> None:
        """Load Diffie-Hellman parameters, which are not used: key exchange is by elliptic curves."""
        with open(path, "rb"):
            pass

    def _set_alpn_protocols(self, protos: Any, /) -> None:
        data, names = bytes(protos), []
        while data:
            names.append(data[1 : 1 + data[0]].decode("ascii", "replace"))
            data = data[1 + data[0] :]
        self._alpn = names

    def load_cert_chain(self, certfile: Any, keyfile: Any = None, password: Any = None) -> None:
        """Load a certificate chain, and the key that belongs to it, from PEM files."""
        if callable(password):
            password = password()
        if password is not None and not isinstance(password, (str, bytes, bytearray)):
            raise TypeError("password should be a string or callable")
        chain = _read(certfile)
        key = chain if keyfile is None else _read(keyfile)
        if b"ENCRYPTED" in key:
            raise ssl_error("encrypted private keys are not supported in this sandbox: decrypt the key first", "BAD_PASSWORD_READ")
        if not certificates.from_pem(chain):
            raise ssl_error("PEM lib", "PEM_LIB")
        import _eryx

        try:
            trouble = _eryx_tls.ask(0, ASK_PAIR, _eryx.pack([chain, key]))
        except OSError as error:
            raise host_error(error) from None
        if trouble:
            mismatch = "does not match" in trouble
            raise ssl_error("key values mismatch" if mismatch else f"PEM lib: {trouble}", "KEY_VALUES_MISMATCH" if mismatch else "PEM_LIB")
        self._chain, self._key = chain, key

    def load_verify_locations(self, cafile: Any = None, capath: Any = None, cadata: Any = None) -> None:
        """Add certificates that are trusted. They count where the network policy lets the guest decide; else the host's do."""
        if cafile is None and capath is None and cadata is None:
            raise TypeError("cafile, capath and cadata cannot be all omitted")
        if cafile is not None:
            self._add(certificates.from_pem(_read(cafile)), "NO_CERTIFICATE_OR_CRL_FOUND")
        if capath is not None:
            for name in sorted(os.listdir(capath)):
                path = os.path.join(capath, name)
                if os.path.isfile(path):
                    self._roots.update(dict.fromkeys(certificates.from_pem(_read(path))))
        if isinstance(cadata, str):
            self._add(certificates.from_pem(_ascii(cadata)), "NO_START_LINE")
        elif cadata is not None:
            self._add(_split_der(bytes(cadata)), "NOT_ENOUGH_DATA")

    def _add(self, found: list[bytes], reason: str) -> None:
        if not found:
            raise ssl_error("no certificate was found: cadata does not contain a certificate", reason)
        self._roots.update(dict.fromkeys(found))

    def set_default_verify_paths(self) -> None:
        """Trust what the host trusts, which is so in any case."""

    def cert_store_stats(self) -> dict[str, int]:
        """How many certificates were added."""
        authorities = sum(1 for der in self._roots if certificates.describe(der).get("ca"))
        return {"x509": len(self._roots), "crl": 0, "x509_ca": authorities}

    def get_ca_certs(self, binary_form: bool = False) -> list[Any]:
        """The certificate authorities that were added."""
        found = [der for der in self._roots if certificates.describe(der).get("ca")]
        return found if binary_form else [certificates.decode(der) for der in found]

    def session_stats(self) -> dict[str, int]:
        """Figures of the session cache, which there is none of."""
        names = "number connect connect_good connect_renegotiate accept accept_good accept_renegotiate hits misses timeouts cache_full"
        return dict.fromkeys(names.split(), 0)

    def options_for(self, server_side: bool, hostname: str | None, insecure: bool) -> dict[str, Any]:
        """What the host needs to know of a connection."""
        low, high = self._minimum, self._maximum
        allowed = [v for flag, v in _NO if not self._options & flag and (not low or v >= low) and (not high or v <= high)]
        if not allowed:
            raise ssl_error("no protocols available", "NO_PROTOCOLS_AVAILABLE")
        options: dict[str, Any] = {"verify": self._verify_mode, "check_hostname": self._check_hostname}
        if low or self._options & constants.OP_NO_TLSv1_2:
            options["min_version"] = allowed[0]
        if allowed[-1] != 0x304:
            options["max_version"] = allowed[-1]
        if server_side:
            options["server"] = True
        if hostname:
            options["hostname"] = hostname
        if self._roots:
            options["own_roots"] = True
        if self._roots and (insecure or server_side):
            options["roots"] = list(self._roots)
        if self._chain:
            options["chain"], options["key"] = self._chain, self._key
        if self._alpn:
            options["alpn"] = self._alpn
        if self._ciphers:
            options["ciphers"] = self._ciphers
        return options

    def _wrap_socket(
        self, sock: Any, server_side: bool, server_hostname: str | None = None, *, owner: Any = None, session: Any = None
    ) -> Connection:
        return Connection(self, sock, None, None, server_side, server_hostname, owner)

    def _wrap_bio(
        self,
        incoming: MemoryBIO,
        outgoing: MemoryBIO,
        server_side: bool,
        server_hostname: str | None = None,
        *,
        owner: Any = None,
        session: Any = None,
    ) -> Connection:
        if not isinstance(incoming, MemoryBIO) or not isinstance(outgoing, MemoryBIO):
            raise TypeError("incoming and outgoing must be MemoryBIO objects")
        return Connection(self, None, incoming, outgoing, server_side, server_hostname, owner)


SSLContext.__module__, SSLContext.__qualname__, SSLContext.__name__ = "_ssl", "_SSLContext", "_SSLContext"


def _version(value: int) -> int:
    value = int(value)
    if value in (constants.PROTO_MINIMUM_SUPPORTED, constants.PROTO_MAXIMUM_SUPPORTED):
        return 0
    if not constants.PROTO_SSLv3 <= value <= constants.PROTO_TLSv1_3:
        raise ValueError(f"Unsupported TLS/SSL version {value:#x}")
    return max(value, constants.PROTO_TLSv1)


def _ascii(text: str) -> bytes:
    try:
        return text.encode("ascii")
    except UnicodeEncodeError:
        raise TypeError("cadata should be an ASCII string or a bytes-like object") from None


def _read(path: Any) -> bytes:
    with open(path, "rb") as file:
        return file.read(_MAX_FILE_BYTES)


def _split_der(data: bytes) -> list[bytes]:
    """The certificates in concatenated DER."""
    found = []
    while data:
        length, header = data[1:2], 2
        if data[:1] != b"\x30" or not length:
            raise ssl_error("not enough data: cadata does not contain a certificate", "NOT_ENOUGH_DATA")
        size = length[0]
        if size & 0x80:
            header = 2 + (size & 0x7F)
            size = int.from_bytes(data[2:header])
        if header > 6 or header + size > len(data):
            raise ssl_error("not enough data: cadata does not contain a certificate", "NOT_ENOUGH_DATA")
        found.append(data[: header + size])
        data = data[header + size :]
    return found
