"""streams: 200 asyncio connections at once, each sends and receives 10 lines; prints the seconds."""

import asyncio
import time

COUNT, LINES = 200, 10


async def talk(barrier):
    reader, writer = await asyncio.open_connection("127.0.0.1", ECHO_PORT)  # noqa: F821
    await barrier.wait()  # all are open
    for number in range(LINES):
        writer.write(b"line %d\n" % number)
        assert await reader.readline() == b"line %d\n" % number
    await barrier.wait()
    writer.close()


start = time.perf_counter()
barrier = asyncio.Barrier(COUNT)
await asyncio.gather(*(talk(barrier) for _ in range(COUNT)))  # noqa: F704
print(time.perf_counter() - start)
