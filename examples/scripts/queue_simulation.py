"""A bank with several counters: a seeded discrete event simulation with a heap."""

import heapq
import itertools
import random
from dataclasses import dataclass, field
from statistics import mean, quantiles


@dataclass(order=True)
class Event:
    time: float
    order: int
    kind: str = field(compare=False)
    customer: int = field(compare=False)


@dataclass
class Bank:
    counters: int
    arrival_mean: float
    service_mean: float
    rng: random.Random
    patience: float = float("inf")
    now: float = 0.0
    busy: int = 0
    events: list = field(default_factory=list)
    line: list = field(default_factory=list)
    arrived: dict = field(default_factory=dict)
    waits: list = field(default_factory=list)
    left: int = 0
    longest: int = 0

    def __post_init__(self):
        self._order = itertools.count()
        self._customers = itertools.count(1)

    def schedule(self, delay, kind, customer):
        heapq.heappush(self.events, Event(self.now + delay, next(self._order), kind, customer))

    def arrive(self, customer):
        self.arrived[customer] = self.now
        self.line.append(customer)
        self.longest = max(self.longest, len(self.line))
        if self.patience != float("inf"):
            self.schedule(self.patience, "give_up", customer)
        following = next(self._customers)
        self.schedule(self.rng.expovariate(1 / self.arrival_mean), "arrive", following)

    def give_up(self, customer):
        if customer in self.line:
            self.line.remove(customer)
            self.left += 1

    def finish(self, customer):
        self.busy -= 1

    def serve(self):
        while self.line and self.busy < self.counters:
            customer = self.line.pop(0)
            self.busy += 1
            self.waits.append(self.now - self.arrived[customer])
            self.schedule(self.rng.gammavariate(2, self.service_mean / 2), "finish", customer)

    def run(self, until):
        self.schedule(0, "arrive", next(self._customers))
        while self.events and self.events[0].time <= until:
            event = heapq.heappop(self.events)
            self.now = event.time
            getattr(self, event.kind)(event.customer)
            self.serve()
        return self


def report(bank):
    p50, p95 = (quantiles(bank.waits, n=100)[i - 1] for i in (50, 95))
    print(
        f"{bank.counters:>8}{len(bank.waits):>8}{bank.left:>6}{mean(bank.waits):>9.3f}"
        f"{p50:>9.3f}{p95:>9.3f}{bank.longest:>8}"
    )


print(f"{'counters':>8}{'served':>8}{'left':>6}{'mean':>9}{'median':>9}{'95 %':>9}{'longest':>8}")
for counters in (2, 3, 4):
    report(Bank(counters, arrival_mean=1.0, service_mean=1.9, rng=random.Random(2025)).run(600))
report(Bank(2, arrival_mean=1.0, service_mean=2.4, rng=random.Random(7), patience=5.0).run(600))

rng = random.Random("walk")
position, visits = 0, {}
for _ in range(2000):
    position += rng.choice((-1, 1))
    visits[position] = visits.get(position, 0) + 1
print("walk ends at", position, "range", min(visits), max(visits))
state = rng.getstate()
first = [rng.randint(1, 6) for _ in range(10)]
rng.setstate(state)
print(first, first == [rng.randint(1, 6) for _ in range(10)])
print(rng.sample(range(100), 5), rng.choices("abc", weights=[5, 3, 1], k=8), round(rng.gauss(10, 2), 6))
deck = [f"{rank}{suit}" for suit in "SHDC" for rank in "23456789TJQKA"]
rng.shuffle(deck)
print(deck[:5], len(set(deck)))
inside = sum(rng.random() ** 2 + rng.random() ** 2 < 1 for _ in range(20000))
print(f"pi is about {4 * inside / 20000:.4f}")
