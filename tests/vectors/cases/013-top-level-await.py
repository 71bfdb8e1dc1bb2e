import asyncio
await asyncio.sleep(0.01)
print(await asyncio.wait_for(asyncio.sleep(0, 'done'), 1))
