"""``python -m pipeline baseline`` by scan: what it will cost, and the same steps that the scheduled function takes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from typing import Any, Final

from histlib.errors import RequestError
from histlib.stores.aws.errors import errors
from pipeline.common.aws import Aws
from pipeline.common.deployment import read_deployment
from pipeline.common.errors import DeploymentError
from pipeline.functions.baseline.run import AbandonedError
from pipeline.functions.baseline.step import Clients, Hears, OtherTableError, Outcome, Settings, step, under_way
from pipeline.functions.baseline.storage import BusyError, Storage

#: US dollars for a million read request units, on demand, table class Standard, in us-east-1.
MILLION_READS: Final = 0.125
#: US dollars for a GB exported, in us-east-1.
EXPORTED_GB: Final = 0.10
#: Read units a second on demand, and the share of a table's own where its capacity is provisioned.
ON_DEMAND_UNITS: Final = 100.0
PROVISIONED_SHARE: Final = 0.25
#: A thread each; as many as a client has connections (pipeline.common.aws).
MOST_SEGMENTS: Final = 16


@dataclass(frozen=True)
class Target:
    """A table as DescribeTable tells it, and where its history lies; ``prefix`` is empty or ends in ``/``."""

    table: dict[str, Any]
    bucket: str
    prefix: str
    redact: str = ""
    kms_key_arn: str = ""

    @property
    def name(self) -> str:
        """The table's name."""
        return str(self.table["TableName"])

    @property
    def location(self) -> str:
        """``s3://bucket/prefix`` of the history, ending in ``/``."""
        return f"s3://{self.bucket}/{self.prefix}"

    @property
    def provisioned(self) -> float:
        """Read units a second that the table has provisioned; 0 on demand."""
        return float(self.table.get("ProvisionedThroughput", {}).get("ReadCapacityUnits", 0))


def deployed_target(aws: Aws, table: str, stack: str | None) -> Target:
    """The table and history of a stack.

    Raises:
        DeploymentError: there is none, or not whole.
        HistlibError: AWS cannot be asked.
    """
    found = read_deployment(aws, table, stack)
    described = aws.call("dynamodb", "describe_table", TableName=table)["Table"]
    return Target(described, found.history_bucket, found.history_prefix, found.redact, found.kms_key_arn)


def target_without_stack(aws: Aws, table: str, into: str, redact: str) -> Target:
    """The table, and a history at ``s3://bucket/prefix``.

    Raises:
        RequestError: ``into`` is no such address.
        HistlibError: AWS cannot be asked.
    """
    scheme, _, place = into.partition("://")
    bucket, _, prefix = place.partition("/")
    if scheme != "s3" or not bucket:
        raise RequestError(f"--into {into}: expected s3://bucket or s3://bucket/prefix, where the history lies", into)
    described = aws.call("dynamodb", "describe_table", TableName=table)["Table"]
    return Target(described, bucket, f"{prefix.strip('/')}/" if prefix.strip("/") else "", redact)


def default_units(target: Target) -> float:
    """How fast to read unless told: a quarter of what is provisioned; on demand, 100 read units a second."""
    return max(1.0, target.provisioned * PROVISIONED_SHARE) if target.provisioned else ON_DEMAND_UNITS


def scan_plan(aws: Aws, target: Target, units: float, segments: int, now: float) -> list[str]:
    """What a scan would do and cost, a line each. DynamoDB counts items and size anew about every six hours.

    Raises:
        HistlibError: AWS cannot be asked, or the progress is of another version.
    """
    items, size = target.table.get("ItemCount", 0), target.table.get("TableSizeBytes", 0)
    needed = ceil(size / 4096)
    return [
        _what(aws, target, now),
        f"table: {target.table['TableArn']}, about {items:,} items, {size / 1e6:,.1f} MB (as DynamoDB last counted)",
        f"reads: about {needed:,} read units, strongly consistent, {units:g} a second in {segments} segments: "
        f"about {duration(needed / units)}",
        f"cost: {_money(target, needed)}",
        f"by --export instead: about ${size / 1e9 * EXPORTED_GB:,.4f} (${EXPORTED_GB:.2f} per GB) and no read of the "
        "table; better where a scan takes hours or its read units are scarce; needs point-in-time recovery",
        f"writes: {target.location}changes/yyyy/MM/dd/baseline-<id>-*.gz by the day, then "
        f"{target.location}baseline/<id>.json; its progress is {target.location}baseline/_progress.json",
    ]


def run_scan(aws: Aws, target: Target, units: float, segments: int, hears: Hears) -> Outcome:
    """Take a baseline by scan, or go on with the one under way, to its end.

    Raises:
        DeploymentError: another run works on it, or what was read is of no use.
        HistlibError: AWS cannot be asked. What is written stays, and the next run goes on from there.
    """
    clients = Clients(aws.client("dynamodb"), aws.client("s3"))
    settings = Settings(target.name, target.bucket, target.prefix, target.redact, units, segments)
    with translated(aws):
        return step(clients, settings, hears=hears)


def duration(seconds: float) -> str:
    """``40 s``, ``3 min``, ``2.5 h``, ``4.0 days``."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 5_400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3_600:.1f} h" if seconds < 172_800 else f"{seconds / 86_400:.1f} days"


def _what(aws: Aws, target: Target, now: float) -> str:
    with translated(aws):
        found = Storage(aws.client("s3"), target.bucket, target.prefix).load()
    if found is None or not under_way(found):
        return f"a new baseline of {target.name} by scan"
    busy = ", on which another run works now" if found.owner and now < found.lease_until else ""
    return f"goes on with baseline {found.id} of {target.name} by scan, {found.items:,} items read so far{busy}"


def _money(target: Target, needed: int) -> str:
    if target.provisioned:
        return f"none beside the table's {target.provisioned:g} provisioned read units a second, of which it takes part"
    dollars = needed / 1e6 * MILLION_READS
    return f"about ${dollars:,.4f} at ${MILLION_READS} per million read request units (us-east-1; Regions differ)"


@contextmanager
def translated(aws: Aws) -> Iterator[None]:
    """What the function's code raises, as ours.

    Raises:
        DeploymentError: another run works on the baseline, or what was read is of no use.
        HistlibError: AWS cannot be asked.
    """
    try:
        yield
    except (BusyError, AbandonedError, OtherTableError, ValueError) as error:
        raise DeploymentError(str(error)) from error
    except errors() as error:
        name = str(getattr(error, "operation_name", ""))
        service = "dynamodb" if name in ("Scan", "DescribeTable") else "s3"
        raise aws.trouble(error, service, re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower(), {}) from error
