"""The program's functions and globals, as the host uses them: no source text is built."""

import inspect
from collections.abc import Awaitable
from typing import Any

from . import runner
from .values import plain


def _lookup(name: str, namespace: dict[str, Any]) -> Any:
    """The global that ``name`` begins with, and its attributes for the rest."""
    first, *rest = name.split(".")
    if first not in namespace:
        raise NameError(f"name {first!r} is not defined", name=first)
    value = namespace[first]
    for attribute in rest:
        value = getattr(value, attribute)
    return value


def call(name: str, args: list[Any], kwargs: dict[str, Any], options: dict[str, Any]) -> runner.Reply:
    """``["done", outcome]`` with the value of ``name(*args, **kwargs)``, or nanoseconds while it awaits."""
    run = runner.begin(options)
    try:
        value = _lookup(name, run.namespace)(*args, **kwargs)
        if inspect.isawaitable(value):
            return runner.start(run, _awaited(run, name, value))
        run.outcome["value"] = plain(value, f"{name}() result")
    except BaseException as error:
        return runner.finish(run, error)
    return runner.finish(run, None)


async def _awaited(run: runner.Run, name: str, value: Awaitable[Any]) -> None:
    run.outcome["value"] = plain(await value, f"{name}() result")


def get(name: str, options: dict[str, Any]) -> runner.Reply:
    """``["done", outcome]`` with the value of ``name``."""
    run = runner.begin(options)
    try:
        run.outcome["value"] = plain(_lookup(name, run.namespace), name)
    except BaseException as error:
        return runner.finish(run, error)
    return runner.finish(run, None)


def set_global(name: str, value: Any, options: dict[str, Any]) -> runner.Reply:
    """``["done", {}]`` with ``name`` set."""
    run = runner.begin(options)
    run.namespace[name] = value
    return runner.finish(run, None)
