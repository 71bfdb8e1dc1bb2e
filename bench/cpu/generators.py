"""generators: generator pipelines, yield from, send, and coroutines driven by a tiny loop."""

import types
from collections import deque
from itertools import chain, islice


class Tree:
    __slots__ = ("left", "key", "right")

    def __init__(self, left, key, right):
        self.left, self.key, self.right = left, key, right

    def __iter__(self):
        if self.left:
            yield from self.left
        yield self.key
        if self.right:
            yield from self.right


def build(keys):
    if not keys:
        return None
    middle = len(keys) // 2
    return Tree(build(keys[:middle]), keys[middle], build(keys[middle + 1 :]))


def numbers(n):
    yield from range(n)


def running_mean():
    total = count = 0
    mean = None
    while True:
        value = yield mean
        total += value
        count += 1
        mean = total // count


@types.coroutine
def pause():
    yield


async def worker(name, jobs, done):
    while jobs:
        job = jobs.popleft()
        await pause()
        done.append((name, await double(job)))


async def double(n):
    if n % 3 == 0:
        await pause()
    return n * 2


def drive(coroutines):
    """Round-robin until all have ended; the number of steps."""
    ready, steps = deque(coroutines), 0
    while ready:
        task = ready.popleft()
        steps += 1
        try:
            task.send(None)
        except StopIteration:
            continue
        ready.append(task)
    return steps


def run():
    tree = build(list(range(15000)))
    walked = sum(key * (i & 1) for _ in range(2) for i, key in enumerate(tree))
    squares = (n * n for n in numbers(150000))
    odd = (n for n in squares if n & 1)
    tail = sum(islice(odd, 500, None, 3))
    mean = running_mean()
    next(mean)
    for n in range(100000):
        last = mean.send(n)
    done = []
    jobs = deque(range(30000))
    steps = drive([worker(i, jobs, done) for i in range(20)])
    flat = sum(chain.from_iterable([i, i + 1] for i in range(60000)))
    print(f"generators {walked} {tail} {last} {steps} {sum(v for _, v in done)} {flat}")
