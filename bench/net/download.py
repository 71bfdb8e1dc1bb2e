"""download: 100 MB through http.client, 64 KiB at a time; prints the seconds."""

import http.client
import time

SIZE = 100_000_000


def download():
    connection = http.client.HTTPConnection("127.0.0.1", PORT)  # noqa: F821
    start = time.perf_counter()
    connection.request("GET", f"/bytes?n={SIZE}")
    response, got = connection.getresponse(), 0
    while piece := response.read(65536):
        got += len(piece)
    assert got == SIZE, got
    return time.perf_counter() - start


print(download())
