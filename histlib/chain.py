"""The chain of one item: its changes in true order, each once, and how each follows the one before.

Pure. Delivery is at least once and unordered, so identity, order and effective time are decided here and
nowhere else (design, section 4). All times are epoch µs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from enum import Enum
from functools import cache

import msgspec

from histlib.record import Change
from histlib.times import to_micros


class Image(Enum):
    """What stands in the place of an image that is not there."""

    NONE = "none"
    """No item: before an INSERT, after a REMOVE."""
    UNSEEN = "unseen"
    """An item, whose image the stream's view does not hold."""


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

    ``effective`` is the running maximum of the stamps; ``conflict``: its copies differ; ``new_stream``: the
    change before it came from another stream.
    """

    change: Change
    effective: int
    link: Link
    conflict: bool
    new_stream: bool

    @property
    def before(self) -> str | Image:
        """The item's image right before the change."""
        return image_before(self.change)

    @property
    def after(self) -> str | Image:
        """The item's image right after the change."""
        return image_after(self.change)


def image_after(change: Change) -> str | Image:
    """The item's image right after a change."""
    if change.action == "REMOVE":
        return Image.NONE
    return Image.UNSEEN if change.new_image is None else change.new_image


def image_before(change: Change) -> str | Image:
    """The item's image right before a change."""
    if change.old_image is not None:
        return change.old_image
    return Image.NONE if change.action == "INSERT" else Image.UNSEEN


def build_chain(changes: Iterable[Change]) -> list[Step]:
    """The steps of one item from its changes, in any order and any number of copies.

    Baselines are no changes and take no part.
    """
    steps: list[Step] = []
    effective = 0
    previous: Change | None = None
    for change, conflict in sorted(_distinct(changes), key=lambda pair: _position(pair[0])):
        effective = max(effective, change.timestamp_micros)
        new_stream = previous is not None and previous.stream != change.stream
        steps.append(Step(change, effective, _link(previous, change), conflict, new_stream))
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


def _distinct(changes: Iterable[Change]) -> Iterator[tuple[Change, bool]]:
    """Each change once, with whether its copies differ; which copy is kept does not hang on their order."""
    copies: dict[tuple[str | None, ...], list[Change]] = {}
    for change in changes:
        if change.action != "BASELINE":
            copies.setdefault(change.identity, []).append(change)
    for group in copies.values():
        first = group[0]
        if len(group) == 1:
            yield first, False
            continue
        if any(change.content != first.content for change in group):
            yield min(group, key=lambda change: tuple(map(str, change.content))), True
        else:
            yield min(group, key=lambda change: change.redaction or ""), False


def _position(change: Change) -> tuple[int, str, str]:
    if change.stream and change.sequence_number:
        return stream_started(change.stream), change.stream, change.sequence_number
    return change.timestamp_micros, "", change.event_id


def _link(previous: Change | None, change: Change) -> Link:
    if previous is None:
        return Link.FIRST
    after, before = image_after(previous), image_before(change)
    if (after is Image.NONE) != (before is Image.NONE):
        return Link.GAP
    if after is Image.NONE:
        return Link.PROVEN
    if after is Image.UNSEEN or before is Image.UNSEEN or previous.redaction != change.redaction:
        return Link.UNPROVEN
    return Link.PROVEN if after == before else Link.GAP
