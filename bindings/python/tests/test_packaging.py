"""The wheel, built without the network of the library that the tests use."""

import os
import pathlib
import shutil
import subprocess
import sys
import zipfile

import pytest

from eryx import _native

PACKAGE = pathlib.Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    # A copy, so that a test that is run at the same time does not meet the files of the build.
    shutil.copytree(PACKAGE, source, ignore=shutil.ignore_patterns("*.so", "*.zst", "__pycache__", ".*cache"))
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(source)]
    env = {**os.environ, "ERYX_LIBRARY_FILE": _native.library_path()}
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not list(source.rglob("*.so")), "the build left the library beside the sources"
    (path,) = folder.glob("*.whl")
    return path


def test_one_wheel_for_every_python(wheel):
    assert wheel.name.startswith("eryx_go-") and "-py3-none-linux_" in wheel.name
    names = zipfile.ZipFile(wheel).namelist()
    assert {"eryx/liberyx.so", "eryx/py.typed", "eryx/_native.py"} <= set(names)
    modules = {path.name for path in (PACKAGE / "eryx").glob("*.py")}
    assert {name.removeprefix("eryx/") for name in names if name.endswith(".py")} == modules
    assert not [name for name in names if name.startswith("tests/")]


def test_it_is_small_enough(wheel):
    assert wheel.stat().st_size < 17_000_000  # the machine code, 3.8 MB, is added for a release: 20 MB at most then


def test_it_works_without_the_sources(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path)
    env = {name: value for name, value in os.environ.items() if name not in ("ERYX_LIBRARY", "PYTHONPATH")}
    code = "import eryx; print(eryx.__file__); print(eryx.Sandbox().execute('print(6 * 7)').stdout_text, end='')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**env, "PYTHONPATH": str(tmp_path)},
    )
    assert done.stdout == f"{tmp_path}/eryx/__init__.py\n42\n", done.stderr
