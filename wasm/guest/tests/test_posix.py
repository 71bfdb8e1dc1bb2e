"""What stands in for functions of ``os`` that WASI lacks, and the errors of what cannot exist."""

import os
import signal

import pytest
from conftest import FakeShim
from eryx import absent, csizes, posix


def test_umask_is_remembered() -> None:
    before = posix.umask(0o77)
    assert posix.umask(before) == 0o77


def test_kill_reaches_only_this_process() -> None:
    posix.kill(os.getpid(), 0)
    with pytest.raises(ProcessLookupError):
        posix.kill(1 << 22, signal.SIGTERM)


def test_a_handled_signal_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    got: list[int] = []
    before = signal.signal(signal.SIGUSR1, lambda number, frame: got.append(number))
    try:
        posix.kill(0, signal.SIGUSR1)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert got == [signal.SIGUSR1]


def test_an_unhandled_signal_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    codes: list[int] = []
    monkeypatch.setattr(os, "_exit", codes.append)
    monkeypatch.setattr(posix, "_raise_signal", lambda number: None)
    posix.raise_signal(signal.SIGUSR2)
    posix.abort()
    assert codes == [128 + signal.SIGUSR2, 128 + signal.SIGABRT]


def test_chmod_makes_paths_absolute(shim: FakeShim, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/tmp")
    posix.chmod("é", 0o600)
    posix.chmod(b"/x", 0o644)
    posix.chmod(3, 0o644)  # an open file: nothing can be done, and nothing is said
    assert shim.calls == [("chmod", "/tmp/é".encode(), 0o600), ("chmod", b"/x", 0o644)]
    with pytest.raises(NotImplementedError):
        posix.chmod("x", 0, dir_fd=3)


def test_chmod_names_the_file_in_its_error(shim: FakeShim) -> None:
    shim.answers["chmod"] = OSError(2, "No such file or directory")
    with pytest.raises(FileNotFoundError) as caught:
        posix.chmod("missing", 0o600)
    assert caught.value.filename == "missing"


def test_dup_asks_for_the_lowest_number(shim: FakeShim) -> None:
    shim.answers["dup"] = 7
    assert posix.dup(1) == 7 and posix.dup2(1, 9) == 7
    assert shim.calls == [("dup", 1, -1), ("dup", 1, 9)]
    with pytest.raises(OSError, match="Bad file descriptor"):
        posix.dup2(1, -1)


def test_no_terminal() -> None:
    with pytest.raises(OSError, match="Inappropriate ioctl"):
        posix.get_terminal_size()


def test_absent_modules_say_why() -> None:
    finder = absent._Finder()
    finder.find_spec("json", None)
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'fcntl' \(there are no file locks") as caught:
        finder.find_spec("fcntl", None)
    assert caught.value.name == "fcntl"


@pytest.mark.parametrize("name, reason", [("fork", "processes cannot be started"), ("pipe", "no pipes"), ("chown", "no user accounts")])
def test_absent_attributes_say_why(name: str, reason: str) -> None:
    with pytest.raises(AttributeError, match=reason) as caught:
        absent._os_attribute(name)
    assert caught.value.name == name


def test_unknown_attributes_get_the_usual_error() -> None:
    with pytest.raises(AttributeError, match=r"^module 'os' has no attribute 'nonsense'$"):
        absent._os_attribute("nonsense")


def test_processes_are_refused() -> None:
    with pytest.raises(OSError, match="processes cannot be started in this sandbox"):
        absent.no_process(["ls"])


def test_ctypes_has_sizes_and_no_libraries() -> None:
    module = csizes.make_module()
    assert module.sizeof(module.c_int) == 4
    with pytest.raises(OSError, match="no native code"):
        module.CDLL("libc.so.6")
    with pytest.raises(AttributeError, match="no native code"):
        module.Structure  # noqa: B018
