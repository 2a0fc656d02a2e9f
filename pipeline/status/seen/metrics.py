"""CloudWatch's numbers of the last day, asked for at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import Any, Final

from histlib.errors import SourceError
from histlib.values.times import DAY, MINUTE, from_micros, to_micros
from pipeline.common.aws import Aws
from pipeline.common.deployment import Deployment

#: Of one number, in seconds.
PERIOD: Final = 300
#: What was measured this much before the newest number counts as now: each shard and each retry has its own numbers.
_LATELY: Final = 15 * MINUTE


@dataclass(frozen=True)
class Metric:
    """One metric of one resource: ``dimension`` is its name and value."""

    namespace: str
    name: str
    dimension: tuple[str, str]
    statistic: str = "Sum"


@dataclass(frozen=True)
class Series:
    """A metric's numbers by the begin of their period (epoch µs), the newest first; none where nothing was measured."""

    points: tuple[tuple[int, float], ...] = ()

    def since(self, moment: int) -> Series:
        """Of the periods that begin at this time or later."""
        return Series(tuple(point for point in self.points if point[0] >= moment))

    @property
    def total(self) -> float:
        """The sum."""
        return sum(value for _, value in self.points)

    @property
    def current(self) -> float | None:
        """The highest of the newest quarter of an hour; None where there is none."""
        if not self.points:
            return None
        return max(value for begin, value in self.points if begin > self.points[0][0] - _LATELY)

    @property
    def first_above_0(self) -> int | None:
        """When the earliest period begins that is not 0."""
        return min((begin for begin, value in self.points if value > 0), default=None)


@dataclass(frozen=True)
class Metrics:
    """What ``status`` asks CloudWatch: of the last 24 h."""

    iterator_age: Series
    recorder_invocations: Series
    recorder_errors: Series
    recorder_throttles: Series
    attester_invocations: Series
    attester_errors: Series
    attester_throttles: Series
    freshness: Series
    throttled_records: Series
    writes: Series


def metrics_of(deployment: Deployment) -> dict[str, Metric]:
    """The metrics, by the fields of :class:`Metrics`."""
    recorder, attester = (
        ("FunctionName", name) for name in (deployment.recorder_function, deployment.attester_function)
    )
    stream = ("DeliveryStreamName", deployment.delivery_stream)
    return {
        "iterator_age": Metric("AWS/Lambda", "IteratorAge", recorder, "Maximum"),
        "recorder_invocations": Metric("AWS/Lambda", "Invocations", recorder),
        "recorder_errors": Metric("AWS/Lambda", "Errors", recorder),
        "recorder_throttles": Metric("AWS/Lambda", "Throttles", recorder),
        "attester_invocations": Metric("AWS/Lambda", "Invocations", attester),
        "attester_errors": Metric("AWS/Lambda", "Errors", attester),
        "attester_throttles": Metric("AWS/Lambda", "Throttles", attester),
        "freshness": Metric("AWS/Firehose", "DeliveryToS3.DataFreshness", stream, "Maximum"),
        "throttled_records": Metric("AWS/Firehose", "ThrottledRecords", stream),
        "writes": Metric("AWS/DynamoDB", "ConsumedWriteCapacityUnits", ("TableName", deployment.table_name)),
    }


def read_metrics(aws: Aws, deployment: Deployment, now: int) -> Metrics:
    """The numbers of the 24 h before ``now`` (epoch µs).

    Raises:
        HistlibError: CloudWatch cannot be asked, or has not all of the numbers.
    """
    queries = [_query(name, metric) for name, metric in metrics_of(deployment).items()]
    start, end = from_micros(now - DAY, UTC), from_micros(now, UTC)
    found: dict[str, dict[int, float]] = {query["Id"]: {} for query in queries}
    results = aws.each(
        "cloudwatch", "get_metric_data", "MetricDataResults", MetricDataQueries=queries, StartTime=start, EndTime=end
    )
    for result in results:
        if result.get("StatusCode") in ("Forbidden", "InternalError"):
            raise SourceError(f"cloudwatch:GetMetricData of {result['Id']}: {result['StatusCode']}", result["Id"])
        found[result["Id"]] |= dict(zip(map(to_micros, result["Timestamps"]), result["Values"], strict=True))
    return Metrics(**{name: Series(tuple(sorted(points.items(), reverse=True))) for name, points in found.items()})


def _query(name: str, metric: Metric) -> dict[str, Any]:
    dimensions = [{"Name": metric.dimension[0], "Value": metric.dimension[1]}]
    asked = {"Namespace": metric.namespace, "MetricName": metric.name, "Dimensions": dimensions}
    return {"Id": name, "MetricStat": {"Metric": asked, "Period": PERIOD, "Stat": metric.statistic}}
