"""Classic puzzles: life, hanoi, knapsack, edit distance, primes, cryptarithm, game search, change, roman numbers."""

from collections import Counter, deque
from functools import cache
from itertools import count, islice, permutations, product, takewhile


def life(cells, rounds):
    for _ in range(rounds):
        near = Counter((x + dx, y + dy) for x, y in cells for dx, dy in product((-1, 0, 1), repeat=2) if dx or dy)
        cells = {cell for cell, n in near.items() if n == 3 or (n == 2 and cell in cells)}
    return cells


def hanoi(n, source="A", target="C", spare="B"):
    if n:
        yield from hanoi(n - 1, source, spare, target)
        yield source + target
        yield from hanoi(n - 1, spare, target, source)


def knapsack(items, capacity):
    """The best value and the names that make it."""
    best = [(0, ())] * (capacity + 1)
    for name, weight, value in items:
        for room in range(capacity, weight - 1, -1):
            worth, names = best[room - weight]
            best[room] = max(best[room], (worth + value, (*names, name)))
    return best[capacity]


def edits(a, b):
    """Levenshtein distance and one shortest script."""
    table = [[i + j if i * j == 0 else 0 for j in range(len(b) + 1)] for i in range(len(a) + 1)]
    for i, x in enumerate(a, 1):
        for j, y in enumerate(b, 1):
            table[i][j] = min(table[i - 1][j] + 1, table[i][j - 1] + 1, table[i - 1][j - 1] + (x != y))
    i, j, script = len(a), len(b), []
    while i or j:
        if i and j and table[i][j] == table[i - 1][j - 1] + (a[i - 1] != b[j - 1]):
            i, j = i - 1, j - 1
            if a[i] != b[j]:
                script.append(f"{a[i]}>{b[j]}")
        elif i and table[i][j] == table[i - 1][j] + 1:
            i -= 1
            script.append(f"-{a[i]}")
        else:
            j -= 1
            script.append(f"+{b[j]}")
    return table[-1][-1], script[::-1]


def primes():
    composites = {}
    for n in count(2):
        if n not in composites:
            yield n
            composites[n * n] = [n]
        else:
            for prime in composites.pop(n):
                composites.setdefault(n + prime, []).append(prime)


def factors(n):
    out = []
    for p in takewhile(lambda p: p * p <= n, primes()):
        while n % p == 0:
            out.append(p)
            n //= p
    return out + [n] * (n > 1)


def cryptarithm(left, right, total):
    """Digits for letters so that the sum holds."""
    letters = "".join(dict.fromkeys(left + right + total))
    weights = [sum(s * 10**i for word, s in ((left, 1), (right, 1), (total, -1)) for i, c in enumerate(reversed(word)) if c == letter) for letter in letters]
    first = {letters.index(word[0]) for word in (left, right, total)}
    for digits in permutations(range(10), len(letters)):
        if sum(map(int.__mul__, digits, weights)) == 0 and all(digits[i] for i in first):
            return dict(zip(letters, digits))


@cache
def wins(board, player):
    """Value for the player to move of tic-tac-toe: 1 wins, 0 draws, -1 loses."""
    other = "XO"[player == "X"]
    lines = [board[i : i + 3] for i in (0, 3, 6)] + [board[i::3] for i in range(3)] + [board[::4], board[2:7:2]]
    if other * 3 in lines:
        return -1
    moves = [i for i, c in enumerate(board) if c == " "]
    return max((-wins(board[:i] + player + board[i + 1 :], other) for i in moves), default=0)


def jugs(sizes, goal):
    """The shortest list of states that measures the goal."""
    start = (0,) * len(sizes)
    seen, queue = {start: None}, deque([start])
    while queue:
        state = queue.popleft()
        if goal in state:
            steps = []
            while state is not None:
                steps.append(state)
                state = seen[state]
            return steps[::-1]
        for i, j in product(range(len(sizes)), repeat=2):
            new = list(state)
            poured = sizes[i] - state[i] if i == j else min(state[i], sizes[j] - state[j])
            for options in ((i, j, poured), (i, None, state[i])):
                new = list(state)
                if options[0] == options[1]:
                    new[i] = sizes[i]
                else:
                    new[i] -= options[2]
                    if options[1] is not None:
                        new[options[1]] += options[2]
                if (key := tuple(new)) not in seen:
                    seen[key] = state
                    queue.append(key)


def roman(n):
    out = ""
    for value, sign in zip((1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1), "M CM D CD C XC L XL X IX V IV I".split()):
        times, n = divmod(n, value)
        out += sign * times
    return out


def change(amount, coins):
    ways = [1] + [0] * amount
    for coin in coins:
        for total in range(coin, amount + 1):
            ways[total] += ways[total - coin]
    return ways[amount]


glider = {(1, 0), (2, 1), (0, 2), (1, 2), (2, 2)}
print("glider moved:", life(glider, 20) == {(x + 5, y + 5) for x, y in glider}, "acorn:", len(life({(0, 2), (1, 0), (1, 2), (3, 1), (4, 2), (5, 2), (6, 2)}, 60)))
print("hanoi:", " ".join(hanoi(3)), sum(1 for _ in hanoi(10)))
print("knapsack:", knapsack([("map", 9, 150), ("water", 50, 160), ("tent", 40, 300), ("jam", 15, 60), ("cheese", 23, 30), ("book", 10, 35)], 80))
print("edits:", *edits("intention", "execution"))
print("primes:", list(islice(primes(), 12)), next(islice(primes(), 999, None)), factors(600851475143), factors(97))
print("cryptarithm:", cryptarithm("TO", "GO", "OUT"))
print("tic-tac-toe:", wins(" " * 9, "X"), wins("XX OO    ", "X"), wins.cache_info().currsize)
print("jugs:", jugs((3, 5), 4))
print("roman:", [roman(n) for n in (4, 9, 14, 44, 1994, 2025)], "change:", change(200, (1, 2, 5, 10, 20, 50, 100, 200)))
magic = [p for p in permutations(range(1, 10)) if p[0] + p[1] + p[2] == p[3] + p[4] + p[5] == p[0] + p[3] + p[6] == p[1] + p[4] + p[7] == p[2] + p[4] + p[6] == p[0] + p[4] + p[8] == 15]
print("magic squares:", len(magic), magic[0])
