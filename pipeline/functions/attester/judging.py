"""What was observed → an attestation (fields as histlib reads them). Pure.

``captured_through``, which the reader computes as ``attested_at`` less the two lags, is what :mod:`reach` proves, and
never less than what was attested of this pipeline before: what has landed stays landed. ``firehose_freshness_s`` is
since when all that came to Firehose has been delivered, ``iterator_age_ms`` how far behind the recorder was then.

What may be lost for good counts one more ``losses``, which ends the span of what is attested, and nothing is healthy
again until ``captured_through`` has passed it: a change that Lambda dropped or whose batch its destination did not
take, an iterator age near the stream's 24 hours, data that Firehose kept for nearly the 24 hours after which it
discards it (FACTS; Firehose developer guide, "Data delivery failure").
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from .observing import Observed, Points
from .reach import SKEW, Shards, as_json, captured_through, failing, landed_through, pruned, shards_of, signs
from .settings import Settings

VIEW: Final = "NEW_AND_OLD_IMAGES"
#: Seconds of metrics that count as recent.
RECENT: Final = 900
#: Seconds after which stream and Firehose drop what they hold, less a margin.
KEPT: Final = 24 * 3600 - 1800
#: Seconds without any sign of the mapping, or with failures and nothing new captured, after which it is not healthy.
SILENT: Final = 3600
#: Seconds after a mapping was made or altered in which it is no fault that nothing is proven yet.
STARTING: Final = 3600
#: What LastProcessingResult may be while nothing is wrong.
_FINE: Final = ("OK", "No records processed", "")


@dataclass(frozen=True)
class Previous:
    """Of the attestations before: the newest one's ``losses``, when one last saw all that it asked for (epoch µs).

    Of the same table, stream and mapping, else None (epoch seconds): ``captured`` and ``landed`` as :mod:`reach` has
    them, the ``shards``. ``lost_at``: when something was last lost; ``passing``: changes then passed by the history.
    """

    losses: int = 0
    observed_at: int | None = None
    captured: float | None = None
    landed: float | None = None
    shards: Shards | None = None
    lost_at: float | None = None
    passing: bool = False


def judge(settings: Settings, observed: Observed, previous: Previous | None) -> dict[str, Any]:
    """The attestation of now."""
    before = previous or Previous()
    passing = list(_passing_by(settings, observed))
    lost = dict(_losses(observed, before)) | dict.fromkeys(passing, observed.now)
    lost_at = max([*lost.values(), *((observed.now,) if before.passing else ()), before.lost_at or 0.0])
    shards = shards_of(observed.shards, before.shards, observed.now)
    landed, captured = _reach(settings, observed, before, shards)
    problems = [*observed.failures, *_of_table(settings, observed), *_of_mapping(settings, observed)]
    problems += [*_of_delivery(settings, observed), *lost]
    behind = list(_of_reach(observed, captured, 0.0 if lost else lost_at))
    table, stream = observed.table or {}, (observed.table or {}).get("StreamSpecification", {})
    return {
        "format": 1,
        "attested_at": _micros(observed.now),
        "table": settings.table_arn,
        "table_id": table.get("TableId"),
        "stream": settings.stream_arn,
        "view": stream.get("StreamViewType", "unknown"),
        "mapping": settings.mapping,
        "mapping_state": (observed.mapping or {}).get("State", "Missing"),
        **_lags(observed.now, landed, captured),
        "undelivered": observed.undelivered,
        "redaction": settings.redaction,
        "healthy": not problems and not behind,
        "problems": [*problems, *behind],
        "starting": captured is None and not problems and _is_new(observed),
        "observed": not observed.failures,
        "captured": None if captured is None else _micros(captured),
        "landed": None if landed is None else _micros(landed),
        "shards": as_json(pruned(shards, captured)),
        "losses": before.losses + bool(lost),
        "lost_at": _micros(lost_at) if lost_at else None,
        "passing": bool(passing),
        "key_schema": table.get("KeySchema", []),
        "retention_days": settings.retention_days,
    }


def _reach(
    settings: Settings, observed: Observed, before: Previous, shards: Shards | None
) -> tuple[float | None, float | None]:
    """What has landed, and what is captured: as before where not all was told, and never less than before."""
    if observed.failures:
        return before.landed, before.captured
    landed = landed_through(settings, observed, before.landed)
    proven = (captured_through(settings, observed, landed, shards), before.captured)
    return landed, max((one for one in proven if one is not None), default=None)


def _lags(now: float, landed: float | None, captured: float | None) -> dict[str, int]:
    """The two lags, rounded up; of what is not known at all (which is not healthy), a day."""
    ms = _milliseconds(now - (now - 24 * 3600 if captured is None else captured))
    delivery = min(ms // 1_000, int(now - landed) if landed is not None else 0)
    return {"iterator_age_ms": ms - delivery * 1_000, "firehose_freshness_s": delivery}


def _of_reach(observed: Observed, captured: float | None, lost_at: float) -> Iterator[str]:
    """What keeps the attestation from saying more than before."""
    seen = signs(observed.metrics)
    if not observed.failures and (not seen or observed.now - seen[-1] > SILENT) and not _is_new(observed):
        yield f"the mapping has not been seen to poll or to call the recorder since {_since_when(seen)}"
    elif captured is None:
        yield "nothing is proven yet: the mapping has to be seen at work for half an hour"
    elif captured < lost_at:
        yield f"changes were lost by {_clock(lost_at)}: what came after is attested once that has passed"
    elif observed.now - captured > SILENT and (failed := failing(observed.metrics)) and failed[-1] > captured:
        yield f"calls of the recorder fail, last at {_clock(failed[-1])}: nothing after {_clock(captured)} is proven"


def _is_new(observed: Observed) -> bool:
    """Whether the mapping was made, or altered, a short while ago."""
    modified = (observed.mapping or {}).get("LastModified")
    return isinstance(modified, datetime) and observed.now - modified.timestamp() < STARTING


def _of_table(settings: Settings, observed: Observed) -> Iterator[str]:
    table = observed.table
    if table is None:
        yield f"the table {settings.table} is not there"
        return
    stream = table.get("StreamSpecification", {})
    if not stream.get("StreamEnabled"):
        yield "the table's stream is off"
    elif table.get("LatestStreamArn") != settings.stream_arn:
        yield "the table has another stream than the one that is read: deploy again"
    elif stream.get("StreamViewType") != VIEW:
        yield f"the stream's view is {stream.get('StreamViewType')}, expected {VIEW}"


def _of_mapping(settings: Settings, observed: Observed) -> Iterator[str]:
    mapping = observed.mapping
    if mapping is None:
        yield "the mapping that reads the stream is not there"
        return
    if mapping.get("State") != "Enabled":
        yield f"the mapping is {mapping.get('State')}"
    if mapping.get("EventSourceArn") != settings.stream_arn:
        yield "the mapping reads another stream"
    if not str(mapping.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination", "")).startswith("arn:"):
        yield "the mapping has no destination for what it gives up, which would be lost"
    result = mapping.get("LastProcessingResult") or ""
    if result not in _FINE:
        yield f"the mapping's last result is {result[:200]!r}"
    recent = observed.now - RECENT
    if _sum(observed.metrics, "throttles", recent) and not _since(observed.metrics, "iterator_age", recent):
        yield "Lambda throttles the recorder, and has not called it for a quarter of an hour"


def _of_delivery(settings: Settings, observed: Observed) -> Iterator[str]:
    recent = observed.now - RECENT
    if any(value < 1 for value in _since(observed.metrics, "success", recent).values()):
        yield "S3 refuses what Firehose delivers"
    came = max((minute for minute, count in observed.metrics.get("incoming", {}).items() if count), default=None)
    told = max(observed.metrics.get("freshness", {}), default=0)
    if came is not None and came < observed.now - settings.buffer_seconds - RECENT and told < came:
        yield "Firehose took records and does not tell of their delivery"


def _losses(observed: Observed, before: Previous) -> Iterator[tuple[str, float]]:
    """What was lost since the last attestation that told of a loss, in words, and when all of it was lost."""
    since = max(observed.since - 60, before.lost_at or 0)

    def found(name: str, least: float) -> Points:
        return {
            minute: one for minute, one in observed.metrics.get(name, {}).items() if minute >= since and one >= least
        }

    if dropped := found("dropped", 1):
        yield f"Lambda dropped {sum(dropped.values()):,.0f} changes", _end(dropped)
    if refused := found("lost_by_destination", 1):
        yield f"the destination did not take {sum(refused.values()):,.0f} batches that Lambda gave up", _end(refused)
    if late := found("iterator_age", KEPT * 1_000):
        yield "the recorder was nearly 24 h behind, which is as long as the stream keeps changes", _end(late)
    if held := found("freshness", KEPT):
        yield "Firehose held data for nearly 24 h, after which it discards it", _end(held)


def _passing_by(settings: Settings, observed: Observed) -> Iterator[str]:
    """How the mapping stands where changes may pass by the history without a metric that tells of it. Once mended all
    looks well again, so that only a loss keeps later attestations from going on with those before."""
    mapping = observed.mapping
    if mapping is None:
        return
    if mapping.get("FunctionArn", "").split(":function:")[-1].split(":")[0] != settings.function:
        yield "the mapping calls another function"
    if "ReportBatchItemFailures" not in mapping.get("FunctionResponseTypes", ()):
        yield "the mapping does not report batch item failures: what fails would be taken for done"
    if mapping.get("FilterCriteria", {}).get("Filters"):
        yield "the mapping has a filter: changes that it leaves out are not recorded"
    destination = str(mapping.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination", ""))
    if destination.startswith("arn:") and not destination.endswith(f":s3:::{settings.bucket}"):
        yield f"what the mapping gives up goes to {destination}, where it is not counted, not to {settings.bucket}"


def _since(metrics: Mapping[str, Points], name: str, start: float) -> Points:
    return {minute: value for minute, value in metrics.get(name, {}).items() if minute >= start - 60}


def _sum(metrics: Mapping[str, Points], name: str, start: float) -> float:
    return sum(_since(metrics, name, start).values())


def _end(points: Points) -> float:
    return max(points) + 60.0 + SKEW


def _micros(seconds: float) -> int:
    return int(seconds * 1_000_000)


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1_000) + 1


def _clock(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%H:%M} UTC"


def _since_when(seen: list[int]) -> str:
    return _clock(seen[-1]) if seen else "long ago"
