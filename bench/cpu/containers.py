"""containers: dict, list, set, deque, Counter and defaultdict churn."""

from collections import Counter, defaultdict, deque


def sieve(limit):
    flags = [True] * (limit + 1)
    flags[0] = flags[1] = False
    for n in range(2, int(limit**0.5) + 1):
        if flags[n]:
            flags[n * n :: n] = [False] * len(range(n * n, limit + 1, n))
    return {n for n, prime in enumerate(flags) if prime}


def collatz(limit):
    """The start below limit with the longest chain, with a memo."""
    memo = {1: 1}
    for start in range(2, limit):
        n, trail = start, []
        while n not in memo:
            trail.append(n)
            n = n // 2 if n % 2 == 0 else 3 * n + 1
        length = memo[n]
        for seen in reversed(trail):
            length += 1
            memo[seen] = length
    return max(range(1, limit), key=memo.__getitem__)


def run():
    primes = sieve(200000)
    twins = len(primes & {p + 2 for p in primes})
    longest = collatz(40000)
    groups = defaultdict(list)
    for n in range(120000):
        groups[n * 7919 % 1009].append(n)
    common = Counter(len(str(n * n)) for n in range(80000)).most_common(3)
    queue, moved = deque(range(200)), 0
    for step in range(200000):
        item = queue.popleft()
        queue.append(item ^ step)
        moved += item & 1
    merged = {}
    for k, v in groups.items():
        merged |= {k: sum(v[-3:])}
    ordered = sum(i * v for i, (_, v) in enumerate(sorted(merged.items())))
    print(f"containers {len(primes)} {twins} {longest} {common} {moved} {ordered}")
