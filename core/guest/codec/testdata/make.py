"""Makes real.json: what the real libraries write, for TestRealLibraries. Run with CPython 3.13 and backports.zstd."""

import base64
import bz2
import json
import lzma
from pathlib import Path

from backports import zstd


def plain(size: int) -> bytes:
    """The same data as plainSample in real_test.go."""
    out, x = bytearray(), 1
    while len(out) < size:
        x = (x * 1103515245 + 12345) % 2**31
        word = (b"sandbox ", b"\xe8\x10\x20\x30\x00", b"aaaaaaaaaaaaaaaaaaaaaaaa", x.to_bytes(4, "little"))[x >> 16 & 3]
        out += word
    return bytes(out[:size])


L1, L2, DELTA, X86, ARM = lzma.FILTER_LZMA1, lzma.FILTER_LZMA2, lzma.FILTER_DELTA, lzma.FILTER_X86, lzma.FILTER_ARM
DICT = zstd.ZstdDict(plain(4000)[1000:], is_raw=True)
D = plain(20000)


def xz(*filters: dict, **kw: int) -> bytes:
    return lzma.compress(D, filters=list(filters) or None, **kw)


# Without an end marker, as 7-zip writes it into zip files: a .lzma file's data up to the known size.
raw1 = xz({"id": L1, "dict_size": 65536}, format=lzma.FORMAT_RAW)
cases = [
    ("bz2", "bz2", [], bz2.compress(D)),
    ("bz2 level 1", "bz2", [], bz2.compress(D, 1)),
    ("bz2 of nothing", "bz2", [], bz2.compress(b"")),
    ("xz", "lzma", [0, -1, 0], xz()),
    ("xz of nothing", "lzma", [0, -1, 0], lzma.compress(b"")),
    ("xz crc32", "lzma", [1, -1, 0], xz(check=lzma.CHECK_CRC32)),
    ("xz sha256", "lzma", [1, -1, 0], xz(check=lzma.CHECK_SHA256)),
    ("xz none", "lzma", [1, -1, 0], xz(check=lzma.CHECK_NONE)),
    ("xz delta", "lzma", [1, -1, 0], xz({"id": DELTA, "dist": 4}, {"id": L2})),
    ("xz x86", "lzma", [1, -1, 0], xz({"id": X86}, {"id": L2, "lc": 0, "lp": 2, "pb": 0})),
    ("xz delta arm", "lzma", [1, -1, 0], xz({"id": DELTA, "dist": 1}, {"id": ARM}, {"id": L2})),
    ("alone", "lzma", [0, -1, 0], xz(format=lzma.FORMAT_ALONE)),
    ("raw lzma1", "lzma", [3, -1, 1, L1, 65536, 3, 0, 2], raw1),
    ("zstd", "zstd", [27, 0], zstd.compress(D)),
    ("zstd of nothing", "zstd", [27, 0], zstd.compress(b"")),
    ("zstd checksum", "zstd", [27, 0], zstd.compress(D, options={zstd.CompressionParameter.checksum_flag: 1})),
    ("zstd 22", "zstd", [27, 0], zstd.compress(D, 22)),
    ("zstd prefix", "zstd", [27, 2], zstd.compress(D, zstd_dict=DICT.as_prefix)),
]
found = [
    {"name": n, "codec": c, "params": p, "size": 0 if "nothing" in n else len(D), "packed": base64.b64encode(b).decode()} for n, c, p, b in cases
]
Path(__file__).with_name("real.json").write_text(json.dumps(found, indent=1) + "\n")
