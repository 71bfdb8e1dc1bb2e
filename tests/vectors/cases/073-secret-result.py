import os

result = {'token': os.environ['TOKEN']}
