"""regex_log: re search, findall, sub and split over generated log text."""

import random
import re

LINE = re.compile(
    r'(?P<host>\d{1,3}(?:\.\d{1,3}){3}) - (?P<user>\S+) \[(?P<when>[^\]]+)\] '
    r'"(?P<verb>GET|POST|PUT) (?P<path>/[^ ?]*)(?:\?(?P<query>\S*))? HTTP/1\.[01]" (?P<status>\d{3}) (?P<size>\d+|-)'
)
EMAIL = re.compile(r"\b[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[a-z]{2,}\b")
WORDS = re.compile(r"\w+")
TITLE = re.compile(r"\b([a-z])([a-z]+)\b")


def log_lines(count):
    rng = random.Random(7)
    for i in range(count):
        host = ".".join(str(rng.randrange(256)) for _ in range(4))
        user = rng.choice(["-", "ann", "bob", f"u{i}@example.org"])
        query = rng.choice(["", "?a=1&b=2", f"?q=term{i}"])
        yield (
            f'{host} - {user} [10/Oct/2025:13:{i % 60:02}:00 +0000] "{rng.choice(["GET", "POST", "PUT"])} '
            f'/items/{rng.randrange(1000)}/detail{query} HTTP/1.1" {rng.choice([200, 301, 404, 500])} {rng.randrange(99999)}'
        )


def run():
    lines = list(log_lines(4000))
    by_status, total = {}, 0
    for line in lines:
        found = LINE.match(line)
        by_status[found["status"]] = by_status.get(found["status"], 0) + 1
        total += int(found["size"])
    text = "\n".join(lines)
    mails = EMAIL.findall(text)
    words = len(WORDS.findall(text))
    titled = TITLE.sub(lambda m: m[1].upper() + m[2], text[:60000])
    parts = sum(len(re.split(r"[\s/\"\[\]?&=]+", line)) for line in lines)
    print(f"regex_log {sorted(by_status.items())} {total} {len(mails)} {words} {titled.count('Items')} {parts}")
