"""Running the program: compile, run, drive the loop, describe the outcome."""

import asyncio
import sys
from collections.abc import Coroutine
from types import ModuleType
from typing import Any

import _eryx

from . import errors, exits, gather, interrupt, output, programs, result, trace
from .loop import HostedLoop, pending

_CO_COROUTINE = 0x80
_MAX_RECURSION = 1_000_000

Reply = list[Any] | int  # an int: the nanoseconds to wait, -1 for ever


class Run:
    """One execution: its options, its main task and whether it was interrupted."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.result_name: str = options.get("result", "result")
        self.keep_tasks: bool = options.get("keep_tasks", False)
        self.final: bool = options.get("final", False)
        self.namespace = main_namespace()
        self.task: asyncio.Task[Any] | None = None
        self.hosted: HostedLoop | None = None
        self.interrupted = False
        self.failure: MemoryError | None = None
        self.outcome: dict[str, Any] = {}  # what is told of the run when it ends well
        self.program = False  # whether it runs a program, and not a function of the program's


current: Run | None = None
executions = 0
_loop: HostedLoop | None = None


def main_namespace() -> dict[str, Any]:
    """The globals of ``__main__``, where the program runs."""
    return sys.modules["__main__"].__dict__


def reset_main() -> None:
    """Give ``__main__`` a new, empty namespace."""
    module = ModuleType("__main__")
    module.__dict__["__builtins__"] = sys.modules["builtins"]
    sys.modules["__main__"] = module
    programs.forget()


def hosted_loop() -> HostedLoop:
    """The loop that the host drives, made on first use."""
    global _loop
    if _loop is None or _loop.is_closed():
        _loop = HostedLoop()
        _loop.out_of_memory = _out_of_memory
        # So that get_event_loop() and Future() outside of a task find it, as in any asyncio program.
        asyncio.set_event_loop(_loop)
    return _loop


def begin(options: dict[str, Any]) -> Run:
    """Make a new run the current one."""
    global current
    current = run = Run(options)
    return run


def execute(source: str, options: dict[str, Any]) -> Reply:
    """Run ``source`` in ``__main__``: ``["done", outcome]``, or nanoseconds when it awaits something."""
    global executions
    executions += 1
    asked, mode = options.get("filename"), options.get("mode", "exec")
    run = begin(options)
    run.program = True
    try:
        filename = programs.filename_of(source, mode, asked, executions)
        run.namespace["__file__"] = filename
        if options.get("trace"):
            trace.start(filename)
        code = programs.code_of(source, mode, asked, filename)
        if not code.co_flags & _CO_COROUTINE:
            exec(code, run.namespace)
            return finish(run, None)
        program = eval(code, run.namespace)
    except BaseException as error:
        return finish(run, error)
    return start(run, program)


def start(run: Run, program: Coroutine[Any, Any, Any]) -> Reply:
    """Make ``program`` the run's main task and drive it."""
    run.hosted = hosted_loop()
    run.hosted.enter()
    run.task = run.hosted.create_task(_main(run, program), name="main")
    return step()


async def _main(run: Run, program: Coroutine[Any, Any, Any]) -> None:
    try:
        await program
    finally:
        if not run.keep_tasks:
            try:
                await _cancel_leftovers(run)
            except MemoryError:  # there are too many to be ended in an orderly way
                if run.hosted is not None:
                    run.hosted.forget()
                raise


async def _cancel_leftovers(run: Run) -> None:
    """Cancel what the program left running, and wait for it: an execution ends when all of it has ended."""
    mine = asyncio.current_task()
    left = [t for t in asyncio.all_tasks() if t is not mine]
    for task in left:
        task.cancel()
    if left:
        await asyncio.gather(*left, return_exceptions=True)
    if run.hosted is not None:
        await run.hosted.shutdown_asyncgens()


def step() -> Reply:
    """Go on with the current run until it is done or nothing is runnable."""
    run = current
    if run is None or run.task is None or run.hosted is None:
        return ["idle"]
    turn, done = run.hosted.turn, run.task.done
    while not done():
        try:
            wait = turn()
            if wait and not done():
                if trace.on:
                    trace.flush()
                return wait
        except (KeyboardInterrupt, SystemExit) as error:
            _stop_main(run, run.task, error)
    return finish(run, run.failure or _error_of(run.task))


def _out_of_memory(error: MemoryError) -> None:
    """What came from the host does not fit: the program must end."""
    if current is not None and current.task is not None:
        current.failure = error
        current.task.cancel("out of memory")


def _stop_main(run: Run, task: asyncio.Task[Any], error: BaseException) -> None:
    """``error`` came out of some task or handler: it ends the program, as in ``asyncio.run``."""
    if task.done():
        return
    if isinstance(error, interrupt.ExecutionInterrupted):
        run.interrupted = True
    task.cancel(str(error))


def _error_of(task: asyncio.Task[Any]) -> BaseException | None:
    if task.cancelled():
        try:
            task.result()
        except asyncio.CancelledError as error:
            return error
    return task.exception()


def interrupt_waiting(reason: str) -> Reply:
    """Interrupt a run that waits: its task is cancelled with ``reason``, and driven on."""
    run = current
    interrupt.set_reason(reason)
    if run is None or run.task is None:
        return ["idle"]
    run.interrupted = True
    run.task.cancel(reason)
    return step()


def finish(run: Run, error: BaseException | None) -> Reply:
    """The reply of a run that has ended, with what is left of it cleared away."""
    global current
    current = None
    trace.stop()
    if run.hosted is not None:
        run.hosted.leave()
    _eryx.slack(True)
    try:
        reply = _outcome(run, error)
    finally:
        _eryx.slack(False)
    error = None
    if run.final and not reply[1].get("interrupted"):
        reply[1].update(_leave(run))
    return reply


def _outcome(run: Run, error: BaseException | None) -> list[Any]:
    if not run.keep_tasks and pending:
        pending.clear()
        gather.forget()
    output.flush()
    outcome: dict[str, Any] = {}
    if error is None:
        outcome.update(run.outcome)
        if run.program:
            outcome.update(result.capture(run.namespace, run.result_name))
    else:
        if run.program:
            run.namespace.pop(run.result_name, None)
        outcome.update(_failure(run, error))
        if "error" in outcome:
            exits.report(error)
        error.__traceback__ = None  # do not keep the frames' variables alive
        error = None
    if sys.getrecursionlimit() > _MAX_RECURSION:
        sys.setrecursionlimit(1000)
    return ["done", outcome]


def _leave(run: Run) -> dict[str, Any]:
    """End the program for good; an interrupt meanwhile becomes its outcome."""
    run.namespace = {}  # so that the program's globals can go
    try:
        exits.leave()
        output.flush()
    except interrupt.ExecutionInterrupted as error:
        return _failure(run, error)
    return {}


def _failure(run: Run, error: BaseException) -> dict[str, Any]:
    if isinstance(error, SystemExit):
        code, text = errors.exit_code(error)
        if text:
            errors.write_stderr(text)
        return {"exit": code}
    interrupted = isinstance(error, interrupt.ExecutionInterrupted)
    if isinstance(error, asyncio.CancelledError) and run.interrupted:
        interrupted = True
    return {"interrupted": interrupted, "error": errors.describe(error)}
