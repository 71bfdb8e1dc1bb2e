"""Libraries: modules, host functions and stubs that are given together."""

import asyncio
import inspect

import pytest

import eryx
from eryx import _wire


def count(n: int) -> int:
    """Counts."""
    return n + 1


async def twice(n: int) -> int:
    await asyncio.sleep(0)
    return 2 * n


TEXT = eryx.Library(
    "text",
    modules={
        "tools.case": "from __future__ import annotations\n\n\ndef upper(s: str) -> str:\n    return s.upper()\n",
        "counting": "async def count_twice(n):\n    return await text.twice(n=await text.count(n))\n",
    },
    callbacks=[{"name": "text.count", "fn": count}, {"name": "text.twice", "fn": twice}],
    stubs="# tools.case\ndef upper(s: str) -> str: ...\n",
)
PROGRAM = "import counting\nfrom tools.case import upper\nprint(upper('a'), await counting.count_twice(1), await text.count(5))"
PRINTED = "A 4 6\n"


def test_in_a_sandbox():
    assert eryx.Sandbox(libraries=[TEXT]).execute(PROGRAM).stdout_text == PRINTED


async def run_async(target):
    return (await target.execute_async(PROGRAM)).stdout_text


def test_awaited():
    assert asyncio.run(run_async(eryx.Sandbox(libraries=(TEXT,)))) == PRINTED


def test_in_a_session_its_fork_and_with_other_callbacks():
    with eryx.Session(libraries=[TEXT], callbacks=[{"name": "own", "fn": count}]) as session:
        assert session.execute(PROGRAM + "\nprint(await own(7))").stdout_text == PRINTED + "8\n"
        with session.fork() as fork:
            assert fork.execute(PROGRAM).stdout_text == PRINTED
        session.set_callbacks([{"name": "other", "fn": count}])
        assert session.execute(PROGRAM + "\nprint(await other(7))").stdout_text == PRINTED + "8\n"
        with pytest.raises(eryx.ExecutionError, match="NameError"):
            session.execute("await own(7)")
        with pytest.raises(eryx.InvalidError, match=r'callback "text.count"'):
            session.set_callbacks([{"name": "text.count", "fn": count}])
        session.reset()
        assert session.execute(PROGRAM).stdout_text == PRINTED


def test_in_a_pool():
    with eryx.SandboxPool(libraries=[TEXT], max_size=1) as pool:
        with pool.acquire() as lease:
            assert lease.execute(PROGRAM).stdout_text == PRINTED
        with pool.acquire(callbacks=[{"name": "own", "fn": count}]) as lease:
            assert lease.execute(PROGRAM + "\nprint(await own(1))").stdout_text == PRINTED + "2\n"
    with eryx.Executor(libraries=[TEXT], max_workers=1) as executor:
        assert executor.submit(PROGRAM).result().stdout_text == PRINTED


def test_of_a_factory(tmp_path):
    factory = eryx.SandboxFactory(
        libraries=[TEXT], imports=["tools.case"], setup_code="import counting\nx = await counting.count_twice(2)"
    )
    more = eryx.Library("more", modules={"more": "X = 1"})
    for target in (
        factory.create_sandbox(),
        factory.create_sandbox(libraries=[more, TEXT]),
        factory.create_session(libraries=[more + TEXT]),
        factory.create_pool(libraries=[TEXT]).acquire(),
    ):
        assert target.execute(PROGRAM + "\nprint(x)").stdout_text == PRINTED + "6\n"
    assert factory.create_sandbox(libraries=[more]).execute("import more, tools.case; print(more.X)").stdout == b"1\n"
    factory.save(tmp_path / "factory")
    for loaded in (
        eryx.SandboxFactory.load(tmp_path / "factory", libraries=[TEXT]),
        eryx.SandboxFactory.from_bytes(factory.to_bytes(), libraries=[TEXT]),
    ):
        assert loaded.create_sandbox().execute(PROGRAM + "\nprint(x)").stdout_text == PRINTED + "6\n"


def test_lines_are_true():
    library = eryx.Library("l", modules={"m": "\n\ndef f():\n    raise ValueError('in the module')\n"})
    with pytest.raises(eryx.ExecutionError) as caught:
        eryx.Sandbox(libraries=[library]).execute("from __future__ import annotations\nimport m\n\nm.f()\n")
    frames = [(frame.file, frame.line) for frame in caught.value.python.frames]
    assert frames == [("<user>", 4), ("/lib/python/m.py", 4)]
    assert "    raise ValueError('in the module')" in str(caught.value)


def test_sums():
    base = eryx.Library("base", modules={"base": "N = 1"}, callbacks=[{"name": "count", "fn": count}], stubs="N: int")
    left = base + eryx.Library("left", modules={"left": "import base\nN = base.N + 1"}, stubs="# left\nN: int")
    right = eryx.Library.merge([base, eryx.Library("right", modules={"base2.right": ""})])
    both = left + right
    assert both.name == "base + left + right" and sorted(both.modules) == ["base", "base2.right", "left"]
    assert both.callback_names == ["count"] and both.stubs == "N: int\n# left\nN: int"
    assert repr(both) == (
        "Library('base + left + right', modules=['base', 'base2.right', 'left'], callbacks=['count'])"
    )
    for libraries in ([both], [left, right], [base, left, right, both]):
        result = eryx.Sandbox(libraries=libraries).execute("import left, base2.right; print(left.N, await count(1))")
        assert result.stdout == b"2 2\n"
    with pytest.raises(TypeError):
        base + "text"


def test_stubs():
    sandbox = eryx.Sandbox(callbacks=[{"name": "own", "fn": count}], libraries=[TEXT])
    stubs = sandbox.type_stubs()
    assert "async def own(n: int) -> Any" in stubs and "async def twice(self, n: int) -> Any" in stubs
    assert stubs.endswith("def upper(s: str) -> str: ...\n")
    compile(stubs, "<stubs>", "exec")


def library(name="l", **parts):
    return eryx.Library(name, **parts)


CALLBACK = [{"name": "f", "fn": count}]


@pytest.mark.parametrize(
    "libraries, says",
    [
        (
            [library("a", modules={"m": ""}), library("b", modules={"m": ""})],
            'module "m" is in library "b" and in library "a"',
        ),
        ([library("a", callbacks=CALLBACK), library("b", callbacks=CALLBACK)], 'callback "f" is in library "b"'),
        ([library("a", modules={"m": ""}) + library("b", modules={"m": ""})], 'module "m"'),
        ([library(callbacks=[{"name": "own", "fn": count}])], "in the configuration"),
        ([library(modules={"json": ""})], "Python's own"),
        ([library(modules={"time": ""})], "Python's own"),
        ([library(modules={"sandbox": ""})], "Python's own"),
        ([library(modules={"a/b": ""})], "not a module's name"),
        ([library(modules={"m": "\0"})], "NUL"),
        ([library("")], "library name"),
        ([library(callbacks=[{"name": "print", "fn": count}])], "reserved"),
    ],
)
def test_conflicts(libraries, says):
    own = [{"name": "own", "fn": count}]
    for kind in (eryx.Sandbox, eryx.Session, eryx.SandboxPool, eryx.SandboxFactory):
        with pytest.raises(eryx.InvalidError) as caught:
            kind(libraries=libraries, callbacks=own)
        assert says in str(caught.value) and isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    "make",
    [
        lambda: eryx.Library(1),
        lambda: eryx.Library("a", stubs=b""),
        lambda: eryx.Library("a", modules=["m"]),
        lambda: eryx.Library("a", modules={"m": b""}),
        lambda: eryx.Library("a", modules={1: ""}),
        lambda: eryx.Library("a", callbacks=count),
        lambda: eryx.Sandbox(libraries=TEXT),
        lambda: eryx.Sandbox(libraries="text"),
        lambda: eryx.Sandbox(libraries=[TEXT, "text"]),
        lambda: eryx.Sandbox(libraries=1),
    ],
)
def test_wrong_types(make):
    with pytest.raises(TypeError):
        make()


def test_what_was_given_is_not_kept_by_reference():
    modules = {"m": "X = 1"}
    given = eryx.Library("l", modules=modules)
    modules["m"] = "X = 2"
    given.modules["m"] = "X = 3"
    assert eryx.Sandbox(libraries=[given]).execute("import m; print(m.X)").stdout == b"1\n"


def test_streams_of_a_library():
    def rows():
        yield from range(3)

    given = eryx.Library("l", callbacks=[{"name": "rows", "fn": rows}])
    assert eryx.Sandbox(libraries=[given]).execute("print([n async for n in rows()])").stdout == b"[0, 1, 2]\n"


def test_everything_takes_libraries():
    for maker in (eryx.Sandbox, eryx.Session, eryx.SandboxPool, eryx.SandboxFactory, eryx.SandboxFactory.load):
        assert "libraries" in inspect.signature(maker).parameters
    from eryx.mcp import serve

    assert "libraries" in inspect.signature(serve).parameters


def test_message_is_plain():
    message = TEXT._message()
    assert _wire.decode(_wire.encode(message)) == message
