"""The cell magic ``%%eryx``: runs a notebook cell in a session that lasts as long as the notebook."""

from __future__ import annotations

import argparse
import shlex
from typing import Any

from . import EryxError, ExecuteResult, ResourceLimits, Session


class _Options(argparse.ArgumentParser):
    def error(self, message: str) -> Any:
        raise ValueError(f"%%eryx: {message}")


def _options() -> argparse.ArgumentParser:
    parser = _Options(prog="%%eryx", add_help=False)
    parser.add_argument("--reset", action="store_true", help="start a new session before")
    parser.add_argument("--timeout", type=int, default=30_000, metavar="MS")
    parser.add_argument("--to", metavar="NAME", help="put the result into the notebook's variable NAME")
    return parser


class EryxMagic:
    """The session behind ``%%eryx``. Names in ``callbacks`` of the notebook's namespace are not used."""

    def __init__(self, ipython: Any) -> None:
        self._ipython = ipython
        self._session: Session | None = None

    def cell(self, line: str, cell: str) -> ExecuteResult | None:
        """Runs ``cell``. Errors of the program are shown as its traceback, without the notebook's own frames."""
        options = _options().parse_args(shlex.split(line))
        if self._session is None:
            self._session = Session(resource_limits=ResourceLimits())
        elif options.reset:
            self._session.reset()
        self._session.execution_timeout_ms = options.timeout
        try:
            result = self._session.execute(cell)
        except EryxError as error:
            if error.killed:
                self._session.reset()
            if self._ipython is None:
                raise
            text = error.stdout.decode("utf-8", "replace") + str(error)
            self._ipython.display_pub.publish(data={"text/plain": text, "text/html": error._repr_html_()})
            return None
        if options.to:
            self._ipython.push({options.to: result.result})
        return result


def register(ipython: Any) -> None:
    """Adds the magic to a running IPython."""
    ipython.register_magic_function(EryxMagic(ipython).cell, magic_kind="cell", magic_name="eryx")
