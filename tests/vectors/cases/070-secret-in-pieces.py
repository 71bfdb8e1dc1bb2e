import os
import sys

for letter in os.environ['TOKEN'] + '\n':
    sys.stdout.write(letter)
    sys.stdout.flush()
