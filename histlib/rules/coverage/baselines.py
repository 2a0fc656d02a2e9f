"""Baselines: full pictures of the table, and what each of them says of one item.

Pure. A baseline exists only with a complete manifest (design, section 4). It shows an item as it was at some instant
while it was read; where the item changed then, the changes' images decide. All times are epoch µs.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Final

import msgspec

from histlib.format.record import PRECISIONS, Change
from histlib.format.streams import BASELINE_PREFIX, is_net, is_old_format
from histlib.rules.chain.chain import Link, Step
from histlib.rules.chain.images import Image
from histlib.rules.coverage.coverage import Coverage
from histlib.rules.coverage.net_windows import Window
from histlib.values.article_text import same_as_old_format
from histlib.values.times import SECOND, end_of_second, format_time

#: The version of manifests that this reads.
FORMAT: Final = 1
#: A change stamped this near to a reading may lie on either side of it: clocks differ by up to a minute.
NEAR: Final = 60 * SECOND

_KINDS: Final = ("scan", "export")


class Manifest(msgspec.Struct, frozen=True):
    """What ``baseline/<id>.json`` says: written last, when all rows of the baseline are in ``files``."""

    format: int
    id: str
    kind: str
    table: str
    read_begin: int
    read_end: int
    items: int
    files: tuple[str, ...]
    table_id: str | None = None
    redaction: str | None = None
    key_schema: tuple[dict[str, str], ...] = ()

    @property
    def stream(self) -> str:
        """What the rows of this baseline have as their ``stream``."""
        return f"{BASELINE_PREFIX}{self.id}"


@dataclass(frozen=True)
class Sighting:
    """One item as a complete baseline saw it at some instant in [``read_begin``, ``read_end``]; ``image`` None: not
    in the table. Of what it lacks the whole baseline's times count, of what it has those of the row."""

    read_begin: int
    read_end: int
    image: str | None
    redaction: str | None
    baseline: str

    def __str__(self) -> str:
        begin, end = (format_time(micros, UTC) for micros in (self.read_begin, self.read_end))
        return f"baseline {self.baseline}, read at {begin}" + (f" to {end}" if end != begin else "")

    def agrees(self, image: str | Image, change: Change) -> bool | None:
        """Whether the image before or after a change is what was seen; None where the two cannot be compared."""
        if (image is Image.NONE) or self.image is None:
            return (image is Image.NONE) == (self.image is None)
        if image is Image.UNSEEN or change.redaction != self.redaction:
            return None
        return image == self.image or (is_old_format(change.stream) and same_as_old_format(image, self.image))

    def widen(self, start: int, end: int) -> tuple[int, int]:
        """[start, end] and all that is near to this reading: a change there would overrule it."""
        return min(start, self.read_begin - NEAR), max(end, self.read_end + NEAR)

    def contradicts(self, other: Sighting) -> bool:
        """Whether the item must have changed between the two."""
        if self.image is None or other.image is None:
            return self.image != other.image
        return self.redaction == other.redaction and self.image != other.image


@dataclass(frozen=True)
class ItemHistory:
    """All that a history holds of one item: its changes in order, and its sightings by complete baselines."""

    keys: str
    steps: Sequence[Step]
    sightings: Sequence[Sighting] = ()


@dataclass(frozen=True)
class Sightings:
    """The sightings around a moment, between the change before it and the one after it.

    ``last`` is the last up to the moment, ``upcoming`` the first after it. ``unsure``: others up to the moment that
    may be as late as the last. ``earlier``: others up to the moment, all of them.
    """

    last: Sighting | None = None
    upcoming: Sighting | None = None
    unsure: tuple[Sighting, ...] = ()
    earlier: tuple[Sighting, ...] = ()

    def contradiction(self, current: Step) -> Sighting | None:
        """The upcoming one, where it saw another state than the last change left."""
        upcoming = self.upcoming
        if upcoming is None or upcoming.agrees(current.after, current.change) is not False:
            return None
        return upcoming


def read_manifest(text: str) -> Manifest | None:
    """The manifest in a JSON text; None where it is one of another kind of export, which is no baseline.

    Raises:
        ValueError: not a manifest of a baseline in this format; says why.
    """
    fields = _any.decode(text)
    if not isinstance(fields, dict):
        raise ValueError(f"expected a JSON object, got {text[:60]!r}")
    if fields.get("kind") == "incremental":
        return None
    if fields.get("format") != FORMAT:
        raise ValueError(f"format {fields.get('format')!r}, this histlib reads {FORMAT}: take a newer one")
    if fields.get("kind") not in _KINDS:
        raise ValueError(f"kind {fields.get('kind')!r}, expected one of {', '.join(_KINDS)}")
    manifest = msgspec.convert(fields, Manifest)
    if manifest.read_begin > manifest.read_end:
        raise ValueError(f"read_begin {manifest.read_begin} is after read_end {manifest.read_end}")
    return manifest


def why_incomplete(manifest: Manifest, missing: str | None, damaged: str | None, keys: int) -> str:
    """Why a baseline with this manifest is not complete; empty where it is.

    ``missing`` and ``damaged`` are files of it that the landing lacks or that cannot be read in full; ``keys`` is the
    number of different keys among its rows.
    """
    if missing is not None:
        return f"{missing} is not in the landing"
    if damaged is not None:
        return f"{damaged} cannot be read in full"
    if keys != manifest.items:
        return f"the landing holds {keys:,} of its items, the manifest says {manifest.items:,}"
    return ""


def sightings_of(rows: Iterable[Change], baselines: Sequence[Manifest]) -> tuple[Sighting, ...]:
    """What complete baselines say of one item, whose rows these are: what it was, or that it was not there."""
    found: dict[str, set[Sighting]] = {manifest.stream: set() for manifest in baselines}
    unseen = set()
    for row in rows:
        if row.action == "BASELINE" and row.stream in found:
            unseen.add(row.stream)
            if row.new_image is not None:
                found[row.stream].add(_sighting(row, next(one for one in baselines if one.stream == row.stream)))
    for manifest in baselines:
        if manifest.stream not in unseen:
            absent = Sighting(manifest.read_begin, manifest.read_end, None, manifest.redaction, manifest.id)
            found[manifest.stream].add(absent)
    return tuple(sorted((one for seen in found.values() for one in seen), key=_in_time))


def sightings_around(
    steps: Sequence[Step], sightings: Sequence[Sighting], position: int, moment: int, coverage: Coverage
) -> Sightings:
    """The sightings that tell of a moment, the last instant of a whole second; ``position`` steps lie before it."""
    sightings = [one for one in sightings if _tells_of(one, moment, steps, coverage)]
    if not sightings:
        return Sightings()
    after = steps[position - 1].effective if position else None
    before = steps[position].effective if position < len(steps) else None
    between = [
        one
        for one in sorted(_anchors(steps, sightings), key=_in_time)
        if (after is None or one.read_begin > after) and (before is None or one.read_end < before)
    ]
    seen = [one for one in between if one.read_begin <= moment]
    upcoming = between[len(seen)] if len(seen) < len(between) else None
    if not seen:
        return Sightings(upcoming=upcoming)
    last, earlier = seen[-1], tuple(seen[:-1])
    unsure = tuple(one for one in earlier if one.read_end >= last.read_begin)
    return Sightings(last, upcoming, unsure, earlier)


def inside_window(coverage: Coverage, sighting: Sighting) -> Window | None:
    """The export's window that a baseline was read strictly inside of, where nothing else tells of that time."""
    return next(iter(coverage.net_windows(sighting.read_begin, sighting.read_end)), None) if coverage.windows else None


def _tells_of(sighting: Sighting, moment: int, steps: Sequence[Step], coverage: Coverage) -> bool:
    """At the ends of an export's window its own images decide: a baseline read strictly inside it tells nothing of a
    time at or before its start, and of one at or after its end only where the item has no net change in it."""
    window = inside_window(coverage, sighting)
    if window is None or window.start < moment < window.end:
        return True
    return moment >= window.end and not _changed_in(window, steps)


def _changed_in(window: Window, steps: Sequence[Step]) -> bool:
    return any(step.change.stream == window.stream for step in steps)


def sightings_between(steps: Sequence[Step], sightings: Sequence[Sighting], coverage: Coverage) -> list[list[Sighting]]:
    """Those before the first step, those between each two that follow each other, those after the last one; but for
    those within an export's window in which the item changed: its own images say what was at the ends."""
    windows = [(one, inside_window(coverage, one)) for one in sightings]
    sightings = [one for one, window in windows if window is None or not _changed_in(window, steps)]
    found: list[list[Sighting]] = [[] for _ in range(len(steps) + 1)]
    for one in sorted(_anchors(steps, sightings), key=_in_time) if sightings else ():
        position = bisect_left(steps, one.read_begin, key=lambda step: step.effective)
        if position == len(steps) or one.read_end < steps[position].effective:
            found[position].append(one)
    return found


def all_keys_known(baselines: Iterable[Manifest], coverage: Coverage, moment: int) -> bool:
    """Whether the keys of all items that were in the table at a moment are known: some complete baseline saw the
    table, and all the way between it and the moment is covered, without a hole."""
    last = coverage.last_instant(moment)
    ways = ((one, min(one.read_begin, moment), max(one.read_end, last)) for one in baselines)
    return any(
        coverage.covers(start, end)
        and not any(window.start >= start for window in coverage.net_windows(one.read_begin, one.read_end))
        and (end == last or coverage.settled(end))
        and not coverage.holes_in(start - NEAR, end_of_second(end) + NEAR, None)
        for one, start, end in ways
    )


def follows(following: Step, seen: Sighting) -> Link:
    """How the next change follows a sighting; where the two cannot be compared, how it follows the change before."""
    agrees = seen.agrees(following.before, following.change)
    if is_net(following.change.stream) and not agrees:
        agrees = None  # a window's old image is of its begin, which may lie before the sighting
    if agrees is None:
        return Link.UNPROVEN if following.link is Link.FIRST else following.link
    return Link.PROVEN if agrees else Link.GAP


def _anchors(steps: Sequence[Step], sightings: Sequence[Sighting]) -> Iterator[Sighting]:
    """The sightings with no change of the item near them."""
    times = sorted({time for step in steps for time in _stamps(step)})
    for one in sightings:
        at = bisect_left(times, one.read_begin - NEAR)
        if at == len(times) or times[at] > one.read_end + NEAR:
            yield one


def _stamps(step: Step) -> tuple[int, int, int]:
    """When a change may have been: its stamp stands for all instants down to its precision."""
    stamp = step.change.timestamp_micros
    return stamp, stamp + PRECISIONS[step.change.precision] - 1, step.effective


def _sighting(row: Change, manifest: Manifest) -> Sighting:
    begin = manifest.read_begin if row.read_begin is None else row.read_begin
    end = manifest.read_end if row.read_end is None else row.read_end
    return Sighting(begin, max(begin, end), row.new_image, row.redaction, manifest.id)


def _in_time(sighting: Sighting) -> tuple[Any, ...]:
    return sighting.read_begin, sighting.read_end, sighting.baseline, sighting.image or ""


_any = msgspec.json.Decoder()
