"""What the attester is told by its environment."""

from __future__ import annotations

import os
from dataclasses import dataclass

from ..recorder.redact import Redaction


@dataclass(frozen=True)
class Settings:
    """Names of what is deployed; ``buffer_seconds`` is Firehose's, ``window_seconds`` the mapping's batching window.

    ``stack``: the CloudFormation stack's name, which tells its metrics from those of another stack on the same table.
    ``retention_days``: after how many days landing objects expire, 0 for never. ``prefix``: empty or ending in ``/``.
    """

    table: str
    stream_arn: str
    mapping: str
    function: str
    delivery_stream: str
    bucket: str
    stack: str
    prefix: str = ""
    redact: str = ""
    retention_days: int = 0
    buffer_seconds: int = 300
    window_seconds: int = 10
    namespace: str = "histlib"

    @property
    def table_arn(self) -> str:
        """The table's ARN."""
        return self.stream_arn.partition("/stream/")[0]

    @property
    def redaction(self) -> str | None:
        """The id of the redaction rules, as the recorder writes it."""
        return Redaction(self.redact).id


def from_environment() -> Settings:
    """The settings that Lambda's environment gives.

    Raises:
        KeyError: a variable is missing.
        ValueError: one is no number, or ``REDACT`` no paths.
    """
    told = os.environ
    return Settings(
        told["TABLE_NAME"],
        told["STREAM_ARN"],
        told["MAPPING_ID"],
        told["RECORDER_FUNCTION"],
        told["DELIVERY_STREAM_NAME"],
        told["BUCKET"],
        told["STACK_NAME"],
        told.get("PREFIX", ""),
        told.get("REDACT", ""),
        int(told.get("RETENTION_DAYS", "0")),
        int(told["BUFFER_SECONDS"]),
        int(told["BATCHING_WINDOW_SECONDS"]),
        told.get("METRICS_NAMESPACE", "histlib"),
    )
