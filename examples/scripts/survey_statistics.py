"""Statistics of a survey: summaries, histogram, correlation, regression, bootstrap, a significance test."""

import math
import random
import statistics as st
from collections import Counter
from fractions import Fraction
from itertools import accumulate, combinations

HEIGHTS = [172, 181, 165, 178, 169, 190, 158, 175, 183, 177, 162, 170, 168, 186, 174, 171, 179, 166, 160, 188]
WEIGHTS = [68, 82, 59, 75, 63, 95, 52, 74, 84, 73, 58, 66, 61, 90, 70, 69, 78, 60, 54, 91]
ANSWERS = "yes no yes maybe yes no no yes maybe yes no yes yes no maybe yes no yes yes no".split()


def histogram(data, width):
    start = min(data) // width * width
    bins = Counter((value - start) // width for value in data)
    for i in range(max(bins) + 1):
        low = start + i * width
        print(f"{low:>4}-{low + width - 1:<4} {'#' * bins[i]}")


def bootstrap(data, measure, rounds, rng):
    """An interval that holds the measure with 95 % confidence."""
    values = sorted(measure(rng.choices(data, k=len(data))) for _ in range(rounds))
    return values[int(0.025 * rounds)], values[int(0.975 * rounds)]


def permutation_test(a, b):
    """The exact share of splits at least as extreme as the one seen."""
    both, seen = a + b, abs(st.fmean(a) - st.fmean(b))
    total, extreme, whole = 0, 0, sum(both)
    for chosen in combinations(both, len(a)):
        s = sum(chosen)
        total += 1
        extreme += abs(s / len(a) - (whole - s) / len(b)) >= seen - 1e-12
    return Fraction(extreme, total)


def ranks(data):
    ordered = sorted(data)
    return [ordered.index(x) + (ordered.count(x) + 1) / 2 for x in data]


for name, data in (("height", HEIGHTS), ("weight", WEIGHTS)):
    q1, q2, q3 = st.quantiles(data, n=4)
    print(f"{name}: mean {st.mean(data)} median {st.median(data)} stdev {st.stdev(data):.4f} quartiles {q1} {q2} {q3}")
histogram(HEIGHTS, 5)
print("modes:", st.multimode(ANSWERS), st.mode(HEIGHTS), dict(Counter(ANSWERS)))
print(f"harmonic {st.harmonic_mean([40, 60]):.6g} geometric {st.geometric_mean([54, 24, 36]):.6g} weighted {st.fmean([90, 70], weights=[3, 1])}")
print(f"correlation {st.correlation(HEIGHTS, WEIGHTS):.6f} spearman {st.correlation(HEIGHTS, WEIGHTS, method='ranked'):.6f}")
print(f"by hand {st.correlation(ranks(HEIGHTS), ranks(WEIGHTS)):.6f} covariance {st.covariance(HEIGHTS, WEIGHTS):.4f}")
slope, intercept = st.linear_regression(HEIGHTS, WEIGHTS)
residuals = [w - (slope * h + intercept) for h, w in zip(HEIGHTS, WEIGHTS)]
print(f"weight = {slope:.4f} * height {intercept:+.4f}, residual sum {abs(sum(residuals)) < 1e-9}")
print("exact:", st.mean([Fraction(1, 3), Fraction(1, 6)]), st.variance([Fraction(n) for n in (1, 2, 4)]), st.pvariance([1, 3]))

normal = st.NormalDist.from_samples(HEIGHTS)
print(f"normal: {normal.mean:.2f} {normal.stdev:.4f} p(>180) {1 - normal.cdf(180):.6f} 90 % below {normal.inv_cdf(0.9):.4f}")
other = st.NormalDist(165, 7)
print(f"overlap {normal.overlap(other):.6f} z {normal.zscore(190):.4f} sum {(normal + other).stdev:.4f}")
rng = random.Random(11)
low, high = bootstrap(WEIGHTS, st.fmean, 400, rng)
print(f"mean weight between {low:.2f} and {high:.2f}")
yes = [h for h, a in zip(HEIGHTS, ANSWERS) if a == "yes"]
no = [h for h, a in zip(HEIGHTS, ANSWERS) if a == "no"]
print(f"yes {st.fmean(yes):.3f} no {st.fmean(no):.3f} p = {float(permutation_test(yes, no)):.6f}")
print("running:", [round(total / n, 2) for n, total in enumerate(accumulate(HEIGHTS[:6]), 1)], list(accumulate([3, 1, 4, 1, 5], max)))
scores = [rng.gauss(50, 10) for _ in range(300)]
print("simulated:", round(st.fmean(scores), 6), [round(c, 3) for c in st.quantiles(scores, n=5)])
print("sums:", sum([0.1] * 10), math.fsum([0.1] * 10), math.sumprod([1.5, 2.5], [2, 4]), math.comb(20, 8), math.perm(5, 2))
for bad in (lambda: st.mean([]), lambda: st.stdev([1]), lambda: st.correlation([1, 1], [2, 3])):
    try:
        bad()
    except st.StatisticsError as err:
        print(f"{type(err).__name__}: {err}")
