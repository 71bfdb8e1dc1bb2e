"""The cases of tests/vectors, which every language runs."""

import asyncio
import itertools
import json
import pathlib
import re
import subprocess
import sys
import time

import pytest

import eryx
from eryx import _wire

VECTORS = pathlib.Path(__file__).resolve().parents[3] / "tests" / "vectors"
if not VECTORS.exists():
    pytest.skip("the vectors are in the repository only", allow_module_level=True)
INDEX = json.loads((VECTORS / "index.json").read_text("utf-8"))
CASES = sorted((VECTORS / "cases").glob("*.json"))
SEPARATOR = "\n# --- next ---\n"


def host_functions(names):
    """The ten host functions; half of them async, so that both ways are used."""
    numbers = itertools.count(1)

    async def sleep_ms(ms):
        await asyncio.sleep(ms / 1000)
        return ms

    async def never():
        await asyncio.Event().wait()

    async def get_list(n):
        return list(range(n))

    def fail(message):
        raise LookupError(message)

    functions = {
        "add": lambda a, b: a + b,
        "echo": lambda value: value,
        "concat": lambda parts, separator="": separator.join(parts),
        "sleep_ms": sleep_ms,
        "fail": fail,
        "get_list": get_list,
        "big_int": lambda bits: 2**bits,
        "bytes_back": lambda data: data[::-1],
        "counter": lambda: next(numbers),
        "never": never,
    }
    assert sorted(functions) == sorted(INDEX["host_functions"])
    return [{"name": name, "fn": functions[name], "schema": INDEX["host_functions"][name]["schema"]} for name in names]


def options(case):
    config = dict(case.get("config", {}))
    limits = eryx.ResourceLimits(**config.pop("limits", {}))
    libraries = [
        eryx.Library(**{**library, "callbacks": host_functions(library.get("callbacks", []))})
        for library in config.pop("libraries", [])
    ]
    if "network" in config:
        config["network"] = eryx.NetConfig(**config["network"])
    if "secrets" in config:
        config["secrets"] = {secret.pop("name"): secret for secret in map(dict, config["secrets"])}
    scrub = {f"scrub_{where}": wanted for where, wanted in config.pop("scrub", {}).items()}
    callbacks = host_functions(case.get("callbacks", []))
    return {"resource_limits": limits, "callbacks": callbacks, "libraries": libraries, **scrub, **config}


def same(expected, got):
    """Whether a value is what a matcher wants."""
    if isinstance(expected, dict):
        if "contains" in expected:
            return isinstance(got, str) and expected["contains"] in got
        if "matches" in expected:
            return isinstance(got, str) and re.search(expected["matches"], got) is not None
        if "between" in expected:
            return expected["between"][0] <= got <= expected["between"][1]
        if "bytes" in expected:
            return got == bytes.fromhex(expected["bytes"])
        if "list" in expected:
            return len(expected["list"]) == len(got) and all(map(same, expected["list"], got))
    return type(got) is type(expected) and got == expected


def compare(expect, outcome, error):
    """Compares what a step gave with what it must give."""
    wanted = expect.get("error")
    if wanted is None:
        if error is not None:
            raise error
    else:
        assert error is not None, "no error"
        for key, value in wanted.items():
            assert same(value, getattr(error, key)), (key, getattr(error, key))
        outcome = error.result
    for key, value in expect.items():
        if key == "error":
            continue
        got = getattr(outcome, {"stdout": "stdout_text", "stderr": "stderr_text"}.get(key, key))
        assert same(value, got), (key, got)


class Outcome:
    """The value of a step that is no execution."""

    result = None

    def __init__(self, **values):
        self.__dict__.update(values)


class Runner:
    """One way to run the steps of a case."""

    def __init__(self, case, parts, asynchronous):
        self.case, self.parts, self.asynchronous = case, iter(parts), asynchronous
        kind = eryx.Session if case.get("session") else eryx.Sandbox
        self.target = kind(**options(case))

    def step(self, step):
        outcome, error = None, None
        try:
            outcome = getattr(self, step["op"])(step)
        except eryx.EryxError as caught:
            error = caught
        compare(step.get("expect", {}), outcome, error)

    def execute(self, step):
        code = next(self.parts)
        if self.asynchronous:
            return asyncio.run(self.target.execute_async(code))
        return self.target.execute(code)

    def clear_state(self, step):
        self.target.clear_state()

    def reset(self, step):
        self.target.reset()

    def execution_count(self, step):
        return Outcome(count=self.target.execution_count)

    def call(self, step):
        return Outcome(value=self.target.call(step["name"], *step.get("args", []), **step.get("kwargs", {})))

    def type_stubs(self, step):
        return Outcome(text=self.target.type_stubs())

    def get(self, step):
        return Outcome(value=self.target.get(step["name"]))

    def set(self, step):
        self.target.set(step["name"], step["value"])

    def snapshot_and_restore_in_new(self, step):
        snapshot = self.target.snapshot_state()
        self.target = eryx.Session(**options(self.case))
        self.target.restore_state(snapshot)

    def fork_and_use_copy(self, step):
        self.target = self.target.fork()


def test_every_case_is_run():
    assert len(CASES) == INDEX["case_count"]


@pytest.mark.parametrize("asynchronous", [False, True], ids=["blocking", "async"])
@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_case(path, asynchronous):
    case = json.loads(path.read_text("utf-8"))
    if refused := case.get("refused"):
        with pytest.raises(eryx.EryxError) as caught:
            Runner(case, [], asynchronous)
        compare({"error": refused}, None, caught.value)
        return
    program = path.with_suffix(".py").read_text("utf-8")
    parts = [part + "\n" for part in program.rstrip("\n").split(SEPARATOR)] if program else []
    runner = Runner(case, parts, asynchronous)
    for step in case["steps"]:
        runner.step(step)
    assert next(runner.parts, None) is None, "a part of the program was not run"


@pytest.mark.parametrize("path", [p for p in CASES if json.loads(p.read_text()).get("host")], ids=lambda p: p.stem)
def test_case_on_this_python_itself(path):
    expect = json.loads(path.read_text("utf-8"))["steps"][0]["expect"]
    done = subprocess.run([sys.executable, "-X", "utf8", str(path.with_suffix(".py"))], check=True, capture_output=True)
    assert (done.stdout.decode(), done.stderr.decode()) == (expect["stdout"], expect.get("stderr", ""))


def plain(value):
    """The Python value of a wire vector's notation."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        kind, content = next(iter(value.items()))
        if kind == "$int":
            return int(content)
        if kind == "$float":
            return float(content)
        if kind == "$bytes":
            return bytes.fromhex(content)
        return {key: plain(item) for key, item in content}
    return value


WIRE_VALUES = json.loads((VECTORS / "wire" / "values.json").read_text("utf-8"))["cases"]
WIRE_REJECTED = json.loads((VECTORS / "wire" / "rejected.json").read_text("utf-8"))["cases"]


@pytest.mark.parametrize("case", WIRE_VALUES, ids=lambda case: case["name"])
def test_wire_value(case):
    value = plain(case["value"])
    for encoded in [case["canonical"], *case["accepted"]]:
        got = _wire.decode(bytes.fromhex(encoded))
        assert shape(got) == shape(value)
    assert shape(_wire.decode(_wire.encode(value))) == shape(value)


def shape(value):
    """A text that tells types and values apart, NaN and -0.0 included, but not the order of keys."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {shape(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(shape, value)) + "]"
    return repr(value)


# What the package msgpack accepts although a decoder should not. Only the library's own messages are decoded here.
LENIENT = {"201 levels": "its limit is 1024 levels", "timestamp": "it reads timestamps itself"}


def rejected(case):
    marks = [pytest.mark.xfail(strict=True, reason=LENIENT[case["name"]])] if case["name"] in LENIENT else []
    return pytest.param(case, id=case["name"], marks=marks)


@pytest.mark.parametrize("case", [rejected(case) for case in WIRE_REJECTED])
def test_wire_rejected(case):
    data = bytes.fromhex(case["bytes"])
    if repeat := case.get("repeat"):
        data += bytes.fromhex(repeat["bytes"]) * repeat["count"] + bytes.fromhex(repeat.get("then", ""))
    began = time.monotonic()
    with pytest.raises(ValueError):
        _wire.decode(data)
    assert time.monotonic() - began < 5
