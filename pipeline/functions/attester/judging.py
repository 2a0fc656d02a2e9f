"""What was observed → an attestation (fields as ``histlib.coverage.Attestation``). Pure.

How far behind the landing is, in two parts, each at least as much as is true:

- ``iterator_age_ms``: since a minute in which the mapping was seen to poll or to call the recorder, be it by an earlier
  run, plus how old at most what it took was, plus the batching window and a slack. No metric is no proof: Lambda tells
  IteratorAge only when it calls, so without the polls a quiet table could not be told from a stuck mapping. While
  Lambda throttles, polls prove nothing, calls still do.
- ``firehose_freshness_s``: the highest DataFreshness of that quarter, at least the buffer's seconds, plus a slack.

What may be lost for good counts one more ``losses``, which ends the span of what is attested: a change that Lambda
dropped or whose batch its destination did not take, an iterator age near the stream's 24 hours, data that Firehose
kept for nearly the 24 hours after which it discards it (FACTS; Firehose developer guide, "Data delivery failure").
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from .observing import Observed, Points
from .settings import Settings

VIEW: Final = "NEW_AND_OLD_IMAGES"
#: Seconds of metrics that count as recent, and by how much a metric may come late or be off.
RECENT, SLACK = 900, 120
#: Seconds after which stream and Firehose drop what they hold, less a margin.
KEPT: Final = 24 * 3600 - 1800
#: Seconds without any sign of the mapping after which it is not healthy.
SILENT: Final = 3600
#: What LastProcessingResult may be while nothing is wrong.
_FINE: Final = ("OK", "No records processed", "")


@dataclass(frozen=True)
class Previous:
    """Of the attestations before: the newest one's ``losses``, when one last saw all that it asked for, when the
    mapping was last seen at work (epoch µs, None: never), and how old then what it took was (ms)."""

    losses: int = 0
    observed_at: int | None = None
    seen_at: int | None = None
    behind_ms: int = 0


def judge(settings: Settings, observed: Observed, previous: Previous | None) -> dict[str, Any]:
    """The attestation of now."""
    losses = [*_losses(observed), *_unseen_losses(settings, observed)]
    problems = [*observed.failures, *_of_table(settings, observed), *_of_mapping(settings, observed)]
    problems += [*_of_delivery(settings, observed), *losses]
    seen, behind = _seen(observed, previous or Previous())
    silent = observed.now - (observed.since if seen is None else seen)
    if seen is None or silent > SILENT:
        problems.append(f"the mapping has not been seen to poll or to call the recorder for {silent / 3600:.1f} h")
    lag = silent + behind + settings.window_seconds + SLACK
    table, stream = observed.table or {}, (observed.table or {}).get("StreamSpecification", {})
    return {
        "format": 1,
        "attested_at": int(observed.now * 1_000_000),
        "table": settings.table_arn,
        "table_id": table.get("TableId"),
        "stream": settings.stream_arn,
        "view": stream.get("StreamViewType", "unknown"),
        "mapping": settings.mapping,
        "mapping_state": (observed.mapping or {}).get("State", "Missing"),
        "iterator_age_ms": int(lag * 1_000),
        "firehose_freshness_s": int(_freshness(settings, observed)),
        "undelivered": observed.undelivered,
        "redaction": settings.redaction,
        "healthy": not problems,
        "problems": problems,
        "observed": not observed.failures,
        "seen_at": None if seen is None else int(seen * 1_000_000),
        "behind_ms": int(behind * 1_000),
        "losses": (previous.losses if previous else 0) + bool(losses),
        "key_schema": table.get("KeySchema", []),
        "retention_days": settings.retention_days,
    }


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
    came = max(observed.metrics.get("incoming", {}), default=None)
    told = max(observed.metrics.get("freshness", {}), default=0)
    overdue = observed.now - settings.buffer_seconds - RECENT
    if came is not None and came < overdue and told < came and observed.metrics["incoming"][came]:
        yield "Firehose took records and does not tell of their delivery"


def _losses(observed: Observed) -> Iterator[str]:
    metrics, since = observed.metrics, observed.since
    if dropped := _sum(metrics, "dropped", since):
        yield f"Lambda dropped {dropped:,.0f} changes"
    if refused := _sum(metrics, "lost_by_destination", since):
        yield f"the destination did not take {refused:,.0f} batches that Lambda gave up"
    if _highest(metrics, "iterator_age", since) >= KEPT * 1_000:
        yield "the recorder was nearly 24 h behind, which is as long as the stream keeps changes"
    if _highest(metrics, "freshness", since) >= KEPT:
        yield "Firehose held data for nearly 24 h, after which it discards it"


def _unseen_losses(settings: Settings, observed: Observed) -> Iterator[str]:
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


def _seen(observed: Observed, previous: Previous) -> tuple[float | None, float]:
    """When the mapping was last seen at work (epoch seconds, None: never), and how old (s) at most what it then took.

    What Firehose still holds came to it since then, less what that is old. IteratorAge is the age of the last record
    of a batch only (Lambda developer guide): the first may have waited since the mapping was seen to work before.
    """
    names = ["iterator_age"] if _throttled(observed) else ["iterator_age", "polled"]
    signs = sorted({minute for name in names for minute in observed.metrics.get(name, {})})
    before = None if previous.seen_at is None else previous.seen_at / 1_000_000
    if not signs:
        return before, previous.behind_ms / 1_000
    start = signs[-1] - RECENT - _highest(observed.metrics, "freshness", observed.now - RECENT)
    earlier = [before] if before is not None and before < signs[0] else []
    waits = [later - sooner for sooner, later in pairwise([*earlier, *signs]) if later >= start]
    if not earlier and signs[0] >= start:  # how long it waited before that, an earlier run saw
        waits.append(previous.behind_ms / 1_000)
    return signs[-1], _highest(observed.metrics, "iterator_age", start) / 1_000 + max(waits, default=0)


def _throttled(observed: Observed) -> bool:
    """Whether Lambda throttles, or did and has not called since: what it polled then may still wait."""
    throttles = [minute for minute, count in observed.metrics.get("throttles", {}).items() if count]
    called = max(observed.metrics.get("iterator_age", {}), default=0)
    return bool(throttles) and max(throttles) >= min(called, observed.now - RECENT - 60)


def _freshness(settings: Settings, observed: Observed) -> float:
    recent = observed.now - RECENT
    return max(_highest(observed.metrics, "freshness", recent), settings.buffer_seconds) + SLACK


def _since(metrics: Mapping[str, Points], name: str, start: float) -> Points:
    return {minute: value for minute, value in metrics.get(name, {}).items() if minute >= start - 60}


def _sum(metrics: Mapping[str, Points], name: str, start: float) -> float:
    return sum(_since(metrics, name, start).values())


def _highest(metrics: Mapping[str, Points], name: str, start: float) -> float:
    return max(_since(metrics, name, start).values(), default=0)
