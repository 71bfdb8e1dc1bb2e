"""Answers of host functions that the library does not take: they fail their own call and nothing else."""

import asyncio
import collections

import pytest

import eryx

LARGE = 5_000_000  # values; a message holds 4 Mi

GATHER = """
import asyncio
answers = await asyncio.gather(*(same(i) for i in range(10)), bad(), *(same(i) for i in range(10)), return_exceptions=True)
error = answers.pop(10)
assert answers == [*range(10), *range(10)], answers
print(type(error).__name__, error)
"""


def nested(levels):
    value = 0
    for _ in range(levels):
        value = [value]
    return value


class Odd(collections.UserDict):
    """A mapping that is no dict."""


REFUSED = {
    "deep": (lambda: nested(199), "nests deeper than 200 levels"),
    "deeper": (lambda: nested(1000), "nests deeper than 200 levels"),
    "deep mapping": (lambda: Odd(value=nested(500)), "nests deeper than 200 levels"),
    "keys of a mapping": (lambda: Odd({1: 2}), "keys must be str"),
    "large": (lambda: [0] * LARGE, "too large for a message"),
}


@pytest.mark.parametrize("kind", ["plain", "async"])
@pytest.mark.parametrize("name", REFUSED)
def test_a_refused_answer_fails_its_own_call(name, kind):
    make, text = REFUSED[name]
    registry = eryx.CallbackRegistry()
    if kind == "plain":
        registry.add(lambda n: n, name="same", schema={"properties": {"n": {}}})
        registry.add(make, name="bad")
    else:

        async def same(n):
            return n

        async def bad():
            return make()

        registry.add(same)
        registry.add(bad)
    limits = eryx.ResourceLimits(max_memory_bytes=None)
    printed = eryx.Sandbox(callbacks=registry, resource_limits=limits).execute(GATHER).stdout_text
    assert printed.startswith("CallbackError") and text in printed


def test_the_deepest_value_that_passes():
    registry = eryx.CallbackRegistry()
    registry.add(lambda: nested(198), name="deep")
    code = "value, levels = await deep(), 0\nwhile value: value, levels = value[0], levels + 1\nprint(levels)"
    assert eryx.Sandbox(callbacks=registry).execute(code).stdout == b"198\n"


def test_answers_that_are_too_large_together_all_arrive():
    async def many():
        return [0] * (LARGE // 2)

    registry = eryx.CallbackRegistry()
    registry.add(many)
    code = "import asyncio\nprint([len(a) for a in await asyncio.gather(many(), many(), many())])"
    # Packing millions of items takes seconds of processor time, which a loaded machine may not give in 10 s.
    limits = eryx.ResourceLimits(max_memory_bytes=None, execution_timeout_ms=None, callback_timeout_ms=None)
    result = eryx.Sandbox(callbacks=registry, resource_limits=limits).execute(code)
    assert result.stdout_text == f"{[LARGE // 2] * 3}\n"


@pytest.mark.parametrize("item", [lambda: nested(199), lambda: [0] * LARGE], ids=["deep", "large"])
def test_a_refused_item_ends_its_stream(item):
    ended = []

    async def items():
        try:
            yield 1
            yield item()
            for n in range(100):
                yield n
        finally:
            ended.append(True)

    registry = eryx.CallbackRegistry()
    registry.add(items)
    code = """
got = []
try:
    async for item in items():
        got.append(item)
except RuntimeError as error:
    print(got, "too large" in str(error) or "deeper" in str(error))
"""

    async def main():
        result = await eryx.Sandbox(callbacks=registry).execute_async(code)
        while not ended:
            await asyncio.sleep(0.01)
        return result.stdout

    assert asyncio.run(main()) == b"[1] True\n"
