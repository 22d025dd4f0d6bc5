"""`python -m demo up` and `python -m demo down`."""

import sys

from demo.cli import main

sys.exit(main())
