"""The chain of one item: its changes in true order, each once, and how each follows the one before.

Pure. Delivery is at least once and unordered, so identity, order and effective time are decided here and
nowhere else (design, section 4). All times are epoch µs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from typing import Any

import msgspec

from histlib.format.record import Change
from histlib.format.streams import is_old_format, lane
from histlib.rules.chain.images import Image, image_after, image_before, says_nothing_before
from histlib.rules.chain.unnumbered import has_place, loose_before
from histlib.values.article_text import same_as_old_format
from histlib.values.times import to_micros

__all__ = ["Image", "Link", "Step", "build_chain", "image_after", "image_before", "stream_started"]


class Link(Enum):
    """How a change follows the one before it."""

    FIRST = "first"
    """Nothing known before it."""
    PROVEN = "proven"
    """Its old image is the new image before it."""
    UNPROVEN = "unproven"
    """The images cannot be compared: absent by view, or redacted by other rules."""
    GAP = "gap"
    """Its old image is another: at least one change between is missing."""


class Step(msgspec.Struct, frozen=True, gc=False):
    """One change in its place.

    ``effective`` is the running maximum of the stamps; ``conflict``: its copies differ, ``others`` are those that
    differ from it; ``new_stream``: the change before it came from another stream (windows of exports are one);
    ``sure`` false: it has no sequence number, and its place among the others of its second is a guess.
    """

    change: Change
    effective: int
    link: Link
    conflict: bool
    new_stream: bool
    sure: bool = True
    others: tuple[Change, ...] = ()

    @property
    def before(self) -> str | Image:
        """The item's image right before the change."""
        return image_before(self.change)

    @property
    def after(self) -> str | Image:
        """The item's image right after the change."""
        return image_after(self.change)


def build_chain(changes: Iterable[Change]) -> list[Step]:
    """The steps of one item from its changes, in any order and any number of copies.

    Baselines are no changes and take no part.
    """
    steps: list[Step] = []
    effective = 0
    previous: Change | None = None
    changes = list(changes)
    for change, others, sure in _ordered(list(_distinct(changes)), changes):
        effective = max(effective, change.timestamp_micros)
        new_stream = previous is not None and _boundary(previous.stream, change.stream)
        steps.append(Step(change, effective, _link(previous, change), bool(others), new_stream, sure, others))
        previous = change
    return steps


@cache
def stream_started(stream: str) -> int:
    """When a stream was enabled: the label that ends its ARN; a name without one comes first.

    Source: DynamoDB API reference, StreamDescription.StreamLabel, an ISO 8601 time.
    """
    try:
        started = datetime.fromisoformat(stream.rpartition("/stream/")[2])
    except ValueError:
        return 0
    return to_micros(started.replace(tzinfo=UTC))


def _boundary(earlier: str | None, later: str | None) -> bool:
    return earlier != later and lane(earlier) != lane(later)


#: A change, and the copies of it that differ from it.
_Copies = tuple[Change, tuple[Change, ...]]


def _ordered(found: list[_Copies], changes: Sequence[Change]) -> Iterator[tuple[Change, tuple[Change, ...], bool]]:
    """(change, others, sure): changes without sequence numbers first, then those of streams."""
    streamed = [pair for pair in found if pair[0].sequence_number and pair[0].stream]
    streamed.sort(key=lambda pair: _position(pair[0]))
    if len(streamed) < len(found):
        yield from _loose([pair for pair in found if not has_place(pair[0])], streamed, changes)
    yield from ((change, others, True) for change, others in streamed)


def _loose(
    found: list[_Copies], streamed: list[_Copies], changes: Sequence[Change]
) -> Iterator[tuple[Change, tuple[Change, ...], bool]]:
    copies = Counter(change.event_id for change in changes if is_old_format(change.stream))
    others = {change.identity: others for change, others in found if others}
    loose = [change for change, _ in found]
    for change, sure in loose_before([change for change, _ in streamed], loose, copies):
        yield change, others.get(change.identity, ()), sure


def _position(change: Change) -> tuple[int, str, str]:
    assert change.stream and change.sequence_number
    return stream_started(change.stream), change.stream, change.sequence_number


def _distinct(changes: Iterable[Change]) -> Iterator[_Copies]:
    """Each change once, with the copies that differ from it; which copy is kept does not hang on their order."""
    copies: dict[tuple[str | None, ...], list[Change]] = {}
    for change in changes:
        if change.action != "BASELINE":
            copies.setdefault(change.identity, []).append(change)
    for group in copies.values():
        first = group[0]
        if len(group) == 1:
            yield first, ()
        elif is_old_format(first.stream):  # equal but for the order of sets
            yield min(group, key=lambda change: (change.file, *map(str, change.content))), ()
        elif any(change.content != first.content for change in group):
            ordered = sorted(group, key=lambda change: (*map(str, change.content), change.file))
            different = {change.content: change for change in reversed(ordered)}
            yield ordered[0], tuple(one for one in reversed(different.values()) if one.content != ordered[0].content)
        else:
            yield min(group, key=lambda change: (change.redaction or "", change.file)), ()


def _link(previous: Change | None, change: Change) -> Link:
    if previous is None:
        return Link.FIRST
    after, before = image_after(previous), image_before(change)
    if says_nothing_before(change):
        return Link.UNPROVEN
    if (after is Image.NONE) != (before is Image.NONE):
        return Link.GAP
    if after is Image.NONE:
        return Link.PROVEN
    if after is Image.UNSEEN or before is Image.UNSEEN or previous.redaction != change.redaction:
        return Link.UNPROVEN
    return Link.PROVEN if _same(previous, change, after, before) else Link.GAP


def _same(previous: Change, change: Change, after: Any, before: Any) -> bool:
    """Whether two images are equal; one of format 0 tells less, and sets in it have any order."""
    if after == before:
        return True
    old = is_old_format(previous.stream) or is_old_format(change.stream)
    return old and same_as_old_format(after, before)
