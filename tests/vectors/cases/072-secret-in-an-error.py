import os

raise ValueError(os.environ['TOKEN'])
