import asyncio
await asyncio.sleep(60)
