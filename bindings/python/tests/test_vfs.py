"""Files that the host's program and sessions share."""

import asyncio
import errno
import io
import os
import zipfile

import pytest

import eryx


def test_host_side():
    storage = eryx.VfsStorage(max_files=1000)
    storage.write("/a/b.txt", b"bytes", parents=True)
    storage.write("a/c.txt", "text é")
    storage.mkdir("/empty/one")
    storage.symlink("/link", "a/b.txt")
    assert storage.read("/link") == b"bytes" and storage.read_text("a/c.txt") == "text é"
    assert [entry.path for entry in storage.list("/a")] == ["/a/b.txt", "/a/c.txt"]
    assert [(e.path, e.type) for e in storage.walk()] == [
        ("/a", "directory"),
        ("/a/b.txt", "file"),
        ("/a/c.txt", "file"),
        ("/empty", "directory"),
        ("/empty/one", "directory"),
        ("/link", "link"),
    ]
    entry = storage.stat("/a/b.txt")
    assert (entry.name, entry.size_bytes, oct(entry.mode), entry.is_dir) == ("b.txt", 5, "0o644", False)
    assert storage.stat("/link").type == "file" and storage.stat("/link", follow_symlinks=False).target == "a/b.txt"
    storage.rename("/a/c.txt", "/moved")
    storage.remove("/empty", recursive=True)
    storage.remove("/link")
    assert storage.exists("/moved") and not storage.exists("/empty")
    assert storage.usage() == (3 * 128 + 1 + 5 + 5 + 5 + 7, 3, 64 << 20, 1000)
    assert repr(storage).startswith("VfsStorage(file_count=3")


def test_names_that_are_no_text():
    storage = eryx.VfsStorage()
    session = eryx.Session(vfs=storage)
    session.execute("open(b'bad\\xff\\n', 'w').write('x')")
    (entry,) = storage.list()
    assert entry.path == os.fsdecode(b"/bad\xff\n") and storage.read(entry.path) == b"x"
    storage.remove(entry.path)
    assert storage.list() == []


@pytest.mark.parametrize(
    ("action", "error", "number"),
    [
        (lambda s: s.read("/none"), FileNotFoundError, errno.ENOENT),
        (lambda s: s.read("/dir"), IsADirectoryError, errno.EISDIR),
        (lambda s: s.list("/file"), NotADirectoryError, errno.ENOTDIR),
        (lambda s: s.remove("/dir"), OSError, errno.ENOTEMPTY),
        (lambda s: s.mkdir("/file"), NotADirectoryError, errno.ENOTDIR),
        (lambda s: s.load("/no/such/place"), FileNotFoundError, errno.ENOENT),
        (lambda s: s.load(b"no zip file"), OSError, errno.EIO),
    ],
)
def test_errors(action, error, number):
    storage = eryx.VfsStorage()
    storage.write("/dir/x", b"", parents=True)
    storage.write("/file", b"")
    with pytest.raises(error) as caught:
        action(storage)
    assert isinstance(caught.value, eryx.FileError) and caught.value.code == "file"
    assert caught.value.errno == number and str(caught.value)


def test_limits():
    storage = eryx.VfsStorage(max_bytes=10_000, max_files=3)
    with pytest.raises(eryx.ResourceLimitError) as caught:
        storage.write("/big", bytes(20_000))
    assert caught.value.limit == "vfs"
    storage.remove("/big")
    code = "import errno\ntry:\n    for i in range(5): open(f'{i}', 'w')\nexcept OSError as e:\n    print(i, e.errno == errno.ENOSPC)"
    assert eryx.Session(vfs=storage).execute(code).stdout == b"3 True\n"
    for arguments in ({"max_bytes": 0}, {"max_files": -1}):
        with pytest.raises(ValueError):
            eryx.VfsStorage(**arguments)


def test_shared_by_sessions():
    storage = eryx.VfsStorage()
    one, two = eryx.Session(vfs=storage), eryx.Session(vfs=storage, vfs_mount_path="/work")
    assert one.vfs is storage and (one.vfs_mount_path, two.vfs_mount_path) == ("/data", "/work")
    plain = eryx.Session()
    assert plain.vfs is None and plain.vfs_mount_path is None
    one.execute("open('/data/f', 'w').write('1')")
    assert two.execute("import os\nprint(open('/work/f').read(), os.path.exists('/data'))").stdout == b"1 False\n"
    one.reset()
    assert one.execute("print(open('/data/f').read())").stdout == b"1\n"
    assert plain.execute("import os\nprint(os.listdir('/data'))").stdout == b"[]\n"
    sandbox = eryx.Sandbox(vfs=storage)
    sandbox.execute("open('f', 'a').write('2')")
    assert storage.read("/f") == b"12"
    factory = eryx.SandboxFactory(setup_code="x = 1")
    assert factory.create_session(vfs=storage).execute("print(x, open('f').read())").stdout == b"1 12\n"
    storage.close()
    assert one.execute("print(open('f').read())").stdout == b"12\n"
    with pytest.raises(eryx.ClosedError):
        storage.read("/f")
    with pytest.raises(eryx.ClosedError):
        eryx.Session(vfs=storage)
    with pytest.raises(TypeError):
        eryx.Session(vfs="/data")
    with pytest.raises(ValueError):
        eryx.Session(vfs_mount_path="relative")


def test_sqlite_in_a_shared_storage():
    storage = eryx.VfsStorage()
    one, two = eryx.Session(vfs=storage), eryx.Session(vfs=storage)
    one.execute(
        "import sqlite3\ndb = sqlite3.connect('x.db')\ndb.execute('create table t(a)')\n"
        "db.execute('insert into t values (1)')\ndb.commit()\ndb.execute('begin immediate')"
    )
    code = "import sqlite3\ndb = sqlite3.connect('x.db', timeout=0)\n"
    with pytest.raises(eryx.ExecutionError, match="database is locked"):
        two.execute(code + "db.execute('insert into t values (2)')")
    one.execute("db.rollback()\ndb.close()")
    two.execute(code + "db.execute('insert into t values (2)')\ndb.commit()")
    assert one.execute(code + "print(db.execute('select a from t').fetchall())").stdout == b"[(1,), (2,)]\n"


def test_snapshot_restore_fork():
    storage = eryx.VfsStorage()
    storage.write("/a", b"1")
    snapshot, fork = storage.snapshot(), storage.fork()
    storage.write("/a", b"2")
    fork.write("/b", b"3")
    assert (storage.read("/a"), fork.read("/a"), storage.exists("/b")) == (b"2", b"1", False)
    storage.restore(snapshot)
    assert storage.read("/a") == b"1"
    other = eryx.VfsStorage()
    other.restore(snapshot)
    assert other.read("/a") == b"1"
    with pytest.raises(eryx.SnapshotError):
        storage.restore(b"garbage")


def test_load_and_save(tmp_path):
    source = tmp_path / "source"
    (source / "sub").mkdir(parents=True)
    for i in range(50):
        (source / "sub" / f"{i}.txt").write_text(str(i))
    seen = []
    storage = eryx.VfsStorage()
    storage.load(source, "/in", progress=seen.append)
    assert isinstance(seen[-1], eryx.VfsProgress) and seen[-1][1:] == (52, 90)
    assert storage.read("/in/sub/7.txt") == b"7"
    storage.save(tmp_path / "out", "/in")
    assert (tmp_path / "out" / "sub" / "7.txt").read_text() == "7"
    storage.save(tmp_path / "out.zip", "/in", progress=seen.append)
    assert seen[-1].file_count == 51
    assert zipfile.ZipFile(tmp_path / "out.zip").read("sub/7.txt") == b"7"
    assert zipfile.ZipFile(io.BytesIO(storage.to_zip())).read("in/sub/7.txt") == b"7"
    other = eryx.VfsStorage()
    other.load(tmp_path / "out.zip")
    other.load(storage.to_zip("/in"), "/again")
    assert other.read("/sub/7.txt") == other.read("/again/sub/7.txt") == b"7"

    async def main():
        await other.load_async(source, "/async", progress=seen.append)
        await other.save_async(tmp_path / "async")

    asyncio.run(main())
    assert (tmp_path / "async" / "async" / "sub" / "7.txt").read_text() == "7"


def test_saving_stays_inside(tmp_path):
    storage = eryx.VfsStorage()
    eryx.Session(vfs=storage).execute("import os\nos.symlink('../../outside', 'link')")
    with pytest.raises(eryx.FileError, match="leads outside"):
        storage.save(tmp_path / "out")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as z:
        z.writestr("../escape", "x")
    with pytest.raises(eryx.FileError):
        storage.load(archive.getvalue())
    assert not storage.exists("/escape") and os.listdir(tmp_path) in ([], ["out"])


def test_a_lock_that_a_killed_session_left():
    storage = eryx.VfsStorage()
    limits = eryx.ResourceLimits(execution_timeout_ms=300, grace_period_ms=1)
    killed = eryx.Session(vfs=storage, resource_limits=limits)
    killed.execute("import sqlite3\ndb = sqlite3.connect('x.db')\ndb.execute('create table t(a)')\ndb.commit()")
    with pytest.raises(eryx.TimeoutError):
        killed.execute(
            "db.execute('begin exclusive')\ndb.execute('insert into t values (1)')\n"
            "while True:\n    try:\n        while True: pass\n    except BaseException: pass"
        )
    killed.close()
    assert storage.stat("/x.db.lock").is_dir
    code = "import sqlite3\ndb = sqlite3.connect('x.db', timeout=0)\nprint(db.execute('select count(*) from t').fetchone())"
    with pytest.raises(eryx.ExecutionError, match="database is locked"):
        eryx.Session(vfs=storage).execute(code)
    storage.remove("/x.db.lock")
    assert eryx.Session(vfs=storage).execute(code).stdout == b"(0,)\n"


def test_volumes(tmp_path):
    for make in (eryx.Sandbox, eryx.Session):
        with pytest.raises(ValueError, match="no such file or directory"):
            make(volumes=[(tmp_path / "missing", "/mnt/x", True)])
    code = "import errno\ntry:\n    open('/mnt/x/f', 'wb', 0).write(bytes(900)); open('/mnt/x/g', 'wb', 0)\nexcept OSError as e:\n    print(e.errno == errno.ENOSPC)"
    for mode in ("read_write", False, "copy_on_write"):
        assert eryx.Sandbox(volumes=[(tmp_path, "/mnt/x", mode, 1000)]).execute(code).stdout == b"True\n"
    nested = eryx.Session(
        vfs=eryx.VfsStorage(), volumes=[(tmp_path, "/data/inside", True), (tmp_path / "f", "/data/one", True)]
    )
    assert nested.execute("import os\nprint(sorted(os.listdir('/data')), os.listdir('/data/inside'))").stdout == (
        b"['inside', 'one'] ['f']\n"
    )
