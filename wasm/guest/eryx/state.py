"""Snapshots of the program's globals as a pickle: portable between builds, for what pickle can take."""

import functools
import io
import pickle
from collections.abc import Callable
from typing import Any

import cloudpickle

from . import runner
from .result import clean

_PROTOCOL = 5
_MAX_REASON = 200


def _main_globals() -> dict[str, Any]:
    return runner.main_namespace()


class _MainGlobals(dict[str, Any]):
    """Stands for ``__main__``'s globals in a pickle: functions that are restored use those of their new session."""

    def __reduce__(self) -> tuple[Callable[[], dict[str, Any]], tuple[()]]:
        return _main_globals, ()


_Cached = type(functools.lru_cache(len))


def _cached(function: Callable[..., Any], parameters: dict[str, Any]) -> Any:
    return functools.lru_cache(**parameters)(function)


class _Pickler(cloudpickle.CloudPickler):  # type: ignore[misc]
    """Takes by value what pickle would only name, and another session does not have: cached functions, without what
    they remember."""

    def reducer_override(self, obj: Any) -> Any:
        if type(obj) is _Cached and obj.__module__ == "__main__":
            return _cached, (obj.__wrapped__, obj.cache_parameters())
        return super().reducer_override(obj)


class _Elsewhere(pickle.Unpickler):
    """Unpickles as another session would, where ``__main__`` has none of these globals."""

    def find_class(self, module: str, name: str) -> Any:
        if module == "__main__":
            raise pickle.PicklingError(f"its pickle only names __main__.{name}, which another session does not have")
        return super().find_class(module, name)


def _dumps(value: Any) -> bytes:
    out = io.BytesIO()
    pickler = _Pickler(out, protocol=_PROTOCOL)
    pickler.globals_ref[id(_main_globals())] = _MainGlobals(__name__="__main__")
    pickler.dump(value)
    return out.getvalue()


def _user_globals() -> dict[str, Any]:
    return {k: v for k, v in _main_globals().items() if not (k.startswith("__") and k.endswith("__"))}


def _reason(error: BaseException) -> str:
    try:
        text = f"{type(error).__name__}: {error}"
    except Exception:
        text = type(error).__name__
    return clean(text[:_MAX_REASON])


def _save() -> dict[str, Any]:
    """The pickle of the globals that can be pickled, and ``[name, reason]`` of each that cannot."""
    values = _user_globals()
    try:
        return {"pickle": _dumps(values), "unsaved": []}
    except Exception:
        saved = dict(values)
    unsaved: list[list[str]] = []
    for name, value in values.items():
        try:
            _Elsewhere(io.BytesIO(_dumps(value))).load()
        except Exception as error:
            unsaved.append([clean(name), _reason(error)])
            del saved[name]
    return {"pickle": _dumps(saved), "unsaved": unsaved}


def snapshot(options: dict[str, Any]) -> runner.Reply:
    """``["done", outcome]`` whose value has ``pickle`` and ``unsaved``."""
    run = runner.begin(options)
    try:
        run.outcome["value"] = _save()
    except BaseException as error:
        return runner.finish(run, error)
    return runner.finish(run, None)


def restore(data: bytes, options: dict[str, Any]) -> runner.Reply:
    """``["done", outcome]`` with the globals of a snapshot merged into the program's."""
    run = runner.begin(options)
    try:
        values = pickle.loads(data)
        if not isinstance(values, dict):
            raise ValueError("the snapshot holds no globals")
        run.namespace.update(values)
    except BaseException as error:
        return runner.finish(run, error)
    return runner.finish(run, None)
