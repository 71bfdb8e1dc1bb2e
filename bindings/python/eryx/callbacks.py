"""Host functions that the sandboxed program can await.

``inspect`` takes longer to import than all of this package, so that programs without callbacks do without it.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypedDict, TypeVar, Union

from .limits import check_limit

F = TypeVar("F", bound=Callable[..., Any])


class _CallbackRequired(TypedDict):
    name: str
    fn: Callable[..., Any]


class CallbackDict(_CallbackRequired, total=False):
    """A host function: its name in the guest, the function, a description and a JSON Schema.

    ``timeout_ms`` counts for it instead of the limit ``callback_timeout_ms``; None: that limit. The function may be plain or async. A generator, plain or async, gives many items: ``async for item in name()``.
    """

    description: str
    schema: dict[str, Any]
    timeout_ms: int | None


class CallbackRegistry:
    """A collection of host functions, filled by a decorator or by ``add``.

    >>> registry = CallbackRegistry()
    >>> @registry.callback(description="Adds two numbers")
    ... async def add(a: int, b: int) -> int:
    ...     return a + b
    """

    def __init__(self) -> None:
        self._items: list[CallbackDict] = []

    def callback(
        self,
        name: str | None = None,
        description: str | None = None,
        schema: dict[str, Any] | None = None,
        *,
        timeout_ms: int | None = None,
    ) -> Callable[[F], F]:
        """A decorator that registers a function and returns it unchanged. Parameters are those of ``add``."""
        if name is not None and not isinstance(name, str):
            raise TypeError(f"name must be a str, not {type(name).__name__}: use @registry.callback()")

        def register(fn: F) -> F:
            self.add(fn, name=name, description=description, schema=schema, timeout_ms=timeout_ms)
            return fn

        return register

    def add(
        self,
        fn: Callable[..., Any],
        *,
        name: str | None = None,
        description: str | None = None,
        schema: dict[str, Any] | None = None,
        timeout_ms: int | None = None,
    ) -> None:
        """Registers ``fn``. The name, description and schema come from the function where they are not given.

        ``timeout_ms`` counts for it instead of the limit ``callback_timeout_ms``. TypeError, OverflowError.
        """
        if not callable(fn):
            raise TypeError(f"a callback must be callable, not {type(fn).__name__}")
        self._items.append(
            CallbackDict(
                name=name if name is not None else _name_of(fn),
                fn=fn,
                description=description if description is not None else _first_line(fn),
                schema=schema if schema is not None else infer_schema(fn),
                timeout_ms=check_limit("timeout_ms", timeout_ms),
            )
        )

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[CallbackDict]:
        return iter(self._items)

    def __repr__(self) -> str:
        return f"CallbackRegistry([{', '.join(item['name'] for item in self._items)}])"


CallbacksArgument = Union[CallbackRegistry, "list[CallbackDict | CallbackRegistry]", None]


def _name_of(fn: Callable[..., Any]) -> str:
    name = getattr(fn, "__name__", None)
    return name if isinstance(name, str) else type(fn).__name__


def _first_line(fn: Callable[..., Any]) -> str:
    import inspect

    text = (inspect.getdoc(fn) or "").strip()
    return text.splitlines()[0] if text else ""


_JSON_TYPES: dict[Any, str] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    list: "array",
    tuple: "array",
    dict: "object",
}


def _schema_of(hint: Any) -> dict[str, Any]:
    origin = typing.get_origin(hint)
    if origin is typing.Annotated:
        return _schema_of(typing.get_args(hint)[0])
    if origin in (Union, types.UnionType):
        options = [option for option in typing.get_args(hint) if option is not type(None)]
        return _schema_of(options[0]) if len(options) == 1 else {}
    name = _JSON_TYPES.get(origin or hint)
    return {"type": name} if name else {}


def infer_schema(fn: Callable[..., Any]) -> dict[str, Any]:
    """The JSON Schema of a function's parameters, from its type hints; those without a default are required."""
    import inspect

    try:
        parameters = inspect.signature(fn).parameters
    except (TypeError, ValueError):
        return {"type": "object", "properties": {}, "required": []}
    try:
        hints = typing.get_type_hints(fn)
    except Exception:  # hints that cannot be resolved here say nothing
        hints = {}
    properties: dict[str, Any] = {}
    required = []
    for name, parameter in parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        properties[name] = _schema_of(hints.get(name))
        if parameter.default is parameter.empty:
            required.append(name)
    return {"type": "object", "properties": properties, "required": required}


class Callback(typing.NamedTuple):
    """A host function, ready to be called."""

    name: str
    fn: Callable[..., Any]
    description: str
    schema: dict[str, Any]
    is_async: bool
    stream: bool
    timeout_ms: int | None = None

    def message(self) -> dict[str, Any]:
        """How the library is told of it."""
        import json

        message: dict[str, Any] = {"name": self.name, "description": self.description}
        message["schema"] = json.dumps(self.schema)
        if self.stream:
            message["stream"] = True
        if self.timeout_ms is not None:
            message["timeout_ms"] = self.timeout_ms
        return message


def _from_dict(item: Mapping[str, Any]) -> Callback:
    for key in ("name", "fn"):
        if key not in item:
            raise KeyError(f"Callback dict missing '{key}' key")
    name, fn = item["name"], item["fn"]
    if not isinstance(name, str):
        raise TypeError(f"a callback's name must be a str, not {type(name).__name__}")
    if not callable(fn):
        raise TypeError(f"callback {name!r}: fn must be callable, not {type(fn).__name__}")
    description, schema = item.get("description"), item.get("schema")
    return Callback(
        name,
        fn,
        _first_line(fn) if description is None else description,
        infer_schema(fn) if schema is None else schema,
        is_async(fn),
        _is_generator(fn),
        check_limit("timeout_ms", item.get("timeout_ms")),
    )


def _is_generator(fn: Callable[..., Any]) -> bool:
    """Whether calls of it give many items: the program iterates over them."""
    import inspect

    return inspect.isasyncgenfunction(fn) or inspect.isgeneratorfunction(fn)


def is_async(fn: Callable[..., Any]) -> bool:
    """Whether calls of it must be awaited."""
    import inspect

    if _is_generator(fn):
        return True
    method = getattr(type(fn), "__call__", None)  # noqa: B004
    return inspect.iscoroutinefunction(fn) or inspect.iscoroutinefunction(method)


def has_async(callbacks: Mapping[str, Callback]) -> bool:
    """Whether some of them must be awaited."""
    return any(callback.is_async for callback in callbacks.values())


def collect(argument: CallbacksArgument) -> dict[str, Callback]:
    """The callbacks of a ``callbacks=`` argument by name; of two with one name the last one counts."""
    if argument is None:
        return {}
    if isinstance(argument, CallbackRegistry):
        items: Iterable[Any] = argument
    elif isinstance(argument, list):
        items = argument
    else:
        raise TypeError("callbacks must be a CallbackRegistry or list of callback dicts")
    found: dict[str, Callback] = {}
    for item in items:
        if isinstance(item, CallbackRegistry):
            found.update(collect(item))
        elif isinstance(item, dict):
            callback = _from_dict(item)
            found[callback.name] = callback
        else:
            raise TypeError("Callback list items must be dicts or CallbackRegistry instances")
    return found
