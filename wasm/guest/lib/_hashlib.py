"""What hashlib and hmac take from OpenSSL's module, without OpenSSL: the key derivations run on the host, all else is
CPython's own implementation under OpenSSL's names. hashlib.py and hmac.py need no change for it.
"""

import _hmac  # type: ignore[import-not-found]
import operator
from _md5 import md5 as openssl_md5  # type: ignore[import-not-found]
from _operator import _compare_digest as compare_digest  # noqa: F401 (for hmac)
from _sha1 import sha1 as openssl_sha1  # type: ignore[import-not-found]
from _sha2 import sha224 as openssl_sha224  # type: ignore[import-not-found]
from _sha2 import sha256 as openssl_sha256
from _sha2 import sha384 as openssl_sha384
from _sha2 import sha512 as openssl_sha512
from _sha3 import sha3_224 as openssl_sha3_224  # type: ignore[import-not-found]
from _sha3 import sha3_256 as openssl_sha3_256
from _sha3 import sha3_384 as openssl_sha3_384
from _sha3 import sha3_512 as openssl_sha3_512
from _sha3 import shake_128 as openssl_shake_128
from _sha3 import shake_256 as openssl_shake_256
from typing import Any

import _eryx_codec  # type: ignore[import-not-found]
from _eryx_stream import pack

_CONSTRUCTORS: dict[str, Any] = {
    "md5": openssl_md5,
    "sha1": openssl_sha1,
    "sha224": openssl_sha224,
    "sha256": openssl_sha256,
    "sha384": openssl_sha384,
    "sha512": openssl_sha512,
    "sha3_224": openssl_sha3_224,
    "sha3_256": openssl_sha3_256,
    "sha3_384": openssl_sha3_384,
    "sha3_512": openssl_sha3_512,
    "shake_128": openssl_shake_128,
    "shake_256": openssl_shake_256,
}
_CONSTRUCTOR_NAMES = {constructor: name for name, constructor in _CONSTRUCTORS.items()}
openssl_md_meth_names = frozenset(_CONSTRUCTORS)

_PBKDF2, _SCRYPT = range(2)
_ENOMEM, _ENOTSUP = 48, 58
_INT32_MAX = (1 << 31) - 1
# Other spellings that OpenSSL knows, and the digest sizes that hashlib cannot tell.
_NAMES = {"sha-1": "sha1", "blake2b512": "blake2b", "blake2s256": "blake2s"}
_SIZES = {"sha512_224": 28, "sha512_256": 32, "blake2b": 64, "blake2s": 32}


class UnsupportedDigestmodError(ValueError):
    """The digest is not available here."""


def get_fips_mode() -> int:
    """0: there is no FIPS mode."""
    return 0


def new(name: str, data: Any = b"", **options: Any) -> Any:
    """A new hash object; ValueError for a name that is not in openssl_md_meth_names."""
    constructor = _CONSTRUCTORS.get(name)
    if constructor is None:
        raise ValueError(f"unsupported hash type {name}")
    return constructor(data, **options)


def hmac_new(key: Any, msg: Any = b"", digestmod: Any = None) -> Any:
    """A new HMAC object."""
    try:
        return _hmac.new(key, msg, digestmod=_digest_name(digestmod))
    except _hmac.UnknownHashError:
        raise UnsupportedDigestmodError(f"Unsupported digestmod {digestmod}") from None


def hmac_digest(key: Any, msg: Any, digest: Any) -> bytes:
    """The HMAC of one message."""
    try:
        return bytes(_hmac.compute_digest(key, msg, _digest_name(digest)))
    except _hmac.UnknownHashError:
        raise UnsupportedDigestmodError(f"Unsupported digestmod {digest}") from None


def _digest_name(digest: Any) -> str:
    name = digest if isinstance(digest, str) else _CONSTRUCTOR_NAMES.get(digest)
    if name is None:
        raise UnsupportedDigestmodError(f"Unsupported digestmod {digest}")
    return name


def _digest_size(name: str) -> int:
    """The digest's size in bytes; 1 for an unknown name, which the host will refuse."""
    if name in _SIZES:
        return _SIZES[name]
    return _CONSTRUCTORS[name]().digest_size if name in _CONSTRUCTORS else 1


def _buffer(name: str, value: Any) -> bytes:
    if isinstance(value, str):
        raise TypeError("a bytes-like object is required, not 'str'")
    data = bytes(memoryview(value))
    if len(data) > _INT32_MAX:
        raise OverflowError(f"{name} is too long.")
    return data


def pbkdf2_hmac(hash_name: str, password: Any, salt: Any, iterations: int, dklen: int | None = None) -> bytes:
    """Password based key derivation function 2 (PKCS #5 v2.0) with HMAC as pseudorandom function."""
    if not isinstance(hash_name, str):
        raise TypeError(f"pbkdf2_hmac() argument 'hash_name' must be str, not {type(hash_name).__name__}")
    secret, grains, rounds = _buffer("password", password), _buffer("salt", salt), operator.index(iterations)
    if rounds < 1:
        raise ValueError("iteration value must be greater than 0.")
    if rounds > _INT32_MAX:
        raise OverflowError("iteration value is too great.")
    name = hash_name.lower().replace("/", "_")
    name = _NAMES.get(name, name.replace("sha3-", "sha3_").replace("sha512-", "sha512_"))
    size = _digest_size(name) if dklen is None else operator.index(dklen)
    if size < 1:
        raise ValueError("key length must be greater than 0.")
    if size > _INT32_MAX:
        raise OverflowError("key length is too great.")
    try:
        params = pack(_PBKDF2, len(secret), len(grains), rounds, tail=secret + grains + name.encode())
        return bytes(_eryx_codec.kdf(params, size))
    except OSError as error:
        if error.args[0] == _ENOTSUP:
            raise UnsupportedDigestmodError(f"unsupported hash type {hash_name}") from None
        raise ValueError("invalid parameters for pbkdf2_hmac()") from None


def scrypt(
    password: Any, *, salt: Any = None, n: int | None = None, r: int | None = None, p: int | None = None, maxmem: int = 0, dklen: int = 64
) -> bytes:
    """scrypt password-based key derivation function."""
    secret = _buffer("password", password)
    if salt is None:
        raise TypeError("salt is required")
    grains = _buffer("salt", salt)
    if n is None or (cost := operator.index(n)) < 2 or cost & (cost - 1):
        raise ValueError("n must be a power of 2.")
    if r is None or operator.index(r) < 1:
        raise TypeError("r is required and must be an unsigned int")
    if p is None or operator.index(p) < 1:
        raise TypeError("p is required and must be an unsigned int")
    if not 0 <= operator.index(maxmem) <= _INT32_MAX:
        raise ValueError(f"maxmem must be positive and smaller than {_INT32_MAX}")
    if not 1 <= operator.index(dklen) <= _INT32_MAX:
        raise ValueError(f"dklen must be greater than 0 and smaller than {_INT32_MAX}")
    if max(cost, r, p) > 1 << 62:
        raise ValueError("Invalid parameter combination for n, r, p, maxmem.")
    try:
        params = pack(_SCRYPT, len(secret), len(grains), cost, r, p, maxmem, tail=secret + grains)
        return bytes(_eryx_codec.kdf(params, dklen))
    except OSError as error:
        if error.args[0] == _ENOMEM:
            raise ValueError("[digital envelope routines] memory limit exceeded") from None
        raise ValueError("Invalid parameter combination for n, r, p, maxmem.") from None
