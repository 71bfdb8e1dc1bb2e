import asyncio
try:
    await asyncio.wait_for(never(), 0.05)
except TimeoutError:
    print('gave up')
