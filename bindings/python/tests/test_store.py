"""Session stores, both kinds of snapshots, packages as bytes, requirements, and every option of what factories make."""

import inspect
import io
import os
import subprocess
import sys
import zipfile

import pytest

import eryx


def test_store(tmp_path):
    with eryx.SessionStore(max_resident=2, directory=tmp_path) as store:
        sessions = [eryx.Session(store=store, callbacks=[{"name": "me", "fn": lambda i=i: i}]) for i in range(6)]
        for i, session in enumerate(sessions):
            session.execute(f"import itertools\nn = itertools.count({i * 10})\nopen('f', 'w').write('{i}')")
        stats = store.stats()
        assert (stats.session_count, stats.resident_count, stats.on_disk_count) == (6, 2, 4)
        assert stats.disk_bytes > 0 and stats.total_moved >= 4
        for turn in range(2):
            for i, session in enumerate(sessions):
                expected = f"{i * 10 + turn} {i} {i}\n".encode()
                assert session.execute("print(next(n), await me(), open('f').read())").stdout == expected
        fork = sessions[0].fork()
        assert store.stats().session_count == 7
        assert fork.call("n.__next__") == 2
        assert list(tmp_path.iterdir())
    assert not list(tmp_path.iterdir())
    with pytest.raises(eryx.ClosedError):
        store.stats()
    with pytest.raises(eryx.ClosedError):
        sessions[1].execute("1")
    with pytest.raises(eryx.ClosedError):
        eryx.Session(store=store)
    store.close()


def test_a_full_disk():
    with eryx.SessionStore(max_resident=1, max_disk_bytes=1 << 20) as store:
        big = eryx.Session(store=store)
        big.execute("import os\ndata = os.urandom(2 << 20)")
        with pytest.raises(eryx.ResourceLimitError, match="disk") as caught:
            eryx.Session(store=store)
        assert caught.value.limit == "disk"
        assert big.execute("print(len(data))").stdout == b"2097152\n"


def test_store_arguments():
    for wrong in ({"max_resident": 0}, {"max_disk_bytes": 0}):
        with pytest.raises(ValueError):
            eryx.SessionStore(**wrong)
    with pytest.raises(eryx.InitializationError):
        eryx.SessionStore(directory="/nowhere")


def test_kinds_of_snapshots():
    session = eryx.Session()
    session.execute("x = 1\ng = iter([1, 2])\nh = (i for i in [3])")
    image, pickle = session.snapshot(), session.snapshot(kind="pickle")
    assert list(session.unsaved) == ["h"]
    for snapshot, names in ((image, "x g h"), (pickle, "x g")):
        restored = eryx.Session.from_snapshot(snapshot, result_variable="x")
        assert restored.execute(f"[globals()[n] for n in '{names}'.split()]\nprint(next(g))").stdout == b"1\n"
        restored.restore(snapshot)
        result = restored.execute("print(next(g), 'h' in globals())")
        assert (result.stdout.split()[0], result.result) == (b"1", 1)
    with pytest.raises(ValueError):
        session.snapshot(kind="dill")
    for damaged in (b"", image[:-1], image[:100], bytes([image[0] ^ 1]) + image[1:], pickle[:-1]):
        if damaged:
            with pytest.raises(eryx.SnapshotError):
                eryx.Session.from_snapshot(damaged)


def _wheel():
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("mine/__init__.py", "VALUE = 42\n")
        archive.writestr("mine-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr("mine-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    return data.getvalue()


@pytest.mark.parametrize("package", [_wheel(), ("mine-1.0-py3-none-any.whl", _wheel())], ids=["bytes", "named"])
def test_packages_as_bytes(package):
    code = "import mine; print(mine.VALUE)"
    assert eryx.Sandbox(packages=[package]).execute(code).stdout == b"42\n"
    assert eryx.Session(packages=[package]).execute(code).stdout == b"42\n"
    factory = eryx.SandboxFactory(packages=[package], imports=["mine"])
    assert factory.create_sandbox().execute(code).stdout == b"42\n"
    with eryx.SandboxPool(packages=[package]) as pool, pool.acquire() as lease:
        assert lease.execute(code).stdout == b"42\n"


def test_requirements_and_lock_file(tmp_path):
    lock = tmp_path / "requirements.lock"
    sandbox = eryx.Sandbox(requirements=["tabulate"], lock_file=lock)
    assert sandbox.execute("import tabulate; print(tabulate.tabulate([[1]], tablefmt='plain'))").stdout == b"1\n"
    assert "tabulate==" in lock.read_text() and "--hash=sha256:" in lock.read_text()
    factory = eryx.SandboxFactory(requirements=["tabulate"], lock_file=lock, imports=["tabulate"])
    assert factory.create_session().execute("import tabulate; print(1)").stdout == b"1\n"
    with pytest.raises(eryx.InitializationError, match="other requirements"):
        eryx.Session(requirements=["idna"], lock_file=lock)


@pytest.mark.parametrize(
    ("create", "made"),
    [("create_sandbox", eryx.Sandbox), ("create_session", eryx.Session), ("create_pool", eryx.SandboxPool)],
)
def test_factories_take_every_option(create, made):
    factory = eryx.SandboxFactory(setup_code="x = 1")
    options = {n: p.default for n, p in inspect.signature(made).parameters.items() if n != "factory"}
    with getattr(factory, create)(**options) as thing:
        assert isinstance(thing, made)
    with pytest.raises(TypeError):
        getattr(factory, create)(no_such_option=1)


def test_options_of_a_factorys_sessions(tmp_path):
    factory = eryx.SandboxFactory(setup_code="x = [1]")
    session = factory.create_session(
        args=["a"], env={"B": "c"}, stdin=b"in", checkpoint=True, packages=[_wheel()], execution_timeout_ms=5000
    )
    code = "import sys, os, mine\nprint(sys.argv, os.environ['B'], sys.stdin.read(), mine.VALUE)"
    assert session.execute(code).stdout == b"['a'] c in 42\n"
    with pytest.raises(eryx.ExecutionError):
        session.execute("x.append(2)\n1/0")
    assert session.get("x") == [1]
    image = session.snapshot()
    assert factory.create_session(image=image, packages=[_wheel()]).get("x") == [1]
    assert eryx.Session.from_snapshot(image, factory=factory, packages=[_wheel()]).get("x") == [1]
    with pytest.raises(eryx.SnapshotError, match="factory"):
        eryx.Session.from_snapshot(image)
    sandbox = factory.create_sandbox(args=["z"], volumes=[(tmp_path, "/v", True)])
    assert sandbox.execute("import sys, os; print(sys.argv, os.listdir('/v'), x)").stdout == b"['z'] [] [1]\n"


def test_leases_of_their_own_kind():
    with eryx.SandboxPool(max_size=1, args=["pool"], env={"A": "pool"}, result_variable="r", trace=True) as pool:
        pool.check()
        code = "import sys, os\nr = [sys.argv, os.environ.get('A'), os.environ.get('B'), sys.stdin.read()]"
        with pool.acquire() as lease:
            assert lease.execute(code).result == [["pool"], "pool", None, ""]
            assert lease.execute("1").trace
        with pool.acquire(args=["mine"], env={"B": "mine"}, stdin=b"in") as lease:
            assert lease.execute(code).result == [["mine"], None, "mine", "in"]
        with pool.acquire() as lease:
            assert lease.execute(code).result == [["pool"], "pool", None, ""]
    with pytest.raises(eryx.PoolClosedError):
        pool.check()


ELSEWHERE = """
import eryx, pathlib, sys
folder = pathlib.Path(sys.argv[1])
session = eryx.Session.from_snapshot((folder / "image").read_bytes())
session.execute("print(next(gen), db.execute('select x from t').fetchall(), open('f').read())")
print(session.execute("print(next(gen), db.execute('select x from t').fetchall(), open('f').read())").stdout_text, end="")
factory = eryx.SandboxFactory.load(folder / "factory")
print(factory.create_sandbox().execute("import mine; print(RATE, mine.VALUE, open('kept').read())").stdout_text, end="")
made = eryx.Session.from_snapshot((folder / "made").read_bytes(), factory=factory)
print(made.get("RATE"))
"""


def test_images_and_factories_in_another_process(tmp_path):
    session = eryx.Session()
    session.execute(
        "import sqlite3\ngen = iter(range(5))\ndb = sqlite3.connect(':memory:')\ndb.execute('create table t(x)')"
    )
    session.execute("db.execute('insert into t values (7)')\nopen('f', 'w').write('file')")
    (tmp_path / "image").write_bytes(session.snapshot())
    factory = eryx.SandboxFactory(
        packages=[_wheel()], imports=["mine"], setup_code="RATE = 1.5\nopen('kept', 'w').write('kept')"
    )
    factory.save(tmp_path / "factory")
    made = factory.create_session()
    made.execute("RATE = 2.5")
    (tmp_path / "made").write_bytes(made.snapshot())
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", ELSEWHERE, str(tmp_path)]
    done = subprocess.run(command, check=False, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "1 [(7,)] file\n1.5 42 kept\n2.5\n"
