"""Host functions as the program sees them: ``await name(...)``, ``await ns.sub.fn(...)``, ``await invoke(...)``."""

import asyncio
import builtins
from typing import Any

import _eryx

from .loop import pending


class CallbackError(RuntimeError):
    """A host function failed. ``code`` is a stable word, the text is the host's message."""

    def __init__(self, message: str, code: str = "callback") -> None:
        super().__init__(message)
        self.code = code


_specs: dict[str, dict[str, Any]] = {}
_installed: dict[str, Any] = {}
_next_id = 0
_OK, _ERROR, _ITEM, _END = range(4)


def _receiver(number: int, future: asyncio.Future[Any]) -> Any:
    def receive(message: list[Any]) -> None:
        pending.pop(number, None)
        if future.done():
            return
        if message[1] == _OK:
            future.set_result(message[2])
        else:
            future.set_exception(CallbackError(message[3], message[2]))

    return receive


async def call(name: str, arguments: dict[str, Any]) -> Any:
    """Ask the host to run callback ``name`` and wait for its answer; cancelling the wait cancels it there."""
    global _next_id
    _next_id += 1
    number = _next_id
    future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    pending[number] = _receiver(number, future)
    try:
        _eryx.callback([number, name, arguments])
        return await future
    except asyncio.CancelledError:
        if pending.pop(number, None) is not None:
            _eryx.emit(["cancel", number])
        raise
    except BaseException:
        pending.pop(number, None)
        raise


def announce(specs: list[dict[str, Any]]) -> None:
    """Replace the set of callbacks."""
    for name, value in _installed.items():
        if builtins.__dict__.get(name) is value:
            del builtins.__dict__[name]
    _installed.clear()
    _specs.clear()
    for spec in specs:
        _specs[spec["name"]] = spec
        name = spec["name"]

        def make(name: str = name) -> Any:
            async def function(**kwargs: Any) -> Any:
                return await call(name, kwargs)

            function.__name__ = function.__qualname__ = name
            return function

        _installed[name] = builtins.__dict__[name] = make()


def list_callbacks() -> list[dict[str, Any]]:
    """The host functions this program may call: name, description, parameters_schema."""
    return [
        {"name": s["name"], "description": s.get("description", ""), "parameters_schema": s.get("schema") or {}}
        for s in _specs.values()
    ]


async def invoke(name: str, /, **kwargs: Any) -> Any:
    """Call host function ``name``."""
    return await call(name, kwargs)


def install() -> None:
    """Make the functions builtins, so that imported modules see them too."""
    builtins.invoke = invoke  # type: ignore[attr-defined]
    builtins.list_callbacks = list_callbacks  # type: ignore[attr-defined]
    builtins.CallbackError = CallbackError  # type: ignore[attr-defined]
