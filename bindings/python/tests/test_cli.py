"""``python -m eryx`` and the notebook's cell magic."""

import os
import pty
import subprocess
import sys
import time

import pytest

import eryx
from eryx import _magic


def cli(*arguments, stdin=None):
    return subprocess.run(
        [sys.executable, "-m", "eryx", *arguments],
        check=False,
        input=stdin,
        stdin=None if stdin is not None else subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_code_and_its_streams():
    done = cli("-c", "import sys\nprint('out')\nprint('err', file=sys.stderr)")
    assert (done.returncode, done.stdout, done.stderr) == (0, "out\n", "err\n")


def test_script_and_its_arguments(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("import sys\nprint(sys.argv[1:])")
    assert cli(str(script), "a", "--b").stdout == "['a', '--b']\n"


@pytest.mark.parametrize("arguments", [("-",), ()])
def test_standard_input_is_the_program(arguments):
    assert cli(*arguments, stdin="print(1 + 1)").stdout == "2\n"


@pytest.mark.parametrize(
    "arguments, code, text",
    [
        (("-c", "1/0"), 1, "ZeroDivisionError"),
        (("-c", "import sys; sys.exit(4)"), 4, ""),
        (("--timeout", "100", "-c", "while True: pass"), 1, "timeout"),
        (("/nonexistent.py",), 1, "cannot read"),
        (("-c", "1", "script.py"), 2, "not both"),
        (("--nonsense",), 2, "usage"),
        (("--timeout", "-5", "-c", "1"), 2, "negative"),
        (("-v", "nonsense", "-c", "1"), 2, "SRC:DST"),
    ],
)
def test_exit_codes(arguments, code, text):
    done = cli(*arguments)
    assert done.returncode == code and text in done.stderr, done.stderr


def test_memory_limit_and_volume(tmp_path):
    done = cli("--max-memory", str(64 << 20), "-c", "x = bytearray(300 << 20)")
    assert done.returncode == 1 and "MemoryError" in done.stderr
    (tmp_path / "f").write_text("from the host")
    assert cli("-v", f"{tmp_path}:/w:ro", "-c", "print(open('/w/f').read())").stdout == "from the host\n"
    assert cli("-v", f"{tmp_path}:/w", "-c", "open('/w/g', 'w').write('x')").returncode == 0
    assert (tmp_path / "g").read_text() == "x"


def test_version():
    assert cli("--version").stdout == f"eryx {eryx.__version__}\n"


def test_prompt():
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "eryx"], stdin=follower, stdout=follower, stderr=follower, close_fds=True
    )
    os.close(follower)
    seen = b""

    def until(text):
        nonlocal seen
        end = time.monotonic() + 30
        while text not in seen and time.monotonic() < end:
            seen += os.read(leader, 4096)
        assert text in seen, seen

    try:
        until(b">>> ")
        for line, expected in [(b"x = 20", b">>> "), (b"x * 2 + 2", b"42"), (b"1/0", b"ZeroDivisionError")]:
            os.write(leader, line + b"\n")
            until(expected)
        os.write(leader, b"if x:\n    print('y' * 3)\n\n")
        until(b"yyy")
        os.write(leader, b"raise SystemExit(7)\n")
        assert process.wait(30) == 7
    finally:
        process.kill()
        process.wait()
        os.close(leader)


class FakeIPython:
    """What the magic uses of IPython."""

    def __init__(self):
        self.magics, self.variables, self.published = {}, {}, []
        self.display_pub = self

    def register_magic_function(self, function, magic_kind, magic_name):
        assert magic_kind == "cell"
        self.magics[magic_name] = function

    def push(self, variables):
        self.variables.update(variables)

    def publish(self, data):
        self.published.append(data)


def test_cell_magic():
    ipython = FakeIPython()
    eryx.load_ipython_extension(ipython)
    cell = ipython.magics["eryx"]
    assert cell("", "x = 1\nprint(x)").stdout == b"1\n"
    cell("--to answer", "result = x + 1")
    assert ipython.variables == {"answer": 2}
    assert cell("", "1/0") is None
    assert "ZeroDivisionError" in ipython.published[0]["text/plain"]
    assert "<pre" in ipython.published[0]["text/html"]
    assert cell("--timeout 100", "while True: pass") is None
    assert cell("--reset", "print('x' in globals())").stdout == b"False\n"
    with pytest.raises(ValueError, match="%%eryx"):
        cell("--nonsense", "")
    assert _magic.EryxMagic(None).cell("", "print(2)").stdout == b"2\n"


@pytest.mark.parametrize(
    ("text", "volume"),
    [
        ("a:/b", ("a", "/b", False)),
        ("a:/b:ro", ("a", "/b", True)),
        ("a:/b:rw", ("a", "/b", False)),
        ("a:/b:cow", ("a", "/b", "copy_on_write")),
        ("C:\\x:/b:ro", ("C:\\x", "/b", True)),
    ],
)
def test_volume_argument(text, volume):
    from eryx._cli import _volume

    assert _volume(text) == volume


@pytest.mark.parametrize("text", ["", "a", ":/b", "a:", "a:b", "a:ro", "a:/b:other"])
def test_bad_volume_argument(text):
    import argparse

    from eryx._cli import _volume

    with pytest.raises(argparse.ArgumentTypeError, match="SRC:DST"):
        _volume(text)
