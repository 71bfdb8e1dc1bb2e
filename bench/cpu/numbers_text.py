"""numbers_text: decimal arithmetic, fractions, big integers, float and int parsing and formatting."""

from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction


def pi_decimal(digits):
    with localcontext() as context:
        context.prec = digits + 5
        last, t, s, n, na, d, da = Decimal(0), Decimal(3), Decimal(3), 1, 0, 0, 24
        while s != last:
            last = s
            n, na = n + na, na + 8
            d, da = d + da, da + 32
            t = (t * n) / d
            s += t
        context.prec = digits
        return +s


def pi_digits(count):
    """Digits of pi by a spigot over big integers."""
    q, r, t, k, n, l, out = 1, 0, 1, 1, 3, 3, []
    while len(out) < count:
        if 4 * q + r - t < n * t:
            out.append(str(n))
            q, r, n = 10 * q, 10 * (r - n * t), 10 * (3 * q + r) // t - 10 * n
        else:
            q, r, t, k, n, l = q * k, (2 * q + r) * l, t * l, k + 1, (q * (7 * k + 2) + r * l) // (t * l), l + 2
    return "".join(out)


def invoice(lines):
    total, cent = Decimal(0), Decimal("0.01")
    for i in range(lines):
        price = Decimal(i * 37 % 10000) / 100
        total += (price * Decimal("1.077")).quantize(cent, ROUND_HALF_EVEN)
    return total


def run():
    digits, spigot = pi_decimal(400), pi_digits(450)
    total = invoice(12000)
    harmonic = sum((Fraction(1, n) for n in range(1, 160)), Fraction(0))
    floats = [((i * 7919) % 100003) / 977 for i in range(20000)]
    text = [repr(x) for x in floats] + [f"{x:.3f}" for x in floats] + [f"{x:>14,.2e}" for x in floats[:4000]]
    same = sum(float(repr(x)) == x for x in floats)
    ints = sum(int(str(i * i)) & 0xFF for i in range(20000)) + sum(int(f"{i:x}", 16) for i in range(5000))
    big = sum(map(int, str(3**6000)))
    print(f"numbers_text {str(digits)[-8:]} {spigot[-8:]} {total} {harmonic.numerator % 1000003} {sum(map(len, text))} {same} {ints} {big}")
