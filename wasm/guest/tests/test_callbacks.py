"""Binding of arguments to callbacks, and their listing."""

import builtins
from typing import Any

import pytest
from eryx import callbacks


def spec(**more: Any) -> callbacks.Spec:
    return callbacks.Spec({"name": "fetch", "parameters": ["url", "limit"], **more})


@pytest.mark.parametrize(
    "args, kwargs, bound",
    [((), {}, {}), (("a",), {}, {"url": "a"}), (("a", 2), {}, {"url": "a", "limit": 2}), (("a",), {"limit": 3}, {"url": "a", "limit": 3})],
)
def test_positional_arguments_take_the_schemas_names(args: tuple[Any, ...], kwargs: dict[str, Any], bound: dict[str, Any]) -> None:
    assert callbacks.bind(spec(), args, kwargs) == bound


def test_binding_refuses_what_python_refuses() -> None:
    with pytest.raises(TypeError, match="takes at most 2 positional arguments but 3 were given"):
        callbacks.bind(spec(), (1, 2, 3), {})
    with pytest.raises(TypeError, match="multiple values for argument 'url'"):
        callbacks.bind(spec(), (1,), {"url": 2})
    with pytest.raises(TypeError, match="takes keyword arguments only"):
        callbacks.bind(callbacks.Spec({"name": "f"}), (1,), {})


def test_a_schema_that_is_no_object_is_empty() -> None:
    assert spec(schema="[1]").schema == {}
    assert spec(schema='{"type": "object"}').schema == {"type": "object"}


def test_announced_functions_are_builtins_until_the_next_announcement() -> None:
    callbacks.announce([{"name": "fetch_one", "description": "Fetches."}, {"name": "shop.buy"}])
    assert builtins.fetch_one.__name__ == "fetch_one" and callable(builtins.shop.buy)  # type: ignore[attr-defined]
    assert [c["name"] for c in callbacks.list_callbacks()] == ["fetch_one", "shop.buy"]
    callbacks.announce([])
    assert not hasattr(builtins, "fetch_one") and not hasattr(builtins, "shop")
    assert callbacks.list_callbacks() == []


def test_the_programs_own_builtin_is_left_alone() -> None:
    callbacks.announce([{"name": "fetch_one"}])
    builtins.fetch_one = "mine"  # type: ignore[attr-defined]
    try:
        callbacks.announce([])
        assert builtins.fetch_one == "mine"  # type: ignore[attr-defined]
    finally:
        del builtins.fetch_one  # type: ignore[attr-defined]
