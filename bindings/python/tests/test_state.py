"""Functions and globals of a session, snapshots, forks, volumes, packages, streams."""

import asyncio
import time

import pytest

import eryx


def test_call_get_set():
    session = eryx.Session()
    session.execute(
        "import asyncio\ndef f(a, b=2): return [a, b]\nasync def g():\n    await asyncio.sleep(0)\n    return b'x'"
    )
    assert session.call("f", 1) == [1, 2]
    assert session.call("f", 1, b={"k": 2**70}) == [1, {"k": 2**70}]
    assert session.call("g") == b"x"
    session.set("value", [1, None])
    assert session.get("value") == [1, None]
    assert asyncio.run(session.call_async("f", "a")) == ["a", 2]
    with pytest.raises(eryx.ExecutionError, match="NameError"):
        session.get("missing")
    with pytest.raises(eryx.ExecutionError, match="TypeError"):
        session.call("f")
    with pytest.raises(ValueError):
        session.set("not a name", 1)


def test_pickle_snapshot():
    session = eryx.Session()
    session.execute("import math\nx = [1, 2]\ndef f(n): return n + len(x)\nclass C:\n    y = 3\ngen = (i for i in x)")
    snapshot = session.snapshot_state()
    assert isinstance(snapshot, bytes)
    assert list(session.unsaved) == ["gen"]
    other = eryx.Session()
    other.restore_state(snapshot)
    assert other.execute("print(f(1), C().y, math.floor(1.5))").stdout == b"3 3 1\n"
    other.restore_state(b"")
    with pytest.raises(eryx.SnapshotError):
        other.restore_state(b"garbage")


def test_image_snapshot_and_fork():
    session = eryx.Session(callbacks=[{"name": "f", "fn": lambda: 1}])
    session.execute("gen = iter(range(10)); next(gen)\nopen('/data/f', 'w').write('file')")
    image = session.snapshot()
    child = session.fork()
    session.execute("next(gen)")
    assert child.execute("print(next(gen), open('/data/f').read(), await f())").stdout == b"1 file 1\n"
    restored = eryx.Session(image=image)
    assert restored.execute("print(next(gen))").stdout == b"1\n"
    session.restore(image)
    assert session.execute("print(next(gen))").stdout == b"1\n"
    with pytest.raises(eryx.SnapshotError):
        session.restore(image[: len(image) // 2])
    child.close()
    assert session.execute("print(next(gen))").stdout == b"2\n"


def test_checkpoint():
    session = eryx.Session(checkpoint=True)
    session.execute("x = 1")
    with pytest.raises(eryx.ExecutionError):
        session.execute("x = 2\n1/0")
    assert session.get("x") == 1


def test_set_callbacks():
    session = eryx.Session(callbacks=[{"name": "f", "fn": lambda: 1}])
    session.set_callbacks([{"name": "g", "fn": lambda: 2}])
    assert session.execute("print(await g(), 'f' in [c['name'] for c in list_callbacks()])").stdout == b"2 False\n"


def test_type_stubs():
    def add(a: int, b: int = 1) -> int:
        """Adds."""
        return a + b

    stubs = eryx.Sandbox(callbacks=[{"name": "add", "fn": add}]).type_stubs()
    assert "async def add(a: int, b: int" in stubs


def test_volumes(tmp_path):
    (tmp_path / "in.txt").write_text("from the host")
    read_only = eryx.Sandbox(volumes=[(str(tmp_path), "/work", True)])
    assert read_only.execute("print(open('/work/in.txt').read())").stdout == b"from the host\n"
    with pytest.raises(eryx.ExecutionError, match="Read-only|PermissionError"):
        read_only.execute("open('/work/new', 'w')")
    eryx.Sandbox(volumes=[(tmp_path, "/work", False)]).execute("open('/work/out.txt', 'w').write('from the guest')")
    assert (tmp_path / "out.txt").read_text() == "from the guest"
    copied = eryx.Sandbox(volumes=[(tmp_path, "/work", "copy_on_write")])
    copied.execute("open('/work/in.txt', 'w').write('changed')")
    assert (tmp_path / "in.txt").read_text() == "from the host"
    with pytest.raises(eryx.EryxError):
        eryx.Sandbox(volumes=[(tmp_path, "relative", True)])


def test_packages(tmp_path):
    package = tmp_path / "site" / "mypackage"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("VALUE = 42\n")
    sandbox = eryx.Sandbox(packages=[tmp_path / "site"])
    assert sandbox.execute("import mypackage; print(mypackage.VALUE)").stdout == b"42\n"
    with pytest.raises(eryx.InitializationError):
        eryx.Sandbox(packages=[tmp_path / "missing.whl"])


STREAM = "async for i in numbers(n={n}):\n    print(i, end=' ')\n"


def test_async_generator_is_a_stream():
    async def numbers(n: int):
        for i in range(n):
            await asyncio.sleep(0)
            yield i

    sandbox = eryx.Sandbox(callbacks=[{"name": "numbers", "fn": numbers}])
    expected = " ".join(map(str, range(200))).encode() + b" "
    assert sandbox.execute(STREAM.format(n=200)).stdout == expected
    assert asyncio.run(sandbox.execute_async(STREAM.format(n=200))).stdout == expected


def test_plain_generator_is_a_stream():
    def numbers(n):
        for i in range(n):
            time.sleep(0.001)
            yield i

    sandbox = eryx.Sandbox(callbacks=[{"name": "numbers", "fn": numbers}])
    assert sandbox.execute(STREAM.format(n=50)).stdout.split()[-1] == b"49"


def test_stream_that_fails_and_stream_that_is_left():
    closed = []

    async def numbers(n):
        try:
            for i in range(n):
                yield i
            raise LookupError("no more")
        finally:
            closed.append(n)

    sandbox = eryx.Sandbox(callbacks=[{"name": "numbers", "fn": numbers}])
    code = "try:\n    async for i in numbers(n=3): print(i)\nexcept RuntimeError as e: print(e)"
    assert sandbox.execute(code).stdout == b"0\n1\n2\nLookupError: no more\n"
    code = "import contextlib\nasync with contextlib.aclosing(numbers(n=1_000_000)) as s:\n    async for i in s:\n        if i == 5: break\nprint(i)"
    assert sandbox.execute(code).stdout == b"5\n"
    assert closed == [3, 1_000_000]


def test_stream_item_that_cannot_be_passed():
    async def numbers():
        yield 1
        yield object()

    sandbox = eryx.Sandbox(callbacks=[{"name": "numbers", "fn": numbers}])
    code = "try:\n    async for i in numbers(): print(i)\nexcept RuntimeError as e: print('refused')"
    assert sandbox.execute(code).stdout == b"1\nrefused\n"
