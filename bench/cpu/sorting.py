"""sorting: list.sort with keys, heapq, bisect, and a quicksort and mergesort written out."""

import bisect
import heapq
import operator
import random


def quicksort(items, low, high):
    while low < high:
        pivot, i, j = items[(low + high) // 2], low, high
        while i <= j:
            while items[i] < pivot:
                i += 1
            while items[j] > pivot:
                j -= 1
            if i <= j:
                items[i], items[j] = items[j], items[i]
                i += 1
                j -= 1
        if j - low < high - i:
            quicksort(items, low, j)
            low = i
        else:
            quicksort(items, i, high)
            high = j


def mergesort(items):
    if len(items) < 2:
        return items
    middle = len(items) // 2
    left, right = mergesort(items[:middle]), mergesort(items[middle:])
    out, i, j = [], 0, 0
    while i < len(left) and j < len(right):
        if left[i] <= right[j]:
            out.append(left[i])
            i += 1
        else:
            out.append(right[j])
            j += 1
    return out + left[i:] + right[j:]


def run():
    rng = random.Random(42)
    numbers = [rng.randrange(1_000_000) for _ in range(20000)]
    expected = sorted(numbers)
    mine = numbers[:]
    quicksort(mine, 0, len(mine) - 1)
    heap = numbers[:]
    heapq.heapify(heap)
    popped = [heapq.heappop(heap) for _ in range(len(heap))]
    if not expected == mine == mergesort(numbers) == popped:
        raise AssertionError("order")
    rows = [(f"name{n % 977}", n % 31, n) for n in numbers]
    rows.sort(key=operator.itemgetter(0))
    rows.sort(key=lambda row: (-row[1], row[2]))
    kept = []
    for n in numbers[:6000]:
        bisect.insort(kept, n)
    largest = heapq.nlargest(5, rows, key=lambda row: row[2])
    print(f"sorting {expected[1000]} {rows[0]} {rows[-1]} {kept[3000]} {largest[0][2]}")
