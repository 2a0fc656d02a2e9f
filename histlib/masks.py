"""Masks: one yes or no for each row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

Mask = np.ndarray[Any, np.dtype[np.bool_]]


def mask(values: Any) -> Mask:
    """A numpy mask of Arrow's booleans; null is false."""
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    found: Mask = pc.fill_null(values, False).to_numpy(zero_copy_only=False)
    return found
