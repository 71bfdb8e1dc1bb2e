"""Caches and resources: an LRU with expiry, functools caches, weak references, context managers, descriptors."""

import functools
import gc
import weakref
from collections import OrderedDict
from contextlib import ExitStack, closing, contextmanager, suppress


class Clock:
    """A clock that tests can move."""

    def __init__(self):
        self.now = 0

    def __call__(self):
        return self.now


class LRU:
    """At most `size` entries; each lives `ttl` units of the clock."""

    def __init__(self, size, ttl=None, clock=None, on_evict=None):
        self.size, self.ttl, self.clock, self.on_evict = size, ttl, clock, on_evict
        self.entries = OrderedDict()
        self.hits = self.misses = 0

    def __getitem__(self, key):
        try:
            value, stored = self.entries[key]
        except KeyError:
            self.misses += 1
            raise
        if self.ttl is not None and self.clock() - stored >= self.ttl:
            self._drop(key, "expired")
            self.misses += 1
            raise KeyError(key)
        self.entries.move_to_end(key)
        self.hits += 1
        return value

    def __setitem__(self, key, value):
        self.entries[key] = value, self.clock() if self.clock else None
        self.entries.move_to_end(key)
        while len(self.entries) > self.size:
            self._drop(next(iter(self.entries)), "full")

    def _drop(self, key, why):
        value, _ = self.entries.pop(key)
        if self.on_evict:
            self.on_evict(key, value, why)

    def __contains__(self, key):
        with suppress(KeyError):
            self[key]
            return True
        return False

    def __len__(self):
        return len(self.entries)

    def memoize(self, function):
        @functools.wraps(function)
        def wrapper(*args):
            try:
                return self[args]
            except KeyError:
                self[args] = value = function(*args)
                return value

        return wrapper


class Positive:
    """A descriptor that checks what it stores."""

    def __set_name__(self, owner, name):
        self.name = name

    def __get__(self, instance, owner=None):
        return self if instance is None else instance.__dict__[self.name]

    def __set__(self, instance, value):
        if value <= 0:
            raise ValueError(f"{self.name} must be positive, not {value}")
        instance.__dict__[self.name] = value


class Box:
    width, height = Positive(), Positive()

    def __init__(self, width, height):
        self.width, self.height = width, height

    @functools.cached_property
    def area(self):
        print("computing area")
        return self.width * self.height


@contextmanager
def opened(name, log):
    log.append(f"+{name}")
    try:
        yield name
    finally:
        log.append(f"-{name}")


clock, evicted = Clock(), []
cache = LRU(3, ttl=10, clock=clock, on_evict=lambda *what: evicted.append(what))
for n, key in enumerate("abc"):
    clock.now = n
    cache[key] = n
print("a" in cache, list(cache.entries))
cache["d"] = 3
clock.now = 11
print("c" in cache, "a" in cache, "d" in cache, len(cache))
print(evicted, cache.hits, cache.misses)

calls = []


@LRU(100).memoize
def partitions(n, largest):
    """Ways to write n as a sum of parts no larger than `largest`."""
    calls.append(n)
    if n == 0:
        return 1
    return sum(partitions(n - part, min(part, n - part)) for part in range(1, min(n, largest) + 1))


print(partitions.__name__, partitions(12, 12), len(calls), partitions(12, 12), len(calls))


@functools.lru_cache(maxsize=None)
def ackermann(m, n):
    return n + 1 if m == 0 else ackermann(m - 1, 1) if n == 0 else ackermann(m - 1, ackermann(m, n - 1))


print(ackermann(2, 30), ackermann.cache_info().currsize)

box = Box(3, 4)
print(box.area, box.area, "area" in vars(box))
for attempt in (lambda: Box(0, 1), lambda: setattr(box, "height", -2)):
    try:
        attempt()
    except ValueError as err:
        print(err)
registry = weakref.WeakValueDictionary(big=box)
weakref.finalize(box, print, "box is gone")
print(list(registry))
del box
gc.collect()
print(list(registry))

log = []
with suppress(RuntimeError), ExitStack() as stack:
    for name in ("one", "two"):
        stack.enter_context(opened(name, log))
    stack.callback(log.append, "callback")
    raise RuntimeError("inside")
print(log)


class Resource:
    def close(self):
        print("closed")


with closing(Resource()) as resource:
    print("using", type(resource).__name__)


@functools.singledispatch
def describe(value):
    return f"thing {value}"


@describe.register
def _(value: int):
    return f"int {value:+d}"


@describe.register(list)
@describe.register(tuple)
def _(value):
    return f"{len(value)} items: " + ", ".join(map(describe, value))


print(describe([1, "x", (2, 3.5)]))
power = functools.partial(pow, 2)
print(power(10), functools.reduce(lambda a, f: f(a), [str, len, power], 12345), sorted(["b10", "b9"], key=functools.cmp_to_key(lambda a, b: len(a) - len(b))))
