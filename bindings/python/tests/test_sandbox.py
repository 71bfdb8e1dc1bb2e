"""Sandboxes: results, errors, limits."""

import builtins
import sys

import pytest

import eryx


def test_output_is_bytes_with_text_beside_it():
    result = eryx.Sandbox().execute("import sys\nprint('hällo')\nprint('oops', file=sys.stderr)")
    assert result.stdout == "hällo\n".encode()
    assert result.stdout_text == "hällo\n"
    assert result.stderr == b"oops\n"
    assert str(result) == "hällo\n"
    assert result.duration_ms > 0
    assert result.fuel_consumed > 0
    assert result.peak_memory_bytes > 1 << 20


def test_every_execution_is_fresh():
    sandbox = eryx.Sandbox()
    sandbox.execute("leak = 1\nopen('/data/f', 'w').write('x')")
    result = sandbox.execute("import os\nresult = ['leak' in globals(), os.path.exists('/data/f')]")
    assert result.result == [False, False]


@pytest.mark.parametrize("code", ["", "   \n", "# nothing"])
def test_empty_programs_succeed(code):
    assert eryx.Sandbox().execute(code).stdout == b""


@pytest.mark.parametrize(
    "code, value, text",
    [
        ("result = {'a': [1, 2.5, None, True]}", {"a": [1, 2.5, None, True]}, '{"a": [1, 2.5, null, true]}'),
        ("result = None", None, "null"),
        ("result = 2**70", 2**70, "1180591620717411303424"),
        ("x = 1", None, None),
        ("result = ''", "", '""'),
    ],
)
def test_result_variable(code, value, text):
    result = eryx.Sandbox().execute(code)
    assert result.result == value
    assert result.result_json == text
    assert result.result_error is None


def test_result_that_is_not_json():
    result = eryx.Sandbox().execute("result = {1, 2}")
    assert result.result is None and result.result_json is None
    assert "set" in result.result_error


def test_result_variable_of_another_name():
    assert eryx.Sandbox(result_variable="answer").execute("answer = 42; result = 1").result == 42


def test_error_is_the_programs_traceback():
    with pytest.raises(eryx.ExecutionError) as caught:
        eryx.Sandbox().execute("print('before')\ndef f():\n    raise ValueError('no')\nf()")
    error = caught.value
    assert str(error).startswith("Traceback (most recent call last):")
    assert "ValueError: no" in str(error)
    assert (error.code, error.type, error.message) == ("python", "ValueError", "no")
    assert error.stdout == b"before\n"
    assert error.stderr == b""
    assert error.python.frames[-1].function == "f"
    assert error.python.frames[-1].line == 3
    assert error.result.duration_ms > 0
    assert "ValueError: no" in error._repr_html_() and "before" in error._repr_html_()


def test_syntax_error():
    with pytest.raises(eryx.ExecutionError, match="SyntaxError"):
        eryx.Sandbox().execute("def (")


def test_exit_codes():
    assert eryx.Sandbox().execute("import sys; print(1); sys.exit(0)").stdout == b"1\n"
    with pytest.raises(eryx.ExecutionError) as caught:
        eryx.Sandbox().execute("import sys; sys.exit(3)")
    assert (caught.value.code, caught.value.exit_code) == ("exit", 3)


def test_nul_byte_is_an_execution_error():
    with pytest.raises(eryx.ExecutionError) as caught:
        eryx.Sandbox().execute("x = 1\0")
    assert caught.value.code == "invalid"
    assert isinstance(caught.value, ValueError)


def test_timeout_is_both_timeout_errors():
    sandbox = eryx.Sandbox(resource_limits=eryx.ResourceLimits(execution_timeout_ms=150))
    with pytest.raises(eryx.TimeoutError) as caught:
        sandbox.execute("print('x')\nwhile True: pass")
    assert isinstance(caught.value, builtins.TimeoutError)
    assert isinstance(caught.value, eryx.EryxError)
    assert type(caught.value).__name__ == "SandboxTimeoutError"
    assert caught.value.limit == "execution_timeout"
    assert caught.value.stdout == b"x\n"


def test_fuel_is_a_resource_limit():
    sandbox = eryx.Sandbox(resource_limits=eryx.ResourceLimits(max_fuel=10_000_000))
    with pytest.raises(eryx.ResourceLimitError) as caught:
        sandbox.execute("while True: pass")
    assert caught.value.limit == "fuel"


def test_memory_limit_is_a_memory_error_inside():
    sandbox = eryx.Sandbox(resource_limits=eryx.ResourceLimits(max_memory_bytes=64 << 20))
    result = sandbox.execute("try:\n    x = bytearray(200 << 20)\nexcept MemoryError:\n    print('refused')")
    assert result.stdout == b"refused\n"


def test_output_handlers_get_bytes_as_they_come():
    out, err = [], []
    sandbox = eryx.Sandbox(on_stdout=out.append, on_stderr=err.append)
    result = sandbox.execute("import sys\nprint('a')\nprint('b', file=sys.stderr)\nprint('c')")
    assert b"".join(out) == b"a\nc\n" == result.stdout
    assert b"".join(err) == b"b\n" == result.stderr


def test_what_an_output_handler_raises_is_printed_and_ignored(capsys):
    def handler(data):
        raise LookupError("mine")

    assert eryx.Sandbox(on_stdout=handler).execute("print('a')").stdout == b"a\n"
    assert "LookupError: mine" in capsys.readouterr().err


def test_args_and_env():
    sandbox = eryx.Sandbox(args=["prog", "x"], env={"KEY": "value"})
    result = sandbox.execute("import os, sys\nresult = [sys.argv, os.environ['KEY'], 'PATH' in os.environ]")
    assert result.result == [["prog", "x"], "value", False]


def test_close_and_context_manager():
    with eryx.Sandbox() as sandbox:
        assert sandbox.execute("print(1)").stdout == b"1\n"
    sandbox.close()
    with pytest.raises(eryx.ClosedError):
        sandbox.execute("print(1)")
    with pytest.raises(ValueError), sandbox:
        pass


@pytest.mark.parametrize(
    "arguments, error",
    [
        ({"foo": 1}, TypeError),
        ({"resource_limits": 3}, TypeError),
        ({"callbacks": ()}, TypeError),
        ({"callbacks": [3]}, TypeError),
        ({"callbacks": [{"name": "x"}]}, KeyError),
        ({"callbacks": [{"fn": print}]}, KeyError),
        ({"callbacks": [{"name": "x", "fn": 3}]}, TypeError),
        ({"on_stdout": 3}, TypeError),
    ],
)
def test_wrong_arguments(arguments, error):
    with pytest.raises(error):
        eryx.Sandbox(**arguments)


def test_positional_arguments_are_refused():
    with pytest.raises(TypeError):
        eryx.Sandbox(eryx.ResourceLimits())
    with pytest.raises(TypeError):
        eryx.Sandbox().execute(3)


def test_resource_limits():
    limits = eryx.ResourceLimits()
    assert limits.execution_timeout_ms == 30_000
    assert limits.callback_timeout_ms == 10_000
    assert limits.max_memory_bytes == 134_217_728
    assert limits.max_callback_invocations == 1000
    assert limits.max_fuel is None and limits.max_vfs_bytes is None
    limits.execution_timeout_ms = None
    assert limits.execution_timeout_ms is None
    unlimited = eryx.ResourceLimits.unlimited()
    assert unlimited.max_memory_bytes is None and unlimited.max_callback_invocations is None
    assert eryx.ResourceLimits() == eryx.ResourceLimits() != unlimited
    with pytest.raises(OverflowError):
        eryx.ResourceLimits(max_fuel=-1)
    with pytest.raises(TypeError):
        eryx.ResourceLimits(execution_timeout_ms="1")
    with pytest.raises(TypeError):
        limits.max_memory_bytes = 1.5


def test_reprs():
    assert repr(eryx.Sandbox()).startswith("Sandbox(resource_limits=ResourceLimits(execution_timeout_ms=30000")
    result = eryx.Sandbox().execute("print('x' * 200)\nresult = [1]")
    assert repr(result).startswith("ExecuteResult(stdout='xxx") and "..." in repr(result)
    assert "result=[1]" in repr(result)
    assert "<pre" in result._repr_html_() and "[1]" in result._repr_html_()


def test_html_is_escaped():
    assert "<b>" not in eryx.Sandbox().execute("print('<b>')")._repr_html_().replace("<b>result</b>", "")


def test_surrogates_and_large_output():
    result = eryx.Sandbox().execute("print('x' * 300_000)")
    assert len(result.stdout) == 300_001


def test_dropped_sandboxes_are_closed():
    from eryx import _blocking

    before = _blocking.call({"op": "info"})["sandbox_count"]
    for _ in range(20):
        eryx.Sandbox().execute("1")
    for _ in range(50):
        after = _blocking.call({"op": "info"})["sandbox_count"]
        if after <= before:
            break
    assert after <= before


def test_use_from_many_threads():
    from concurrent.futures import ThreadPoolExecutor

    sandbox = eryx.Sandbox(callbacks=[{"name": "double", "fn": lambda n: 2 * n}])
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda n: sandbox.execute(f"print(await double(n={n}))").stdout, range(40)))
    assert results == [b"%d\n" % (2 * n) for n in range(40)]


def test_python_version_is_supported():
    assert sys.version_info >= (3, 10)
