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


async def show(session: eryx.Session, code: str) -> None:
    """Run code and print what it printed."""
    result = await session.execute_async(code)
    print(result.stdout_text, end="")


async def main() -> None:
    """Run all of it in one event loop: the callbacks run in it, too."""
    callbacks = eryx.CallbackRegistry()
    callbacks.add(get_price)
    async with eryx.Session(callbacks=callbacks, execution_timeout_ms=1000) as session:
        await show(session, GATHER)
        await show(session, 'print("the session remembers:", acme + initech)')
        try:
            await show(session, "while True: pass")
        except eryx.TimeoutError as error:
            print(f"{error.code}: {error.message}")
        await show(session, 'print("and lives on:", acme)')
        image = session.snapshot()
    async with eryx.Session(image=image) as restored:
        await show(restored, 'print("restored:", acme + initech)')


if __name__ == "__main__":
    asyncio.run(main())
