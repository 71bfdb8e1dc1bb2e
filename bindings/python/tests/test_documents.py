"""The README's program and the examples run and print what they say."""

import pathlib
import re
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve()
README = HERE.parents[1] / "README.md"
EXAMPLES = HERE.parents[3] / "examples"
DOCS = HERE.parents[3] / "docs"


def run(*arguments):
    done = subprocess.run([sys.executable, *arguments], check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def run_file(path):
    return run(str(path))


def test_readme():
    text = README.read_text("utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == 1
    lines = run("-c", blocks[0]).splitlines()
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
            "ACME 12.5, INITECH 7.25\nthe session remembers: 19.75\ntimeout: stopped\nrestored: 12.5\n",
        ),
        (
            "python/dask_cluster.py",
            """\
[27, 648, 10539]
[1, 2, 'timeout: the execution took longer than its timeout of 1s (ExecutionTimeout)']
[13, 17, 19, 23, 29] 10 29 on another worker
""",
        ),
    ],
)
def test_example(name, expected):
    assert run_file(EXAMPLES / name) == expected


@pytest.mark.skipif(not DOCS.exists(), reason="the documents are in the repository only")
@pytest.mark.parametrize("name, count", [("mcp.md", 1), ("scale-out.md", 1)])
def test_page(name, count, tmp_path):
    """Each program of a page prints the text that follows it."""
    pairs = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", (DOCS / name).read_text("utf-8"), re.DOTALL)
    assert len(pairs) == count
    for number, (code, text) in enumerate(pairs):
        program = tmp_path / f"program{number}.py"
        program.write_text(code, "utf-8")
        assert run_file(program) == text
