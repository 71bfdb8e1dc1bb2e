"""Matrices of exact fractions: products, determinants, inverses, solving, powers, a small regression."""

import math
import operator
from fractions import Fraction
from functools import reduce
from itertools import product


class Matrix:
    __slots__ = ("rows",)

    def __init__(self, rows):
        self.rows = tuple(tuple(map(Fraction, row)) for row in rows)
        if len({len(row) for row in self.rows}) != 1:
            raise ValueError("rows differ in length")

    @classmethod
    def identity(cls, n):
        return cls([[int(i == j) for j in range(n)] for i in range(n)])

    @property
    def shape(self):
        return len(self.rows), len(self.rows[0])

    @property
    def T(self):
        return Matrix(zip(*self.rows))

    def __getitem__(self, key):
        i, j = key
        if isinstance(i, slice) or isinstance(j, slice):
            rows = self.rows[i] if isinstance(i, slice) else [self.rows[i]]
            return Matrix([row[j] if isinstance(j, slice) else [row[j]] for row in rows])
        return self.rows[i][j]

    def __eq__(self, other):
        return isinstance(other, Matrix) and self.rows == other.rows

    def __hash__(self):
        return hash(self.rows)

    def __add__(self, other):
        return Matrix([[a + b for a, b in zip(*pair, strict=True)] for pair in zip(self.rows, other.rows, strict=True)])

    def __rmul__(self, factor):
        return Matrix([[factor * a for a in row] for row in self.rows])

    def __matmul__(self, other):
        if self.shape[1] != other.shape[0]:
            raise ValueError(f"cannot multiply {self.shape} by {other.shape}")
        columns = list(zip(*other.rows))
        return Matrix([[sum(map(operator.mul, row, column)) for column in columns] for row in self.rows])

    def __pow__(self, n):
        if n < 0:
            return self.inverse() ** -n
        result, base = Matrix.identity(len(self.rows)), self
        while n:
            if n & 1:
                result = result @ base
            base, n = base @ base, n >> 1
        return result

    def eliminate(self, right):
        """Gauss-Jordan on [self | right]: the determinant and the solved right side (None if singular)."""
        n = len(self.rows)
        work = [list(a) + list(b) for a, b in zip(self.rows, right.rows)]
        det = Fraction(1)
        for k in range(n):
            pivot = next((i for i in range(k, n) if work[i][k]), None)
            if pivot is None:
                return Fraction(0), None
            if pivot != k:
                work[k], work[pivot], det = work[pivot], work[k], -det
            det *= work[k][k]
            work[k] = [a / work[k][k] for a in work[k]]
            for i in range(n):
                if i != k and work[i][k]:
                    factor = work[i][k]
                    work[i] = [a - factor * b for a, b in zip(work[i], work[k])]
        return det, Matrix([row[n:] for row in work])

    def det(self):
        return self.eliminate(Matrix.identity(len(self.rows)))[0]

    def solve(self, right):
        solution = self.eliminate(right)[1]
        if solution is None:
            raise ZeroDivisionError("singular matrix")
        return solution

    def inverse(self):
        return self.solve(Matrix.identity(len(self.rows)))

    def __str__(self):
        cells = [[str(a) for a in row] for row in self.rows]
        widths = [max(map(len, column)) for column in zip(*cells)]
        return "\n".join("[" + "  ".join(c.rjust(w) for c, w in zip(row, widths)) + "]" for row in cells)


def hilbert(n):
    return Matrix([[Fraction(1, i + j + 1) for j in range(n)] for i in range(n)])


def fit(points, degree):
    """Least squares polynomial, lowest power first."""
    x = Matrix([[Fraction(px) ** k for k in range(degree + 1)] for px, _ in points])
    y = Matrix([[py] for _, py in points])
    return [row[0] for row in (x.T @ x).solve(x.T @ y).rows]


a = Matrix([[2, -1, 0], [-1, 2, -1], [0, -1, 2]])
print(a @ a.T + Fraction(1, 2) * Matrix.identity(3))
print("det:", a.det(), "\ninverse:")
print(a.inverse())
print("checks:", a @ a.inverse() == Matrix.identity(3), a**-2 == (a.inverse()) ** 2, len({a, Matrix(a.rows)}))
print("hilbert inverse sum:", sum(sum(row) for row in hilbert(8).inverse().rows), "det 1 /", 1 / hilbert(6).det())
print("fibonacci(300):", (Matrix([[1, 1], [1, 0]]) ** 300)[0, 1])
print("column:", a[:, 1].T, "corner:", a[1:, 1:].det())
for bad in (lambda: Matrix([[1, 2], [2, 4]]).inverse(), lambda: a @ Matrix([[1, 2]]), lambda: Matrix([[1], [2, 3]])):
    try:
        bad()
    except (ZeroDivisionError, ValueError) as err:
        print(f"{type(err).__name__}: {err}")
coefficients = fit([(0, 1), (1, 3), (2, 2), (3, 5), (4, 4)], 2)
print("fit:", " + ".join(f"{c}*x^{k}" for k, c in enumerate(coefficients)))
print("fractions:", Fraction("3.125"), Fraction(0.1), Fraction(math.pi).limit_denominator(1000), round(Fraction(7, 2)), f"{Fraction(22, 7):.4f}")
print("mediants:", reduce(lambda f, g: Fraction(f.numerator + g.numerator, f.denominator + g.denominator), [Fraction(1, n) for n in range(2, 9)]))
egypt, left = [], Fraction(5, 121)
while left:
    egypt.append(-(-left.denominator // left.numerator))
    left -= Fraction(1, egypt[-1])
print("egyptian:", egypt)
print("pythagorean:", [(x, y, math.isqrt(x * x + y * y)) for x, y in product(range(1, 21), repeat=2) if x < y and math.isqrt(x * x + y * y) ** 2 == x * x + y * y])
