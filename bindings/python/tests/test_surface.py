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
    "ResourceLimits.unlimited": [],
    "Sandbox": nothing("resource_limits", "callbacks", "mcp", "volumes", *HANDLERS, "result_variable"),
    "Sandbox.execute": positional("code"),
    "Sandbox.execute_with_journal": positional("code", journal=None),
    "SandboxFactory": [
        *nothing("site_packages", "packages", "imports", "setup_code", "callbacks"),
        *named(cache=True),
    ],
    "SandboxFactory.load": positional("path") + nothing("site_packages", "callbacks") + named(cache=True),
    "SandboxFactory.save": positional("path"),
    "SandboxFactory.create_session": nothing(
        "vfs", "vfs_mount_path", "resource_limits", "callbacks", "volumes", *HANDLERS, "result_variable"
    ),
    "SandboxFactory.create_sandbox": nothing("site_packages", "resource_limits", "callbacks", "volumes", *HANDLERS),
    "SandboxFactory.create_pool": named(max_size=10, min_idle=1, acquire_timeout_ms=30_000, idle_timeout_ms=300_000),
    "SandboxFactory.to_bytes": [],
    "Session": nothing(
        "vfs", "vfs_mount_path", "execution_timeout_ms", "callbacks", "mcp", "volumes", *HANDLERS, "result_variable"
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
    "SandboxPool.acquire": LEASE,
    "SandboxPool.try_acquire": LEASE,
    "SandboxPool.stats": [],
    "SandboxPool.evict_idle": [],
    "SandboxPool.close": [],
    "SandboxPool.__enter__": [],
}

# Read of an object.
ATTRIBUTES = {
    "ExecuteResult": "stdout stderr stdout_text stderr_text duration_ms callback_invocations peak_memory_bytes fuel_consumed "
    "result result_json result_error",
    "SuspendedCallback": "name args_json reason",
    "ReplayOutcome": "result error journal replayed_callbacks suspended",
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


def test_dicts_and_modules():
    assert set(eryx.CallbackDict.__annotations__) | set(eryx.callbacks._CallbackRequired.__annotations__) == {
        "name",
        "fn",
        "description",
        "schema",
    }
    assert importlib.import_module("eryx.mcp").MCPManager is eryx.MCPManager
    with pytest.raises(AttributeError):
        eryx.no_such_name  # noqa: B018
