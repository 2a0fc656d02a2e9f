"""What AWS tells of the pipeline. A question that fails is told too: nothing that is not known counts as good.

Sources: Lambda developer guide, "Types of metrics for Lambda functions" (event source mapping metrics, with the
mapping's ``MetricsConfig: EventCount``; the dimension's name EventSourceMappingUUID is as its console shows it), and
Amazon Data Firehose developer guide, "Monitor with CloudWatch metrics".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from .settings import Settings

#: Seconds before now of which metrics are asked for in any case.
RECENTLY: Final = 1_800
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


@dataclass(frozen=True)
class Observed:
    """What was told at ``now`` (epoch seconds): DescribeTable's Table and GetEventSourceMapping's answer (None where
    there is no such thing), the metrics since ``since`` (name → minute in epoch seconds → value), and how many
    objects lie undelivered. ``failures``: questions that AWS did not answer.
    """

    now: float
    since: float
    table: Mapping[str, Any] | None
    mapping: Mapping[str, Any] | None
    metrics: Mapping[str, Points]
    undelivered: int
    failures: Sequence[str] = field(default=())


def observe(clients: Clients, settings: Settings, now: float, since: float) -> Observed:
    """Ask for everything; metrics from ``since`` on (epoch seconds), those of the last half hour, and
    those of the half hour before what Firehose holds came to it."""
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
        ask("CloudWatch", lambda: _metrics(clients.cloudwatch, settings, now, min(since, now - RECENTLY)), {}),
        ask("what is undelivered", lambda: _undelivered(clients.s3, settings), 0),
        failures,
    )


def metric_queries(settings: Settings) -> list[dict[str, Any]]:
    """The queries of GetMetricData, a value a minute; ``Id`` is the name under which :class:`Observed` has it."""
    function = {"FunctionName": settings.function}
    mapping = {"EventSourceMappingUUID": settings.mapping}
    delivery = {"DeliveryStreamName": settings.delivery_stream}
    wanted: list[tuple[str, str, str, dict[str, str], str]] = [
        ("iterator_age", "AWS/Lambda", "IteratorAge", function, "Maximum"),
        ("throttles", "AWS/Lambda", "Throttles", function, "Sum"),
        ("lost_by_destination", "AWS/Lambda", "DestinationDeliveryFailures", function, "Sum"),
        ("polled", "AWS/Lambda", "PolledEventCount", mapping, "Sum"),
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


def _metrics(cloudwatch: Any, settings: Settings, now: float, since: float) -> Mapping[str, Points]:
    """The metrics since then; from earlier on where Firehose tells that it holds, or held, what came to it earlier."""
    found = _metrics_since(cloudwatch, settings, now, since)
    earlier = now - max(found["freshness"].values(), default=0) - RECENTLY
    return found if earlier >= since else _metrics_since(cloudwatch, settings, now, earlier)


def _metrics_since(cloudwatch: Any, settings: Settings, now: float, since: float) -> Mapping[str, Points]:
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
    """How many objects lie below ``failed/``, less what is done or known as a hole, and below Lambda's own prefix."""
    failed, lambdas = f"{settings.prefix}failed/", f"aws/lambda/{settings.mapping}/"
    settled = (f"{failed}done/", f"{failed}unreadable/")
    count = 0
    for prefix in (failed, lambdas):
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=settings.bucket, Prefix=prefix):
            keys = [one["Key"] for one in page.get("Contents", ())]
            count += sum(not key.startswith(settled) and not key.endswith("/") for key in keys)  # no folder markers
            if count > MOST_COUNTED:
                return count
    return count
