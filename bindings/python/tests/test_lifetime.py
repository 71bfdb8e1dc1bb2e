"""Ctrl-C, fork, exit with work in flight, finalizers: in processes of their own."""

import os
import subprocess
import sys
import textwrap

import pytest


def python(code, timeout=30, **env):
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        check=False,
        capture_output=True,
        text=True,
        timeout=timeout,
        env={**os.environ, **env},
    )


def ok(code, expected, **options):
    done = python(code, **options)
    assert (done.returncode, done.stdout) == (0, expected), done.stderr


INTERRUPT = """
    import eryx, os, signal, threading, time
    CALLBACKS = {callbacks}
    session = eryx.Session(callbacks=CALLBACKS)
    session.execute("1")
    def interrupt():
        global sent
        time.sleep(0.3)
        sent = time.monotonic()
        os.kill(os.getpid(), signal.SIGINT)
    threading.Thread(target=interrupt, daemon=True).start()
    try:
        session.execute({code!r})
    except KeyboardInterrupt:
        print("interrupted", time.monotonic() - sent < 1)
    print(session.execute("print('alive')").stdout_text, end="")
"""


@pytest.mark.parametrize(
    "callbacks, code",
    [
        ("[]", "while True: pass"),
        ("[{'name': 'nap', 'fn': lambda: time.sleep(60)}]", "import asyncio; await asyncio.gather(nap(), nap())"),
        ("[{'name': 'nap', 'fn': lambda: 1}]", "import asyncio; await asyncio.sleep(60)"),
    ],
)
def test_keyboard_interrupt_is_honoured_at_once(callbacks, code):
    ok(INTERRUPT.format(callbacks=callbacks, code=code), "interrupted True\nalive\n")


def test_keyboard_interrupt_with_an_async_callback():
    code = """
        import asyncio, eryx, os, signal, threading, time
        async def nap(): await asyncio.sleep(60)
        session = eryx.Session(callbacks=[{'name': 'nap', 'fn': nap}])
        session.execute("1")
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
        began = time.monotonic()
        try:
            session.execute("await nap()")
        except KeyboardInterrupt:
            print("interrupted", time.monotonic() - began < 5)
    """
    ok(code, "interrupted True\n")


def test_fork_after_use_is_an_error_in_the_child():
    code = """
        import eryx, os, sys, warnings
        warnings.simplefilter("ignore")
        sandbox = eryx.Sandbox()
        sandbox.execute("1")
        pid = os.fork()
        if pid == 0:
            for action in (lambda: sandbox.execute("1"), eryx.Sandbox, lambda: sandbox.start("1").wait(5)):
                try:
                    action()
                except eryx.ForkError as error:
                    print("ForkError", "spawn" in str(error), error.code, flush=True)
            del sandbox
            os._exit(0)
        os.waitpid(pid, 0)
        print(sandbox.execute("print('parent')").stdout_text, end="")
    """
    ok(code, "ForkError True fork\n" * 3 + "parent\n")


def test_fork_before_use_works():
    code = """
        import eryx, os
        pid = os.fork()
        print(eryx.Sandbox().execute("print(1)").stdout_text, end="", flush=True)
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)
    """
    ok(code, "1\n1\n")


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_multiprocessing(method, tmp_path):
    program = tmp_path / "program.py"
    program.write_text(
        textwrap.dedent(f"""
        import concurrent.futures, multiprocessing, eryx
        def work(n):
            return eryx.Sandbox().execute(f"print({{n}} * 2)").stdout_text.strip()
        if __name__ == "__main__":
            work(0)
            context = multiprocessing.get_context({method!r})
            with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:
                print(list(pool.map(work, range(4))))
        """)
    )
    done = subprocess.run([sys.executable, str(program)], check=False, capture_output=True, text=True, timeout=60)
    assert done.stdout == "['0', '2', '4', '6']\n", done.stderr


def test_exit_with_work_in_flight():
    code = """
        import eryx, time
        sandbox = eryx.Sandbox(callbacks=[{'name': 'nap', 'fn': lambda: time.sleep(30)}])
        handles = [sandbox.start("while True: pass"), sandbox.start("await nap()"), sandbox.start("import asyncio; await asyncio.sleep(60)")]
        time.sleep(0.5)
        print("exit")
    """
    ok(code, "exit\n", timeout=10)


def test_use_in_a_finalizer_at_exit():
    code = """
        import eryx
        class Keeper:
            def __init__(self): self.session = eryx.Session()
            def __del__(self): self.session.close()
        keeper = Keeper()
        keeper.session.execute("1")
        keeper.cycle = keeper
        print("exit")
    """
    ok(code, "exit\n", timeout=10)


def test_timed_out_callback_still_running_when_everything_is_dropped():
    code = """
        import eryx, gc, time
        limits = eryx.ResourceLimits(callback_timeout_ms=50)
        session = eryx.Session(callbacks=[{'name': 'nap', 'fn': lambda: time.sleep(3)}], resource_limits=limits)
        try:
            session.execute("await nap()")
        except eryx.ExecutionError as error:
            print("timeout" if "longer" in str(error) else error)
        del session
        gc.collect()
        print("dropped")
    """
    ok(code, "timeout\ndropped\n", timeout=15)


def test_missing_library_is_a_clear_error():
    code = """
        import eryx
        try:
            eryx.Sandbox()
        except eryx.InitializationError as error:
            print("liberyx-missing.so" in str(error))
    """
    ok(code, "True\n", ERYX_LIBRARY="/nonexistent/liberyx-missing.so")


def test_importing_loads_no_library():
    ok("import eryx\nfrom eryx import _native\nprint(_native.loaded())", "None\n")
