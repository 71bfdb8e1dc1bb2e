"""The surface of pyeryx 0.11: every name, its parameters in their order and their defaults; what is new stands behind them.

Rows are (parameters, what ``inspect.signature`` must have). Parameters of ours that pyeryx lacks may follow anywhere.
"""

import builtins
import importlib
import inspect

import pytest

import eryx

REQUIRED = inspect.Parameter.empty
KEYWORD, EITHER = inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD


def named(**parameters):
    """Parameters that are given by name."""
    return [(name, KEYWORD, default) for name, default in parameters.items()]


def positional(*names, **defaults):
    """Parameters that may be given by position: those without a default, those with one."""
    return [(name, EITHER, REQUIRED) for name in names] + [(name, EITHER, value) for name, value in defaults.items()]


def nothing(*names):
    """Parameters by name whose default is None."""
    return named(**dict.fromkeys(names))


HANDLERS = ("on_stdout", "on_stderr")
EXIT = positional("exc_type", "exc_val", "exc_tb")
SCRUB = ("scrub_stdout", "scrub_stderr", "scrub_files")
NETWORKS = ("blocked_networks", "allowed_networks", "internal_hosts")
LEASE = nothing("resource_limits", "callbacks", *HANDLERS)

FUNCTIONS = {
    "MCPManager": [],
    "MCPManager.connect": positional("name", "command", args=[], env={}, timeout_secs=30.0),
    "MCPManager.list_tools": [],
    "MCPManager.close": [],
    "mcp.discover_servers": positional(config_paths=None),
    "mcp.connect_servers": positional(config_paths=None, connect_timeout=30.0),
    "CallbackRegistry": [],
    "CallbackRegistry.callback": positional(name=None, description=None, schema=None),
    "CallbackRegistry.add": positional("fn") + nothing("name", "description", "schema"),
    "CallbackRegistry.__len__": [],
    "CallbackRegistry.__iter__": [],
    "NetConfig": [
        *named(max_connections=10, connect_timeout_ms=30_000, io_timeout_ms=60_000),
        *nothing("allowed_hosts", "blocked_hosts", *NETWORKS),
    ],
    "NetConfig.permissive": [],
    "NetConfig.allow_host": positional("pattern"),
    "NetConfig.block_host": positional("pattern"),
    "NetConfig.allow_network": positional("cidr"),
    "NetConfig.allow_internal_host": positional("pattern"),
    "NetConfig.allow_localhost": [],
    "NetConfig.with_root_cert": positional("cert_der"),
    # Its signature shows the values of the limits, which pyeryx's has as None: None is no limit there, too.
    "ResourceLimits": named(
        execution_timeout_ms=30_000,
        callback_timeout_ms=10_000,
        max_memory_bytes=128 << 20,
        max_callback_invocations=1000,
        max_fuel=None,
        max_vfs_bytes=None,
    ),
    "ResourceLimits.unlimited": [],
    "Sandbox": [
        *nothing("resource_limits", "network", "callbacks", "mcp", "secrets", *SCRUB, "scrub_result", "volumes"),
        *nothing(*HANDLERS, "result_variable"),
    ],
    "Sandbox.execute": positional("code"),
    "Sandbox.execute_with_journal": positional("code", journal=None),
    "SandboxFactory": [
        *nothing("site_packages", "packages", "imports", "setup_code", "callbacks"),
        *named(cache=True),
    ],
    "SandboxFactory.load": positional("path") + nothing("site_packages", "callbacks") + named(cache=True),
    "SandboxFactory.save": positional("path"),
    "SandboxFactory.create_session": nothing(
        *("vfs", "vfs_mount_path", "resource_limits", "network", "callbacks", "volumes", *HANDLERS, "result_variable")
    ),
    "SandboxFactory.create_sandbox": nothing(
        *("site_packages", "resource_limits", "network", "callbacks", "secrets", *SCRUB, "volumes", *HANDLERS)
    ),
    "SandboxFactory.create_pool": named(max_size=10, min_idle=1, acquire_timeout_ms=30_000, idle_timeout_ms=300_000),
    "SandboxFactory.to_bytes": [],
    "Session": nothing(
        *("vfs", "vfs_mount_path", "execution_timeout_ms", "network", "callbacks", "mcp", "volumes", *HANDLERS),
        "result_variable",
    ),
    "Session.execute": positional("code"),
    "Session.execute_with_journal": positional("code", journal=None),
    "Session.reset": [],
    "Session.clear_state": [],
    "Session.snapshot_state": [],
    "Session.restore_state": positional("snapshot"),
    "VfsStorage": [],
    "PooledSandbox.execute": positional("code"),
    "PooledSandbox.execute_with_journal": positional("code", journal=None),
    "PooledSandbox.release": [],
    "PooledSandbox.__enter__": [],
    "PooledSandbox.__exit__": EXIT,
    "SandboxPool.acquire": LEASE,
    "SandboxPool.try_acquire": LEASE,
    "SandboxPool.stats": [],
    "SandboxPool.evict_idle": [],
    "SandboxPool.close": [],
    "SandboxPool.__enter__": [],
    "SandboxPool.__exit__": EXIT,
}

# Read of an object.
ATTRIBUTES = {
    "ExecuteResult": "stdout stderr stdout_text stderr_text duration_ms callback_invocations peak_memory_bytes fuel_consumed "
    "result result_json result_error",
    "SuspendedCallback": "name args_json reason",
    "ReplayOutcome": "result error journal replayed_callbacks suspended",
    "NetConfig": "max_connections connect_timeout_ms io_timeout_ms allowed_hosts blocked_hosts blocked_networks "
    "allowed_networks internal_hosts",
    "ResourceLimits": "execution_timeout_ms callback_timeout_ms max_memory_bytes max_callback_invocations max_fuel max_vfs_bytes",
    "SandboxFactory": "size_bytes",
    "Session": "execution_count execution_timeout_ms vfs vfs_mount_path",
    "PoolStats": "total idle available in_use total_acquisitions total_creations wait_count total_wait_time_ms "
    "average_wait_time_ms",
    "SandboxPool": "is_closed",
    "MCPManager": "server_names",
}

EXCEPTIONS = {
    "EryxError": Exception,
    "ExecutionError": eryx.EryxError,
    "InitializationError": eryx.EryxError,
    "ResourceLimitError": eryx.EryxError,
    "TimeoutError": (builtins.TimeoutError, eryx.EryxError),
    "PoolError": eryx.EryxError,
    "PoolExhaustedError": eryx.PoolError,
    "PoolTimeoutError": eryx.PoolError,
    "PoolClosedError": eryx.PoolError,
    "SuspendCallback": Exception,
}


def find(path):
    value = eryx
    for part in path.split("."):
        value = getattr(value, part)
    return value


def parameters_of(path):
    """The parameters without ``self``, in their order."""
    value = find(path)
    parameters = list(inspect.signature(value).parameters.values())
    return [p for p in parameters if p.name not in ("self", "cls")]


@pytest.mark.parametrize("path", FUNCTIONS)
def test_parameters(path):
    found = parameters_of(path)
    names = [p.name for p in found]
    for name, kind, default in FUNCTIONS[path]:
        assert name in names, f"{path} has no parameter {name}"
        parameter = found[names.index(name)]
        assert (parameter.kind, parameter.default) == (kind, default), f"{path}({parameter})"
    by_position = [name for name, kind, _ in FUNCTIONS[path] if kind is EITHER]
    assert names[: len(by_position)] == by_position
    # Whatever else there is need not be given.
    for parameter in found:
        if parameter.name not in [name for name, _, _ in FUNCTIONS[path]]:
            assert parameter.default is not REQUIRED or parameter.kind is inspect.Parameter.VAR_POSITIONAL, parameter


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_attributes(name):
    cls = find(name)
    for attribute in ATTRIBUTES[name].split():
        assert hasattr(cls, attribute) or attribute in cls.__annotations__, f"{name}.{attribute}"


def test_attributes_of_objects():
    with eryx.Session(execution_timeout_ms=5000) as session:
        result = session.execute("print('é'); result = [1]")
        values = {name: getattr(result, name) for name in ATTRIBUTES["ExecuteResult"].split()}
        assert values["stdout"] == "é\n".encode() and values["stdout_text"] == "é\n"
        assert (values["result"], values["result_json"], values["result_error"]) == ([1], "[1]", None)
        assert values["fuel_consumed"] > 0 and values["peak_memory_bytes"] > 0
        assert str(result) == "é\n"
        assert (session.execution_count, session.execution_timeout_ms) == (1, 5000)
        assert (session.vfs, session.vfs_mount_path) == (None, None)
        session.execution_timeout_ms = None
        assert session.execution_timeout_ms is None


@pytest.mark.parametrize("name", EXCEPTIONS)
def test_exceptions(name):
    cls = find(name)
    bases = EXCEPTIONS[name]
    for base in bases if isinstance(bases, tuple) else (bases,):
        assert issubclass(cls, base)
    assert name in eryx.__all__
    assert cls.__name__ == ("SandboxTimeoutError" if name == "TimeoutError" else name)


def test_limits_by_name_only():
    limits = inspect.signature(eryx.ResourceLimits).parameters
    assert list(limits)[:6] == ATTRIBUTES["ResourceLimits"].split()
    nothing_said = eryx.ResourceLimits(**dict.fromkeys(ATTRIBUTES["ResourceLimits"].split()))
    assert nothing_said == eryx.ResourceLimits(
        execution_timeout_ms=None, callback_timeout_ms=None, max_memory_bytes=None, max_callback_invocations=None
    )
    assert all(parameter.kind is KEYWORD for parameter in limits.values())
    with pytest.raises(TypeError):
        eryx.ResourceLimits(5000)


@pytest.mark.parametrize("maker", ["Sandbox", "Session", "SandboxFactory", "SandboxPool", "ResourceLimits"])
def test_unknown_keywords_are_refused(maker):
    with pytest.raises(TypeError, match="no_such_option"):
        find(maker)(no_such_option=1)


def test_factories_take_every_option():
    """create_* takes what the classes do, except for factory."""
    for method, cls in ("create_sandbox", "Sandbox"), ("create_session", "Session"), ("create_pool", "SandboxPool"):
        assert inspect.signature(getattr(eryx.SandboxFactory, method)) == inspect.signature(find(cls).__init__)
    with eryx.SandboxFactory() as factory:
        for method in (factory.create_sandbox, factory.create_session, factory.create_pool):
            for wrong in ({"no_such_option": 1}, {"factory": factory}):
                with pytest.raises(TypeError):
                    method(**wrong)


def test_everything_public_is_documented():
    for name in eryx.__all__:
        value = getattr(eryx, name)
        assert name == "__version__" or inspect.getdoc(value), name
        if inspect.isclass(value):
            for attribute, member in vars(value).items():
                if not attribute.startswith("_") and (inspect.isfunction(member) or isinstance(member, property)):
                    assert inspect.getdoc(member), f"{name}.{attribute}"


DICTS = {
    "CallbackDict": "name fn description schema",
    "SecretDict": "value allowed_hosts",
}


@pytest.mark.parametrize("name", DICTS)
def test_dicts(name):
    cls = find(name)
    assert set(DICTS[name].split()) <= cls.__required_keys__ | cls.__optional_keys__
    # One key of pyeryx's must be there at least, and none that it does not have.
    assert cls.__required_keys__ and cls.__required_keys__ <= set(DICTS[name].split())


def test_network_configurations():
    """Attributes have what was given; methods give a configuration, as pyeryx has it."""
    config = eryx.NetConfig(max_connections=3, allowed_hosts=["example.com"], internal_hosts=["db.local"])
    assert (config.max_connections, config.connect_timeout_ms, config.io_timeout_ms) == (3, 30_000, 60_000)
    assert (config.allowed_hosts, len(config.blocked_hosts), config.allowed_networks) == (["example.com"], 23, [])
    assert config.internal_hosts == ["db.local"] and "10.0.0.0/8" in config.blocked_networks
    for method, argument, attribute in (
        ("allow_host", "b.example", "allowed_hosts"),
        ("block_host", "c.example", "blocked_hosts"),
        ("allow_network", "10.1.0.0/16", "allowed_networks"),
        ("allow_internal_host", "d.example", "internal_hosts"),
    ):
        changed = getattr(config, method)(argument)
        assert isinstance(changed, eryx.NetConfig) and argument in getattr(changed, attribute)
    assert isinstance(config.allow_localhost(), eryx.NetConfig)
    assert eryx.NetConfig.permissive().blocked_networks == []
    with pytest.raises(ValueError):
        config.allow_network("no network")


def test_modules():
    assert importlib.import_module("eryx.mcp").MCPManager is eryx.MCPManager
    with pytest.raises(AttributeError):
        eryx.no_such_name  # noqa: B018
