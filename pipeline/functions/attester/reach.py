"""Up to when all changes have landed, as far as what AWS tells can prove it. Pure; times are epoch seconds.

Two steps, each no further than is shown:

- *landed*: all that came to Firehose up to then is in S3. Each DataFreshness says so by its definition: what is older
  has been delivered. Where nothing more came, that holds on.
- *captured*: all changes up to then had been recorded by a moment ``at``, which itself lies before *landed*. It is the
  newest moment at which the mapping had been seen to poll or call steadily, and no call had failed for ``QUIET``.

IteratorAge is the age of a batch's *last* record, one number for all shards, and LastProcessingResult is one text for
all: while a batch of one shard fails, the batches behind it and the other shards hide it. So a failure alone (in
FailedInvokeEventCount, which counts batches given back in part; Errors; Throttles; the recorder's own Refused) keeps
*captured* where it is, whatever else looks alive.

Polls have no shard either. That Lambda reads *each* shard of an enabled mapping at least every ``UNREAD`` seconds is
AWS's word (Lambda developer guide, "Polling and batching streams": four times a second), and no metric proves it:
the attestation tells how many shards were open. DescribeStream shows when shards came: until they have been there for
``PATIENCE``, nothing is captured from before which they were not there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from .observing import Observed, Points
from .settings import Settings

#: The margin, in parts. Seconds by which a metric may come late (AWS says "within minutes"; this is believed to do).
LATE: Final = 600
#: Seconds by which clocks differ, at most: those of metrics, of the stream's stamps, and of this run.
SKEW: Final = 60
#: Seconds that a shard may be unread while the mapping is at work; without any sign of it for longer, it stood still.
UNREAD: Final = 300
#: Seconds that a call of the recorder may take: its timeout.
CALL: Final = 120
#: Seconds within which Lambda takes up what it has not: a shard that is new, all of them when the mapping is turned on,
#: a batch that failed. Believed: AWS names no limit.
PATIENCE: Final = 900
#: Seconds without a failure after which no batch is stuck: it would have been tried again, and have failed.
QUIET: Final = PATIENCE + 2 * CALL
#: Seconds within which Firehose tells DataFreshness while it holds something longer than its buffer. Believed.
TOLD: Final = 900
#: Seconds of metrics before what was captured last that are looked at.
LOOKBACK: Final = 3_600

#: Metrics that tell of a call that failed, or could not be made.
FAILURES: Final = ("failed", "errors", "throttles", "refused")


@dataclass(frozen=True)
class Shards:
    """The open shards as DescribeStream told them ``at`` some time: how many, a digest of their ids, and what changed
    lately: (when they were told before, when the change was seen)."""

    open: int
    known: str
    at: float
    changes: tuple[tuple[float, float], ...] = ()


def shards_of(ids: Sequence[str] | None, before: Shards | None, now: float) -> Shards | None:
    """The shards of now; those told before where they could not be asked."""
    if ids is None:
        return before
    known = hashlib.sha256("\n".join(sorted(ids)).encode()).hexdigest()[:16]
    changes = before.changes if before else ()
    if before and before.known != known:
        changes = (*changes, (before.at, now))
    return Shards(len(ids), known, now, changes)


def landed_through(settings: Settings, observed: Observed, before: float | None) -> float:
    """Up to when all that came to Firehose is in S3; ``before``: as it was known last.

    What came while Firehose has not told of any delivery since is not taken for delivered, however long ago it was.
    """
    told = observed.metrics.get("freshness", {})
    came = [minute for minute, count in observed.metrics.get("incoming", {}).items() if count]
    known = observed.now - LATE
    shown = [minute - age for minute, age in told.items()] + ([] if before is None else [before])
    waiting = _first_after(came, max(shown, default=None))
    if waiting is not None and any(minute >= waiting for minute in told):
        lately = max((age for minute, age in told.items() if minute >= known - TOLD), default=0)
        shown.append(known - TOLD - max(settings.buffer_seconds, lately))
        waiting = _first_after(came, max(shown))
    return max([*shown, known if waiting is None else min(waiting, known)])


def _first_after(came: Sequence[int], delivered: float | None) -> int | None:
    """The first minute of which what came may not have been delivered."""
    return min((minute for minute in came if delivered is None or minute + 60 > delivered), default=None)


def captured_through(settings: Settings, observed: Observed, landed: float, shards: Shards | None) -> float | None:
    """Up to when all changes are in what has landed; None: these metrics show no such time."""
    span = UNREAD + settings.window_seconds + CALL
    at = _last_clean(observed, min(landed, observed.now - LATE), PATIENCE + span)
    if at is None:
        return None
    ages = observed.metrics.get("iterator_age", {})
    # AWS's pages differ on whether a record's age is that when its batch was received, or when it was done.
    took = settings.window_seconds + CALL
    behind = (minute - age / 1_000 - took for minute, age in ages.items() if at - span - 60 <= minute <= at)
    unseen = (earlier for earlier, seen in (shards.changes if shards else ()) if at < seen + PATIENCE + span)
    return min([at - span, *behind, *unseen]) - SKEW


def pruned(shards: Shards | None, captured: float | None) -> Shards | None:
    """Without the changes that can keep nothing back any more."""
    if shards is None or captured is None:
        return shards
    kept = tuple((earlier, seen) for earlier, seen in shards.changes if captured < seen + PATIENCE)
    return Shards(shards.open, shards.known, shards.at, kept)


def signs(metrics: Mapping[str, Points]) -> list[int]:
    """The minutes in which the mapping polled or called."""
    return sorted({minute for name in ("iterator_age", "polled") for minute in metrics.get(name, {})})


def failing(metrics: Mapping[str, Points]) -> list[int]:
    """The minutes in which a call failed, or could not be made."""
    return sorted({minute for name in FAILURES for minute, count in metrics.get(name, {}).items() if count})


def _last_clean(observed: Observed, latest: float, begun: float) -> float | None:
    """The newest moment up to ``latest`` when the mapping had been at work for ``begun`` and no batch was stuck."""
    failed = failing(observed.metrics)
    for minute in reversed(list(_steady(signs(observed.metrics), begun))):
        if minute <= latest and not any(minute - QUIET < one <= minute for one in failed):
            return minute
    return None


def _steady(seen: Sequence[int], begun: float) -> Iterator[int]:
    """The minutes up to which signs had gone on for ``begun``: after it stood still, the mapping begins anew."""
    begin = last = None
    for minute in seen:
        if last is None or begin is None or minute - last > UNREAD:
            begin = minute
        last = minute
        if minute - begin >= begun:
            yield minute


def as_json(shards: Shards | None) -> dict[str, Any] | None:
    """For the attestation; times in epoch µs."""
    if shards is None:
        return None
    changes = [[int(one * 1_000_000) for one in change] for change in shards.changes]
    return {"open": shards.open, "known": shards.known, "at": int(shards.at * 1_000_000), "changes": changes}


def from_json(told: dict[str, Any] | None) -> Shards | None:
    """From an attestation."""
    if told is None:
        return None
    changes = tuple((earlier / 1_000_000, seen / 1_000_000) for earlier, seen in told["changes"])
    return Shards(told["open"], told["known"], told["at"] / 1_000_000, changes)
