"""A world: all that truly happened to a table, what was captured of it, and what the pipeline said of itself.

All times are epoch µs. The truth is a plain replay.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from histlib.rules.coverage.coverage import Attestation

SECOND: Final = 1_000_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
#: 2026-01-01T12:00:00Z
NOON: Final = 1_767_268_800 * SECOND
TABLE: Final = "arn:aws:dynamodb:eu-west-1:111122223333:table/things"

#: An item's attributes beside its key; None: it is not there.
Image = Mapping[str, Any] | None


@dataclass(frozen=True)
class Era:
    """How changes were captured for a while: by a ``stream``, in ``windows`` of exports, as the article does (``old``).

    ``view`` and ``table_id`` are those of the stream; ``name`` is what records name as their stream.
    """

    kind: str
    name: str
    view: str = "NEW_AND_OLD_IMAGES"
    table_id: str = "id1"


@dataclass(frozen=True)
class Write:
    """One true write of an item: its image after it, when it happened, and what became of the record of it.

    ``fate``: ``captured``; ``copy`` (delivered twice), ``conflict`` (a second delivery differs); ``lost`` (without a
    trace), ``late`` (has not landed yet), ``failed`` (waits below ``failed/``), ``given_up`` (set aside for good),
    ``damaged`` (in a landing object that cannot be read), ``unseen`` (no one captured then).
    """

    item: str
    after: Image
    at: int
    number: int
    era: int | None
    fate: str = "captured"
    redaction: str | None = None
    skew: int = 0

    @property
    def landed(self) -> bool:
        return self.era is not None and self.fate in ("captured", "copy", "conflict")


@dataclass(frozen=True)
class Window:
    """An incremental export: start ≤ write < end; ``whole``: with a manifest."""

    id: str
    start: int
    end: int
    whole: bool = True


@dataclass(frozen=True)
class Scan:
    """A reading of the whole table: each item at an instant of its own, told as a span; ``kind``: scan or export."""

    id: str
    kind: str
    begin: int
    end: int
    reads: Mapping[str, tuple[int, int, int]]
    """Item → (first, true, last) instant of reading it."""
    whole: bool = True
    redaction: str | None = None


@dataclass(frozen=True)
class World:
    """All writes in true order, and what was kept of them. ``keys``: item → its key's attributes.

    ``attestations`` None: the pipeline does not attest. ``junk``: unreadable objects below ``failed/`` (``failed``), or
    in the landing, by dateday. ``source``: ``folder``, or ``export:`` for a folder of DynamoDB's exports.
    """

    keys: Mapping[str, Mapping[str, Any]]
    never: tuple[str, ...]
    """Items that never were."""
    before: Mapping[str, Image]
    writes: tuple[Write, ...]
    eras: tuple[Era, ...]
    windows: tuple[Window, ...] = ()
    scans: tuple[Scan, ...] = ()
    attestations: tuple[Attestation, ...] | None = None
    junk: tuple[str, ...] = ()
    source: str = "folder"
    calm: bool = False
    """Nothing was lost, and nothing is in disorder."""
    shuffle: int = field(default=0, compare=False)

    @property
    def items(self) -> list[str]:
        """Those that ever were, and those that never were."""
        return sorted(self.keys)

    def of(self, item: str) -> list[Write]:
        return [write for write in self.writes if write.item == item]

    def stamp(self, write: Write) -> int:
        """What DynamoDB says of the time: whole seconds, but in exports."""
        era = None if write.era is None else self.eras[write.era]
        if era is not None and era.kind == "windows":
            return write.at
        return write.at - write.at % SECOND + write.skew * SECOND

    def effective(self, item: str) -> Iterator[tuple[int, Write]]:
        """The item's true writes with the running maximum of their stamps."""
        latest = 0
        for write in self.of(item):
            latest = max(latest, self.stamp(write))
            yield latest, write

    def arrival_day(self, write: Write) -> int:
        """The day (its begin) in whose folder the record landed: late, now and then."""
        at = write.at + Random(self.shuffle + write.number).choice((0, 0, DAY))
        return at - at % DAY

    def at(self, item: str, instant: int) -> Image:
        """What the item truly was at a true instant."""
        image = self.before.get(item)
        for write in self.of(item):
            if write.at <= instant:
                image = write.after
        return image

    def image_before(self, write: Write) -> Image:
        image = self.before.get(write.item)
        for one in self.of(write.item):
            if one.number == write.number:
                return image
            image = one.after
        raise LookupError(write)

    def last_instant(self, moment: int) -> int:
        """A whole second means its end, but at an end of a window that instant itself."""
        if moment % SECOND or any(moment in (one.start, one.end) for one in self.windows if one.whole):
            return moment
        return moment + SECOND - 1

    def truth(self, item: str, moment: int) -> Image:
        """What the item truly was at a moment, as questions mean it."""
        image, last = self.before.get(item), self.last_instant(moment)
        for effective, write in self.effective(item):
            if effective <= last:
                image = write.after
        return image

    def scanned(self, scan: Scan) -> dict[str, Image]:
        """The items that a scan found."""
        found = {item: self.at(item, instant) for item, (_, instant, _) in scan.reads.items()}
        return {item: image for item, image in found.items() if image is not None}

    def table_id(self, instant: int) -> str:
        """The id of the table that then was."""
        begun = [self.eras[one.era].table_id for one in self.writes if one.era is not None and one.at <= instant]
        return begun[-1] if begun else self.eras[0].table_id

    def full(self, item: str, image: Image) -> dict[str, Any] | None:
        """The image with the key's attributes."""
        return None if image is None else {**self.keys[item], **image}

    def moments(self) -> list[int]:
        """Times worth asking: each change's own second, just before and after, ends and insides of windows and spans,
        reading times, far off."""
        marks = {self.stamp(write) for write in self.writes}
        marks |= {edge for scan in self.scans for edge in (scan.begin, scan.end)}
        for one in self.windows:
            marks |= {one.start, one.end, (one.start + one.end) // 2}
        marks |= {one.captured_through for one in self.attestations or ()}
        near = {mark + offset for mark in marks for offset in (-SECOND, 0, SECOND)}
        near |= {mark - mark % SECOND for mark in near}
        return sorted({*near, min(marks) - HOUR, max(marks) + 2 * MINUTE, max(marks) + 3 * DAY})


def redacted(image: Image) -> Image:
    """The image as it is stored by the rules ``r1``."""
    return None if image is None else {name: value for name, value in image.items() if name != "secret"}
