"""The command line: a file, ``-c`` code, standard input, or an interactive prompt."""

from __future__ import annotations

import argparse
import pathlib
import sys
import warnings
from typing import TYPE_CHECKING, TextIO

from . import EryxError, ResourceLimits, Sandbox, Session, __version__

if TYPE_CHECKING:
    from .mcp import MCPManager

_EXAMPLES = """examples:
  eryx                              interactive prompt
  eryx script.py                    execute a file
  eryx -c 'print("hello")'          execute a string
  echo 'print(1+1)' | eryx -        read code from stdin
  eryx --timeout 5000 script.py     set execution timeout
  eryx --mcp script.py              let it call the tools of configured MCP servers
  eryx serve                        be an MCP server on stdin and stdout
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="eryx",
        description="Run Python code in an Eryx WebAssembly sandbox.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("script", nargs="?", help="Python file to execute (use '-' for stdin)")
    parser.add_argument("args", nargs=argparse.REMAINDER, help="the program's arguments")
    parser.add_argument("--version", action="version", version=f"eryx {__version__}")
    parser.add_argument("-c", dest="code", metavar="CODE", help="execute CODE and exit")
    limits = parser.add_argument_group("resource limits")
    limits.add_argument(
        "--timeout", type=int, metavar="MS", default=30_000, help="execution timeout in milliseconds (default: 30000)"
    )
    limits.add_argument("--max-memory", type=int, metavar="BYTES", help="maximum memory in bytes (default: 128MB)")
    files = parser.add_argument_group("filesystem")
    files.add_argument(
        "-v",
        "--volume",
        dest="volumes",
        action="append",
        default=[],
        type=_volume,
        metavar="SRC:DST[:ro]",
        help="mount host directory SRC at sandbox path DST (:ro for read-only, :cow to keep changes in memory)",
    )
    tools = parser.add_argument_group("MCP tools")
    tools.add_argument(
        "--mcp", action="store_true", help="connect to the MCP servers that other programs have configured"
    )
    tools.add_argument(
        "--mcp-config",
        dest="mcp_files",
        action="append",
        default=[],
        metavar="FILE",
        help="connect to the MCP servers of a configuration file",
    )
    return parser


def _connect(options: argparse.Namespace) -> MCPManager | None:
    """The MCP servers that the options name; None without them. EryxError."""
    if not options.mcp and not options.mcp_files:
        return None
    from .mcp import connect_servers

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        manager = connect_servers(options.mcp_files or None, others=options.mcp)
    for warning in caught:
        print(f"eryx: warning: {warning.message}", file=sys.stderr)
    return manager


_VOLUME_MODES: dict[str, bool | str] = {"ro": True, "rw": False, "cow": "copy_on_write"}


def _volume(text: str) -> tuple[str, str, bool | str]:
    """SRC:DST or SRC:DST:MODE, as volumes= wants it. SRC may have colons, as Windows' paths do."""
    places, _, mode = text.rpartition(":")
    if mode not in _VOLUME_MODES:
        places, mode = text, "rw"
    host, _, guest = places.rpartition(":")
    if not host or not guest.startswith("/"):
        raise argparse.ArgumentTypeError(f"{text!r} is not SRC:DST or SRC:DST:ro, where DST is an absolute path")
    return host, guest, _VOLUME_MODES[mode]


def _limits(options: argparse.Namespace) -> ResourceLimits:
    limits = ResourceLimits(execution_timeout_ms=options.timeout)
    if options.max_memory is not None:
        limits.max_memory_bytes = options.max_memory
    return limits


def _write(stream: TextIO, data: bytes) -> None:
    stream.buffer.write(data)
    stream.buffer.flush()


def _run(code: str, args: list[str], options: argparse.Namespace) -> int:
    """Executes a program, its output passed through as it comes; the exit code."""
    try:
        with Sandbox(
            resource_limits=options.limits,
            mcp=options.manager,
            volumes=options.volumes,
            args=args,
            on_stdout=lambda data: _write(sys.stdout, data),
            on_stderr=lambda data: _write(sys.stderr, data),
        ) as sandbox:
            sandbox.execute(code)
    except EryxError as error:
        if error.code == "exit":
            return error.exit_code & 0xFF
        print(str(error).rstrip("\n"), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _interact(options: argparse.Namespace) -> int:
    """The prompt: statements share one session; Ctrl-C drops what is typed, Ctrl-D ends."""
    print(f"eryx {__version__}: sandboxed Python. Ctrl-D ends.")
    with Session(
        resource_limits=options.limits,
        mcp=options.manager,
        volumes=options.volumes,
        keep_tasks=True,
        on_stdout=lambda data: _write(sys.stdout, data),
        on_stderr=lambda data: _write(sys.stderr, data),
    ) as session:
        while True:
            try:
                source = _read(session)
                if source is None:
                    return 0
                session._execute_interactive(source)
            except EryxError as error:
                if error.code == "exit":
                    return error.exit_code & 0xFF
                print(str(error).rstrip("\n"), file=sys.stderr)
                if error.killed:
                    session.reset()
            except KeyboardInterrupt:
                print("\nKeyboardInterrupt", file=sys.stderr)


def _read(session: Session) -> str | None:
    """One whole statement, None at the end of input."""
    lines: list[str] = []
    while True:
        try:
            lines.append(input("... " if lines else ">>> "))
        except EOFError:
            print()
            return None
        source = "\n".join(lines)
        state = session.is_complete(source)
        if state != "incomplete":
            return source


def _source(options: argparse.Namespace) -> tuple[str, list[str]]:
    """The program's text and its sys.argv. OSError, UnicodeDecodeError."""
    if options.code is not None:
        return options.code, ["-c", *([options.script] if options.script else []), *options.args]
    if options.script in (None, "-"):
        return sys.stdin.buffer.read().decode(), ["-", *options.args]
    return pathlib.Path(options.script).read_text("utf-8"), [options.script, *options.args]


def _serve(options: argparse.Namespace) -> int:
    """``eryx serve``: an MCP server; the exit code."""
    from .mcp import serve

    try:
        serve(resource_limits=options.limits, mcp=options.manager, volumes=options.volumes)
    except EryxError as error:
        print(f"eryx: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line; the exit code: 0 success, 1 the program failed, 2 wrong usage."""
    parser = _parser()
    arguments = sys.argv[1:] if arguments is None else arguments
    serving = arguments[:1] == ["serve"]
    options = parser.parse_args(arguments[1:] if serving else arguments)
    if options.code is not None and options.script is not None:
        parser.error("use either -c or a script, not both")
    if serving and (options.code is not None or options.script is not None):
        parser.error("serve takes neither -c nor a script")
    try:
        options.limits = _limits(options)
    except OverflowError as error:
        parser.error(str(error))
    try:
        options.manager = _connect(options)
    except EryxError as error:
        print(f"eryx: {error}", file=sys.stderr)
        return 2 if error.code == "invalid" else 1
    if serving:
        return _serve(options)
    if options.code is None and options.script is None and sys.stdin.isatty():
        return _interact(options)
    try:
        code, args = _source(options)
    except (OSError, UnicodeDecodeError) as error:
        print(f"eryx: cannot read {options.script or 'standard input'}: {error}", file=sys.stderr)
        return 1
    return _run(code, args, options)
