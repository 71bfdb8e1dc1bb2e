"""``python -m eryx``."""

import sys

from ._cli import main

sys.exit(main())
