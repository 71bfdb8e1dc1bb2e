"""One of the 200 modules of the package that bench/cmd/bench and bench/peer/measure.py pack into a wheel and import."""

import functools
import re

PATTERN = "^([a-z_]+)-(\\d+)(?:\\.([a-z]+))?$"
DEFAULTS = {"name": "module", "retries": 3, "timeout": 2.5, "tags": ("a", "b", "c"), "nested": {"deep": [1, 2, 3]}}


class ModuleError(Exception):
    """What goes wrong here."""

    def __init__(self, message, *, code=0):
        super().__init__(message)
        self.code = code


class Record:
    """A record with a few fields."""

    __slots__ = ("name", "number", "tags")

    def __init__(self, name, number=0, tags=()):
        self.name = name
        self.number = number
        self.tags = tags

    def __eq__(self, other):
        return isinstance(other, Record) and self.key() == other.key()

    def __hash__(self):
        return hash(self.key())

    def __repr__(self):
        return f"Record({self.name!r}, {self.number!r}, {self.tags!r})"

    def key(self):
        return self.name.lower(), self.number

    def merge(self, other):
        if other.name != self.name:
            raise ModuleError(f"cannot merge {self.name!r} and {other.name!r}", code=1)
        return Record(self.name, max(self.number, other.number), tuple(sorted({*self.tags, *other.tags})))


def traced(function):
    """Counts the calls of a function."""

    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        wrapper.calls += 1
        return function(*args, **kwargs)

    wrapper.calls = 0
    return wrapper


@traced
def parse(text):
    """A record of its text."""
    match = re.match(PATTERN, text)
    if match is None:
        raise ModuleError(f"no record: {text!r}", code=2)
    name, number, tag = match.groups()
    return Record(name, int(number), (tag,) if tag else ())


@traced
def summarize(records, *, limit=10):
    """Totals by name, the largest first."""
    totals = {}
    for record in records:
        totals[record.name] = totals.get(record.name, 0) + record.number
    return sorted(totals.items(), key=lambda item: (-item[1], item[0]))[:limit]


class Registry:
    """Records by key."""

    def __init__(self, records=()):
        self._records = {record.key(): record for record in records}

    def add(self, record):
        before = self._records.get(record.key())
        self._records[record.key()] = record if before is None else before.merge(record)
        return self

    def __len__(self):
        return len(self._records)

    def __iter__(self):
        return iter(sorted(self._records.values(), key=Record.key))
