"""Certificates: PEM, what getpeercert() tells, and the few object identifiers that ssl asks for."""

import base64
import binascii
import re
from typing import Any

import _eryx_tls  # type: ignore[import-not-found]

from .constants import ENCODING_DER, ENCODING_PEM
from .errors import ASK_CERTIFICATE, host_error, ssl_error

_PEM = re.compile(rb"-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----(.*?)-----END (?:X509 |TRUSTED )?CERTIFICATE-----", re.DOTALL)

# (nid, short name, long name, object identifier)
OBJECTS = [
    (13, "CN", "commonName", "2.5.4.3"),
    (14, "C", "countryName", "2.5.4.6"),
    (15, "L", "localityName", "2.5.4.7"),
    (16, "ST", "stateOrProvinceName", "2.5.4.8"),
    (17, "O", "organizationName", "2.5.4.10"),
    (18, "OU", "organizationalUnitName", "2.5.4.11"),
    (48, "emailAddress", "emailAddress", "1.2.840.113549.1.9.1"),
    (85, "subjectAltName", "X509v3 Subject Alternative Name", "2.5.29.17"),
    (129, "serverAuth", "TLS Web Server Authentication", "1.3.6.1.5.5.7.3.1"),
    (130, "clientAuth", "TLS Web Client Authentication", "1.3.6.1.5.5.7.3.2"),
    (131, "codeSigning", "Code Signing", "1.3.6.1.5.5.7.3.3"),
    (132, "emailProtection", "E-mail Protection", "1.3.6.1.5.5.7.3.4"),
    (133, "timeStamping", "Time Stamping", "1.3.6.1.5.5.7.3.8"),
]


def txt2obj(txt: str, name: bool = False) -> tuple[int, str, str, str]:
    """Lookup NID, short name, long name and OID of an ASN1_OBJECT."""
    for known in OBJECTS:
        if txt == known[3] or (name and txt in known[1:3]):
            return known
    raise ValueError(f"unknown object '{txt[:100]}'")


def nid2obj(nid: int, /) -> tuple[int, str, str, str]:
    """Lookup NID, short name, long name and OID of an ASN1_OBJECT by NID."""
    if nid < 0:
        raise ValueError("NID must be positive.")
    for known in OBJECTS:
        if nid == known[0]:
            return known
    raise ValueError(f"unknown NID {nid}")


def from_pem(text: bytes) -> list[bytes]:
    """The certificates of PEM text, DER."""
    found = []
    for match in _PEM.finditer(text):
        try:
            found.append(base64.b64decode(b"".join(match[1].split()), validate=True))
        except binascii.Error:
            raise ssl_error("bad base64 decode", "BAD_BASE64_DECODE") from None
    return found


def describe(der: bytes) -> dict[str, Any]:
    """What the host reads in a certificate; {} if it is none."""
    try:
        fields: dict[str, Any] = _eryx_tls.ask(0, ASK_CERTIFICATE, der)
    except OSError as error:
        raise host_error(error) from None
    return fields


_ORDER = "subject issuer version serialNumber notBefore notAfter subjectAltName OCSP caIssuers crlDistributionPoints".split()


def decode(der: bytes) -> dict[str, Any]:
    """A certificate as getpeercert() gives it."""
    fields = describe(der)
    result: dict[str, Any] = {}
    for key in _ORDER:
        value = fields.get(key)
        if value is None:
            continue
        if key in ("subject", "issuer"):
            value = tuple(tuple(tuple(pair) for pair in name) for name in value)
        elif key == "subjectAltName":
            value = tuple(tuple(pair) for pair in value)
        elif isinstance(value, list):
            value = tuple(value)
        result[key] = value
    return result


def decode_file(path: Any, /) -> dict[str, Any]:
    """The dictionary for the certificate in a PEM file."""
    with open(path, "rb") as file:
        found = from_pem(file.read())
    if not found:
        raise ssl_error("no certificate found", "NO_START_LINE")
    return decode(found[0])


class Certificate:
    """One certificate of a chain."""

    __slots__ = ("_der",)

    def __init__(self, der: bytes) -> None:
        self._der = der

    def public_bytes(self, format: int = ENCODING_PEM) -> str | bytes:
        """The certificate in an encoding."""
        if format == ENCODING_DER:
            return self._der
        if format != ENCODING_PEM:
            raise ValueError("Unsupported format")
        text = base64.b64encode(self._der).decode()
        lines = [text[i : i + 64] for i in range(0, len(text), 64)]
        return "\n".join(["-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----", ""])

    def get_info(self) -> dict[str, Any]:
        """The certificate as getpeercert() gives it."""
        return decode(self._der)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Certificate) and self._der == other._der

    def __hash__(self) -> int:
        return hash(self._der)


Certificate.__module__, Certificate.__qualname__ = "_ssl", "Certificate"
