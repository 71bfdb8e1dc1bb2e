"""pickle_graph: pickle of nested containers, shared references, cycles and library objects."""

import pickle
from collections import OrderedDict, deque
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction


def graph(count):
    """Nodes as dicts that point back to earlier ones and at their list: shared and cyclic."""
    nodes = []
    for i in range(count):
        nodes.append({
            "name": f"n{i}",
            "payload": (i, i * 0.5, None, True, bytes([i % 256]) * 8),
            "when": date(2025, 1, 1) + timedelta(days=i),
            "price": Decimal(i) / 4,
            "ratio": Fraction(i, 7),
            "ordered": OrderedDict(a=i, b=deque([i])),
            "links": [nodes[j] for j in (i // 2, i // 3) if j < i],
            "all": nodes,
        })
    return nodes


def run():
    data = {
        "ints": list(range(-20000, 20000)),
        "strings": [f"key-{i}" for i in range(8000)],
        "table": {f"row{i}": [i, i / 3, {"x": i}] for i in range(4000)},
        "sets": [frozenset(range(i, i + 5)) for i in range(1000)],
    }
    size = 0
    for protocol in (2, 4, 5):
        for _ in range(3):
            blob = pickle.dumps(data, protocol)
            size += len(blob)
            if pickle.loads(blob)["table"]["row77"] != [77, 77 / 3, {"x": 77}]:
                raise AssertionError("round trip")
    nodes = graph(2000)
    for _ in range(2):
        back = pickle.loads(pickle.dumps(nodes, 5))
    shared = sum(back[i]["links"][0] is back[i // 2] for i in range(1, len(back)))
    print(f"pickle_graph {size} {shared} {back[-1]['all'] is back[0]['all']} {back[9]['price'] + 1}")
