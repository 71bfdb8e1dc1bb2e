"""Makes what a wheel holds smaller, without changing what it says.

shrink.py zstd FILE OUTPUT    compresses a zstd file again, by the reference encoder: an eighth less than Go's
shrink.py wheel FILE          compresses a wheel again, by Zopfli: what a wheel may hold is deflate
"""

from __future__ import annotations

import os
import pathlib
import shutil
import sys
import unittest.mock
import zipfile

import zopfli.zlib
import zstandard


def compress_again(source: pathlib.Path, target: pathlib.Path) -> None:
    """Writes a zstd file with the same content. ``source`` and ``target`` may be one file."""
    with zstandard.ZstdDecompressor().stream_reader(source.read_bytes()) as reader:
        content = reader.read()
    target.write_bytes(zstandard.ZstdCompressor(level=22).compress(content))


class Deflater:
    """A compressor as ``zipfile`` has them, which writes at the end."""

    def __init__(self, *_: object) -> None:
        self._parts: list[bytes] = []

    def compress(self, data: bytes) -> bytes:
        """Takes a part."""
        self._parts.append(bytes(data))
        return b""

    def flush(self) -> bytes:
        """All of the parts, deflated: a zlib stream without its header and checksum."""
        stream: bytes = zopfli.zlib.compress(b"".join(self._parts), numiterations=5)
        return stream[2:-4]


def deflate_again(wheel: pathlib.Path) -> None:
    """Replaces a wheel by one with the same files."""
    temporary = wheel.with_suffix(".new")
    with (
        unittest.mock.patch("zipfile._get_compressor", Deflater),  # zipfile takes no compressor of others
        zipfile.ZipFile(wheel) as old,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for item in old.infolist():
            new.writestr(item, old.read(item))
    shutil.copymode(wheel, temporary)
    os.replace(temporary, wheel)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["zstd", source, target]:
            compress_again(pathlib.Path(source), pathlib.Path(target))
        case ["wheel", wheel]:
            deflate_again(pathlib.Path(wheel))
        case _:
            sys.exit(__doc__)
