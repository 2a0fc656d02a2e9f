"""The batches in which Lambda would have been given recorded changes, and when."""

from __future__ import annotations

from typing import Any, Final

from pipeline.functions.recorder.images import MALFORMED
from pipeline.functions.recorder.record import read_stamp, sequence_text

#: Seconds that the changes of one batch may lie apart: a stream keeps them no longer. What lies further apart arrived
#: apart, and landing days depend on that.
KEPT: Final = 86_400

Record = dict[str, Any]


def batches(records: list[Any]) -> list[list[Any]]:
    """The records in order, in batches whose changes lie at most :data:`KEPT` apart; those without a time join them."""
    made: list[list[Any]] = [[]]
    earliest = latest = None
    for record in records:
        if (moment := moment_of(record)) is not None:
            earliest, latest = min(earliest or moment, moment), max(latest or moment, moment)
            if latest - earliest > KEPT:
                made.append([])
                earliest = latest = moment
        made[-1].append(record)
    return made


def from_checkpoint(records: list[Record], identifier: str) -> list[Record]:
    """What Lambda sends again: all from the checkpoint on; the whole batch where it is empty."""
    if not identifier:
        return records
    return [record for record in records if int(sequence_text(record) or identifier) >= int(identifier)]


def arrival(records: list[Any], delay: float) -> float | None:
    """When a batch arrives (epoch s): ``delay`` s after its first change, not before its last; None without a time."""
    times = [moment for record in records if (moment := moment_of(record)) is not None]
    return max(min(times) + delay, *times) if times else None


def moment_of(record: Any) -> float | None:
    """A change's time, epoch s; None where it has none that is one."""
    try:
        return read_stamp(record["dynamodb"]["ApproximateCreationDateTime"]).micros / 1e6
    except MALFORMED:
        return None
