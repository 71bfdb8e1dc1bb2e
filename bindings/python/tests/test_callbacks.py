"""Callbacks: plain and async, values, errors, schemas, concurrency."""

import asyncio
import threading
import time

import pytest

import eryx


def run(code, *functions, **options):
    registry = eryx.CallbackRegistry()
    for function in functions:
        registry.add(function)
    return eryx.Sandbox(callbacks=registry, **options).execute(code)


def add(a: int, b: int = 10) -> int:
    """Adds.

    More text.
    """
    return a + b


async def slow(n: int) -> int:
    await asyncio.sleep(0.05)
    return n


def test_plain_callback_by_keyword_and_by_position():
    assert run("print(await add(a=1, b=2), await add(1, 2), await add(1))", add).stdout == b"3 3 11\n"


def test_async_callback_in_a_blocking_execute():
    assert run("print(await slow(3))", slow).stdout == b"3\n"


def test_invoke_by_name():
    assert run("print(await invoke('add', a=1, b=1))", add).stdout == b"2\n"


def test_dotted_names():
    sandbox = eryx.Sandbox(callbacks=[{"name": "math2.add", "fn": add}])
    assert sandbox.execute("print(await math2.add(1, 2))").stdout == b"3\n"


@pytest.mark.parametrize(
    "value",
    [None, True, 0, -1, 2**63, -(2**64), 2**200, 1.5, "text \u20ac", b"bytes\x00", [1, [2]], {"k": {"n": None}}, ""],
)
def test_values_pass_both_ways(value):
    seen = []

    def echo(x):
        seen.append(x)
        return x

    result = run(
        f"v = await echo({value!r})\nassert v == {value!r} and type(v) is type({value!r}), v\nprint('same')", echo
    )
    assert result.stdout == b"same\n"
    assert seen == [value]


def test_tuples_become_lists():
    assert run("print(await f())", _named("f", lambda: (1, (2,)))).stdout == b"[1, [2]]\n"


def _named(name, function):
    function.__name__ = name
    return function


@pytest.mark.parametrize("value", [object(), {1: 2}, {"a": {3}}, "\ud800"])
def test_what_cannot_be_passed_is_an_error_in_the_program(value):
    result = run("try:\n    await f()\nexcept RuntimeError as e:\n    print('refused', e)", _named("f", lambda: value))
    assert result.stdout.startswith(b"refused ")


def test_exceptions_have_class_and_text_but_no_traceback():
    def fail():
        raise KeyError("boom")

    result = run("try:\n    await fail()\nexcept RuntimeError as e:\n    print(e)", fail)
    assert "KeyError: 'boom'" in result.stdout_text
    assert "Traceback" not in result.stdout_text and __file__ not in result.stdout_text
    with pytest.raises(eryx.ExecutionError, match="boom"):
        run("await fail()", fail)


def test_wrong_arguments_are_an_error_in_the_program():
    result = run("try:\n    await add(c=1)\nexcept RuntimeError as e:\n    print(e)", add)
    assert "TypeError" in result.stdout_text


def test_plain_callbacks_that_block_run_side_by_side():
    def nap(n):
        time.sleep(0.1)
        return n

    began = time.monotonic()
    result = run("import asyncio\nprint(sum(await asyncio.gather(*[nap(i) for i in range(10)])))", nap)
    assert result.stdout == b"45\n"
    assert time.monotonic() - began < 0.8  # one after the other it is a second


def test_async_callbacks_run_side_by_side():
    began = time.monotonic()
    result = run("import asyncio\nprint(sum(await asyncio.gather(*[slow(i) for i in range(20)])))", slow)
    assert result.stdout == b"190\n"
    assert time.monotonic() - began < 0.8


def test_thousand_calls():
    limits = eryx.ResourceLimits(max_callback_invocations=None)
    result = run(
        "import asyncio\nprint(sum(await asyncio.gather(*[add(i, 0) for i in range(1000)])))",
        add,
        resource_limits=limits,
    )
    assert result.stdout == b"499500\n"
    assert result.callback_invocations == 1000
    assert len(result.callbacks) == 1000
    assert result.callbacks[0].name == "add" and result.callbacks[0].error is None


def test_invocation_limit():
    limits = eryx.ResourceLimits(max_callback_invocations=2)
    code = "for i in range(3):\n    try:\n        print(await add(i, 0))\n    except RuntimeError as e:\n        print('refused')"
    assert run(code, add, resource_limits=limits).stdout == b"0\n1\nrefused\n"


def test_callback_timeout_and_a_callback_that_goes_on():
    release = threading.Event()

    def stuck():
        release.wait(5)

    limits = eryx.ResourceLimits(callback_timeout_ms=50)
    sandbox = eryx.Sandbox(callbacks=[{"name": "stuck", "fn": stuck}], resource_limits=limits)
    began = time.monotonic()
    try:
        code = "try:\n    await stuck()\nexcept RuntimeError as e:\n    print('timed out' if 'longer' in str(e) else e)"
        result = sandbox.execute(code)
        assert result.stdout == b"timed out\n"
        del sandbox  # dropped while its callback still runs
    finally:
        release.set()
    assert time.monotonic() - began < 4


def test_registry():
    registry = eryx.CallbackRegistry()

    @registry.callback(name="other", description="Described")
    def original(x: str, y: "list[int] | None" = None, *args, z: bool = False, **kw):
        return x

    registry.add(add)
    assert len(registry) == 2
    first, second = registry
    assert first["fn"] is original and first["name"] == "other" and first["description"] == "Described"
    assert first["schema"] == {
        "type": "object",
        "properties": {"x": {"type": "string"}, "y": {"type": "array"}, "z": {"type": "boolean"}},
        "required": ["x"],
    }
    assert second["description"] == "Adds."
    assert repr(registry) == "CallbackRegistry([other, add])"
    sandbox = eryx.Sandbox(callbacks=[registry, {"name": "third", "fn": add}])
    assert sandbox.execute("print([c['name'] for c in list_callbacks()])").stdout == b"['other', 'add', 'third']\n"


def test_last_registration_of_a_name_wins():
    sandbox = eryx.Sandbox(callbacks=[{"name": "f", "fn": lambda: 1}, {"name": "f", "fn": lambda: 2}])
    assert sandbox.execute("print(await f())").stdout == b"2\n"


def test_sandbox_inside_of_a_callback():
    def inner(code):
        return eryx.Sandbox(callbacks=[{"name": "deeper", "fn": lambda: "deep"}]).execute(code).stdout_text

    assert run("print(await inner('print(await deeper())'))", inner).stdout == b"deep\n\n"


def test_context_variables_reach_callbacks():
    import contextvars

    variable = contextvars.ContextVar("variable")
    variable.set("seen")
    assert run("print(await f())", _named("f", lambda: variable.get())).stdout == b"seen\n"


def test_object_with_async_call():
    class Service:
        async def __call__(self, x):
            await asyncio.sleep(0)
            return x + 1

    sandbox = eryx.Sandbox(callbacks=[{"name": "service", "fn": Service()}])
    assert sandbox.execute("print(await service(x=1))").stdout == b"2\n"


def test_plain_function_that_returns_an_awaitable():
    assert run("print(await f(n=4))", _named("f", lambda n: slow(n))).stdout == b"4\n"
