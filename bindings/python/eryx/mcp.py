"""MCP: tools of Model Context Protocol servers for sandboxed programs, and a sandbox as such a server.

::

    manager = eryx.MCPManager()
    manager.connect("time", "uvx", ["mcp-server-time"])  # 2, the tools that it has
    eryx.Sandbox(mcp=manager).execute("print(await mcp.time.get_current_time(timezone='UTC'))")
"""

from __future__ import annotations

import atexit
import json
import os
import warnings
import weakref
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Union

from . import _blocking
from ._closing import Closing
from ._execute import PackageArgument, Volume, common_config, from_factory
from ._request import Request, forget
from .callbacks import CallbacksArgument, has_async
from .errors import EryxError, InitializationError
from .library import LibrariesArgument
from .limits import ResourceLimits

if TYPE_CHECKING:
    from .factory import SandboxFactory

Path = Union[str, "os.PathLike[str]"]


class MCPServer(NamedTuple):
    """How an MCP server is started, as a configuration file has it; ``source`` is the file."""

    name: str
    command: str
    args: list[str]
    env: dict[str, str]
    cwd: str
    source: str


class MCPManager(Closing):
    """Connections to MCP servers: processes that speak the protocol over their standard input and output.

    Their tools are given to programs by ``mcp=`` of Sandbox, Session and SandboxPool: those of the servers that are
    connected then, as ``await mcp.<server>.<tool>(...)``. A part that is no identifier is written in brackets:
    ``await mcp["my-server"].search(...)``. What a tool answers is its structured content; else a single text that is
    JSON, as its value; else ``{"text": ...}``. A tool that fails raises a RuntimeError in the program.

    The servers end with the manager: by ``close``, when nobody holds it, and with this process.
    """

    _what = "MCP manager"

    def __init__(self) -> None:
        self._handle = _blocking.call({"op": "mcp.new"})["mcp"]
        _managers.add(self)

    def connect(
        self,
        name: str,
        command: str,
        args: Iterable[str] = [],
        env: Mapping[str, str] = {},
        timeout_secs: float = 30.0,
    ) -> int:
        """Starts a server and asks for its tools; how many there are.

        ``env`` are variables beside this process's own.

        Raises:
            InitializationError: the command cannot be started, or is no MCP server.
            InvalidError: the name is taken, or has spaces.
            TimeoutError: the server did not answer in time.
        """
        return self._connected(_blocking.call(self._server(name, command, args, env, timeout_secs)))

    async def connect_async(
        self,
        name: str,
        command: str,
        args: Iterable[str] = [],
        env: Mapping[str, str] = {},
        timeout_secs: float = 30.0,
    ) -> int:
        """``connect`` without blocking the event loop."""
        from . import _async

        return self._connected(await _async.call(self._server(name, command, args, env, timeout_secs)))

    def _server(
        self, name: str, command: str, args: Iterable[str], env: Mapping[str, str], timeout: float
    ) -> dict[str, Any]:
        if isinstance(args, str):
            raise TypeError("args must be a list of str, not a str")
        return self._message(
            "connect",
            name=name,
            command=os.fspath(command),
            args=[os.fspath(argument) for argument in args],
            env=dict(env),
            environ=_environ(),
            timeout_ms=timeout * 1000,
        )

    @staticmethod
    def _connected(answer: dict[str, Any]) -> int:
        count: int = answer["tool_count"]
        return count

    def list_tools(self) -> list[dict[str, Any]]:
        """The tools of all servers, each with ``name`` as programs write it, ``description`` and ``schema``."""
        return [
            {
                "name": tool["name"],
                "description": tool["description"],
                "schema": json.loads(tool["schema"]) if tool["schema"] else {},
            }
            for tool in _blocking.call(self._message("list_tools"))["tools"]
        ]

    @property
    def server_names(self) -> list[str]:
        """The connected servers, sorted."""
        names: list[str] = _blocking.call(self._message("server_names"))["server_names"]
        return names

    def close(self) -> None:
        """Ends the servers and waits until they are gone, a few seconds at most. Closing again does nothing."""
        if handle := self._take_handle():
            _blocking.call({"op": "mcp.close", "mcp": handle})

    def _message(self, operation: str, **fields: Any) -> dict[str, Any]:
        return {"op": f"mcp.{operation}", "mcp": self._open(), **fields}

    def __del__(self) -> None:
        if handle := self._take_handle():
            forget({"op": "mcp.close", "mcp": handle})

    def __repr__(self) -> str:
        return f"MCPManager({', '.join(self.server_names)})" if self._handle else "MCPManager(closed)"


_managers: weakref.WeakSet[MCPManager] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    for manager in list(_managers):
        try:
            manager.close()
        except EryxError:  # a forked child, in which the servers are the parent's
            pass


def _environ() -> dict[str, str]:
    """This process's variables, as it has set them; those that are no text are left out."""
    found = {}
    for name, value in os.environ.items():
        try:
            (name + value).encode()
        except UnicodeEncodeError:
            continue
        found[name] = value
    return found


def _discovery(config_paths: Iterable[Path] | None) -> dict[str, Any]:
    message: dict[str, Any] = {"environ": _environ()}
    if config_paths is not None:
        if isinstance(config_paths, (str, os.PathLike)):
            raise TypeError("config_paths must be a list of paths")
        message["config_paths"] = [os.fspath(path) for path in config_paths]
    return message


def _warn(texts: Iterable[str]) -> None:
    for text in texts:
        warnings.warn(text, RuntimeWarning, stacklevel=3)


def discover_servers(config_paths: Iterable[Path] | None = None) -> list[MCPServer]:
    """The servers of configuration files; of two with one name the later file's.

    Without paths those where Claude Code, Zed, Codex, Cursor, Windsurf and Gemini keep a user's servers, and those of
    the project in the working directory (VS Code's, too). Servers that are disabled, have no command or are not
    reached over standard output are left out. In values of ``env``, ``$NAME``, ``${NAME}`` and ``${NAME:-default}``
    are replaced.

    Raises:
        InvalidError: a file of ``config_paths`` is not there or makes no sense. Others are left out with a warning.
    """
    answer = _blocking.call({"op": "mcp.discover", **_discovery(config_paths)})
    _warn(answer["warnings"])
    return [MCPServer(**server) for server in answer["servers"]]


def connect_servers(
    config_paths: Iterable[Path] | None = None, connect_timeout: float = 30.0, *, others: bool = False
) -> MCPManager | None:
    """A manager that is connected to the servers of ``discover_servers``; None when there are none.

    ``connect_timeout`` in seconds is for each server. With ``others`` those of other programs' files are added to
    those of ``config_paths``, which count more.

    Raises:
        InitializationError: a server of ``config_paths`` cannot be connected. Others are left out with a warning.
    """
    manager = MCPManager()
    fields = {**_discovery(config_paths), "others": others, "timeout_ms": connect_timeout * 1000}
    try:
        answer = _blocking.call(manager._message("connect_all", **fields))
        for _, message, required in answer["failures"]:
            if required:
                raise InitializationError(message)
        _warn([*answer["warnings"], *(message for _, message, _ in answer["failures"])])
        if manager.server_names:
            return manager
    except BaseException:
        manager.close()
        raise
    manager.close()
    return None


def serve(
    *,
    resource_limits: ResourceLimits | None = None,
    callbacks: CallbacksArgument = None,
    mcp: MCPManager | None = None,
    volumes: list[Volume] | None = None,
    packages: list[PackageArgument] | None = None,
    factory: SandboxFactory | None = None,
    libraries: LibrariesArgument = None,
) -> None:
    """Makes this process an MCP server on its standard input and output, until its client goes.

    Its one tool is ``run_python(code, timeout_ms?)``, whose programs share a session; the callbacks and tools that
    they may await are listed in its description. Parameters are those of Session, but that the default limits are
    those of ``ResourceLimits()``.
    """
    limits = ResourceLimits() if resource_limits is None else resource_limits
    config = common_config(limits, volumes=volumes, packages=packages, mcp=mcp)
    offer, fields = from_factory(factory, callbacks, libraries)
    served = offer.served()
    message = {"op": "mcp.serve", "config": {**config, **offer.config()}, **fields}
    request = Request(message, served, has_async=has_async(served))
    _blocking.perform(request)
    request.answer()
