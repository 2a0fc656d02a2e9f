"""Progress of long work: a bar after a second, where a person watches; silent everywhere else."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def progress(what: str, total: int, unit: str = "B") -> Iterator[Any]:
    """A bar to ``update(n)``; it shows itself only when the work takes over a second."""
    from tqdm.auto import tqdm

    watched = sys.stderr.isatty() or "ipykernel" in sys.modules
    with tqdm(desc=what, total=total, unit=unit, unit_scale=True, delay=1.0, leave=False, disable=not watched) as bar:
        yield bar
