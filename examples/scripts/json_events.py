"""Flatten nested JSON events, validate them, and report sessions per user."""

import json
import re
from datetime import datetime, timedelta, timezone
from itertools import groupby
from operator import itemgetter

LINES = r"""
{"ts": "2025-06-01T10:00:00Z", "user": {"id": 7, "plan": "free"}, "event": "login"}
{"ts": "2025-06-01T10:00:40Z", "user": {"id": 7, "plan": "free"}, "event": "view", "props": {"page": "/home", "ms": 120.5}}
{"ts": "2025-06-01T12:01:00+02:00", "user": {"id": 9, "plan": "pro"}, "event": "login"}
{"ts": "2025-06-01T10:07:00Z", "user": {"id": 7, "plan": "free"}, "event": "buy", "props": {"items": [{"sku": "A1", "n": 2}, {"sku": "B7", "n": 1}]}}
{"ts": "2025-06-01T11:30:00Z", "user": {"id": 7, "plan": "free"}, "event": "view", "props": {"page": "/caf\u00e9", "ms": 80}}
{"ts": "yesterday", "user": {"id": 9, "plan": "pro"}, "event": "view"}
{"ts": "2025-06-01T10:02:00Z", "user": {"id": "nine"}, "event": "view", "props": {"page": "/x", "ms": -1}}
{"ts": "2025-06-01T10:05:30Z", "user": {"id": 9, "plan": "pro"}, "event": "view", "props": {"page": "/docs?q=a&b=c", "ms": 33}}
not json at all
"""

SESSION_GAP = timedelta(minutes=30)


def flatten(value, prefix=""):
    """{'a': {'b': [1]}} -> {'a.b[0]': 1}"""
    flat = {}
    match value:
        case dict():
            for key, inner in value.items():
                flat |= flatten(inner, f"{prefix}.{key}" if prefix else key)
        case list():
            for index, inner in enumerate(value):
                flat |= flatten(inner, f"{prefix}[{index}]")
        case _:
            flat[prefix] = value
    return flat


def check(event):
    """Problems of one event, in words."""
    problems = []
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)", event.get("ts", "")):
        problems.append("ts is not a timestamp")
    match event:
        case {"user": {"id": int(), "plan": "free" | "pro"}}:
            pass
        case {"user": {"id": other}} if not isinstance(other, int):
            problems.append(f"user.id is {type(other).__name__}")
        case _:
            problems.append("user is incomplete")
    if isinstance(ms := event.get("props", {}).get("ms", 0), (int, float)) and ms < 0:
        problems.append("props.ms is negative")
    return problems


def load(text):
    events = []
    for number, line in enumerate(text.strip().splitlines(), 1):
        try:
            event = json.loads(line)
        except json.JSONDecodeError as err:
            print(f"line {number}: {err.msg} at column {err.colno}")
            continue
        if problems := check(event):
            print(f"line {number}: {'; '.join(problems)}")
            continue
        event["at"] = datetime.fromisoformat(event["ts"]).astimezone(timezone.utc)
        events.append(event)
    return sorted(events, key=itemgetter("at"))


def sessions(events):
    """Lists of events of one user with no gap of more than half an hour."""
    current = []
    for event in events:
        if current and event["at"] - current[-1]["at"] > SESSION_GAP:
            yield current
            current = []
        current.append(event)
    if current:
        yield current


events = load(LINES)
by_user = sorted(events, key=lambda e: (e["user"]["id"], e["at"]))
for user, mine in groupby(by_user, key=lambda e: e["user"]["id"]):
    for number, session in enumerate(sessions(mine), 1):
        length = session[-1]["at"] - session[0]["at"]
        print(f"user {user} session {number}: {len(session)} events in {length}, starts {session[0]['at']:%H:%M}")

for key, value in flatten({k: v for k, v in events[-2].items() if k != "at"}).items():
    print(f"  {key} = {value!r}")
slim = [{"user": e["user"]["id"], "event": e["event"], **e.get("props", {})} for e in events]
print(json.dumps(slim, indent=2, sort_keys=True, ensure_ascii=False))
print(json.dumps({"nan": float("inf"), "when": events[0]["at"]}, default=str))
