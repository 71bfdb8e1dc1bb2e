"""Untrusted functions on a Dask cluster, and a session that moves from one worker to another.

Needs ``pip install distributed``. The cluster is two processes of this machine; a scheduler's address instead of it is a real one.
"""

import functools
from typing import Any

import eryx
from dask.distributed import Client, LocalCluster, get_worker

# What somebody has sent us. None of it runs outside of a sandbox.
UNTRUSTED = eryx.GuestFunction(
    """
def digits(n):
    import math
    return sum(map(int, str(math.factorial(n))))
""",
    "digits",
)
HOSTILE = eryx.GuestFunction("def loop(n):\n    while n == 3: pass\n    return n", "loop")


@functools.cache
def executor() -> eryx.Executor:
    """One for each worker process, with sandboxes that wait ready-made."""
    return eryx.Executor(max_workers=1, resource_limits=eryx.ResourceLimits(execution_timeout_ms=1000))


def in_sandbox(function: eryx.GuestFunction, *args: Any) -> Any:
    """A task of the cluster. Failures come back as values, so that one bad input does not stop the others."""
    try:
        return executor().submit(function, *args).result()
    except eryx.EryxError as error:
        return f"{error.code}: {error.message.partition(';')[0]}"


def begin() -> tuple[str, bytes]:
    """A session's first steps: this worker's address, and the session's memory."""
    with eryx.Session() as session:
        session.execute(
            """
import sqlite3
db = sqlite3.connect(":memory:")
db.execute("create table seen (n integer)")
def primes():
    n = 1
    while n := n + 1:
        if all(n % k for k in range(2, int(n ** 0.5) + 1)):
            db.execute("insert into seen values (?)", (n,))
            yield n
found = primes()
print([next(found) for _ in range(5)])
"""
        )
        return get_worker().address, session.snapshot()


def go_on(begun: tuple[str, bytes]) -> tuple[bool, str]:
    """The next steps of a session, wherever it was: whether it has moved, and what it printed."""
    address, image = begun
    with eryx.Session(image=image) as session:
        result = session.execute(
            "print([next(found) for _ in range(5)], *db.execute('select count(*), max(n) from seen').fetchone())"
        )
        return get_worker().address != address, result.stdout_text.strip()


def main() -> None:
    """Maps over the cluster, then moves a session across it."""
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster, Client(cluster) as client:
        print(client.gather(client.map(functools.partial(in_sandbox, UNTRUSTED), [10, 100, 1000])))
        print(client.gather(client.map(functools.partial(in_sandbox, HOSTILE), [1, 2, 3])))
        here, there = client.scheduler_info()["workers"]
        begun = client.submit(begin, workers=[here], pure=False)
        moved, printed = client.submit(go_on, begun, workers=[there], pure=False).result()
        print(printed, "on another worker" if moved else "on the same worker")


if __name__ == "__main__":
    main()
