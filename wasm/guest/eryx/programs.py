"""Compiling the program. What a session runs again is not compiled again: that is most of a small program's time."""

import linecache
from types import CodeType

from . import errors

TOP_LEVEL_AWAIT = 0x2000  # ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
_MAX_PROGRAMS = 32
_MAX_SOURCE = 16 * 1024  # characters

# (source, mode, filename that was asked for) -> what it was compiled as, the latest last
_compiled: dict[tuple[str, str, str | None], tuple[str, CodeType]] = {}


def filename_of(source: str, mode: str, asked: str | None, number: int) -> str:
    """The file name of the ``number``-th program of a session: the one that was asked for, the one under which the same
    program ran before, or ``<user>``, ``<user:2>`` and so on. Its lines are remembered for tracebacks."""
    known = _compiled.get((source, mode, asked))
    if known is not None:
        filename = known[0]
        if filename in linecache.cache:
            return filename
    else:
        filename = asked or ("<user>" if number == 1 else f"<user:{number}>")
    errors.remember_source(filename, source)
    return filename


def code_of(source: str, mode: str, asked: str | None, filename: str) -> CodeType:
    """The code of ``source``. Mode ``single`` takes any number of statements, and prints expressions' values."""
    key = (source, mode, asked)
    known = _compiled.pop(key, None)
    if known is None:
        known = (filename, _compile(source, filename, mode))
    if len(source) <= _MAX_SOURCE:
        if len(_compiled) >= _MAX_PROGRAMS:
            del _compiled[next(iter(_compiled))]
        _compiled[key] = known
    return known[1]


def forget() -> None:
    """Forget all programs."""
    _compiled.clear()


def _compile(source: str, filename: str, mode: str) -> CodeType:
    if mode != "single":
        return compile(source, filename, mode, TOP_LEVEL_AWAIT, dont_inherit=True)  # type: ignore[no-any-return]
    import ast

    module = compile(source, filename, "exec", ast.PyCF_ONLY_AST | TOP_LEVEL_AWAIT, dont_inherit=True)
    statements = ast.Interactive(module.body)
    return compile(statements, filename, "single", TOP_LEVEL_AWAIT, dont_inherit=True)  # type: ignore[no-any-return]
