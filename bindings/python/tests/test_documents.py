"""The README's program and the examples run and print what they say."""

import pathlib
import re
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve()
README = HERE.parents[1] / "README.md"
EXAMPLES = HERE.parents[3] / "examples"
QUICKSTART = """ACME 12.5, INITECH 7.25
the session remembers: 19.75
timeout: the execution took longer than its timeout of 1s (ExecutionTimeout); do less at once, or ask for more time
and lives on: 12.5
restored: 19.75
"""


def run(code):
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_readme():
    text = README.read_text("utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == 1
    lines = run(blocks[0]).splitlines()
    assert len(lines) == 2
    for line in lines:
        assert f"`{line}`" in text


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
