"""The runtime's table of operations: every message of the host is ``[op, *arguments]`` and ends here."""

import gc
import linecache
import os
import sys
from collections.abc import Callable
from typing import Any

from . import callbacks, compat, csizes, errors, exits, functions, interrupt, limits, loop, output, preload, programs, runner, state


def prepare_image(modules: list[str]) -> list[Any]:
    """Import ``modules`` and bring the interpreter to rest, so that the host can take its image."""
    preload.load(modules)
    runner.hosted_loop()
    runner.reset_main()
    sys.path_importer_cache.pop("", None)
    output.install()
    warm_up()
    runner.reset_main()
    preload.settle()
    return ["ok"]


_WARM = """
import asyncio
def f(a, b=2, *, c=3): return [x for x in range(a)]
class A:
    def m(self): return self
for i in range(3): f(i); A().m()
print(f"{i}", "hi")
try: 1/0
except ZeroDivisionError as e: pass
result = {"a": [1, 2.5, None, True, "x"]}
"""


def warm_up() -> None:
    """Run a few programs, so that the interpreter has specialised its own code before the image is taken.

    Until then every execution writes counters into code objects, pages that each guest would have to copy.
    """
    for _ in range(20):
        runner.executions = 0
        programs.forget()
        runner.execute(_WARM, {})
        runner.execute("import asyncio\nawait asyncio.sleep(0)\nprint(1)", {})
    runner.executions = 0
    programs.forget()
    for name in [n for n in linecache.cache if n.startswith("<user")]:
        del linecache.cache[name]
    errors.forget_sources()


_extended = False


def extend_image() -> list[Any]:
    """Bring a guest that has imported and set up what others shall begin with to rest, for its image.

    Its ``__main__`` stays: a factory's set-up code has defined what every program finds there.
    """
    global _extended
    _extended = True
    callbacks.announce([])
    runner.executions = 0
    programs.forget()
    errors.forget_sources()
    exits.keep_globals(runner.main_namespace())
    preload.settle()
    return ["ok"]


def start(options: dict[str, Any]) -> None:
    """Begin a life from an image: arguments, environment, fresh randomness."""
    if not _extended:
        runner.reset_main()
    preload.reseed()
    if "argv" in options:
        sys.argv[:] = options["argv"]
        sys.orig_argv[:] = ["python3", *options["argv"]]
    env = options.get("env")
    if env:
        os.environ.update(env)
    path = options.get("path")
    if path:
        sys.path.extend(p for p in path if p not in sys.path)
    cwd = options.get("cwd")
    if cwd:
        os.chdir(cwd)


def begin(options: dict[str, Any]) -> None:
    """Before an execution: ``options["start"]`` begins the image's life, ``["callbacks"]`` announces them, ``["env"]`` is
    what the environment of another life must not keep."""
    first = options.get("start")
    if first is not None:
        start(first)
    env = options.get("env")
    if env:
        os.environ.update(env)
    announced = options.get("callbacks")
    if announced is not None:
        callbacks.announce(announced)
    interrupt.set_reason(options.get("reason") or "execution interrupted")


def execute(source: str, options: dict[str, Any]) -> runner.Reply:
    """Run a program."""
    begin(options)
    return runner.execute(source, options)


def call(name: str, args: list[Any], kwargs: dict[str, Any], options: dict[str, Any]) -> runner.Reply:
    """Call a function of the program's, and await what it returns if need be."""
    begin(options)
    return functions.call(name, args, kwargs, options)


def get(name: str, options: dict[str, Any]) -> runner.Reply:
    """The value of a global, or of an attribute of one."""
    begin(options)
    return functions.get(name, options)


def set_global(name: str, value: Any, options: dict[str, Any]) -> runner.Reply:
    """Make a global."""
    begin(options)
    return functions.set_global(name, value, options)


def snapshot_state(options: dict[str, Any]) -> runner.Reply:
    """Pickle the program's globals."""
    begin(options)
    return state.snapshot(options)


def restore_state(data: bytes, options: dict[str, Any]) -> runner.Reply:
    """Merge pickled globals into the program's."""
    begin(options)
    return state.restore(data, options)


def clear_state() -> list[Any]:
    """Forget the program's globals and the modules it defined; the interpreter, imports and callbacks stay."""
    runner.reset_main()
    gc.collect()
    return ["ok"]


def is_complete(source: str) -> list[Any]:
    """Whether ``source`` is a whole interactive statement: ``["complete" | "incomplete" | "invalid"]``."""
    import codeop

    compiler = codeop.CommandCompiler()
    compiler.compiler.flags |= programs.TOP_LEVEL_AWAIT
    try:
        return ["incomplete" if compiler(source, "<user>", "single") is None else "complete"]
    except (SyntaxError, ValueError, OverflowError):
        return ["invalid"]


def compile_module(source: bytes, path: str) -> list[Any]:
    """The bytecode file of a module, which says that its source need not be looked at; nothing of it is run."""
    import warnings
    from importlib import _bootstrap_external as importer
    from importlib.util import source_hash

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            code = compile(source, path, "exec", dont_inherit=True)
    except Exception:
        return ["failed"]
    return ["pyc", bytes(importer._code_to_hash_pyc(code, source_hash(source), False))]  # type: ignore[attr-defined]


OPS: dict[str, Callable[..., runner.Reply]] = {
    "execute": execute,
    "call": call,
    "get": get,
    "set": set_global,
    "interrupt": runner.interrupt_waiting,
    "snapshot_state": snapshot_state,
    "restore_state": restore_state,
    "clear_state": clear_state,
    "is_complete": is_complete,
    "prepare_image": prepare_image,
    "extend_image": extend_image,
    "compile_module": compile_module,
}


step = runner.step


def dispatch(message: list[Any]) -> runner.Reply:
    """Perform one operation of the host's."""
    return OPS[message[0]](*message[1:])


def _install() -> None:
    sys.executable = ""
    sys.path.insert(0, "")
    sys.path.remove("/usr/lib/eryx")
    sys.path.append("/usr/lib/eryx")
    sys.modules["sandbox"] = limits.make_module()
    sys.modules["ctypes"] = csizes.make_module()
    output.install()
    interrupt.install()
    loop.install()
    compat.install()
    callbacks.install()
    runner.reset_main()
    errors.hide_runtime()
    errors.remember_source("<user>", "")


_install()
