"""MCP: servers' tools in sandboxes, configuration files, and eryx as a server. The servers are ``python -m eryx serve``."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time

import pytest

import eryx
from eryx import mcp

SERVE = ["-m", "eryx", "serve"]


@pytest.fixture(scope="module")
def manager():
    with eryx.MCPManager() as manager:
        assert manager.connect("inner", sys.executable, SERVE, {}, 120.0) == 1
        assert manager.connect("in-ner", sys.executable, SERVE, {"SOME": "thing"}, 120.0) == 1
        yield manager


def test_tools_are_listed(manager):
    assert manager.server_names == ["in-ner", "inner"]
    tools = manager.list_tools()
    assert [tool["name"] for tool in tools] == ['mcp["in-ner"].run_python', "mcp.inner.run_python"]
    for tool in tools:
        assert set(tool) == {"name", "description", "schema"}
        assert tool["description"].startswith("Runs a Python 3.14 program")
        assert list(tool["schema"]["properties"]) == ["code", "timeout_ms"]
    assert repr(manager) == "MCPManager(in-ner, inner)"


CODE = "print(await mcp.inner.run_python(code='print(6 * 7)'), await mcp['in-ner'].run_python('print(\"a\")'))"


def test_tools_in_every_kind_of_sandbox(manager):
    expected = b"42 {'text': 'a\\n'}\n"
    factory = eryx.SandboxFactory(setup_code="X = 1")
    with eryx.Session(mcp=manager) as session, eryx.SandboxPool(mcp=manager) as pool, pool.acquire() as lease:
        for sandbox in (
            eryx.Sandbox(mcp=manager),
            session,
            lease,
            factory.create_sandbox(mcp=manager),
            factory.create_session(mcp=manager),
            session.fork(),
        ):
            assert sandbox.execute(CODE).stdout == expected
    with factory.create_pool(mcp=manager) as pool, pool.acquire(callbacks=[{"name": "f", "fn": lambda: 1}]) as lease:
        assert lease.execute(CODE + "; print(await f())").stdout == expected + b"1\n"


def test_callbacks_and_tools_together(manager):
    async def twice(x: int) -> int:
        return 2 * x

    registry = eryx.CallbackRegistry()
    registry.add(twice)
    with eryx.Session(mcp=manager, callbacks=registry) as session:
        code = "print(await twice(x=await mcp.inner.run_python(code='print(21)')))"
        assert session.execute(code).stdout == b"42\n"
        assert asyncio.run(session.execute_async(code)).stdout == b"42\n"
        session.set_callbacks(None)
        assert session.execute("print([c['name'] for c in list_callbacks()])").stdout == (
            b"['mcp.in-ner.run_python', 'mcp.inner.run_python']\n"
        )


def test_a_failing_tool_raises_in_the_program(manager):
    code = (
        "try:\n    await mcp.inner.run_python(code='1/0')\nexcept RuntimeError as e:\n    print(e.code, str(e)[-16:])"
    )
    assert eryx.Sandbox(mcp=manager).execute(code).stdout == b"tool division by zero\n"


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        (("x", "eryx-no-such-command"), eryx.InitializationError, "eryx-no-such-command"),
        (("x", sys.executable, ["-c", "import sys; sys.exit('no license')"]), eryx.InitializationError, "no license"),
        (("x", "sleep", ["1000"], {}, 0.2), eryx.TimeoutError, "did not answer within"),
        (("x y", "true"), eryx.InvalidError, "without spaces"),
        (("inner", "true"), eryx.InvalidError, "connected already"),
        (("x", "true", "abc"), TypeError, "list of str"),
    ],
)
def test_servers_that_cannot_be_connected(manager, arguments, error, text):
    with pytest.raises(error, match=text):
        manager.connect(*arguments)
    assert manager.server_names == ["in-ner", "inner"]


def test_after_close():
    manager = eryx.MCPManager()
    manager.connect("inner", sys.executable, SERVE)
    sandbox = eryx.Sandbox(mcp=manager)
    manager.close()
    manager.close()
    with pytest.raises(eryx.ExecutionError, match="has ended"):
        sandbox.execute("await mcp.inner.run_python(code='1')")
    for use in (manager.list_tools, lambda: manager.connect("x", "y"), lambda: eryx.Sandbox(mcp=manager)):
        with pytest.raises(eryx.ClosedError):
            use()
    assert repr(manager) == "MCPManager(closed)"


def test_connect_async():
    async def main() -> None:
        async with eryx.MCPManager() as manager:
            counts = await asyncio.gather(*[manager.connect_async(f"s{i}", sys.executable, SERVE) for i in range(3)])
            assert counts == [1, 1, 1]
            assert manager.server_names == ["s0", "s1", "s2"]

    asyncio.run(main())


def _gone(pid: int) -> bool:
    for _ in range(1000):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.01)
    return False


PARENT = """
import eryx, os, signal, sys
manager = eryx.MCPManager()
script = "import os, sys; sys.stderr.close(); open(sys.argv[1], 'w').write(str(os.getpid())); import eryx; eryx.mcp.serve()"
manager.connect("inner", sys.executable, ["-c", script, sys.argv[1]])
print("up", flush=True)
END
"""


@pytest.mark.parametrize(
    "end", ["pass", "del manager; input()", "os._exit(0)", "os.kill(os.getpid(), signal.SIGKILL)", "1/0"]
)
def test_servers_end_with_the_process(tmp_path, end):
    path = tmp_path / "pid"
    code = PARENT.replace("END", end)
    with subprocess.Popen(
        [sys.executable, "-c", code, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout.readline() == b"up\n"
        assert _gone(int(path.read_text()))
        process.stdin.close()


# Configuration files.


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home and a project of the test's own; the cache of compiled code stays."""
    caches = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    monkeypatch.setenv("XDG_CACHE_HOME", caches)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path


def write(path, servers):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"mcpServers": servers}))
    return path


def own(**more):
    return {"command": sys.executable, "args": SERVE, **more}


def test_discover_servers(home, monkeypatch):
    monkeypatch.setenv("TOKEN", "secret")
    assert mcp.discover_servers() == []
    assert mcp.connect_servers() is None
    cursor = write(
        home / ".cursor/mcp.json",
        {
            "a": {"command": "user"},
            "b": {"command": "b", "env": {"T": "${TOKEN}-${NONE:-d}"}},
            "c": {"url": "http://x"},
        },
    )
    project = write(home / "project/.mcp.json", {"a": {"command": "project", "args": ["$TOKEN"], "cwd": "/"}})
    assert mcp.discover_servers() == [
        mcp.MCPServer("a", "project", ["$TOKEN"], {}, "/", str(project)),
        mcp.MCPServer("b", "b", [], {"T": "secret-d"}, "", str(cursor)),
    ]
    assert [server.name for server in mcp.discover_servers([cursor])] == ["a", "b"]
    (home / "project/.vscode").mkdir()
    (home / "project/.vscode/mcp.json").write_text("{")
    with pytest.warns(RuntimeWarning, match=r"vscode/mcp\.json"):
        assert len(mcp.discover_servers()) == 2
    with pytest.raises(eryx.InvalidError, match="no such file"):
        mcp.discover_servers([home / "none"])
    with pytest.raises(TypeError):
        mcp.discover_servers("a path")


def test_connect_servers(home):
    write(home / ".gemini/settings.json", {"good": own(), "bad": {"command": "eryx-no-such-command"}})
    with pytest.warns(RuntimeWarning, match="eryx-no-such-command"):
        manager = mcp.connect_servers(connect_timeout=20)
    with manager:
        assert manager.server_names == ["good"]
    with pytest.raises(eryx.InitializationError, match="eryx-no-such-command"):
        mcp.connect_servers([home / ".gemini/settings.json"])


# eryx as a server.


class Client:
    """A client of ``python -m eryx serve``, which speaks the protocol as its specification has it."""

    def __init__(self, *arguments: str) -> None:
        command = [sys.executable, *SERVE, *arguments]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.count = 0
        answer = self.ask(
            "initialize",
            protocolVersion="2025-06-18",
            capabilities={},
            clientInfo={"name": "test", "version": "1"},
        )
        assert answer["serverInfo"]["name"] == "eryx"
        self.send(method="notifications/initialized")

    def send(self, **message: object) -> None:
        self.process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        self.process.stdin.flush()

    def ask(self, method: str, **params: object) -> dict:
        self.count += 1
        self.send(id=self.count, method=method, params=params)
        while True:
            message = json.loads(self.process.stdout.readline())
            if message.get("id") == self.count:
                assert "error" not in message, message
                return message["result"]

    def python(self, code: str, **arguments: object) -> tuple[str, bool]:
        result = self.ask("tools/call", name="run_python", arguments={"code": code, **arguments})
        (content,) = result["content"]
        return content["text"], result.get("isError", False)

    def end(self) -> tuple[int, bytes]:
        _, stderr = self.process.communicate()
        return self.process.returncode, stderr


def test_serve(tmp_path):
    client = Client(
        "--timeout", "5000", "-v", f"{tmp_path}:/work:ro", "--mcp-config", str(write(tmp_path / "c", {"i": own()}))
    )
    (tool,) = client.ask("tools/list")["tools"]
    assert tool["name"] == "run_python"
    assert "\n- await mcp.i.run_python(code, timeout_ms): Runs a Python" in tool["description"]
    assert client.python("x = 1") == ("(no output)", False)
    assert client.python("import sys; print(x); print('e', file=sys.stderr)") == ("1\n[stderr]\ne\n", False)
    assert client.python("import os; os.write(1, b'raw')") == ("raw", False)
    assert client.python("print(os.listdir('/work'))") == ("['c']\n", False)
    assert client.python("print(await mcp.i.run_python(code='print(2)'))") == ("2\n", False)
    text, failed = client.python("while True: pass", timeout_ms=100)
    assert failed and "[timeout]" in text
    text, failed = client.python("1/0")
    assert failed and text.endswith("ZeroDivisionError: division by zero")
    assert client.end() == (0, b"")


def test_serve_is_interrupted():
    client = Client()
    client.process.send_signal(signal.SIGINT)
    assert client.process.wait(20) == 130
    client.process.communicate()


def test_serve_with_callbacks():
    code = (
        "import eryx\n"
        "async def double(x: int) -> int:\n    'Doubles.'\n    return 2 * x\n"
        "registry = eryx.CallbackRegistry(); registry.add(double)\n"
        "eryx.mcp.serve(callbacks=registry)\n"
    )
    with eryx.MCPManager() as manager:
        manager.connect("own", sys.executable, ["-c", code])
        (tool,) = manager.list_tools()
        assert tool["description"].endswith("\n- await double(x): Doubles.")
        code = "print(await mcp.own.run_python(code='print(await double(x=4))'))"
        assert eryx.Sandbox(mcp=manager).execute(code).stdout == b"8\n"


def test_serve_with_a_library():
    code = (
        "import eryx\n"
        "def half(x: int) -> float:\n    'Halves.'\n    return x / 2\n"
        "own = eryx.Library('own', modules={'m': 'async def quarter(x): return await half(await half(x))'},\n"
        "    callbacks=[{'name': 'half', 'fn': half}])\n"
        "eryx.mcp.serve(libraries=[own])\n"
    )
    with eryx.MCPManager() as manager:
        manager.connect("own", sys.executable, ["-c", code])
        (tool,) = manager.list_tools()
        assert tool["description"].endswith("\n- await half(x): Halves.")
        code = "print(await mcp.own.run_python(code='import m; print(await m.quarter(x=8))'))"
        assert eryx.Sandbox(mcp=manager).execute(code).stdout == b"2.0\n"


def command(*arguments):
    return subprocess.run([sys.executable, "-m", "eryx", *arguments], check=False, capture_output=True, text=True)


def test_command_line(home):
    config = write(home / "mcp.json", {"inner": own()})
    code = "print(await mcp.inner.run_python(code='print(3)'))"
    done = command("--mcp-config", config, "-c", code)
    assert (done.returncode, done.stdout, done.stderr) == (0, "3\n", "")
    done = command("--mcp-config", home / "none", "-c", "1")
    assert done.returncode == 2 and "no such file" in done.stderr
    done = command("serve", "-c", "1")
    assert done.returncode == 2 and "serve takes neither" in done.stderr
    write(home / "project/.mcp.json", {"bad": {"command": "eryx-no-such-command"}})
    done = command("--mcp", "--mcp-config", config, "-c", code)
    assert (done.returncode, done.stdout) == (0, "3\n")
    assert done.stderr.startswith('eryx: warning: start MCP server "bad"')
