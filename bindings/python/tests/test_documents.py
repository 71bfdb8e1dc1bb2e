"""The README's program and the examples run and print what they say."""

import doctest
import importlib
import pathlib
import pkgutil
import re
import subprocess
import sys

import pytest

import eryx

HERE = pathlib.Path(__file__).resolve()
README = HERE.parents[1] / "README.md"
EXAMPLES = HERE.parents[3] / "examples"
QUICKSTART = """ACME 12.5, INITECH 7.25
the session remembers: 19.75
timeout: the execution took longer than its timeout of 1s (ExecutionTimeout); do less at once, or ask for more time
and lives on: 12.5
restored: 19.75
"""
NETWORKING = HERE.parents[3] / "docs" / "networking.md"


def run(code):
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


MODULES = sorted(f"eryx.{module.name}" for module in pkgutil.iter_modules(eryx.__path__) if module.name != "__main__")


@pytest.mark.parametrize("name", ["eryx", *MODULES])
def test_docstrings(name):
    """Their examples run and give what they say."""
    module = importlib.import_module(name)
    for example in doctest.DocTestFinder().find(module, name, extraglobs={"eryx": eryx}):
        failed, _ = doctest.DocTestRunner().run(example)
        assert not failed, example.name


def test_there_are_examples():
    """The classes that people begin with have one."""
    for cls in (
        eryx.Sandbox,
        eryx.Session,
        eryx.SandboxFactory,
        eryx.SandboxPool,
        eryx.VfsStorage,
        eryx.CallbackRegistry,
    ):
        assert doctest.DocTestFinder(recurse=False).find(cls)[0].examples, cls


def test_readme():
    text = README.read_text("utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == 1
    lines = run(blocks[0]).splitlines()
    assert len(lines) == 2
    for line in lines:
        assert f"`{line}`" in text


@pytest.mark.skipif(not NETWORKING.exists(), reason="the guides are in the repository only")
def test_networking():
    blocks = re.findall(r"```python\n(.*?)```\n```text\n(.*?)```", NETWORKING.read_text("utf-8"), re.DOTALL)
    assert len(blocks) == 7
    mark = "-- next --"
    printed = run(f"print({mark!r})\n".join(code for code, _ in blocks)).split(mark + "\n")
    for (code, expected), got in zip(blocks, printed, strict=True):
        assert got.strip() == expected.strip(), code


@pytest.mark.skipif(not EXAMPLES.exists(), reason="the examples are in the repository only")
@pytest.mark.parametrize(
    "name, expected",
    [
        (
            "python/stream_and_pool.py",
            "['OSLO!', 'ROME!', 'CAIRO!', 'CAIRO!', 'OSLO!', 'ROME!', 'CAIRO!', 'CAIRO!']\nsandboxes in use now: 0\n",
        ),
        (
            "quickstart/python/quickstart.py",
            QUICKSTART,
        ),
    ],
)
def test_example(name, expected):
    assert run((EXAMPLES / name).read_text("utf-8")) == expected
