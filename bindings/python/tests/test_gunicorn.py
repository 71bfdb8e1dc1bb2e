"""gunicorn with --preload: the application is imported in one process, and its forks serve."""

import http.client
import socket
import subprocess
import sys
import time

import pytest

LAZY = """
import functools, os, eryx

@functools.cache
def sandbox():
    return eryx.Sandbox(callbacks=[{"name": "pid", "fn": os.getpid}])

def app(environ, start_response):
    result = sandbox().execute("print(6 * 7, await pid())")
    start_response("200 OK", [])
    return [result.stdout]
"""

# The library is used before the fork: its threads are not in the worker.
EAGER = """
import eryx

sandbox = eryx.Sandbox()

def app(environ, start_response):
    try:
        body = sandbox.execute("1").stdout
    except eryx.ForkError as error:
        body = f"ForkError: {error}".encode()
    start_response("200 OK", [])
    return [body]
"""


class Connection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=30)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(30)
        self.sock.connect(self.path)


def get(path):
    connection = Connection(path)
    connection.request("GET", "/")
    response = connection.getresponse()
    body = response.read().decode()
    connection.close()
    assert response.status == 200, body
    return body


def listens(path):
    """Whether a server takes connections: its socket is there before it does."""
    with socket.socket(socket.AF_UNIX) as attempt:
        return attempt.connect_ex(path) == 0


@pytest.fixture
def serve(tmp_path):
    processes = []

    def start(source):
        (tmp_path / "site_app.py").write_text(source)
        path = str(tmp_path / "socket")
        command = [sys.executable, "-m", "gunicorn", "--preload", "--no-control-socket", "--workers", "2"]
        # A worker that is still booting may miss the signal that ends it: gunicorn then waits for this long.
        command += ["--graceful-timeout", "2", "--bind", f"unix:{path}"]
        process = subprocess.Popen([*command, "site_app:app"], cwd=tmp_path, stderr=subprocess.PIPE)
        processes.append(process)
        for _ in range(1000):
            if listens(path) or process.poll() is not None:
                break
            time.sleep(0.01)
        return path

    yield start
    for process in processes:
        process.terminate()
        process.communicate(timeout=30)
        assert process.returncode == 0


def test_an_application_that_makes_its_sandbox_when_it_is_needed(serve):
    path = serve(LAZY)
    answers = [get(path).split() for _ in range(20)]
    assert {answer[0] for answer in answers} == {"42"}
    assert 1 <= len({answer[1] for answer in answers}) <= 2


def test_an_application_that_used_eryx_before_the_fork_is_told(serve):
    answer = get(serve(EAGER))
    assert answer.startswith("ForkError: ") and "fork" in answer
