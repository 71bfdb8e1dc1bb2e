"""Parse an access log with regular expressions and report errors, slow pages and suspicious clients."""

import ipaddress
import re
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from urllib.parse import parse_qs, unquote, urlsplit

LOG = r"""
203.0.113.9 - - [12/Mar/2025:09:00:01 +0000] "GET / HTTP/1.1" 200 5120 "-" "Mozilla/5.0" 0.012
203.0.113.9 - ann [12/Mar/2025:09:00:04 +0000] "GET /search?q=blue%20shoes&page=2 HTTP/1.1" 200 18200 "https://shop.example/" "Mozilla/5.0" 0.230
198.51.100.77 - - [12/Mar/2025:09:00:05 +0000] "POST /login HTTP/1.1" 401 310 "-" "curl/8.5" 0.051
198.51.100.77 - - [12/Mar/2025:09:00:06 +0000] "POST /login HTTP/1.1" 401 310 "-" "curl/8.5" 0.049
198.51.100.77 - - [12/Mar/2025:09:00:07 +0000] "POST /login HTTP/1.1" 401 310 "-" "curl/8.5" 0.048
198.51.100.77 - - [12/Mar/2025:09:00:59 +0000] "GET /../../etc/passwd HTTP/1.0" 400 0 "-" "curl/8.5" 0.001
2001:db8::17 - bob [12/Mar/2025:10:01:00 +0100] "GET /report/2025 HTTP/2" 500 99 "-" "Mozilla/5.0 (\"quoted\")" 4.801
2001:db8::17 - bob [12/Mar/2025:10:01:09 +0100] "GET /report/2025 HTTP/2" 200 88123 "-" "Mozilla/5.0" 3.990
10.0.0.5 - - [12/Mar/2025:09:02:00 +0000] "GET /health HTTP/1.1" 200 2 "-" "probe" 0.000
garbage line
203.0.113.9 - ann [12/Mar/2025:09:03:10 +0000] "GET /search?q=%C3%A9t%C3%A9 HTTP/1.1" 200 900 "-" "Mozilla/5.0" 0.180
"""

LINE = re.compile(
    r"""
    (?P<ip>\S+)\ -\ (?P<user>\S+)\ \[(?P<when>[^]]+)\]\ 
    "(?P<method>[A-Z]+)\ (?P<target>\S+)\ HTTP/(?P<version>[\d.]+)"\ 
    (?P<status>\d{3})\ (?P<size>\d+)\ "(?P<referer>[^"]*)"\ "(?P<agent>(?:[^"\\]|\\.)*)"\ (?P<seconds>[\d.]+)$
    """,
    re.VERBOSE,
)


def parse(text):
    """Dicts for the lines that match; the others are counted."""
    bad = 0
    requests = []
    for line in filter(None, text.splitlines()):
        found = LINE.match(line)
        if not found:
            bad += 1
            continue
        request = found.groupdict()
        request["ip"] = ipaddress.ip_address(request["ip"])
        request["when"] = datetime.strptime(request["when"], "%d/%b/%Y:%H:%M:%S %z")
        request["status"], request["size"] = int(request["status"]), int(request["size"])
        request["seconds"] = float(request["seconds"])
        request["url"] = urlsplit(request["target"])
        requests.append(request)
    return requests, bad


def bursts(requests, limit=3, window=timedelta(seconds=10)):
    """Clients with at least `limit` failures inside the window."""
    failures = defaultdict(list)
    for request in requests:
        if request["status"] in (401, 403):
            failures[request["ip"]].append(request["when"])
    for ip, times in failures.items():
        times.sort()
        if any(b - a <= window for a, b in zip(times, times[limit - 1 :])):
            yield ip, len(times)


requests, bad = parse(LOG)
print(f"{len(requests)} requests, {bad} bad lines")
print("status classes:", dict(sorted(Counter(f"{r['status'] // 100}xx" for r in requests).items())))
print("private clients:", sorted({str(r["ip"]) for r in requests if r["ip"] in ipaddress.ip_network("10.0.0.0/8")}))
print("IPv6 clients:", sorted({r["ip"].exploded for r in requests if r["ip"].version == 6}))

slow = sorted((r for r in requests if r["seconds"] > 1), key=lambda r: -r["seconds"])
for r in slow:
    print(f"slow: {r['seconds']:.2f} s {r['method']} {unquote(r['url'].path)} by {r['user']} at {r['when']:%H:%M:%S %z}")
searches = [parse_qs(r["url"].query)["q"][0] for r in requests if r["url"].path == "/search"]
print("searches:", searches)
for ip, count in bursts(requests):
    print(f"suspicious: {ip}, {count} refused logins")
print("traversal:", [r["target"] for r in requests if re.search(r"(^|/)\.\.(/|$)", r["target"])])

per_minute = Counter(r["when"].astimezone(requests[0]["when"].tzinfo).replace(second=0) for r in requests)
first, last = min(per_minute), max(per_minute)
minute = first
while minute <= last:
    print(f"{minute:%H:%M} {'#' * per_minute[minute]}")
    minute += timedelta(minutes=1)
masked = re.sub(r"\b(\d+\.\d+)\.\d+\.\d+\b", r"\1.x.x", LOG.strip().splitlines()[0])
print(masked.split(" -")[0], re.findall(r"(?<=Mozilla/)\d", LOG).count("5"))
