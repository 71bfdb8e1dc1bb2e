"""Build the virtual environment of bench/: pyeryx and what our own package needs, pinned by hash, in build/peer-venv.

Needs only the standard library and pip. Looks for a CPython of at least 3.12: the one that runs this script,
those on PATH, then those of ~/.pyenv. Rebuilds when requirements.txt changed (by content) and else does nothing.
"""

import hashlib
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
VENV = HERE.parents[1] / "build" / "peer-venv"
REQUIREMENTS = HERE / "requirements.txt"
STAMP = VENV / "requirements.sha256"
OLDEST = (3, 12)


def candidates():
    """Interpreters to try, the nearest first."""
    yield sys.executable
    for name in ("python3.13", "python3.12", "python3.14", "python3"):
        found = shutil.which(name)
        if found:
            yield found
    yield from sorted(map(str, pathlib.Path.home().glob(".pyenv/versions/3.*/bin/python3")), reverse=True)


def fits(python):
    """Whether an interpreter runs, is new enough and can make environments."""
    probe = f"import sys, venv, ensurepip; sys.exit(sys.version_info < {OLDEST})"
    return subprocess.run([python, "-c", probe], capture_output=True).returncode == 0


def main():
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    if STAMP.exists() and STAMP.read_text() == wanted:
        return
    python = next((p for p in candidates() if fits(p)), None)
    if python is None:
        sys.exit("make_venv: no CPython of at least 3.12 found; the peer needs one")
    subprocess.run([python, "-m", "venv", "--clear", str(VENV)], check=True)
    pip = [str(VENV / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--require-hashes", "--only-binary", ":all:", "-r", str(REQUIREMENTS)], check=True)
    STAMP.write_text(wanted)


if __name__ == "__main__":
    main()
