import os
import sys
print(sys.argv, os.environ['KEY'], 'PATH' in os.environ)
