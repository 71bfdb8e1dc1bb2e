import os

print(await echo(os.environ['TOKEN']) == '[REDACTED]')
