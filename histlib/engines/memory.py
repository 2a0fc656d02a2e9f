"""How much memory may be taken."""

from __future__ import annotations

import os
import re
from typing import Final

from histlib.errors import RequestError

#: The setting that bounds the memory of building and merging, e.g. ``512MiB`` or ``4GiB``.
MEMORY_VARIABLE: Final = "HISTLIB_MEMORY"
DEFAULT_MEMORY: Final = 2 << 30


def memory_setting() -> int:
    """Bytes of :data:`MEMORY_VARIABLE`, default 2 GiB.

    Raises:
        RequestError: not a size of at least 512 MiB (below that, libraries alone take more).
    """
    text = os.environ.get(MEMORY_VARIABLE, "").strip()
    if not text:
        return DEFAULT_MEMORY
    match = re.fullmatch(r"(\d+)\s*(MiB|GiB)", text)
    size = int(match[1]) << {"MiB": 20, "GiB": 30}[match[2]] if match else 0
    if size < 512 << 20:
        raise RequestError(f"{MEMORY_VARIABLE}={text!r}: expected at least 512MiB, like 1GiB or 4GiB", text)
    return size
