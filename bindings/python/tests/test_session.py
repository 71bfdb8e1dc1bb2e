"""Sessions: state, reset, timeouts, closing."""

import threading
import time

import pytest

import eryx


def test_state_persists():
    session = eryx.Session()
    session.execute("import math\nx = 2\ndef f(n): return n * x\nclass C: pass")
    assert session.execute("print(f(math.floor(3.5)), C.__name__)").stdout == b"6 C\n"
    assert session.execution_count == 2


def test_an_error_leaves_the_state():
    session = eryx.Session()
    session.execute("x = 1")
    with pytest.raises(eryx.ExecutionError):
        session.execute("x = 2\n1/0")
    assert session.execute("print(x)").stdout == b"2\n"
    assert session.execution_count == 3


def test_clear_state_and_reset():
    session = eryx.Session()
    session.execute("x = 1\nopen('/data/f', 'w').write('kept')")
    session.clear_state()
    assert session.execute("print('x' in globals())").stdout == b"False\n"
    session.execute("x = 1")
    session.reset()
    assert session.execution_count == 0
    assert session.execute("print('x' in globals(), open('/data/f').read())").stdout == b"False kept\n"


def test_timeout_can_be_changed():
    session = eryx.Session()
    assert session.execution_timeout_ms is None
    session.execution_timeout_ms = 100
    assert session.execution_timeout_ms == 100
    with pytest.raises(eryx.TimeoutError):
        session.execute("while True: pass")
    session.execution_timeout_ms = None
    assert session.execute("print(1)").stdout == b"1\n"
    with pytest.raises(OverflowError):
        session.execution_timeout_ms = -1
    assert eryx.Session(execution_timeout_ms=5000).execution_timeout_ms == 5000


def test_resource_limits_of_a_session():
    session = eryx.Session(resource_limits=eryx.ResourceLimits(execution_timeout_ms=100))
    assert session.execution_timeout_ms == 100
    with pytest.raises(eryx.TimeoutError):
        session.execute("while True: pass")


def test_result_is_not_kept_for_the_next_execution():
    session = eryx.Session()
    assert session.execute("result = 5").result == 5
    assert session.execute("x = 1").result_json is None


def test_stdin():
    assert eryx.Session(stdin=b"line\nmore\n").execute("print(input(), input())").stdout == b"line more\n"


def test_callbacks_in_every_execution():
    session = eryx.Session(callbacks=[{"name": "f", "fn": lambda: 3}])
    assert session.execute("print(await f())").stdout == b"3\n"
    assert session.execute("print(await f())").stdout == b"3\n"


def test_executions_from_two_threads_take_turns():
    session = eryx.Session()
    session.execute("n = 0")
    threads = [threading.Thread(target=session.execute, args=("n += 1",)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert session.execute("print(n)").stdout == b"8\n"


def test_closing_ends_what_runs():
    session = eryx.Session()
    outcome = []

    def work():
        try:
            session.execute("while True: pass")
        except eryx.EryxError as error:
            outcome.append(error.code)

    thread = threading.Thread(target=work)
    thread.start()
    time.sleep(0.2)
    session.close()
    session.close()
    thread.join(5)
    assert outcome == ["closed"]
    with pytest.raises(eryx.ClosedError):
        session.execute("1")
    assert repr(session) == "Session(closed)"


def test_is_complete():
    session = eryx.Session()
    assert session.is_complete("x = 1") == "complete"
    assert session.is_complete("if x:") == "incomplete"
    assert session.is_complete("x = = 1") == "invalid"


def test_repr():
    session = eryx.Session()
    session.execute("1")
    assert repr(session) == "Session(execution_count=1)"
