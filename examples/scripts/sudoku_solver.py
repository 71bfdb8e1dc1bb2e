"""Solve Sudoku by constraint propagation and search; check and count solutions; n queens and a zebra puzzle."""

from itertools import permutations

ROWS, COLUMNS = "ABCDEFGHI", "123456789"
SQUARES = [r + c for r in ROWS for c in COLUMNS]
UNITS = (
    [[r + c for c in COLUMNS] for r in ROWS]
    + [[r + c for r in ROWS] for c in COLUMNS]
    + [[r + c for r in rs for c in cs] for rs in ("ABC", "DEF", "GHI") for cs in ("123", "456", "789")]
)
PEERS = {s: set().union(*(u for u in UNITS if s in u)) - {s} for s in SQUARES}
UNITS_OF = {s: [u for u in UNITS if s in u] for s in SQUARES}


def parse(grid):
    """Candidates by square, or None if the clues contradict."""
    values = {s: COLUMNS for s in SQUARES}
    for square, digit in zip(SQUARES, (c for c in grid if c in "0123456789.")):
        if digit in COLUMNS and not assign(values, square, digit):
            return None
    return values


def assign(values, square, digit):
    others = values[square].replace(digit, "")
    return all(eliminate(values, square, other) for other in others)


def eliminate(values, square, digit):
    if digit not in values[square]:
        return True
    values[square] = values[square].replace(digit, "")
    left = values[square]
    if not left:
        return False
    if len(left) == 1 and not all(eliminate(values, peer, left) for peer in PEERS[square]):
        return False
    for unit in UNITS_OF[square]:
        places = [s for s in unit if digit in values[s]]
        if not places or (len(places) == 1 and not assign(values, places[0], digit)):
            return False
    return True


def solutions(values):
    """All solutions, lazily."""
    if values is None:
        return
    open_squares = [s for s in SQUARES if len(values[s]) > 1]
    if not open_squares:
        yield "".join(values[s] for s in SQUARES)
        return
    square = min(open_squares, key=lambda s: (len(values[s]), s))
    for digit in values[square]:
        copy = values.copy()
        if assign(copy, square, digit):
            yield from solutions(copy)


def show(solution):
    for i in range(9):
        row = solution[i * 9 : i * 9 + 9]
        print(" ".join(row[:3]), "|", " ".join(row[3:6]), "|", " ".join(row[6:]))
        if i in (2, 5):
            print("------+-------+------")


def zebra():
    """Who owns the zebra? Houses 1 to 5, each clue as a test as early as it can be made."""
    houses = range(1, 6)
    orderings = list(permutations(houses))
    for red, green, ivory, yellow, blue in orderings:
        if green != ivory + 1:
            continue
        for english, spanish, ukrainian, japanese, norwegian in orderings:
            if english != red or norwegian != 1 or abs(norwegian - blue) != 1:
                continue
            for coffee, tea, milk, juice, water in orderings:
                if coffee != green or ukrainian != tea or milk != 3:
                    continue
                for gold, kools, chester, lucky, parliament in orderings:
                    if kools != yellow or lucky != juice or japanese != parliament:
                        continue
                    for dog, snails, fox, horse, owner in orderings:
                        if spanish == dog and gold == snails and abs(chester - fox) == 1 and abs(kools - horse) == 1:
                            people = {english: "English", spanish: "Spanish", ukrainian: "Ukrainian",
                                      japanese: "Japanese", norwegian: "Norwegian"}
                            return people[owner], people[water]


EASY = "003020600900305001001806400008102900700000008006708200002609500800203009005010300"
HARD = "4.....8.5.3..........7......2.....6.....8.4......1.......6.3.7.5..2.....1.4......"
LOOSE = EASY.replace("9", "0", 5)

show(next(solutions(parse(EASY))))
print()
hard = list(solutions(parse(HARD)))
show(hard[0])
print("solutions of the hard one:", len(hard))
print("solutions with clues removed:", sum(1 for _ in solutions(parse(LOOSE))))
print("contradiction:", list(solutions(parse("55" + EASY[2:]))))
zebra_owner, water_drinker = zebra()
print(f"zebra: {zebra_owner}, water: {water_drinker}")
