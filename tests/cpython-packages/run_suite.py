"""Run one package's own tests under pytest, in the sandbox or on the host, and count what happened.

In the sandbox the Go test puts SPEC before this source, mounts build/packages read-only and reads `result`.
On the host: python run_suite.py NAME, which prints the counts and the failures.
"""

import json
import os
import sys
import warnings


class Counter:
    """A pytest plugin: outcomes by test, the first lines of failures."""

    def __init__(self):
        self.counts = {"passed": 0, "failed": 0, "errors": 0, "skipped": 0, "xfailed": 0, "xpassed": 0}
        self.failures = {}
        self.skips = {}

    def fail(self, kind, report):
        self.counts[kind] += 1
        self.failures[report.nodeid] = report.longreprtext[-1500:]

    def pytest_collectreport(self, report):
        if report.failed:
            self.fail("errors", report)
        elif report.skipped:
            self.skip(report)

    def skip(self, report):
        self.counts["skipped"] += 1
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        self.skips[reason] = self.skips.get(reason, 0) + 1

    def pytest_runtest_logreport(self, report):
        if type(report).__name__ == "SubtestReport":
            if report.failed:
                self.fail("failed", report)
            return
        expected = hasattr(report, "wasxfail")
        if report.skipped and expected:
            self.counts["xfailed"] += 1
        elif report.skipped:
            self.skip(report)
        elif report.failed:
            self.fail("failed" if report.when == "call" else "errors", report)
        elif report.when == "call":
            self.counts["xpassed" if expected else "passed"] += 1


def steady_hypothesis():
    """The same examples on every run, and no failure because a machine is slow."""
    from hypothesis import HealthCheck, settings

    checks = [HealthCheck.too_slow, HealthCheck.differing_executors]
    settings.register_profile("sandbox", deadline=None, derandomize=True, database=None, max_examples=25, suppress_health_check=checks)
    settings.load_profile("sandbox")


def run(spec):
    """Counts, failures and skip reasons of a suite. spec: root (of build/packages), name, package (of the manifest)."""
    package = spec["package"]
    source = f"{spec['root']}/src/{spec['name']}"
    sys.dont_write_bytecode = True
    roots = [f"{spec['name']}/{package['import_root']}", *package.get("needs", [])]
    sys.path[:0] = [*(os.path.normpath(f"{spec['root']}/src/{root}") for root in roots), f"{spec['root']}/site"]
    os.environ |= {"HYPOTHESIS_STORAGE_DIRECTORY": "/tmp/hypothesis", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    os.chdir(source)
    import pytest

    warnings.simplefilter("default")
    if package.get("hypothesis"):
        steady_hypothesis()
    args = ["-q", "-p", "no:cacheprovider", "--tb=short", *(["-p", "_hypothesis_pytestplugin"] if package.get("hypothesis") else [])]
    for deselect in package.get("deselect", []):
        args += [option for test in deselect["tests"] for option in ("--deselect", test)]
    for ignore in package.get("ignore", []):
        args += [option for path in ignore["paths"] for option in ("--ignore", path)]
    counter = Counter()
    code = pytest.main([*args, *package["args"]], plugins=[counter])
    return {"exit": int(code), "counts": counter.counts, "failures": counter.failures, "skips": counter.skips}


if __name__ == "__main__" and "SPEC" not in globals():
    from pathlib import Path

    here = Path(__file__).resolve().parent
    manifest = json.loads((here / "manifest.json").read_text("utf-8"))
    root = str(here.parents[1] / "build" / "packages")
    outcome = run({"root": root, "name": sys.argv[1], "package": manifest["packages"][sys.argv[1]]})
    print(json.dumps(outcome, indent=1))
elif "SPEC" in globals():
    result = run(globals()["SPEC"])
