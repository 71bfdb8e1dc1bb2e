"""Graph algorithms: shortest paths, topological order, spanning tree, components, flow, A star."""

import heapq
from collections import defaultdict, deque
from graphlib import CycleError, TopologicalSorter
from math import inf

ROADS = [
    ("Bern", "Basel", 95), ("Bern", "Thun", 31), ("Bern", "Geneva", 158), ("Basel", "Zurich", 87), ("Bern", "Zurich", 125),
    ("Zurich", "Chur", 119), ("Thun", "Brig", 91), ("Brig", "Geneva", 210), ("Chur", "Lugano", 143), ("Zurich", "Lugano", 206),
]


def undirected(edges):
    graph = defaultdict(dict)
    for a, b, weight in edges:
        graph[a][b] = graph[b][a] = weight
    return graph


def dijkstra(graph, start):
    distance, came_from, heap = {start: 0}, {}, [(0, start)]
    while heap:
        far, node = heapq.heappop(heap)
        if far > distance[node]:
            continue
        for neighbour, weight in graph[node].items():
            if far + weight < distance.get(neighbour, inf):
                distance[neighbour] = far + weight
                came_from[neighbour] = node
                heapq.heappush(heap, (far + weight, neighbour))
    return distance, came_from


def path(came_from, goal):
    steps = [goal]
    while steps[-1] in came_from:
        steps.append(came_from[steps[-1]])
    return steps[::-1]


def kruskal(edges):
    """A minimum spanning tree by union-find with path halving."""
    parent = {}

    def find(node):
        parent.setdefault(node, node)
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for a, b, weight in sorted(edges, key=lambda e: e[2]):
        if (x := find(a)) != (y := find(b)):
            parent[x] = y
            yield a, b, weight


def strong_components(graph):
    """Tarjan's algorithm, without recursion."""
    index, low, stack, on_stack, out = {}, {}, [], set(), []
    for root in graph:
        if root in index:
            continue
        work = [(root, iter(graph[root]))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        while work:
            node, rest = work[-1]
            for child in rest:
                if child not in index:
                    index[child] = low[child] = len(index)
                    stack.append(child)
                    on_stack.add(child)
                    work.append((child, iter(graph.get(child, ()))))
                    break
                if child in on_stack:
                    low[node] = min(low[node], index[child])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    at = stack.index(node)
                    out.append(sorted(stack[at:]))
                    on_stack.difference_update(stack[at:])
                    del stack[at:]
    return out


def max_flow(capacity, source, sink):
    """Edmonds-Karp: augment along shortest paths."""
    residual = {a: dict(b) for a, b in capacity.items()}
    total = 0
    while True:
        parent, queue = {source: None}, deque([source])
        while queue and sink not in parent:
            node = queue.popleft()
            for neighbour, room in residual.get(node, {}).items():
                if room > 0 and neighbour not in parent:
                    parent[neighbour] = node
                    queue.append(neighbour)
        if sink not in parent:
            return total
        steps, node = [], sink
        while parent[node] is not None:
            steps.append((parent[node], node))
            node = parent[node]
        flow = min(residual[a][b] for a, b in steps)
        for a, b in steps:
            residual[a][b] -= flow
            residual.setdefault(b, {})[a] = residual.get(b, {}).get(a, 0) + flow
        total += flow


def maze(rows):
    """The shortest way from S to E by A star, drawn into the maze."""
    cells = {(x, y): c for y, row in enumerate(rows) for x, c in enumerate(row)}
    start, end = (next(p for p, c in cells.items() if c == mark) for mark in "SE")
    heap, cost, came_from = [(0, start)], {start: 0}, {}
    while heap:
        _, (x, y) = heapq.heappop(heap)
        if (x, y) == end:
            break
        for step in ((x + 1, y), (x - 1, y), (x, y + 1), (x, y - 1)):
            if cells.get(step, "#") != "#" and cost[x, y] + 1 < cost.get(step, inf):
                cost[step] = cost[x, y] + 1
                came_from[step] = (x, y)
                heapq.heappush(heap, (cost[step] + abs(step[0] - end[0]) + abs(step[1] - end[1]), step))
    for point in path(came_from, end)[1:-1]:
        cells[point] = "*"
    return cost[end], ["".join(cells[x, y] for x in range(len(rows[0]))) for y in range(len(rows))]


roads = undirected(ROADS)
distance, came_from = dijkstra(roads, "Geneva")
for city in sorted(distance, key=distance.get):
    print(f"{distance[city]:>4} km  {' - '.join(path(came_from, city))}")
tree = list(kruskal(ROADS))
print("spanning tree:", sum(w for *_, w in tree), "km,", len(tree), "roads")
tasks = {"deploy": {"test", "package"}, "test": {"build"}, "package": {"build"}, "build": {"fetch"}, "docs": set()}
sorter = TopologicalSorter(tasks)
sorter.prepare()
wave = 1
while sorter.is_active():
    ready = sorted(sorter.get_ready())
    print(f"wave {wave}: {ready}")
    sorter.done(*ready)
    wave += 1
try:
    list(TopologicalSorter({"a": {"b"}, "b": {"c"}, "c": {"a"}}).static_order())
except CycleError as err:
    print("cycle of", len(err.args[1]) - 1)
print(strong_components({1: [2], 2: [3], 3: [1, 4], 4: [5], 5: [6], 6: [4], 7: [6]}))
pipes = {"s": {"a": 16, "c": 13}, "a": {"b": 12}, "b": {"c": 9, "t": 20}, "c": {"a": 4, "d": 14}, "d": {"b": 7, "t": 4}}
print("flow:", max_flow(pipes, "s", "t"))
steps, drawn = maze(["S#......", ".#.####.", "...#....", ".###.##.", ".....#.E"])
print(steps, *drawn, sep="\n")
