"""keepalive: 1,000 GETs over one connection of http.client's; prints the seconds."""

import http.client
import time

connection = http.client.HTTPConnection("127.0.0.1", PORT)  # noqa: F821


def get(count):
    start = time.perf_counter()
    for _ in range(count):
        connection.request("GET", "/hello")
        assert connection.getresponse().read() == b"hello"
    return time.perf_counter() - start


get(50)
print(get(1000))
