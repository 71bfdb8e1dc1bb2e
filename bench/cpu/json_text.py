"""json_text: json.dumps and json.loads of nested records, pretty and compact."""

import json


def record(i):
    return {
        "id": i,
        "name": f"user-{i}",
        "email": f"user{i}@example.com",
        "active": i % 3 == 0,
        "score": i * 1.25,
        "tags": [f"tag{j}" for j in range(i % 7)],
        "address": {"street": f"{i} Main Street", "city": "Zürich \u2014 \"Mitte\"", "zip": None},
        "history": [{"at": 1700000000 + i * 60 + k, "delta": k - 3} for k in range(6)],
    }


def run():
    records = [record(i) for i in range(400)]
    size = 0
    for _ in range(16):
        compact = json.dumps(records, separators=(",", ":"))
        back = json.loads(compact)
        size += len(compact)
    if back != records:
        raise AssertionError("round trip")
    pretty = json.dumps(records[:300], indent=2, sort_keys=True, ensure_ascii=False)
    hooked = json.loads(pretty, object_hook=lambda d: tuple(d.items()))
    print(f"json_text {size} {len(pretty)} {len(hooked)}")
