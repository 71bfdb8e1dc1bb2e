"""fannkuch: small-list permutations, reversals by slice, integer work."""


def fannkuch(n):
    """The checksum and the greatest number of pancake flips over all permutations of n."""
    perm1 = list(range(n))
    count = list(range(1, n + 1))
    checksum = best = 0
    sign = 1
    r = n
    while True:
        first = perm1[0]
        if first:
            perm = perm1[:]
            flips = 0
            while first:
                perm[: first + 1] = perm[first::-1]
                flips += 1
                first = perm[0]
            best = max(best, flips)
            checksum += sign * flips
        if sign == 1:
            perm1[0], perm1[1] = perm1[1], perm1[0]
            sign = -1
            continue
        perm1[1], perm1[2] = perm1[2], perm1[1]
        sign = 1
        for r in range(2, n):
            count[r] -= 1
            if count[r]:
                break
            count[r] = r + 1
            if r == n - 1:
                return checksum, best
            perm1.insert(r + 1, perm1.pop(0))


def run():
    checksum, best = fannkuch(8)
    again, _ = fannkuch(8)
    print(f"fannkuch {checksum} {again} {best}")
