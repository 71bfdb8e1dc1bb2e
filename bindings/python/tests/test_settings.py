"""Settings that say more than pyeryx's: of limits, host functions, traces, packages, volumes and programs."""

import io
import time
import zipfile

import pytest

import eryx

NATIVE_WHEEL = "demo-1.0-cp314-cp314-linux_x86_64.whl"


def native_wheel():
    """A wheel with machine code for another platform beside its Python."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("demo/__init__.py", "try:\n    from . import _fast\nexcept ImportError:\n    _fast = None\n")
        archive.writestr("demo/_fast.cpython-314-x86_64-linux-gnu.so", b"\x7fELF")
        archive.writestr("demo-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n")
        archive.writestr("demo-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: cp314-cp314-linux_x86_64\n")
        archive.writestr("demo-1.0.dist-info/RECORD", "")
    return data.getvalue()


def pure_wheel():
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("pure.py", "NAME = 'pure'\n")
        archive.writestr("pure-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: pure\nVersion: 1.0\n")
        archive.writestr("pure-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr("pure-1.0.dist-info/RECORD", "")
    return data.getvalue()


def test_output_that_overflows_is_cut_or_fails():
    code = "print('x' * 1000)"
    cut = eryx.Sandbox(resource_limits=eryx.ResourceLimits(max_output_bytes=10)).execute(code)
    assert (cut.stdout, cut.stdout_truncated) == (b"x" * 10, True)
    strict = eryx.ResourceLimits(max_output_bytes=10, output_overflow="fail")
    assert strict != eryx.ResourceLimits(max_output_bytes=10) and "output_overflow='fail'" in repr(strict)
    with pytest.raises(eryx.ResourceLimitError) as caught:
        eryx.Sandbox(resource_limits=strict).execute(code)
    assert caught.value.limit == "output"
    with pytest.raises(ValueError, match="truncate"):
        eryx.ResourceLimits(output_overflow="wrap")


def test_a_host_functions_own_timeout():
    registry = eryx.CallbackRegistry()

    @registry.callback(timeout_ms=50)
    def hangs():
        time.sleep(1)

    registry.add(lambda: time.sleep(0.2), name="takes_time")
    code = "await takes_time()\ntry:\n    await hangs()\nexcept RuntimeError as error:\n    print(error)"
    assert "50ms" in eryx.Sandbox(callbacks=registry).execute(code).stdout_text
    as_dict = eryx.CallbackDict(name="hangs", fn=lambda: time.sleep(1), timeout_ms=60)
    code = "await hangs()"
    with pytest.raises(eryx.ExecutionError, match="60ms"):
        eryx.Sandbox(callbacks=[as_dict]).execute(code)
    for wrong, error in ((-1, OverflowError), ("1", TypeError)):
        with pytest.raises(error):
            registry.add(hangs, timeout_ms=wrong)


def test_a_bounded_trace():
    code = "for i in range(100):\n    pass"
    for maker in eryx.Sandbox, eryx.Session:
        with maker(trace=True, max_trace_events=10) as runner:
            result = runner.execute(code)
        assert (len(result.trace), result.trace_truncated) == (10, True)
    with eryx.SandboxPool(trace=True, max_trace_events=10) as pool, pool.acquire() as lease:
        assert len(lease.execute(code).trace) == 10
    assert len(eryx.Sandbox(trace=True).execute(code).trace) > 100
    with pytest.raises(ValueError, match="at least 1"):
        eryx.Sandbox(max_trace_events=0)


def test_a_programs_file_name():
    with eryx.Session() as session:
        with pytest.raises(eryx.ExecutionError) as caught:
            session.execute("1 / 0", filename="of the user.py")
        assert 'File "of the user.py", line 1' in str(caught.value)
        with pytest.raises(eryx.ExecutionError, match='File "<user(:[0-9]+)?>", line 1'):
            session.execute("1 / 0")
        session.execute("def f():\n    raise KeyError", filename="first.py")
        with pytest.raises(eryx.ExecutionError) as caught:
            session.execute("f()", filename="second.py")
    assert [frame.file for frame in caught.value.python.frames] == ["second.py", "first.py"]


def test_a_package_without_its_machine_code():
    with pytest.raises(eryx.EryxError):
        eryx.Sandbox(packages=[(NATIVE_WHEEL, native_wheel())])
    package = eryx.PackageDict(path=NATIVE_WHEEL, data=native_wheel(), drop_native=True)
    assert eryx.Sandbox(packages=[package]).execute("import demo; print(demo._fast)").stdout == b"None\n"


def test_packages_as_dicts(tmp_path):
    path = tmp_path / "pure-1.0-py3-none-any.whl"
    path.write_bytes(pure_wheel())
    for package in eryx.PackageDict(path=path), eryx.PackageDict(data=pure_wheel()):
        assert eryx.Sandbox(packages=[package]).execute("import pure; print(pure.NAME)").stdout == b"pure\n"
    for wrong, text in (({}, "'path' or 'data'"), ({"path": "x", "native": True}, "no key 'native'")):
        with pytest.raises(ValueError, match=text):
            eryx.Sandbox(packages=[wrong])


def test_a_volumes_quota(tmp_path):
    sandbox = eryx.Sandbox(volumes=[(tmp_path, "/out", "read_write", 1 << 20)])
    code = """
open("/out/a", "wb").write(bytes(700_000))
try:
    open("/out/b", "wb").write(bytes(700_000))
except OSError as error:
    print(error.strerror)
"""
    assert sandbox.execute(code).stdout == b"No space left on device\n"
    assert 700_000 <= sum(file.stat().st_size for file in tmp_path.iterdir()) <= 1 << 20


def test_info():
    session = eryx.Session()
    before = eryx.info()
    assert before.version == eryx.__version__ and before.runtime_loaded
    assert "session.new" in before.operations and before.session_count >= 1
    with eryx.Session():
        assert eryx.info().session_count == before.session_count + 1
    session.close()
