"""Measure a package named eryx: the peer, pyeryx, or our own, whichever is imported. bench/cmd/bench measures our
engine without Python in the same way.

Run with the interpreter of build/peer-venv (see make_venv.py), and for our package with PYTHONPATH=bindings/python and
ERYX_LIBRARY=build/liberyx.so. Three ways to use it:

  measure.py [--only PREFIX] [--out FILE]   take every figure once and write JSON: median, p99, n per metric
  measure.py --serve                        answer requests on stdin, one JSON object a line:
                                            {"metric": "cpu/nbody", "count": 3} -> {"samples": [0.21, ...]}
  measure.py --memory-child COUNT           (internal) print the private bytes that COUNT live sessions cost

Samples are in seconds, bytes or operations per second; METRICS says which. bench/cmd/bench drives --serve so that
our engine and the peer take turns within one run.
"""

import argparse
import asyncio
import functools
import json
import math
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import zipfile

import eryx

BENCH = pathlib.Path(__file__).resolve().parents[1]
PROGRAMS = sorted(p.stem for p in (BENCH / "cpu").glob("*.py"))
CHECKSUMS = json.loads((BENCH / "cpu" / "checksums.json").read_text("utf-8"))
COMMAND = pathlib.Path(sys.executable).with_name("eryx")
HELLO = "print('hi')"
IMPORTS = ("http.client", "unittest", "statistics", "argparse")
FACTORY_IMPORTS = (
    "xml.dom.minidom", "unittest.mock", "logging.config", "pydoc", "mailbox", "plistlib", "doctest", "xmlrpc.client", "tarfile",
)  # fmt: skip
IMPORT_PACKAGE = (
    "import time\nstart = time.perf_counter()\nimport benchpackage\nprint(time.perf_counter() - start)\n"
    "assert len(benchpackage.modules) == 200\n"
)
TRANSFER = """
import time
block = bytes(range(256)) * 4096
start = time.perf_counter()
with open("/data/big", "wb") as file:
    for _ in range(100):
        file.write(block)
written = time.perf_counter()
with open("/data/big", "rb") as file:
    while part := file.read(1 << 20):
        assert len(part) == 1 << 20
print(written - start, time.perf_counter() - written)
assert part == b"" and file.closed
"""
SEQUENTIAL = "for i in range({n}):\n    await echo(x=i)\n"
GATHERED = (
    "import asyncio\ngot = await asyncio.gather(*[echo(x=i) for i in range({n})])\nassert got == list(range({n}))\n"
)


def timed(action, count):
    """Seconds that each of `count` calls of an action took."""
    samples = []
    for _ in range(count):
        start = time.perf_counter()
        action()
        samples.append(time.perf_counter() - start)
    return samples


def hello():
    """One sandbox from nothing to its output."""
    if eryx.Sandbox().execute(HELLO).stdout != b"hi\n":
        raise AssertionError("wrong output")


def create_print(count):
    hello()
    return timed(hello, count)


def session_execute(count):
    """The second and later executes of one session."""
    session = eryx.Session()
    session.execute(HELLO)
    return timed(lambda: session.execute(HELLO), count)


def session_new(count):
    """Executes of programs that the session has not run before."""
    session = eryx.Session()
    session.execute(HELLO)
    sources = iter([f"print('hi {i}')" for i in range(count)])
    return timed(lambda: session.execute(next(sources)), count)


def create_rate(count, seconds=0.5, threads=2):
    """Sandboxes per second, created, run and dropped on two threads; one sample per half second."""
    hello()
    return [rate_once(seconds, threads) for _ in range(count)]


def rate_once(seconds, threads):
    end = time.perf_counter() + seconds
    done = [0] * threads

    def work(slot):
        while time.perf_counter() < end:
            hello()
            done[slot] += 1

    start = time.perf_counter()
    workers = [threading.Thread(target=work, args=(slot,)) for slot in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return sum(done) / (time.perf_counter() - start)


def private_dirty():
    """Bytes of this process's memory that are private and written to."""
    for line in pathlib.Path("/proc/self/smaps_rollup").read_text().splitlines():
        if line.startswith("Private_Dirty:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("no Private_Dirty in smaps_rollup")


def memory_child(sessions):
    """Bytes per live session that printed something, in a process that does nothing else."""
    warm = eryx.Session()
    warm.execute(HELLO)
    before = private_dirty()
    live = [eryx.Session() for _ in range(sessions)]
    for session in live:
        session.execute(HELLO)
    return (private_dirty() - before) / len(live)


def session_memory(count):
    child = [sys.executable, __file__, "--memory-child", "100"]
    return [float(subprocess.run(child, check=True, capture_output=True, text=True).stdout) for _ in range(count)]


def cold_start(count):
    """Process start to first output of the command; timed to the byte, not to the exit."""
    samples = []
    for _ in range(count):
        start = time.perf_counter()
        with subprocess.Popen([COMMAND, "-c", HELLO], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
            if process.stdout.read(1) != b"h":
                raise AssertionError("the command failed")
            samples.append(time.perf_counter() - start)
            process.stdout.read()
    return samples


def python_cold_start(count):
    """A new interpreter, the import and the first result; timed to its exit."""
    program = f"import eryx; print(eryx.Sandbox().execute({HELLO!r}).stdout)"
    return timed(lambda: subprocess.run([sys.executable, "-c", program], check=True, stdout=subprocess.DEVNULL), count)


def snapshot_state(count):
    """Pickling a session that holds a dict of 10,000 entries."""
    session = eryx.Session()
    session.execute("data = {f'key{i}': i for i in range(10_000)}")
    return timed(session.snapshot_state, count)


def factory_build(count):
    """A factory with modules imported."""
    return timed(lambda: eryx.SandboxFactory(imports=list(FACTORY_IMPORTS)), count)


def cpu(name, count):
    """Seconds of run() of a program: defined, run once to warm up and be checked, then timed."""
    session = eryx.Session()
    session.execute((BENCH / "cpu" / f"{name}.py").read_text("utf-8"))
    got = session.execute("run()").stdout_text.strip()
    if got != CHECKSUMS[name]:
        raise AssertionError(f"{name}: printed {got!r}")
    return timed(lambda: session.execute("run()"), count)


def import_time(module, count):
    """Seconds of a first import in a fresh guest that is already running."""
    samples = []
    for _ in range(count):
        session = eryx.Session()
        session.execute(HELLO)
        samples += timed(lambda: session.execute(f"import {module}"), 1)
    return samples


def callback_limits():
    return eryx.ResourceLimits(execution_timeout_ms=60_000, max_callback_invocations=None)


def callbacks(template, calls, count):
    """Seconds per callback, in a session that has run the program once before."""
    echo = {"name": "echo", "fn": lambda x: x, "description": "Returns its argument."}
    code = template.format(n=calls)
    session = eryx.Session(callbacks=[echo], execution_timeout_ms=60_000)
    session.execute(code)
    return [seconds / calls for seconds in timed(lambda: session.execute(code), count)]


def async_callbacks(template, calls, count):
    """Seconds per async callback in the caller's own event loop, which the peer does not have."""

    async def echo(x):
        return x

    async def timed_async(code):
        start = time.perf_counter()
        await sandbox.execute_async(code)
        return time.perf_counter() - start

    async def take():
        base = await timed_async("import asyncio")
        return [(await timed_async(code) - base) / calls for _ in range(count)]

    sandbox = eryx.Sandbox(callbacks=[{"name": "echo", "fn": echo}], resource_limits=callback_limits())
    code = template.format(n=calls)
    return asyncio.run(take())


def printed(execute, code, which, count):
    """One of the figures that a program prints, each time in a fresh guest."""
    return [float(execute(code).stdout_text.split()[which]) for _ in range(count)]


def transfer(which, count):
    """Seconds of writing (0) or reading (1) 100 MiB in the virtual filesystem."""
    limits = eryx.ResourceLimits(execution_timeout_ms=120_000, max_memory_bytes=512 << 20, max_vfs_bytes=256 << 20)
    return printed(eryx.Sandbox(resource_limits=limits).execute, TRANSFER, which, count)


def package_wheel(folder):
    """A wheel of a package with 200 modules, which it imports; files.go makes the same."""
    module = (BENCH / "package" / "module.py").read_text("utf-8")
    imports = "".join(f"from . import module{i}\n" for i in range(200))
    about = "benchpackage-1.0.dist-info/"
    path = pathlib.Path(folder) / "benchpackage-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        for i in range(200):
            wheel.writestr(f"benchpackage/module{i}.py", module)
        wheel.writestr("benchpackage/__init__.py", imports + "modules = [n for n in dir() if n.startswith('module')]\n")
        wheel.writestr(about + "METADATA", "Metadata-Version: 2.1\nName: benchpackage\nVersion: 1.0\n")
        wheel.writestr(about + "WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(about + "RECORD", "")
    return path


@functools.cache
def package_sandbox():
    """A factory and its sandbox that has the package; the peer takes about 20 seconds to make one."""
    with tempfile.TemporaryDirectory() as folder:
        factory = eryx.SandboxFactory(packages=[str(package_wheel(folder))])
    limits = eryx.ResourceLimits(execution_timeout_ms=120_000)
    return factory, factory.create_sandbox(resource_limits=limits)  # the peer's needs its factory


def import_package(count):
    """Seconds of the first import of the package in a fresh guest."""
    return printed(package_sandbox()[1].execute, IMPORT_PACKAGE, 0, count)


def network(name, count):
    """Seconds that a program of bench/net took by its own clock, against the server of bench/cmd/bench."""
    program = (BENCH / "net" / f"{name}.py").read_text("utf-8").replace("PORT", os.environ["ERYX_BENCH_PORT"])
    limits = eryx.ResourceLimits(execution_timeout_ms=60_000)
    sandbox = eryx.Sandbox(network=eryx.NetConfig.permissive(), resource_limits=limits)
    return [float(sandbox.execute(program).stdout_text) for _ in range(count)]


def build_metrics():
    """Each metric: its unit, how many samples it needs by itself, and how to take them."""
    metrics = {
        "create_print": ("s", 200, create_print),
        "session_execute": ("s", 500, session_execute),
        "session_new": ("s", 500, session_new),
        "create_rate": ("1/s", 3, create_rate),
        "session_memory": ("bytes", 1, session_memory),
        "cold_start": ("s", 10, cold_start),
        "python_cold_start": ("s", 10, python_cold_start),
        "snapshot_state": ("s", 3, snapshot_state),
        "factory_build": ("s", 1, factory_build),
        "files/write": ("s", 5, lambda n: transfer(0, n)),
        "files/read": ("s", 5, lambda n: transfer(1, n)),
        "import_package": ("s", 5, import_package),
        "callback_sequential": ("s", 5, lambda n: callbacks(SEQUENTIAL, 500, n)),
        "callback_gathered": ("s", 5, lambda n: callbacks(GATHERED, 1000, n)),
    }
    if hasattr(eryx.Sandbox, "execute_async"):
        metrics["async_sequential"] = ("s", 5, lambda n: async_callbacks(SEQUENTIAL, 500, n))
        metrics["async_gathered"] = ("s", 5, lambda n: async_callbacks(GATHERED, 1000, n))
    if "ERYX_BENCH_PORT" in os.environ:
        metrics["network/keepalive"] = ("s", 3, lambda n: network("keepalive", n))
        metrics["network/download"] = ("s", 3, lambda n: network("download", n))
    for module in IMPORTS:
        metrics[f"import/{module}"] = ("s", 5, lambda n, module=module: import_time(module, n))
    for name in PROGRAMS:
        metrics[f"cpu/{name}"] = ("s", 3, lambda n, name=name: cpu(name, n))
    return metrics


METRICS = build_metrics()


def summary(unit, samples):
    """Median, p99 (nearest rank) and count of samples."""
    ordered = sorted(samples)
    rank = max(0, math.ceil(0.99 * len(ordered)) - 1)
    return {"unit": unit, "median": statistics.median(ordered), "p99": ordered[rank], "n": len(ordered)}


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def report(only):
    """Every metric whose name starts with `only`, summarised."""
    figures = {}
    for name, (unit, count, take) in METRICS.items():
        if name.startswith(only):
            figures[name] = summary(unit, take(count))
            print(f"{name:28} {figures[name]['median']:.6g} {unit}", file=sys.stderr)
    return {
        "peer": f"eryx {eryx.__version__} of {eryx.__file__}",
        "python": platform.python_version(),
        "machine": {
            "system": platform.platform(),
            "processor": processor(),
            "cpus": len(os.sched_getaffinity(0)),
            "load": os.getloadavg()[0],
        },
        "date": time.strftime("%Y-%m-%d"),
        "metrics": figures,
    }


def serve():
    """Answer requests until stdin ends. An error is an answer too."""
    about = {"version": eryx.__version__, "file": eryx.__file__, "python": platform.python_version()}
    print(json.dumps(about), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = {"samples": METRICS[request["metric"]][2](request["count"])}
        except Exception as err:  # whatever it raises is a figure that cannot be had
            answer = {"error": f"{type(err).__name__}: {err}"}
        print(json.dumps(answer), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--serve", action="store_true")
    parser.add_argument("--memory-child", type=int, metavar="COUNT")
    parser.add_argument("--only", default="", metavar="PREFIX")
    parser.add_argument("--out", type=pathlib.Path)
    options = parser.parse_args()
    if options.memory_child:
        print(memory_child(options.memory_child))
    elif options.serve:
        serve()
    else:
        text = json.dumps(report(options.only), indent=1) + "\n"
        options.out.write_text(text, "utf-8") if options.out else print(text, end="")


if __name__ == "__main__":
    main()
