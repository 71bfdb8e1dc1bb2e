"""Values and functions of a program that a session keeps."""

from __future__ import annotations

from typing import Any

from . import _blocking
from ._execute import Runner


class Caller(Runner):
    """Base of Session and PooledSandbox: what a program has defined can be called, read and set."""

    def _ask(self, operation: str, **fields: Any) -> dict[str, Any]:
        """An operation that may run code of the guest's, and its answer."""
        request = self._program(operation, **fields)
        _blocking.perform(request)
        return request.answer()

    def call(self, name: str, /, *args: Any, **kwargs: Any) -> Any:
        """Calls a function that the program has defined and returns its value; one that is async is awaited.

        ``name`` may have dots. Arguments and value are what callbacks may pass. Raises what ``execute`` raises.
        """
        request = self._program("call", name=name, args=list(args), kwargs=kwargs, **self._options())
        _blocking.perform(request)
        return request.result().value

    async def call_async(self, name: str, /, *args: Any, **kwargs: Any) -> Any:
        """``call`` without blocking the event loop."""
        request = self._program("call", name=name, args=list(args), kwargs=kwargs, **self._options())
        from . import _async

        await _async.perform(request)
        return request.result().value

    def get(self, name: str) -> Any:
        """The value of a global of the program's, or of an attribute when ``name`` has dots. ExecutionError with the
        program's NameError, AttributeError, or TypeError for a value that cannot be passed."""
        return self._ask("get", name=name)["value"]

    def set(self, name: str, value: Any) -> None:
        """Makes ``value`` a global of the program's."""
        self._ask("set", name=name, value=value)
