"""``python -m latentdiff.cli``."""

import sys

from .main import main

sys.exit(main())
