"""One JSON object a line on stdout, which Lambda sends to CloudWatch. Counts and names, never an image or a key."""

from __future__ import annotations

import json
from typing import Any


def write(fields: dict[str, Any]) -> None:
    """Log the fields as they are."""
    print(json.dumps(fields, separators=(",", ":")), flush=True)
