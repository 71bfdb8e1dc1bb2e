"""Run the CPU programs on the Python that runs this script: check (or rewrite) their checksums and show times.

Usage: python bench/native.py [--update] [name ...]
"""

import argparse
import contextlib
import io
import json
import pathlib
import sys
import time

HERE = pathlib.Path(__file__).parent
CHECKSUMS = HERE / "cpu" / "checksums.json"


def run_program(path):
    """The line that a program's run() prints, and the seconds it took the second time."""
    scope = {"__name__": "__main__"}
    exec(compile(path.read_text("utf-8"), str(path), "exec"), scope)
    lines = []
    for _ in range(2):
        captured = io.StringIO()
        start = time.perf_counter()
        with contextlib.redirect_stdout(captured):
            scope["run"]()
        seconds = time.perf_counter() - start
        lines.append(captured.getvalue().strip())
    if lines[0] != lines[1]:
        raise SystemExit(f"{path.name} is not deterministic: {lines}")
    return lines[0], seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--update", action="store_true", help="write checksums.json instead of comparing with it")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    known = json.loads(CHECKSUMS.read_text()) if CHECKSUMS.exists() else {}
    wrong = 0
    for path in sorted(CHECKSUMS.parent.glob("*.py")):
        if options.names and path.stem not in options.names:
            continue
        line, seconds = run_program(path)
        if options.update:
            known[path.stem] = line
        ok = known.get(path.stem) == line
        wrong += not ok
        print(f"{path.stem:16} {seconds:7.3f} s {'ok' if ok else 'WRONG: ' + line}")
    if options.update:
        CHECKSUMS.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", "utf-8")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
