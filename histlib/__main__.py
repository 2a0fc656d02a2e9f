"""``python -m histlib``: the same as the ``histlib`` command."""

import sys

from histlib.cli import main

sys.exit(main())
