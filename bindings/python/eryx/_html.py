"""How results and errors look in a notebook."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .errors import EryxError
    from .results import ExecuteResult


def _block(text: str, style: str = "") -> str:
    return f'<pre style="margin:0;{style}">{html.escape(text)}</pre>' if text else ""


def result_html(result: ExecuteResult) -> str:
    """Output, the result variable and the figures of an execution."""
    value = f"<div><b>result</b> <code>{html.escape(repr(result.result))}</code></div>" if result.result_json else ""
    figures = f"{result.duration_ms:.1f} ms"
    if result.callback_invocations:
        figures += f", {result.callback_invocations} callbacks"
    return (
        f"<div>{_block(result.stdout_text)}{_block(result.stderr_text, 'color:#b00')}{value}"
        f'<small style="opacity:.6">{figures}</small></div>'
    )


def error_html(error: EryxError) -> str:
    """The program's output so far, and what went wrong."""
    out = error.stdout.decode("utf-8", "replace")
    return f"<div>{_block(out)}{_block(str(error), 'color:#b00')}</div>"
