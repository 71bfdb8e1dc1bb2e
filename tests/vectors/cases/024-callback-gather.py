import asyncio
print(await asyncio.gather(*[sleep_ms(100) for _ in range(10)]))
