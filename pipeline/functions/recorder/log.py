"""One JSON object a line on stdout, which Lambda sends to CloudWatch. Counts and names, never an image or a key."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

#: Of the metrics that are ours.
NAMESPACE: Final = "histlib"


def write(fields: dict[str, Any]) -> None:
    """Log the fields as they are."""
    print(json.dumps(fields, separators=(",", ":")), flush=True)


def metrics(stack: str, seconds: float, counts: Mapping[str, int]) -> dict[str, Any]:
    """Fields that make CloudWatch take these counts out of a log line as metrics of the stack, at a time in epoch s.

    CloudWatch user guide, "Specification: Embedded metric format"; Lambda sends what is written to stdout.
    """
    named = [{"Name": name, "Unit": "Count"} for name in counts]
    directive = {"Namespace": NAMESPACE, "Dimensions": [["StackName"]], "Metrics": named}
    told = {"Timestamp": int(seconds * 1_000), "CloudWatchMetrics": [directive]}
    return {"_aws": told, "StackName": stack, **counts}
