"""Reach: how far around a span of time the rows of an item must be known, so that those further out change nothing.

Pure. This is the contract of :class:`histlib.engines.queries.ItemChanges` as a function of rows, for sources that read
a part of a history at a time. All times are epoch µs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from histlib.format.record import PRECISIONS, Change, changes_of
from histlib.rules.chain.chain import Step, build_chain
from histlib.rules.chain.unnumbered import has_place
from histlib.values.times import second_of

if TYPE_CHECKING:
    import pyarrow as pa

#: "No change of a stream is earlier than this" where nothing is known.
ANY_TIME: Final = 0


@dataclass(frozen=True)
class Reach:
    """Whether the rows read so far reach far enough on either side of a span, and to which time they must be whole.

    ``earliest`` is the begin of the first second that matters, None unless ``before``; ``latest`` the end of the last
    one, None unless ``after``. The rows tell no more than what has been read: a candidate is certain only when

    * everything from day(``earliest`` − 1 h) on has been read: a file may hold changes an hour newer than its day, and
      the stamps of a table may run backwards by as much;
    * everything through day(``latest`` + 1 h + 2 days) has been read, or the landing has no later day: a change may
      land two days after it happened, and one stamped an hour later may come before it in the stream's order.

    When more has been read, ask again: a nearer change may have come to light.
    """

    before: bool
    after: bool
    earliest: int | None
    latest: int | None


def enough(
    rows: pa.Table, keys: Sequence[str], start: int | None, end: int | None, streams_from: int | None = ANY_TIME
) -> Reach:
    """Whether these rows of the items, of datedays without one left out between, tell of start ≤ t ≤ end.

    A side that is None goes as far as the history does, so no rows are enough for it. So is the side of an item with
    no change there that counts: all of the history on that side must be read. Baselines do not count: the rows of a
    complete one whose reading lies between must be read wherever they landed (its manifest names the files), since an
    item without one was not in the table then.

    Args:
        rows: the record's columns and ``file``.
        keys: canonical key texts; each is judged by itself.
        start, end: epoch µs, inclusive.
        streams_from: the earliest stamp of a change that has a stream and a sequence number, where that is known
            (``first_micros`` of :class:`histlib.engines.queries.Streams`); None: there is none. Changes without a
            sequence number count only before an item's first change in a stream, so one that lies further back matters.
    """
    by_key: dict[str, list[Change]] = {text: [] for text in keys}
    for change in changes_of(rows):
        by_key[change.keys].append(change)
    found = [outside(changes, start, end) for changes in by_key.values()]
    first = [step.effective for step, _ in found if step is not None and _counts(step, streams_from)]
    last = [step.effective for _, step in found if step is not None]
    before, after = len(first) == len(found), len(last) == len(found)
    return Reach(
        before,
        after,
        second_of(min(first))[0] if before and first else None,
        second_of(max(last))[1] if after and last else None,
    )


def outside(rows: Iterable[Change], start: int | None, end: int | None) -> tuple[Step | None, Step | None]:
    """Of the rows of one item, the last change before ``start`` and the first after ``end`` that count as the limits
    of what matters; None where there is none, or the side is open.

    A change does not count as one where its place hangs on what lies further out: one without a sequence number that
    shares its second with others, or one of a stream whose effective time such others may raise. One without a
    sequence number does not count after the span either where a change of a stream has an earlier stamp: the item's
    first change in a stream then decides which of them are told at all.
    """
    changes = [row for row in rows if row.action != "BASELINE"]
    steps = build_chain(changes)
    beside = _loose_by_second(changes)
    first = last = None
    if start is not None:
        earlier = (step for step in reversed(steps) if step.effective < start)
        first = next((step for step in earlier if _stands_fast(step, beside)), None)
    if end is not None:
        later = [step for step in steps if step.effective > end and _stands_fast(step, beside)]
        last = next(iter(later), None)
        if last is not None and not has_place(last.change) and _streamed_up_to(changes, second_of(last.effective)[1]):
            last = next((step for step in later if has_place(step.change)), None)
    return first, last


def _counts(step: Step, streams_from: int | None) -> bool:
    """Whether no change of a stream that is not read yet can make one without a sequence number void."""
    return has_place(step.change) or streams_from is None or streams_from > second_of(step.effective)[1]


def _stands_fast(step: Step, beside: Mapping[int, Sequence[Change]]) -> bool:
    """Whether place and effective time of a step are the same whatever lies further out."""
    loose = beside.get(second_of(step.effective)[0], ())
    if not has_place(step.change):
        return len({row.identity for row in loose}) == 1
    finest = PRECISIONS[step.change.precision]
    return not any(row.timestamp_micros > step.effective or PRECISIONS[row.precision] > finest for row in loose)


def _loose_by_second(changes: Iterable[Change]) -> dict[int, list[Change]]:
    """The changes without a sequence number by the second of their stamps (its begin)."""
    found: dict[int, list[Change]] = {}
    for change in changes:
        if not has_place(change):
            found.setdefault(second_of(change.timestamp_micros)[0], []).append(change)
    return found


def _streamed_up_to(changes: Iterable[Change], moment: int) -> bool:
    return any(has_place(change) and change.timestamp_micros <= moment for change in changes)
