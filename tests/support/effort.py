"""How far the suite looks: ``TESTS_EFFORT`` is the share of random examples (1, where it is not set: all of them)."""

from __future__ import annotations

import os
from typing import Final

SHARE: Final = float(os.environ.get("TESTS_EFFORT", "1"))


def examples(number: int) -> int:
    """The share of a number of examples, two at the least."""
    return max(2, round(number * SHARE))
