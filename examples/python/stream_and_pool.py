"""A pool of sandboxes that share a factory: each request of a server gets a pristine one within a fraction of a millisecond,
and its program reads rows from an async generator of the host, as far as it wants to."""

import asyncio
from collections.abc import AsyncIterator

import eryx

ROWS = [{"city": city, "degrees": degrees} for city, degrees in (("Oslo", 4), ("Rome", 19), ("Cairo", 31), ("Quito", 15))]


async def rows(limit: int = 100) -> AsyncIterator[dict[str, object]]:
    """Rows of a table, one by one."""
    for row in ROWS[:limit]:
        await asyncio.sleep(0.01)  # a database would be asked here
        yield row


PROGRAM = """
async for row in rows():
    if row["degrees"] > threshold:
        print(shout(row["city"]))
        break
"""


async def serve(pool: eryx.SandboxPool, threshold: int) -> str:
    """What one request does."""
    async with await pool.acquire_async() as sandbox:
        result = await sandbox.execute_async(f"threshold = {threshold}\n{PROGRAM}")
        return result.stdout_text.strip()


async def main() -> None:
    """Eight requests on at most four sandboxes."""
    factory = eryx.SandboxFactory(setup_code="def shout(text):\n    return text.upper() + '!'", callbacks=[{"name": "rows", "fn": rows}])
    with factory.create_pool(max_size=4, resource_limits=eryx.ResourceLimits(execution_timeout_ms=2000)) as pool:
        print(await asyncio.gather(*(serve(pool, threshold) for threshold in (0, 10, 20, 30, 0, 10, 20, 30))))
        print("sandboxes in use now:", pool.stats().in_use)


if __name__ == "__main__":
    asyncio.run(main())
