"""What AWS tells of the pipeline. A question that fails is told too: nothing that is not known counts as good.

Sources: Lambda developer guide, "Types of metrics for Lambda functions" (event source mapping metrics, with the
mapping's ``MetricsConfig: EventCount``; the dimension's name EventSourceMappingUUID is as its console shows it), and
Amazon Data Firehose developer guide, "Monitor with CloudWatch metrics".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from .settings import Settings

#: Below this of a bucket Lambda keeps batches that it gave up, by mapping; no prefix can be set.
LAMBDA: Final = "aws/lambda/"
#: Of such an object, so many bytes tell which stream it is of: what Lambda says of a batch stands before the batch.
HEAD_BYTES: Final = 4_096
_STREAM: Final = re.compile(rb'"streamArn"\s*:\s*"([^"/]+/[^"/]+)/stream/')
#: More undelivered objects than this are not counted.
MOST_COUNTED: Final = 10_000

Points = Mapping[int, float]
_T = TypeVar("_T")


class NotToldError(Exception):
    """CloudWatch answered without all of a metric's values."""


@dataclass(frozen=True)
class Clients:
    """boto3's clients."""

    dynamodb: Any
    lambda_: Any
    cloudwatch: Any
    s3: Any
    streams: Any


@dataclass(frozen=True)
class Observed:
    """What was told at ``now`` (epoch seconds): DescribeTable's Table and GetEventSourceMapping's answer (None where
    there is no such thing), the metrics (name → minute in epoch seconds → value), how many objects lie undelivered,
    and the ids of the stream's open shards (None: not told). ``since``: from when on nobody looked for losses yet.
    ``failures``: questions that AWS did not answer.
    """

    now: float
    since: float
    table: Mapping[str, Any] | None
    mapping: Mapping[str, Any] | None
    metrics: Mapping[str, Points]
    undelivered: int
    shards: Sequence[str] | None = None
    failures: Sequence[str] = field(default=())


def observe(clients: Clients, settings: Settings, now: float, since: float, begin: float) -> Observed:
    """Ask for everything; metrics from ``begin`` on. Losses before ``since`` were looked for (epoch seconds)."""
    failures: list[str] = []

    def ask(what: str, question: Callable[[], _T], otherwise: _T) -> _T:
        try:
            return question()
        except ClientError as error:
            failures.append(f"{what} cannot be asked: {error.response.get('Error', {}).get('Code', 'Unknown')}")
        except (BotoCoreError, NotToldError) as error:
            failures.append(f"{what} cannot be asked: {type(error).__name__}")
        return otherwise

    return Observed(
        now,
        since,
        ask("the table", lambda: _table(clients.dynamodb, settings), None),
        ask("the mapping", lambda: _mapping(clients.lambda_, settings), None),
        ask("CloudWatch", lambda: _metrics(clients.cloudwatch, settings, now, min(since, begin)), {}),
        ask("what is undelivered", lambda: _undelivered(clients.s3, settings), 0),
        ask("the stream", lambda: _open_shards(clients.streams, settings), None),
        failures,
    )


def metric_queries(settings: Settings) -> list[dict[str, Any]]:
    """The queries of GetMetricData, a value a minute; ``Id`` is the name under which :class:`Observed` has it."""
    function = {"FunctionName": settings.function}
    mapping = {"EventSourceMappingUUID": settings.mapping}
    delivery = {"DeliveryStreamName": settings.delivery_stream}
    stack = {"StackName": settings.stack}
    wanted: list[tuple[str, str, str, dict[str, str], str]] = [
        ("iterator_age", "AWS/Lambda", "IteratorAge", function, "Maximum"),
        ("throttles", "AWS/Lambda", "Throttles", function, "Sum"),
        ("errors", "AWS/Lambda", "Errors", function, "Sum"),
        ("refused", settings.namespace, "Refused", stack, "Sum"),
        ("lost_by_destination", "AWS/Lambda", "DestinationDeliveryFailures", function, "Sum"),
        ("polled", "AWS/Lambda", "PolledEventCount", mapping, "Sum"),
        ("failed", "AWS/Lambda", "FailedInvokeEventCount", mapping, "Sum"),
        ("dropped", "AWS/Lambda", "DroppedEventCount", mapping, "Sum"),
        ("incoming", "AWS/Firehose", "IncomingRecords", delivery, "Sum"),
        ("freshness", "AWS/Firehose", "DeliveryToS3.DataFreshness", delivery, "Maximum"),
        ("success", "AWS/Firehose", "DeliveryToS3.Success", delivery, "Minimum"),
    ]
    return [
        {
            "Id": name,
            "MetricStat": {
                "Metric": {
                    "Namespace": namespace,
                    "MetricName": metric,
                    "Dimensions": [{"Name": one, "Value": value} for one, value in dimensions.items()],
                },
                "Period": 60,
                "Stat": statistic,
            },
        }
        for name, namespace, metric, dimensions, statistic in wanted
    ]


def _table(dynamodb: Any, settings: Settings) -> Mapping[str, Any] | None:
    try:
        found: Mapping[str, Any] = dynamodb.describe_table(TableName=settings.table)["Table"]
    except ClientError as error:
        if _is_missing(error):
            return None
        raise
    return found


def _mapping(lambda_: Any, settings: Settings) -> Mapping[str, Any] | None:
    try:
        found: Mapping[str, Any] = lambda_.get_event_source_mapping(UUID=settings.mapping)
    except ClientError as error:
        if _is_missing(error):
            return None
        raise
    return found


def _is_missing(error: ClientError) -> bool:
    return str(error.response.get("Error", {}).get("Code")) == "ResourceNotFoundException"


def _open_shards(streams: Any, settings: Settings) -> list[str] | None:
    """The ids of the shards that still take changes; None where there is no such stream any more."""
    found: list[str] = []
    asked: dict[str, Any] = {"StreamArn": settings.stream_arn}
    while True:
        try:
            told = streams.describe_stream(**asked)["StreamDescription"]
        except ClientError as error:
            if _is_missing(error):
                return None
            raise
        ranges = ((one["ShardId"], one.get("SequenceNumberRange", {})) for one in told["Shards"])
        found += [shard for shard, numbers in ranges if "EndingSequenceNumber" not in numbers]
        if not (last := told.get("LastEvaluatedShardId")):
            return found
        asked["ExclusiveStartShardId"] = last


def _metrics(cloudwatch: Any, settings: Settings, now: float, since: float) -> Mapping[str, Points]:
    found: dict[str, dict[int, float]] = {query["Id"]: {} for query in metric_queries(settings)}
    pages = cloudwatch.get_paginator("get_metric_data").paginate(
        MetricDataQueries=metric_queries(settings),
        StartTime=datetime.fromtimestamp(since // 60 * 60, UTC),
        EndTime=datetime.fromtimestamp(now, UTC),
    )
    last: dict[str, str] = {}
    for page in pages:
        for result in page["MetricDataResults"]:
            last[result["Id"]] = result["StatusCode"]
            times = (int(moment.timestamp()) for moment in result["Timestamps"])
            found[result["Id"]].update(zip(times, result["Values"], strict=True))
    if untold := sorted(name for name in found if last.get(name) != "Complete"):
        raise NotToldError(", ".join(untold))  # no value would pass for none dropped
    return found


def _undelivered(s3: Any, settings: Settings) -> int:
    """How many objects lie below ``failed/``, less what is done or known as a hole, and below Lambda's own prefixes of
    this mapping and of others that read this table: one that was replaced leaves its objects under its old id."""
    failed = f"{settings.prefix}failed/"
    settled = (f"{failed}done/", f"{failed}unreadable/")
    count = 0
    for prefix in (failed, *_lambdas(s3, settings)):
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=settings.bucket, Prefix=prefix):
            keys = [one["Key"] for one in page.get("Contents", ())]
            count += sum(not key.startswith(settled) and not key.endswith("/") for key in keys)  # no folder markers
            if count > MOST_COUNTED:
                return count
    return count


def _lambdas(s3: Any, settings: Settings) -> list[str]:
    """The prefixes of the mappings whose objects are, or may be, this table's."""
    own = f"{LAMBDA}{settings.mapping}/"
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=settings.bucket, Prefix=LAMBDA, Delimiter="/")
    others = [one["Prefix"] for page in pages for one in page.get("CommonPrefixes", ())]
    others = [prefix for prefix in others if prefix not in (own, f"{LAMBDA}async/")]
    return [own, *(prefix for prefix in others if _table_below(s3, settings, prefix) in (settings.table_arn, ""))]


def _table_below(s3: Any, settings: Settings, prefix: str) -> str:
    """The ARN of the table of which a mapping's objects are: all are of one stream, so that the first one tells."""
    listed = s3.list_objects_v2(Bucket=settings.bucket, Prefix=prefix, MaxKeys=1).get("Contents", ())
    if not listed:
        return ""
    first = s3.get_object(Bucket=settings.bucket, Key=listed[0]["Key"], Range=f"bytes=0-{HEAD_BYTES - 1}")
    return table_in(first["Body"].read())


def table_in(head: bytes) -> str:
    """The ARN of the table whose batch Lambda kept, told by the first bytes of the object; empty: they do not say."""
    found = _STREAM.search(head)
    return found[1].decode() if found else ""
