"""nqueens: generators, recursion, sets and itertools.permutations."""

from itertools import permutations


def by_permutations(n):
    """Boards found the plain way: every permutation with distinct diagonals."""
    columns = range(n)
    for board in permutations(columns):
        if n == len({board[i] + i for i in columns}) == len({board[i] - i for i in columns}):
            yield board


def by_backtracking(n, row=0, used=0, left=0, right=0):
    """The number of boards, by bit masks."""
    if row == n:
        return 1
    total = 0
    free = ((1 << n) - 1) & ~(used | left | right)
    while free:
        bit = free & -free
        free ^= bit
        total += by_backtracking(n, row + 1, used | bit, (left | bit) << 1, (right | bit) >> 1)
    return total


def run():
    boards = list(by_permutations(8))
    print(f"nqueens {len(boards)} {sum(b[0] * b[-1] for b in boards)} {by_backtracking(10)}")
