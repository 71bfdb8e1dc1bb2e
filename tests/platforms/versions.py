"""Runs the tests of the Python package on every CPython that it is for: ``make test-versions``.

    python3 tests/platforms/versions.py [VERSION ...]     # such as 3.12 or 3.13t

Interpreters that this machine does not have are made in build/pythons, of Debian's packages. One that cannot be had is named
at the end, and is no failure; PYTHON_3_14t=... names one that is elsewhere.
"""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys

import interpreters

ROOT = pathlib.Path(__file__).resolve().parents[2]
MADE = ROOT / "build/pythons"
PACKAGE = ROOT / "bindings/python"
VERSIONS = ["3.10", "3.11", "3.12", "3.13", "3.14", "3.13t", "3.14t"]
SECONDS = 1200


def test(version: str, python: pathlib.Path, pip: pathlib.Path) -> tuple[bool, str]:
    """Runs the tests; whether they passed, and pytest's last line."""
    requirements = pathlib.Path(__file__).with_name("requirements.txt")
    own = interpreters.make_environment(python, MADE / f"venv-{version}", requirements, pip)
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE)}
    environment.setdefault("ERYX_LIBRARY", str(ROOT / "build/liberyx.so"))
    if version.endswith("t"):
        environment["PYTHON_GIL"] = "0"  # no module of the tests' own requirements may bring it back
    log = MADE / f"test-{version}.log"
    with open(log, "w") as output:
        command = [str(own), "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        done = subprocess.run(command, cwd=PACKAGE, env=environment, stdout=output, stderr=subprocess.STDOUT, timeout=SECONDS)
    last = log.read_text().splitlines()[-1]
    return done.returncode == 0, last if done.returncode == 0 else f"{last}: see {log}"


def exact(python: pathlib.Path) -> str:
    """The whole version, such as "3.13.15"."""
    code = "import platform; print(platform.python_version())"
    return subprocess.run([python, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def main(versions: list[str]) -> int:
    """Tests all versions, prints what came of each, and returns the exit code."""
    MADE.mkdir(parents=True, exist_ok=True)
    # A shell's background jobs ignore Ctrl-C, and so would the processes of tests that are about it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    tools = interpreters.make_tools(MADE / "tools")
    lines, failed = [], 0
    for version in versions:
        try:
            python = interpreters.find(version, MADE) or interpreters.make(version, MADE, tools / "patchelf")
        except OSError as error:
            lines.append(f"{version:6} left out: there is none here, and Debian's archive has none: {error}")
            continue
        passed, last = test(version, python, tools / "pip")
        failed += not passed
        lines.append(f"{version:6} {exact(python):8} {last}")
        print(lines[-1], flush=True)
    print("\n".join(["", *lines]))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or VERSIONS))
