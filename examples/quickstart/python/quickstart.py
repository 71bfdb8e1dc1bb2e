"""The quick start: untrusted code that awaits two functions of the host at once, a session, a limit, a snapshot."""

from __future__ import annotations

import asyncio

import eryx

PRICES = {"ACME": 12.5, "INITECH": 7.25}


async def get_price(symbol: str) -> float:
    """The price of a symbol, from a service that takes a while to answer."""
    await asyncio.sleep(0.05)
    return PRICES[symbol]


GATHER = """
import asyncio
acme, initech = await asyncio.gather(get_price("ACME"), get_price("INITECH"))
print(f"ACME {acme}, INITECH {initech}")
"""


async def main() -> None:
    """Run all of it in one event loop: the callbacks run in it, too."""
    callbacks = eryx.CallbackRegistry()
    callbacks.add(get_price)
    async with eryx.Session(callbacks=callbacks, execution_timeout_ms=1000) as session:
        result = await session.execute_async(GATHER)
        print(result.stdout_text, end="")
        result = await session.execute_async('print("the session remembers:", acme + initech)')
        print(result.stdout_text, end="")
        try:
            await session.execute_async("while True: pass")
        except eryx.TimeoutError as error:
            print(f"{error.code}: stopped")
        snapshot = session.snapshot_state()
    async with eryx.Session() as restored:
        restored.restore_state(snapshot)
        result = await restored.execute_async('print("restored:", acme)')
        print(result.stdout_text, end="")


if __name__ == "__main__":
    asyncio.run(main())
