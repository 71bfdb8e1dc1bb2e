"""The cell magic and the HTML of results and errors in a real IPython."""

import pytest
from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell

import eryx


@pytest.fixture
def shell(tmp_path, monkeypatch):
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance()
    shell.display_pub = CapturingDisplayPublisher(shell=shell)
    shell.run_line_magic("load_ext", "eryx")
    yield shell
    InteractiveShell.clear_instance()


def run(shell, cell):
    outcome = shell.run_cell(cell)
    outcome.raise_error()
    return outcome.result


def html(shell, value):
    """What a notebook shows of a value."""
    data, _ = shell.display_formatter.format(value)
    return data["text/html"]


def test_cells_share_a_session(shell):
    assert run(shell, "%%eryx\nx = 20\nprint('<b>')").stdout == b"<b>\n"
    result = run(shell, "%%eryx --to answer\nimport asyncio\nresult = await asyncio.sleep(0, x + 1)")
    assert (result.result, shell.user_ns["answer"]) == (21, 21)
    assert "x" not in shell.user_ns
    assert run(shell, "%%eryx --reset\nprint('x' in globals())").stdout == b"False\n"


def test_the_html_of_a_result(shell):
    shown = html(shell, run(shell, "%%eryx\nimport sys\nprint('<b>')\nprint('e', file=sys.stderr)\nresult = [1, 2]"))
    assert "&lt;b&gt;" in shown and "<b>result</b> <code>[1, 2]</code>" in shown and "#b00" in shown and " ms" in shown


def test_errors_are_shown_without_the_notebooks_own_frames(shell):
    assert run(shell, "%%eryx\nprint('before')\n1/0") is None
    (shown,) = shell.display_pub.outputs
    text = shown["data"]["text/plain"]
    assert text.startswith("before\nTraceback") and text.rstrip().endswith("ZeroDivisionError: division by zero")
    assert "before" in shown["data"]["text/html"] and "ZeroDivisionError" in shown["data"]["text/html"]
    assert "_magic.py" not in str(shown)
    assert run(shell, "%%eryx --timeout 100\nwhile True: pass") is None
    assert run(shell, "%%eryx\nprint(1)").stdout == b"1\n"


def test_the_html_of_an_error(shell):
    with pytest.raises(eryx.ExecutionError) as caught:
        eryx.Sandbox().execute("print('<i>')\nraise ValueError('<b>')")
    shown = html(shell, caught.value)
    assert "&lt;i&gt;" in shown and "ValueError: &lt;b&gt;" in shown and "<b>" not in shown


def test_wrong_options(shell):
    outcome = shell.run_cell("%%eryx --nonsense\n1")
    assert isinstance(outcome.error_in_exec, ValueError) and "%%eryx" in str(outcome.error_in_exec)


def test_a_notebooks_own_loop_is_not_in_the_way(shell):
    """IPython runs cells in an event loop; the blocking calls and the awaited ones work there."""
    run(shell, "import eryx\nasync def f(): return 5")
    assert run(shell, "eryx.Sandbox(callbacks=[{'name': 'f', 'fn': f}]).execute('print(await f())').stdout") == b"5\n"
    assert run(shell, "(await eryx.Sandbox().execute_async('print(1)')).stdout") == b"1\n"
