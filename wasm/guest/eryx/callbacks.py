"""Host functions as the program sees them: ``await name(...)``, ``await ns.sub.fn(...)``, ``await invoke(...)``."""

import asyncio
import builtins
import itertools
from asyncio import CancelledError, get_running_loop
from collections.abc import Callable, Mapping
from inspect import Parameter, Signature
from types import MappingProxyType
from typing import Any

import _eryx

from . import fetch, gather, loop, streams, trace
from .loop import pending
from .values import plain, plain_text


class CallbackError(RuntimeError):
    """A host function failed. ``code`` is a stable word, the text is the host's message."""

    def __init__(self, message: str, code: str = "callback") -> None:
        super().__init__(message)
        self.code = code


class Spec:
    """What the host announced of one callback."""

    __slots__ = ("name", "description", "doc", "parameters", "schema_text", "stream", "kind", "_schema")

    def __init__(self, announced: dict[str, Any]) -> None:
        self.name: str = announced["name"]
        self.description: str = announced.get("description", "")
        self.doc: str = announced.get("doc") or self.description
        self.parameters: list[str] = announced.get("parameters") or []
        self.schema_text: str | None = announced.get("schema")
        self.stream: bool = announced.get("stream", False)
        self.kind: str = announced.get("kind", "")
        self._schema: dict[str, Any] | None = None

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON Schema of the arguments; parsed when it is first asked for."""
        if self._schema is None:
            import json

            schema = json.loads(self.schema_text) if self.schema_text else {}
            self._schema = schema if isinstance(schema, dict) else {}
        return self._schema


_specs: dict[str, Spec] = {}
_installed: dict[str, Any] = {}
_next_number = itertools.count(1).__next__
_begin_call = _eryx.begin
_OK = 0


def _settle(future: asyncio.Future[Any], message: list[Any]) -> None:
    """Take the host's answer: ``[number, 0, value]`` or ``[number, 1, code, text]``."""
    if future.done():
        return
    if message[1] == _OK:
        future.set_result(message[2])
    else:
        future.set_exception(CallbackError(message[3], message[2]))
        gather.call_failed(message[0], future)


def _refused() -> CallbackError:
    """The host has refused so many calls that it does not even say so any more."""
    return CallbackError("too many callbacks were started at once; await some before starting more", "limit")


def _plain(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    return {plain_text(key, name): plain(value, f"{name}() argument {key!r}") for key, value in arguments.items()}


def _send(name: str, number: int, arguments: dict[str, Any]) -> None:
    """Hand a stream's call to the host."""
    trace.flush()
    try:
        _eryx.callback([number, name, arguments])
    except OSError:
        raise _refused() from None


def _begin_again(error: Exception, number: int, name: str, arguments: dict[str, Any]) -> asyncio.Future[Any]:
    """The call failed to begin: once more with plain values, or a TypeError or ValueError that says which is not."""
    if isinstance(error, OSError):
        raise _refused() from None
    try:
        return _begin_call(get_running_loop(), number, name, _plain(name, arguments))
    except (TypeError, ValueError) as again:
        raise again from None  # the first error says less


async def call(name: str, arguments: dict[str, Any]) -> Any:
    """Ask the host to run callback ``name`` and wait for its answer; cancelling the wait cancels it there."""
    number = _next_number()
    trace.flush()
    try:
        future = _begin_call(get_running_loop(), number, name, arguments)
    except (TypeError, ValueError, OSError) as error:
        future = _begin_again(error, number, name, arguments)
    try:
        return await future
    except CancelledError:
        _cancel(number)
        raise


def _cancel(number: int) -> None:
    """Tell the host that nobody waits for call ``number`` any more, unless its answer is here."""
    if pending.pop(number, None) is not None:
        _eryx.emit(["cancel", number])


def _stream(name: str, arguments: dict[str, Any]) -> Any:
    return streams.Stream(name, _next_number(), _plain(name, arguments), _send, CallbackError)


def bind(spec: Spec, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Positional arguments as keywords, in the schema's order of parameters."""
    names = spec.parameters
    if len(args) > len(names):
        if not names:
            raise TypeError(f"{spec.name}() takes keyword arguments only")
        raise TypeError(f"{spec.name}() takes at most {len(names)} positional arguments but {len(args)} were given")
    bound = dict(zip(names, args))
    for name in kwargs:
        if name in bound:
            raise TypeError(f"{spec.name}() got multiple values for argument {name!r}")
    bound.update(kwargs)
    return bound


def _function(spec: Spec) -> Callable[..., Any]:
    """The function of a callback that is no namespace."""
    name = spec.name
    if spec.stream:

        def function(*args: Any, **kwargs: Any) -> Any:
            return _stream(name, bind(spec, args, kwargs) if args else kwargs)
    else:

        async def function(*args: Any, **kwargs: Any) -> Any:  # type: ignore[misc]
            # As call() does, which is not called here because that costs a coroutine more.
            if args:
                kwargs = bind(spec, args, kwargs)
            number = _next_number()
            if trace.on:
                trace.flush()
            try:
                future = _begin_call(get_running_loop(), number, name, kwargs)
            except (TypeError, ValueError, OSError) as error:
                future = _begin_again(error, number, name, kwargs)
            if gather.starting:
                return future
            try:
                return await future
            except CancelledError:
                _cancel(number)
                raise

    function.__name__ = name.rpartition(".")[2]
    function.__qualname__ = name
    function.__module__ = "builtins"
    function.__doc__ = spec.doc
    function.__signature__ = SchemaSignature(spec)  # type: ignore[attr-defined]
    return function


_TYPES = {
    "string": str, "integer": int, "number": float, "boolean": bool, "array": list, "object": dict, "null": None,
}  # fmt: skip


def _annotation(schema: Any) -> Any:
    kind = schema.get("type") if isinstance(schema, dict) else None
    if isinstance(kind, list):
        known = [_TYPES[k] for k in kind if k in _TYPES]
        if not known:
            return Any
        result: Any = known[0]
        for other in known[1:]:
            result = result | other if result is not None else other | None  # type: ignore[operator]
        return result
    return _TYPES.get(kind, Any) if isinstance(kind, str) else Any


class SchemaSignature(Signature):
    """The signature that a schema describes, made when it is looked at."""

    __slots__ = ("_spec",)

    def __init__(self, spec: Spec) -> None:
        self._spec = spec

    @property
    def _parameters(self) -> Mapping[str, Parameter]:
        return MappingProxyType({p.name: p for p in _parameters(self._spec)})

    @property
    def _return_annotation(self) -> Any:
        return Signature.empty


def _parameters(spec: Spec) -> list[Parameter]:
    """The parameters that the schema describes; required ones after an optional one are keyword-only."""
    if spec.schema_text is None:
        return [Parameter("kwargs", Parameter.VAR_KEYWORD, annotation=Any)]
    schema = spec.schema
    required = schema.get("required") or []
    properties = schema.get("properties") or {}
    kind: Any = Parameter.POSITIONAL_OR_KEYWORD
    parameters = []
    optional = False
    for name in spec.parameters:
        if not name.isidentifier():
            continue
        default: Any = Parameter.empty
        own = properties.get(name)
        if name not in required:
            optional = True
            default = own.get("default", ...) if isinstance(own, dict) else ...
        elif optional:
            kind = Parameter.KEYWORD_ONLY
        try:
            parameters.append(Parameter(name, kind, default=default, annotation=_annotation(own)))
        except ValueError:  # a keyword
            continue
    return parameters


class Namespace:
    """The part of the host's functions whose names begin alike: ``db`` of ``db.get`` and ``db.put``."""

    __slots__ = ("_eryx_name", "_eryx_members")

    def __init__(self, name: str) -> None:
        self._eryx_name = name
        self._eryx_members: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        try:
            return self._eryx_members[name]
        except KeyError:
            raise AttributeError(f"namespace {self._eryx_name!r} has no function {name!r}", name=name, obj=self) from None

    def __getitem__(self, name: str) -> Any:
        return self._eryx_members[name]

    def __dir__(self) -> list[str]:
        return sorted(self._eryx_members)

    def __repr__(self) -> str:
        return f"<namespace {self._eryx_name}: {', '.join(sorted(self._eryx_members))}>"


class CallableNamespace(Namespace):
    """A namespace that is a host function, too."""

    __slots__ = ("_eryx_function",)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._eryx_function(*args, **kwargs)

    @property
    def __signature__(self) -> Any:
        return SchemaSignature(_specs[self._eryx_name])

    @property
    def __doc__(self) -> str:  # type: ignore[override]
        return str(self._eryx_function.__doc__)

    @property
    def __name__(self) -> str:
        return str(self._eryx_function.__name__)


def _place(root: dict[str, Any], spec: Spec, spaces: set[str]) -> None:
    """Put the function of ``spec`` where its dotted name says; ``spaces`` are the names that are namespaces."""
    parts = spec.name.split(".")
    members, path = root, ""
    for part in parts[:-1]:
        path = f"{path}.{part}" if path else part
        space = members.get(part)
        if space is None:
            space = members[part] = (CallableNamespace if path in _specs else Namespace)(path)
        members = space._eryx_members
    function = _function(spec)
    if spec.kind == "fetch":
        function = fetch.make(function, CallbackError)
    if spec.name in spaces:
        space = members.get(parts[-1])
        if space is None:
            space = members[parts[-1]] = CallableNamespace(spec.name)
        space._eryx_function = function  # type: ignore[union-attr]
    else:
        members[parts[-1]] = function


def announce(announced: list[dict[str, Any]]) -> None:
    """Replace the set of callbacks."""
    for name, value in _installed.items():
        if builtins.__dict__.get(name) is value:
            del builtins.__dict__[name]
    _installed.clear()
    _specs.clear()
    spaces: set[str] = set()
    for item in announced:
        spec = Spec(item)
        _specs[spec.name] = spec
        head = spec.name.rpartition(".")[0]
        while head and head not in spaces:
            spaces.add(head)
            head = head.rpartition(".")[0]
    for spec in _specs.values():
        _place(_installed, spec, spaces)
    builtins.__dict__.update(_installed)


def list_callbacks() -> list[dict[str, Any]]:
    """The host functions this program may call: name, description, parameters_schema."""
    return [{"name": s.name, "description": s.description, "parameters_schema": s.schema} for s in _specs.values()]


def invoke(name: str, /, *args: Any, **kwargs: Any) -> Any:
    """Call host function ``name``: await it, or iterate over it when it is a stream."""
    if not isinstance(name, str):
        raise TypeError(f"invoke() needs the name of a callback, not {type(name).__name__}")
    spec = _specs.get(name)
    if args:
        if spec is None:
            raise CallbackError(f"there is no callback named {name!r}; list_callbacks() tells which there are", "unknown")
        kwargs = bind(spec, args, kwargs)
    if spec is not None and spec.stream:
        return _stream(name, kwargs)
    return call(name, kwargs)


def install() -> None:
    """Make the functions builtins, so that imported modules see them too."""
    loop.settle = _settle
    gather.install(_function(Spec({"name": "any"})).__code__, _next_number, _cancel)
    builtins.invoke = invoke  # type: ignore[attr-defined]
    builtins.list_callbacks = list_callbacks  # type: ignore[attr-defined]
    builtins.CallbackError = CallbackError  # type: ignore[attr-defined]
