"""hashing: hashlib digests of many sizes, hmac, crc, base64, and a SHA-256 written in Python."""

import base64
import binascii
import hashlib
import hmac
import zlib

MASK = 0xFFFFFFFF


def constants():
    primes, n = [], 2
    while len(primes) < 64:
        if all(n % p for p in primes):
            primes.append(n)
        n += 1
    roots = [integer_root(p << 96, 3) & MASK for p in primes]
    start = [integer_root(p << 64, 2) & MASK for p in primes[:8]]
    return roots, start


def integer_root(value, power):
    low, high = 0, 1 << (value.bit_length() // power + 1)
    while low < high - 1:
        middle = (low + high) // 2
        if middle**power <= value:
            low = middle
        else:
            high = middle
    return low


K, START = constants()


def turn(x, n):
    return (x >> n | x << (32 - n)) & MASK


def sha256(message):
    """Digest as hexadecimal text, by the standard's own steps."""
    data = message + b"\x80" + b"\0" * ((55 - len(message)) % 64) + (len(message) * 8).to_bytes(8, "big")
    state = START[:]
    for at in range(0, len(data), 64):
        w = [int.from_bytes(data[at + i : at + i + 4], "big") for i in range(0, 64, 4)]
        for i in range(16, 64):
            s0 = turn(w[i - 15], 7) ^ turn(w[i - 15], 18) ^ w[i - 15] >> 3
            s1 = turn(w[i - 2], 17) ^ turn(w[i - 2], 19) ^ w[i - 2] >> 10
            w.append((w[i - 16] + s0 + w[i - 7] + s1) & MASK)
        a, b, c, d, e, f, g, h = state
        for i in range(64):
            s1 = turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)
            t1 = h + s1 + (e & f ^ ~e & g) + K[i] + w[i]
            s0 = turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)
            t2 = s0 + (a & b ^ a & c ^ b & c)
            a, b, c, d, e, f, g, h = (t1 + t2) & MASK, a, b, c, (d + t1) & MASK, e, f, g
        state = [(x + y) & MASK for x, y in zip(state, (a, b, c, d, e, f, g, h))]
    return "".join(f"{x:08x}" for x in state)


def run():
    block = bytes(range(256)) * 256
    names = ["md5", "sha1", "sha256", "sha512", "sha3_256", "blake2b", "blake2s"]
    digests = [hashlib.new(name, block * 24).hexdigest()[:8] for name in names]
    small = hashlib.sha256()
    for i in range(60000):
        small.update(i.to_bytes(4, "little"))
    mac = hmac.new(b"key", block * 24, "sha256").hexdigest()[:8]
    text = block[:24000]
    if sha256(text) != hashlib.sha256(text).hexdigest():
        raise AssertionError("sha256")
    crc = zlib.crc32(block * 16) ^ binascii.crc_hqx(block, 0)
    packed = base64.b64encode(zlib.compress(block * 4, 6))
    print(f"hashing {' '.join(digests)} {small.hexdigest()[:8]} {mac} {crc:08x} {len(base64.b64decode(packed)) > 0}")
