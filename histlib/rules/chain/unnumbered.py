"""Changes without sequence numbers (format 0, exports): which of them count, and in what order. Pure.

They never interleave with the changes of a stream: they serve the time before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from histlib.format.record import Change
from histlib.format.streams import is_old_format
from histlib.rules.chain.images import Image, image_after, image_before
from histlib.rules.chain.ordering import ANY, Edge, can_repeat, in_chain, only_entry
from histlib.values.article_text import to_format0
from histlib.values.times import SECOND


def has_place(change: Change) -> bool:
    """Whether its stream says which place a change has."""
    return bool(change.stream and change.sequence_number)


def loose_before(
    streamed: Sequence[Change], loose: Sequence[Change], copies: Mapping[str, int]
) -> Iterator[tuple[Change, bool]]:
    """The changes of one item that come before its changes in streams, in order, and whether each one's place is sure.

    ``copies`` tells by event id how many equal records there were: within a second, a change that came back may have
    been a Lambda's retry, or made again.
    """
    for changes, order, sure in _in_seconds(_counting(streamed, loose), streamed[0] if streamed else None):
        edges = [_edge(change) for change in changes]
        again = any(copies.get(changes[at].event_id, 1) > 1 and can_repeat(edges, at) for at in order)
        yield from ((changes[at], sure and not again) for at in order)


def _counting(streamed: Sequence[Change], loose: Sequence[Change]) -> list[Change]:
    """Those that come before the item's first change in a stream.

    From there on the stream has them all, and these are the same changes once more. Neither the stream's label nor
    its first change of any item would do as the limit: the article's Lambda may have read that very stream for years,
    and shards need not have been taken up at one moment. An export's change of that very second sums up others: it
    counts only where the stream goes on from it.
    """
    if not streamed:
        return list(loose)
    first, found = streamed[0].timestamp_micros // SECOND, _edge(streamed[0])[0]
    told = {_told(change) for change in streamed if change.timestamp_micros // SECOND <= first}

    def counts(change: Change) -> bool:
        if change.timestamp_micros // SECOND != first:
            return change.timestamp_micros // SECOND < first
        return _told(change) not in told and (is_old_format(change.stream) or _edge(change)[1] == found)

    return [change for change in loose if counts(change)]


def _told(change: Change) -> tuple[Any, ...]:
    """What a change says in any format."""
    images = (image and to_format0(image) for image in (change.old_image, change.new_image))
    return (change.action, change.timestamp_micros // SECOND, *images)


def _in_seconds(loose: list[Change], following: Change | None) -> Iterator[tuple[list[Change], list[int], bool]]:
    """Those of each second, and their order: so that each follows the one before it; whether that is sure."""
    loose.sort(key=lambda change: (change.timestamp_micros, change.file, change.event_id))
    groups = [list(group) for _, group in groupby(loose, key=_moment)]
    edges = [list(map(_edge, group)) for group in groups]
    nexts = [*map(only_entry, edges[1:]), _edge(following)[0] if following else ANY]
    start: Any = ANY
    found = []
    for ends, end in zip(edges, nexts, strict=False):
        found.append((start, *in_chain(ends, start, end)))
        start = ends[found[-1][1][-1]][1] if found[-1][2] else ANY
    for at in range(len(found) - 2, -1, -1):  # what one second leaves open, the next one may tell
        start, _, sure = found[at]
        _, following_order, following_sure = found[at + 1]
        if following_sure and not sure:
            found[at] = (start, *in_chain(edges[at], start, edges[at + 1][following_order[0]][0]))
    yield from ((group, order, sure) for group, (_, order, sure) in zip(groups, found, strict=True))


def _moment(change: Change) -> tuple[int, int]:
    """Changes with the same have no order by time: those of one second, or of one instant."""
    second = change.timestamp_micros // SECOND
    return second, change.timestamp_micros if change.precision == "us" else -1


def _edge(change: Change) -> Edge:
    """What a change found and left, alike in all formats; an image not seen is like no other."""
    found, left = image_before(change), image_after(change)
    return _node(found, (change.event_id, 0)), _node(left, (change.event_id, 1))


def _node(image: str | Image, unseen: Any) -> Any:
    if isinstance(image, str):
        return to_format0(image)
    return image if image is Image.NONE else unseen
