"""Programs of docs/ and examples/ that need a file of their own: they start processes, or look at their source."""

import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
if not (ROOT / "docs").exists():
    pytest.skip("the documents are in the repository only", allow_module_level=True)


def run(path):
    done = subprocess.run([sys.executable, str(path)], check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name, count", [("mcp.md", 1), ("scale-out.md", 1)])
def test_page(name, count, tmp_path):
    """Each program of a page prints the text that follows it."""
    text = (ROOT / "docs" / name).read_text("utf-8")
    pairs = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", text, re.DOTALL)
    assert len(pairs) == count
    for number, (code, expected) in enumerate(pairs):
        program = tmp_path / f"program{number}.py"
        program.write_text(code, "utf-8")
        assert run(program) == expected


CLUSTER = """\
[27, 648, 10539]
[1, 2, 'timeout: the execution took longer than its timeout of 1s (ExecutionTimeout)']
[13, 17, 19, 23, 29] 10 29 on another worker
"""


def test_a_dask_cluster():
    assert run(ROOT / "examples/python/dask_cluster.py") == CLUSTER
