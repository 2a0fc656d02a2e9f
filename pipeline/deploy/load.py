"""How much a table writes, beside what Firehose takes in the Region, and what waits in a stream that is on already.

CloudWatch counts write units: one for each KB that an item has before or after the write, whichever is more (DynamoDB
developer guide, "Write requests"). So they bound the changes and, as a line holds the item before and after, the bytes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pipeline.common.aws import Aws, RefusedError
from pipeline.deploy.stream import Table

MIB: Final = 2**20
#: MiB a second that a stream takes by PutRecordBatch unless AWS raises it (Firehose developer guide, "Quota").
QUOTA: Final = 1
QUOTAS: Final = {"us-east-1": 5, "us-west-2": 5, "eu-west-1": 5}
#: Bytes of a line for a write unit, at most about: the item before and after, and what is around them.
UNIT_BYTES: Final = 2 * 1024 + 400
#: CloudWatch gives 1,440 points in one answer: five days of five minutes.
PERIOD: Final = 300
DAYS: Final = 5


@dataclass(frozen=True)
class Load:
    """Write units a second in the busiest five minutes of five days, and in all of the last day."""

    peak: float
    last_day: float

    @property
    def mib(self) -> float:
        """MiB a second that Firehose would be given at the peak, at most about."""
        return self.peak * UNIT_BYTES / MIB


def read_load(aws: Aws, table: str, now: datetime) -> Load:
    """What CloudWatch tells of a table. Raises as :meth:`Aws.call`."""
    answer: dict[str, Any] = aws.call(
        "cloudwatch",
        "get_metric_statistics",
        Namespace="AWS/DynamoDB",
        MetricName="ConsumedWriteCapacityUnits",
        Dimensions=[{"Name": "TableName", "Value": table}],
        StartTime=now - timedelta(days=DAYS),
        EndTime=now,
        Period=PERIOD,
        Statistics=["Sum"],
    )
    points = answer["Datapoints"]
    peak = max((one["Sum"] for one in points), default=0.0) / PERIOD
    return Load(peak, sum(one["Sum"] for one in points if one["Timestamp"] >= now - timedelta(days=1)))


def load_lines(aws: Aws, table: Table, *, is_read: bool) -> list[str]:
    """What the table's writes mean for a deployment, as lines; ``is_read``: our mapping reads the stream already."""
    try:
        load = read_load(aws, table.name, datetime.now(UTC))
    except RefusedError as error:
        return [f"writes   not known: {error}"]
    lines = [_against_quota(load, str(aws.region))]
    if table.stream_arn and not is_read:
        lines.append(_waiting(load, table.stream_arn))
    return lines


def _against_quota(load: Load, region: str) -> str:
    quota = QUOTAS.get(region, QUOTA)
    if not load.peak:
        return f"writes   none in the last {DAYS} days"
    told = (
        f"writes   at most {load.peak:,.1f} write units a second in {DAYS} days (five minutes' mean): up to about "
        f"{load.mib:,.2f} MiB/s for Firehose, which takes {quota} MiB/s in {region} unless AWS has raised it"
    )
    if load.mib <= quota:
        return told
    return (
        f"{told}. MORE THAN IT MAY TAKE: ask AWS for {math.ceil(load.mib * 1.5)} MiB/s (Service Quotas, Amazon Data "
        "Firehose, Direct PUT) before; until then the recorder falls behind, and after a day Lambda sets changes aside"
    )


def _waiting(load: Load, stream_arn: str) -> str:
    since = stream_arn.rpartition("/stream/")[2]
    return (
        f"waiting  the stream is on since {since}: up to {load.last_day:,.0f} changes of the last 24 h wait in it and "
        "will be captured; Lambda sets aside those that are 23 h 45 min old when it comes to them, and redrive brings "
        "these in"
    )
