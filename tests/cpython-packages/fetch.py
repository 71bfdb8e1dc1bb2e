"""Bring the packages of wheels.txt and sdists.txt into build/packages, checked by hash and unpacked.

Needs only the standard library and pip, which downloads. Afterwards:

  build/packages/site            all wheels, one site-packages
  build/packages/src/NAME        one source distribution each, with the metadata of an installed package beside it

Does nothing when the two lists (by content) are those of the last run. Usage: python fetch.py [--cache FOLDER]
"""

import argparse
import hashlib
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
CACHE = HERE.parents[1] / "build" / "packages"
MOST_BYTES = 64 << 20  # of one archive, unpacked
LISTS = {"wheels.txt": ["--only-binary", ":all:"], "sdists.txt": ["--no-binary", ":all:"]}


def download(cache, name):
    """The archives of one list, by pip, which refuses wrong hashes."""
    folder = cache / "download" / name.removesuffix(".txt")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes"]
    subprocess.run([*command, *LISTS[name], "--dest", folder, "-r", HERE / name], check=True)
    verify(folder, name)
    return sorted(folder.iterdir())


def verify(folder, name):
    """Every file is one of the list's, each of them once: pip's word is not taken for it."""
    wanted = set(re.findall(r"sha256:([0-9a-f]{64})", (HERE / name).read_text()))
    found = [hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()]
    if sorted(found) != sorted(wanted):
        raise SystemExit(f"fetch: the files in {folder} are not those of {name}")


def unpack_wheel(archive, target):
    with zipfile.ZipFile(archive) as pack:
        if sum(entry.file_size for entry in pack.infolist()) > MOST_BYTES:
            raise SystemExit(f"fetch: {archive.name} is too large")
        for entry in pack.infolist():
            path = pathlib.PurePosixPath(entry.filename)
            if path.is_absolute() or ".." in path.parts:
                raise SystemExit(f"fetch: {archive.name} holds {entry.filename!r}")
        pack.extractall(target)


def unpack_sdist(archive, target):
    """Without its top folder; links, devices and paths that lead outside are refused by the data filter."""
    with tarfile.open(archive) as pack:
        members = pack.getmembers()
        if sum(member.size for member in members) > MOST_BYTES:
            raise SystemExit(f"fetch: {archive.name} is too large")
        for member in members:
            member.name = "/".join(member.name.split("/")[1:]) or "."
        pack.extractall(target, filter="data")


def add_metadata(source, import_root):
    """What an installer would leave for importlib.metadata: the sdist's own PKG-INFO under its right name."""
    text = (source / "PKG-INFO").read_text("utf-8")
    name, version = (re.search(rf"^{field}: (.+)$", text, re.M)[1] for field in ("Name", "Version"))
    info = import_root / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(text, "utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=pathlib.Path, default=CACHE)
    cache = parser.parse_args().cache
    manifest = json.loads((HERE / "manifest.json").read_text("utf-8"))
    inputs = [HERE / "fetch.py", *(HERE / name for name in LISTS)]
    state = hashlib.sha256(b"".join(path.read_bytes() for path in inputs)).hexdigest()
    stamp = cache / "stamp"
    if stamp.exists() and stamp.read_text() == state:
        return
    stamp.unlink(missing_ok=True)
    for folder in ("site", "src"):
        shutil.rmtree(cache / folder, ignore_errors=True)
    for archive in download(cache, "wheels.txt"):
        unpack_wheel(archive, cache / "site")
    archives = download(cache, "sdists.txt")
    for name, package in manifest["packages"].items():
        prefix = name.replace("-", "_") + "-"
        archive = next(path for path in archives if path.name.replace("-", "_").startswith(prefix.replace("-", "_")))
        source = cache / "src" / name
        unpack_sdist(archive, source)
        add_metadata(source, source / package["import_root"])
    stamp.write_text(state)


if __name__ == "__main__":
    main()
