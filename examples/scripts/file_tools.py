"""Files in a temporary folder: paths, archives, compression, binary records, hashes, duplicates, logging."""

import base64
import fnmatch
import gzip
import hashlib
import io
import logging
import os
import shutil
import struct
import tarfile
import tempfile
import zipfile
import zlib
from collections import defaultdict
from pathlib import Path, PurePosixPath

RECORD = struct.Struct("<IHf8s")


def make_tree(root):
    (root / "docs" / "old").mkdir(parents=True)
    (root / "data").mkdir()
    (root / "readme.md").write_text("# Title\n\nHello wörld.\n", encoding="utf-8")
    (root / "docs" / "guide.md").write_text("step\n" * 500, encoding="utf-8")
    (root / "docs" / "old" / "guide.md").write_text("step\n" * 500, encoding="utf-8")
    (root / "data" / "raw.bin").write_bytes(bytes(range(256)) * 16)
    (root / "data" / "empty.txt").touch()


def duplicates(root):
    """Groups of files with the same content."""
    by_hash = defaultdict(list)
    for path in sorted(root.rglob("*")):
        if path.is_file():
            with path.open("rb") as file:
                by_hash[hashlib.file_digest(file, "sha256").hexdigest()].append(path.relative_to(root).as_posix())
    return [paths for paths in by_hash.values() if len(paths) > 1]


def tree(path, depth=0):
    for child in sorted(path.iterdir(), key=lambda p: (p.is_file(), p.name)):
        size = f" {child.stat().st_size}" if child.is_file() else "/"
        print("  " * depth + child.name + size)
        if child.is_dir():
            tree(child, depth + 1)


def write_records(path, rows):
    with path.open("wb") as file:
        for number, kind, value, name in rows:
            file.write(RECORD.pack(number, kind, value, name.encode()))


def read_record(path, index):
    with path.open("rb") as file:
        file.seek(index * RECORD.size)
        number, kind, value, name = RECORD.unpack(file.read(RECORD.size))
    return number, kind, value, name.rstrip(b"\0").decode()


with tempfile.TemporaryDirectory() as folder:
    root = Path(folder) / "project"
    make_tree(root)
    tree(root)
    print("markdown:", [p.relative_to(root).as_posix() for p in sorted(root.glob("**/*.md"))])
    print("duplicates:", duplicates(root))
    print("matching:", fnmatch.filter(os.listdir(root / "data"), "*.b?n"), (root / "nope").exists())

    archive = Path(folder) / "all.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as pack:
        for path in sorted(root.rglob("*.*")):
            pack.write(path, path.relative_to(root))
    with zipfile.ZipFile(archive) as pack:
        print("zip:", [(i.filename, i.file_size, i.compress_size < i.file_size) for i in pack.infolist()][:3], pack.testzip())
        print(pack.read("readme.md").decode().splitlines()[-1])

    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as pack:
        pack.add(root / "docs", arcname="docs")
    buffer.seek(0)
    with tarfile.open(fileobj=buffer) as pack:
        pack.extractall(Path(folder) / "out", filter="data")
        print("tar:", sorted(pack.getnames()), (Path(folder) / "out/docs/guide.md").read_text() == "step\n" * 500)

    records = Path(folder) / "records.dat"
    write_records(records, [(i, i % 3, i / 4, f"item{i}") for i in range(10)])
    print("record:", read_record(records, 7), RECORD.size, records.stat().st_size)
    with records.open("r+b") as file:
        file.seek(-RECORD.size, os.SEEK_END)
        file.write(RECORD.pack(99, 1, 0.5, b"last"))
        file.truncate(10 * RECORD.size)
    print("changed:", read_record(records, 9))

    copied = shutil.copytree(root, Path(folder) / "copy", ignore=shutil.ignore_patterns("old", "*.bin"))
    print("copied:", sorted(p.name for p in copied.rglob("*")))
    (copied / "readme.md").rename(copied / "README.txt")
    os.replace(copied / "README.txt", copied / "data" / "moved.txt")
    shutil.rmtree(copied / "docs")
    print("left:", sorted(p.name for p in copied.rglob("*")))
    for attempt in (lambda: (root / "nope").read_text(), lambda: root.mkdir(), lambda: (root / "docs").rmdir(), lambda: os.listdir(root / "readme.md")):
        try:
            attempt()
        except OSError as err:
            print(f"{type(err).__name__}: {err.strerror}")
    with gzip.open(Path(folder) / "log.gz", "wt", encoding="utf-8") as file:
        print("first\nsecond", file=file)
    with gzip.open(Path(folder) / "log.gz", "rt", encoding="utf-8") as file:
        print("gzip:", file.read().split())
    with tempfile.NamedTemporaryFile("w+", dir=folder, suffix=".txt") as file:
        file.write("temporary")
        file.seek(0)
        print("named:", file.read(), Path(file.name).suffix)
print("gone:", not Path(folder).exists())

text = b"squeeze me " * 200
packed = zlib.compress(text, 9)
print("zlib:", len(text), len(packed) < 60, zlib.decompress(packed) == text, hex(zlib.crc32(b"123456789")))
print("codecs:", base64.b64encode(b"\xff\xfe<>").decode(), base64.urlsafe_b64encode(b"\xff\xfe<>").decode(), base64.b32encode(b"hi").decode(), base64.a85encode(b"test").decode())
print("digest:", hashlib.md5(b"abc").hexdigest()[:12], hashlib.sha3_256(b"abc").hexdigest()[:12], hashlib.blake2s(b"abc", digest_size=6).hexdigest())
path = PurePosixPath("/srv/app/../data/file.tar.gz")
print(path.name, path.stem, path.suffixes, path.parts[1:3], os.path.normpath(path), path.with_suffix(".zip").name, PurePosixPath("a") / "/b")
print(struct.unpack(">hBx", b"\xff\xfe\x07\0"), int.from_bytes(b"\x01\0", "little"), (1023).to_bytes(2, "big"), bytes.fromhex("de ad"), memoryview(b"abcdef")[1:5:2].tobytes())
stream = io.StringIO()
handler = logging.StreamHandler(stream)
handler.setFormatter(logging.Formatter("%(levelname)s:%(name)s:%(message)s"))
log = logging.getLogger("tool")
log.addHandler(handler)
log.setLevel(logging.INFO)
log.propagate = False
log.debug("hidden")
log.warning("disk %d%% full", 91)
print(stream.getvalue().strip())
