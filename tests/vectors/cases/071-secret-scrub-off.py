import os

print(os.environ['TOKEN'])
