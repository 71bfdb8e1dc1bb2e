"""The loops' selector: what it asks the host for, and what it makes of the answers."""

import errno
import selectors
from typing import Any

import pytest
from conftest import FakeShim
from eryx.selector import HostSelector

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


@pytest.fixture
def selector(shim: FakeShim) -> HostSelector:
    """A selector of number 7 that throws messages away."""
    shim.answers["wait"] = []
    return HostSelector(lambda messages: None, 7)


def test_register_modify_unregister(selector: HostSelector, shim: FakeShim) -> None:
    key = selector.register(4, READ, "data")
    assert (key.fd, key.events, key.data) == (4, READ, "data")
    with pytest.raises(KeyError):
        selector.register(4, WRITE)
    selector.modify(4, READ | WRITE, "more")
    selector.modify(4, READ | WRITE, "most")  # the host need not hear of data
    assert selector.unregister(4).data == "most"
    with pytest.raises(KeyError):
        selector.unregister(4)
    assert shim.calls == [("net_watch", 7, 4, 1), ("net_watch", 7, 4, 3), ("net_watch", 7, 4, 0)]


@pytest.mark.parametrize("events", [0, 4, 7])
def test_events_that_make_no_sense(selector: HostSelector, events: int) -> None:
    with pytest.raises(ValueError):
        selector.register(4, events)


def test_ready(selector: HostSelector, shim: FakeShim) -> None:
    for fd, events in ((4, READ), (5, WRITE), (6, READ | WRITE)):
        selector.register(fd, events)
    shim.answers["net_ready"] = [4, 1, 5, 0x2000, 6, 0x1000, 99, 1]
    assert [(key.fd, mask) for key, mask in selector.ready()] == [(4, READ), (5, WRITE), (6, READ | WRITE)]


def test_files_are_always_ready(selector: HostSelector, shim: FakeShim) -> None:
    shim.answers["net_watch"] = OSError(errno.ENOTSOCK, "no socket")
    shim.answers["net_ready"] = []
    selector.register(9, READ)
    assert [(key.fd, mask) for key, mask in selector.select(None)] == [(9, READ)]
    assert ("wait", 0, 7) in shim.calls
    selector.unregister(9)
    assert selector.ready() == []


def test_other_errors_are_told(selector: HostSelector, shim: FakeShim) -> None:
    shim.answers["net_watch"] = OSError(errno.ENOBUFS, "too many")
    with pytest.raises(OSError):
        selector.register(9, READ)
    assert selector.get_map() == {}


def test_a_host_that_does_not_know_the_selector_is_told_again(selector: HostSelector, shim: FakeShim) -> None:
    selector.register(4, READ)
    selector.register(5, WRITE)
    answers: list[Any] = [None, [5, 2]]
    shim.answers["net_ready"] = lambda number: answers.pop(0)
    shim.calls.clear()
    assert [(key.fd, mask) for key, mask in selector.ready()] == [(5, WRITE)]
    watches = [call[1:] for call in shim.calls if call[0] == "net_watch"]
    assert watches == [(7, -1, 1), (7, 4, 1), (7, 5, 2)]


@pytest.mark.parametrize("timeout, nanoseconds", [(None, -1), (0, 0), (-1.0, 0), (0.5, 500_000_001)])
def test_select_waits_in_the_host(selector: HostSelector, shim: FakeShim, timeout: float | None, nanoseconds: int) -> None:
    assert selector.select(timeout) == []
    assert shim.calls == [("wait", nanoseconds, 7)]


def test_what_is_registered_is_told_before_what_is_new(selector: HostSelector, shim: FakeShim) -> None:
    selector.register(4, READ)
    known = {5: False}

    def watch(number: int, fd: int, events: int) -> int:
        if fd == 5 and not known[5]:
            known[5] = True
            raise OSError(errno.ENOENT, "another life")
        return 0

    shim.answers["net_watch"] = watch
    shim.calls.clear()
    selector.register(5, WRITE)
    assert [call[1:] for call in shim.calls] == [(7, 5, 2), (7, -1, 1), (7, 4, 1), (7, 5, 2)]


def test_select_waits_for_both(shim: FakeShim) -> None:
    delivered: list[Any] = []
    selector = HostSelector(delivered.extend, 8)
    shim.answers["wait"] = [[1, 0, "value"]]
    assert selector.select(0.5) == []
    assert delivered == [[1, 0, "value"]]
    assert shim.calls[-1][0] == "wait" and 500_000_000 <= shim.calls[-1][1] <= 500_000_001


def test_closed_files_are_found(selector: HostSelector) -> None:
    class File:
        number = 4

        def fileno(self) -> int:
            return self.number

    file = File()
    selector.register(file, READ)
    file.number = -1
    assert selector.unregister(file).fd == 4
    with pytest.raises(ValueError):
        selector.unregister(file)


def test_close(selector: HostSelector, shim: FakeShim) -> None:
    selector.register(4, READ)
    selector.close()
    assert selector.get_map() is None
    assert shim.calls[-1] == ("net_watch", 7, -1, 0)
