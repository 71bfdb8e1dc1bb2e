"""spectral_norm: function calls and generator sums over floats."""

import math


def element(i, j):
    return 1.0 / ((i + j) * (i + j + 1) // 2 + i + 1)


def times(vector):
    """A * vector, where A is the infinite matrix cut to the vector's size."""
    span = range(len(vector))
    return [sum(element(i, j) * vector[j] for j in span) for i in span]


def times_transposed(vector):
    span = range(len(vector))
    return [sum(element(j, i) * vector[j] for j in span) for i in span]


def run():
    u = [1.0] * 100
    for _ in range(10):
        v = times_transposed(times(u))
        u = times_transposed(times(v))
    numerator = sum(a * b for a, b in zip(u, v))
    denominator = sum(b * b for b in v)
    print(f"spectral_norm {math.sqrt(numerator / denominator):.9f}")
