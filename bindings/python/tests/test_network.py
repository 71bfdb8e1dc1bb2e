"""The network and secrets. Servers are the test's own, on loopback."""

from __future__ import annotations

import asyncio
import http.server
import threading
from collections.abc import Iterator
from typing import Any

import pytest

import eryx

GET = """
import os, urllib.request
request = urllib.request.Request("{url}", headers={{"X-Key": os.environ.get("KEY", "")}})
with urllib.request.urlopen(request) as answer:
    print(answer.status, answer.read().decode())
"""


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.seen.append(self.headers.get("X-Key"))  # type: ignore[attr-defined]
        body = f"key {self.headers.get('X-Key')}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[http.server.ThreadingHTTPServer]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.seen = []  # type: ignore[attr-defined]
        server.url = f"http://127.0.0.1:{server.server_port}/"  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()


def program(server: Any) -> str:
    return GET.format(url=server.url)


def test_off_by_default(server: Any) -> None:
    with pytest.raises(eryx.ExecutionError, match="PermissionError.*option network|option network"):
        eryx.Sandbox().execute(program(server))
    assert server.seen == []


def test_loopback_is_not_public(server: Any) -> None:
    with pytest.raises(eryx.ExecutionError, match="blocked_networks"):
        eryx.Sandbox(network=eryx.NetConfig()).execute(program(server))
    assert server.seen == []


def test_allowed(server: Any) -> None:
    result = eryx.Sandbox(network=eryx.NetConfig().allow_localhost()).execute(program(server))
    assert result.stdout_text == "200 key \n"
    kinds = [event.kind for event in result.network]
    assert kinds[0] == "connect" and result.network[0].port == server.server_port
    assert result.network[0].address == "127.0.0.1" and result.network[0].refused is None


def test_allow_host_restricts(server: Any) -> None:
    network = eryx.NetConfig.permissive().allow_host("example.com")
    with pytest.raises(eryx.ExecutionError, match="allowed_hosts"):
        eryx.Sandbox(network=network).execute(program(server))
    assert server.seen == []
    assert eryx.Sandbox(network=network.allow_localhost()).execute(program(server)).stdout == b"200 key \n"


@pytest.mark.parametrize("kind", ["session", "pool", "factory"])
def test_everywhere(server: Any, kind: str) -> None:
    options: dict[str, Any] = {
        "network": eryx.NetConfig().allow_localhost(),
        "secrets": {"KEY": {"value": "real value", "allowed_hosts": ["127.0.0.1"]}},
        "redact_responses": True,
    }
    if kind == "session":
        with eryx.Session(**options) as session:
            result = session.execute(program(server))
    elif kind == "pool":
        with eryx.SandboxPool(**options) as pool, pool.acquire() as lease:
            result = lease.execute(program(server))
    else:
        with eryx.SandboxFactory(imports=["json"]) as factory, factory.create_session(**options) as session:
            result = session.execute(program(server))
    assert server.seen == ["real value"]
    assert result.stdout_text == "200 key [REDACTED]\n"


def test_secrets_stay_from_others(server: Any) -> None:
    secrets: dict[str, eryx.SecretDict] = {"KEY": {"value": "real value", "allowed_hosts": ["example.com"]}}
    with pytest.raises(eryx.ExecutionError, match="secret KEY: it must not be sent to 127.0.0.1"):
        eryx.Sandbox(network=eryx.NetConfig().allow_localhost(), secrets=secrets).execute(program(server))
    assert server.seen == []


def test_scrubbing() -> None:
    secrets: dict[str, eryx.SecretDict] = {"KEY": {"value": "real value"}}
    code = "import os, sys; k = os.environ['KEY']; print(k); print(k, file=sys.stderr); result = k; open('/data/f', 'w').write(k); print(open('/data/f').read()[:10])"
    result = eryx.Sandbox(secrets=secrets).execute(code)
    assert result.stdout == b"[REDACTED]\n[REDACTED]\n" and result.stderr == b"[REDACTED]\n"
    assert result.result.startswith("ERYX_SECRET_PLACEHOLDER_")
    result = eryx.Sandbox(
        secrets=secrets, scrub_stdout=False, scrub_stderr=False, scrub_result=True, scrub_files=False
    ).execute(code)
    assert result.stdout.startswith(b"ERYX_SECRET_PLACEHOLDER_") and result.stdout.endswith(b"\nERYX_SECRE\n")
    assert result.stderr.startswith(b"ERYX_SECRET_PLACEHOLDER_") and result.result == "[REDACTED]"


@pytest.mark.parametrize(
    ("secrets", "error"),
    [
        ([1], TypeError),
        ({"A": "x"}, TypeError),
        ({"A": {"value": 1}}, TypeError),
        ({"A": {"value": "x", "allowed_hosts": "y"}}, TypeError),
        ({"A": {"value": "x", "allowed_hosts": [1]}}, TypeError),
        ({1: {"value": "x"}}, TypeError),
        ({"A": {}}, ValueError),
        ({"A": {"value": "x", "hosts": []}}, ValueError),
        ({"A": {"value": ""}}, ValueError),
        ({"A-B": {"value": "x"}}, ValueError),
        ({"A": {"value": "x\n"}}, ValueError),
    ],
)
def test_secrets_are_checked(secrets: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        eryx.Sandbox(secrets=secrets)


def test_scrub_is_a_bool() -> None:
    with pytest.raises(TypeError, match="scrub_files must be a bool"):
        eryx.Sandbox(secrets={"A": {"value": "x"}}, scrub_files="all")  # type: ignore[arg-type]
    assert eryx.Sandbox(secrets={}).execute("print(1)").stdout == b"1\n"


# What pyeryx blocks by default, and shows.
PRIVATE_HOSTS = [
    *("localhost", "*.localhost", "127.*", "10.*"),
    *(f"172.{part}.*" for part in range(16, 32)),
    *("192.168.*", "169.254.*", "[::1]"),
]
LOCAL_HOSTS = ["localhost", "*.localhost", "127.*", "[::1]"]


def without(*patterns: str) -> list[str]:
    return [pattern for pattern in PRIVATE_HOSTS if pattern not in patterns]


def test_blocked_hosts_show_what_is_blocked() -> None:
    assert len(PRIVATE_HOSTS) == 23 and eryx.NetConfig().blocked_hosts == PRIVATE_HOSTS
    assert eryx.NetConfig(blocked_hosts=[]).blocked_hosts == []
    assert eryx.NetConfig(blocked_hosts=["a.test"]).blocked_hosts == ["a.test"]
    assert eryx.NetConfig.permissive().blocked_hosts == []
    assert eryx.NetConfig().allow_localhost().blocked_hosts == without(*LOCAL_HOSTS)
    assert eryx.NetConfig(blocked_hosts=PRIVATE_HOSTS).allow_localhost().blocked_hosts == without(*LOCAL_HOSTS)
    assert eryx.NetConfig().allow_network("10.0.0.0/8").blocked_hosts == without("10.*")
    assert eryx.NetConfig(allowed_networks=["10.1.2.3"]).blocked_hosts == without("10.*")
    assert eryx.NetConfig().allow_internal_host("localhost").blocked_hosts == without("localhost")
    assert eryx.NetConfig(blocked_networks=["10.0.0.0/8"]).blocked_hosts == ["10.*"]


def test_blocked_hosts_follow_changes() -> None:
    config = eryx.NetConfig()
    config.allowed_networks = ["10.0.0.0/8"]
    assert config.blocked_hosts == without("10.*")
    with pytest.raises(eryx.InvalidError):
        config.allowed_networks = ["10.0.0.0/33"]
    assert config.allowed_networks == ["10.0.0.0/8"]
    config.allowed_networks = []
    config.blocked_hosts.append("a.test")
    config.allow_network("192.168.0.0/16")
    assert config.blocked_hosts == [*without("192.168.*"), "a.test"]
    config.blocked_hosts = ["b.test"]
    config.blocked_networks = []
    assert config.blocked_hosts == ["b.test"]


def test_shown_patterns_are_no_rules() -> None:
    """What is only shown does not outlive an exemption; a rule does, also one that looks the same."""
    assert eryx.NetConfig()._message()["blocked_hosts"] == []
    config = eryx.NetConfig().block_host("10.*")
    assert config.blocked_hosts == [*PRIVATE_HOSTS, "10.*"] and config._message()["blocked_hosts"] == ["10.*"]
    config.allow_network("10.0.0.0/8")
    assert config.blocked_hosts == [*without("10.*"), "10.*"] and config._message()["blocked_hosts"] == ["10.*"]
    copied = eryx.NetConfig(blocked_hosts=eryx.NetConfig().blocked_hosts)
    assert copied._message()["blocked_hosts"] == PRIVATE_HOSTS


def test_shown_patterns_are_refused() -> None:
    hosts = "10.1.2.3 172.31.0.1 192.168.1.1 169.254.169.254 127.0.0.1"
    code = (
        "import os, socket\nfor host in os.environ['HOSTS'].split():\n    try:\n        socket.create_connection((host, 9), 1)\n"
        "    except PermissionError:\n        print(host)\n"
    )
    result = eryx.Sandbox(network=eryx.NetConfig(), env={"HOSTS": hosts}).execute(code)
    assert result.stdout_text.split() == hosts.split()


def test_config() -> None:
    config = eryx.NetConfig()
    assert (config.max_connections, config.connect_timeout_ms, config.io_timeout_ms) == (10, 30_000, 60_000)
    assert config.allowed_hosts == config.allowed_networks == config.internal_hosts == []
    assert "127.0.0.0/8" in config.blocked_networks
    changed = config.allow_host("a.test")
    again = config.block_host("b.test")
    assert changed.allowed_hosts == config.allowed_hosts == ["a.test"]
    assert changed.blocked_hosts == PRIVATE_HOSTS
    assert again.blocked_hosts == config.blocked_hosts == [*PRIVATE_HOSTS, "b.test"]
    assert config.allow_network("10.1.0.0/16").allow_internal_host("*.corp").internal_hosts == ["*.corp"]
    permissive = eryx.NetConfig.permissive()
    assert permissive.max_connections == 100 and permissive.blocked_networks == []
    assert "allowed_hosts=['a.test']" in repr(config)


@pytest.mark.parametrize(
    "make",
    [
        lambda: eryx.NetConfig(blocked_networks=["bad"]),
        lambda: eryx.NetConfig().allow_network("10.0.0.0/33"),
        lambda: eryx.NetConfig().allow_host(""),
        lambda: eryx.NetConfig().with_root_cert(b"junk"),
        lambda: eryx.NetConfig(allowed_ports=["http"]),
    ],
)
def test_config_is_checked(make: Any) -> None:
    with pytest.raises(ValueError):
        make()


def test_config_types() -> None:
    with pytest.raises(TypeError):
        eryx.Sandbox(network=1)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        eryx.NetConfig(allowed_hosts="x")
    with pytest.raises(TypeError):
        eryx.NetConfig(max_connections="1")  # type: ignore[arg-type]
    with pytest.raises(OverflowError):
        eryx.NetConfig(max_connections=-1)
    with pytest.raises(TypeError):
        eryx.NetConfig(on_connect=1)  # type: ignore[arg-type]


def test_on_connect(server: Any) -> None:
    asked: list[eryx.NetAttempt] = []

    def decide(attempt: eryx.NetAttempt) -> bool:
        asked.append(attempt)
        return len(asked) == 1

    network = eryx.NetConfig(on_connect=decide).allow_localhost()
    with eryx.Session(network=network) as session:
        assert session.execute(program(server)).stdout == b"200 key \n"
        with pytest.raises(eryx.ExecutionError, match="the host refused the connection"):
            session.execute(program(server))
    assert [(a.protocol, a.address, a.port) for a in asked] == [("tcp", "127.0.0.1", server.server_port)] * 2
    assert len(server.seen) == 1


def test_on_connect_async(server: Any) -> None:
    async def decide(attempt: eryx.NetAttempt) -> None:
        await asyncio.sleep(0)
        if attempt.port != server.server_port:
            raise ValueError("not there")

    network = eryx.NetConfig(on_connect=decide).allow_localhost()

    async def main() -> bytes:
        result = await eryx.Sandbox(network=network).execute_async(program(server))
        with pytest.raises(eryx.ExecutionError, match="not there"):
            await eryx.Sandbox(network=network).execute_async(
                "import socket; socket.create_connection(('127.0.0.1', 1))"
            )
        return result.stdout

    assert asyncio.run(main()) == b"200 key \n"
    assert eryx.Sandbox(network=network).execute(program(server)).stdout == b"200 key \n"
