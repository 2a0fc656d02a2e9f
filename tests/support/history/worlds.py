"""Random worlds to compare answers with: what truly happened, and what of it was captured.

The truth is a plain replay in true order; nothing here uses histlib's ordering or reconstruction.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import strategies as st

from histlib.format.record import Change
from histlib.rules.coverage.baselines import Manifest, Sighting, sightings_of
from histlib.rules.coverage.coverage import Attestation
from histlib.values.image_json import encode_image

SECOND = 1_000_000
START = 1_767_268_800 * SECOND
#: How far stamps stray at the most.
SKEW = 3 * SECOND
TABLE = "arn:aws:dynamodb:eu-west-1:111122223333:table/things"

#: Images that an item goes through: few, so that values come back, and of types that are easily confused.
IMAGES = (
    {"price": 1},
    {"price": "1"},
    {"price": True},
    {"price": None},
    {"price": Decimal("1.5"), "secret": "s"},
    {"price": ""},
    {"secret": "s"},
    {"secret": "t", "tags": frozenset({"a", "b"}), "deep": {"list": [1, {"x": b"\0"}]}},
)


@dataclass(frozen=True)
class Write:
    """One true write: the item's image after it (None: deleted), its stamp, and how it was captured."""

    item: str
    after: dict[str, Any] | None
    stamp: int
    number: int
    stream: str | None = None
    """None: no stream was on."""
    lost: bool = False
    redaction: str | None = None
    twin: str = ""
    """``copy``: delivered twice; ``conflict``: a second delivery differs."""
    at: int = 0
    """When it truly happened; stamps stray."""


@dataclass(frozen=True)
class Scan:
    """One reading of the whole table while writes go on: each item at an instant of its own, told as a span."""

    id: str
    begin: int
    end: int
    reads: dict[str, tuple[int, int, int]]
    """Item → (first, true, last) instant of reading it."""
    complete: bool = True
    redaction: str | None = None
    twice: bool = False
    """Its rows are delivered twice."""


@dataclass
class World:
    """All writes in true order, and what the pipeline said of itself (None: it does not attest)."""

    writes: list[Write]
    view: str = "NEW_AND_OLD_IMAGES"
    attestations: list[Attestation] | None = None
    before: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Images of the items that were there from the beginning."""
    scans: list[Scan] = field(default_factory=list)

    @property
    def items(self) -> list[str]:
        """All items there ever were, and one that never was."""
        return sorted({"ghost", *self.before, *(write.item for write in self.writes)})

    def at(self, item: str, instant: int) -> dict[str, Any] | None:
        """What the item truly was at a true instant."""
        image = self.before.get(item)
        for write in self.of(item):
            if write.at <= instant:
                image = write.after
        return image

    def scanned(self, scan: Scan) -> dict[str, dict[str, Any]]:
        """The items that a scan found."""
        found = {item: self.at(item, instant) for item, (_, instant, _) in scan.reads.items()}
        return {item: image for item, image in found.items() if image is not None}

    def baseline_rows(self) -> list[Change]:
        """The rows of all scans, complete or not."""
        rows = [baseline_row(scan, item, image) for scan in self.scans for item, image in self.scanned(scan).items()]
        return [row for row in rows for _ in range(2 if row.event_id.startswith("twice") else 1)]

    def manifests(self) -> list[Manifest]:
        """The manifests of the complete ones."""
        return [manifest_of(scan, len(self.scanned(scan))) for scan in self.scans if scan.complete]

    def sightings(self, item: str) -> tuple[Sighting, ...]:
        """What complete scans say of an item."""
        keys = encode_image({"id": item})
        return sightings_of([row for row in self.baseline_rows() if row.keys == keys], self.manifests())

    def of(self, item: str) -> list[Write]:
        return [write for write in self.writes if write.item == item]

    def effective(self, item: str) -> list[tuple[int, Write]]:
        """The item's true writes with the running maximum of their stamps."""
        found, latest = [], 0
        for write in self.of(item):
            latest = max(latest, write.stamp)
            found.append((latest, write))
        return found

    def truth(self, item: str, moment: int) -> dict[str, Any] | None:
        """What the item truly was after all its writes up to the end of the moment's second."""
        last = moment + SECOND - 1 if moment % SECOND == 0 else moment
        image = self.before.get(item)
        for effective, write in self.effective(item):
            if effective <= last:
                image = write.after
        return image

    def captured(self, item: str | None = None) -> list[Write]:
        return [w for w in self.writes if w.stream and not w.lost and item in (None, w.item)]

    def changes(self) -> list[Change]:
        """What the landing holds, in true order, deliveries repeated."""
        images = dict(self.before)
        changes = []
        for write in self.writes:
            before, images[write.item] = images.get(write.item), write.after
            if write.stream and not write.lost:
                change = self._change(write, before)
                changes += [change] * (2 if write.twin == "copy" else 1)
                if write.twin == "conflict":
                    changes += [change, replace_image(change)]
        return changes

    def _change(self, write: Write, before: dict[str, Any] | None) -> Change:
        has_new = self.view in ("NEW_AND_OLD_IMAGES", "NEW_IMAGE")
        has_old = self.view in ("NEW_AND_OLD_IMAGES", "OLD_IMAGE")
        action = "REMOVE" if write.after is None else "INSERT" if before is None else "MODIFY"
        return Change(
            event_id=f"e{write.number}",
            table=TABLE,
            stream=write.stream,
            view=self.view,
            action=action,
            keys=encode_image({"id": write.item}),
            new_image=stored(write, write.after) if has_new else None,
            old_image=stored(write, before) if has_old else None,
            timestamp_micros=write.stamp,
            precision="s",
            sequence_number=f"{10**21 + write.number * 7:040}",
            actor=None,
            redaction=write.redaction,
            read_begin=None,
            read_end=None,
            file="changes/2026/01/01/a.gz",
        )


def stored(write: Write, image: dict[str, Any] | None) -> str | None:
    """The image as the recorder stores it: redaction drops ``secret``."""
    if image is None:
        return None
    kept = {name: value for name, value in image.items() if not (write.redaction and name == "secret")}
    return encode_image({"id": write.item, **kept})


def baseline_row(scan: Scan, item: str, image: dict[str, Any]) -> Change:
    """One row of a scan."""
    first, _, last = scan.reads[item]
    return Change(
        event_id=f"{'twice' if scan.twice else 'once'}-{scan.id}-{item}",
        table=TABLE,
        stream=f"baseline:{scan.id}",
        view="NEW_IMAGE",
        action="BASELINE",
        keys=encode_image({"id": item}),
        new_image=stored(Write(item, None, 0, 0, redaction=scan.redaction), image),
        old_image=None,
        timestamp_micros=first,
        precision="us",
        sequence_number=None,
        actor=None,
        redaction=scan.redaction,
        read_begin=first,
        read_end=last,
        file=f"changes/2026/01/01/baseline-{scan.id}-0000.gz",
    )


def manifest_of(scan: Scan, items: int) -> Manifest:
    """The manifest that a complete scan has written."""
    return Manifest(
        format=1,
        id=scan.id,
        kind="scan",
        table=TABLE,
        read_begin=scan.begin,
        read_end=scan.end,
        items=items,
        files=(f"changes/2026/01/01/baseline-{scan.id}-0000.gz",),
        redaction=scan.redaction,
    )


def replace_image(change: Change) -> Change:
    """A delivery of the same change that says something else."""
    return msgspec.structs.replace(change, new_image=encode_image({"id": "?", "conflicting": True}))


def stream_arn(started: int) -> str:
    return f"{TABLE}/stream/2026-01-01T{started:02}:00:00.000"


@st.composite
def worlds(draw: st.DrawFn, *, trouble: bool = True, attested: bool = False, scanned: bool = False) -> World:
    """A random world; without ``trouble`` everything is captured by one healthy stream, in full.

    Where it is ``scanned``, one to three scans read it at random times, complete or not.
    """
    items = ["a", "b", "c"][: draw(st.integers(1, 3))]
    before = {item: draw(st.sampled_from(IMAGES)) for item in items if draw(st.booleans())}
    images: dict[str, Any] = dict(before)
    count = draw(st.integers(1, 12))
    off = draw(st.integers(0, 12)) if trouble and draw(st.booleans()) else 99
    pause = draw(st.integers(0, 2))
    redacted_from = draw(st.integers(0, 12)) if trouble and draw(st.booleans()) else 99
    now, writes = START, []
    for number in range(count):
        now += draw(st.sampled_from((0, 0, 1, 1, 2, 90, 4_000))) * SECOND
        item = draw(st.sampled_from(items))
        current = images.get(item)
        choices = [image for image in IMAGES if image != current or repr(image) != repr(current)]
        after = draw(st.sampled_from(choices)) if current is None or draw(st.integers(0, 3)) else None
        images[item] = after
        stream = stream_arn(1) if number < off else None if number < off + pause else stream_arn(2)
        write = Write(item, after, now + draw(st.sampled_from((0, 0, 0, -1, 2))) * SECOND, number, stream, at=now)
        if trouble:
            write = replace(
                write,
                lost=draw(st.integers(0, 5)) == 0,
                redaction="r1" if number >= redacted_from else None,
                twin=draw(st.sampled_from(("", "", "copy", "conflict"))) if draw(st.booleans()) else "",
            )
        writes.append(write)
    view = "NEW_AND_OLD_IMAGES"
    if trouble and draw(st.integers(0, 3)) == 0:
        view = draw(st.sampled_from(("NEW_IMAGE", "OLD_IMAGE", "KEYS_ONLY")))
    world = World(writes, view, before=before)
    if scanned:
        world.scans = [draw(scans(world, str(number), trouble=trouble)) for number in range(draw(st.integers(1, 3)))]
    if attested:
        world.attestations = attest(world, now, every=draw(st.sampled_from((600, 3_600))) * SECOND)
    return world


@st.composite
def any_worlds(draw: st.DrawFn, *, scanned: bool = False) -> World:
    """A world that attests or not; where it does, perhaps only up to some time in the middle of its changes."""
    world = draw(worlds(attested=draw(st.booleans()), scanned=scanned))
    if world.attestations and draw(st.booleans()):
        world.attestations = world.attestations[: draw(st.integers(1, len(world.attestations)))]
    return world


@st.composite
def scans(draw: st.DrawFn, world: World, name: str, *, trouble: bool) -> Scan:
    """A scan around some write, from just before to long after it."""
    around = draw(st.sampled_from([START, *(write.at for write in world.writes)]))
    begin = around + draw(st.sampled_from((-2_000, -120, -61, -60, -30, 0, 5, 59, 60, 61, 64, 90, 2_000))) * SECOND
    end = begin + draw(st.sampled_from((0, 1, 30, 300))) * SECOND
    instants = st.integers(0, (end - begin) // SECOND).map(lambda second: begin + second * SECOND)
    reads = {}
    for item in world.items:
        first, instant, last = sorted(draw(st.tuples(instants, instants, instants)))
        reads[item] = first, instant, last
    return Scan(
        name,
        begin,
        end,
        reads,
        complete=draw(st.integers(0, 4)) > 0,
        redaction="r1" if trouble and draw(st.integers(0, 3)) == 0 else None,
        twice=draw(st.booleans()),
    )


def attest(world: World, end: int, every: int) -> list[Attestation]:
    """What an honest attesting job writes: whatever was lost up to then lies undelivered, for ever after."""
    return [
        Attestation(
            attested_at=moment,
            table=TABLE,
            stream=world.writes[-1].stream or stream_arn(1),
            view=world.view,
            mapping="m1",
            mapping_state="Enabled",
            iterator_age_ms=0,
            firehose_freshness_s=0,
            undelivered=sum(w.stamp <= moment + 5 * SECOND and (w.lost or not w.stream) for w in world.writes),
            healthy=True,
        )
        for moment in range(START - every, end + 2 * every, every)
    ]


def moments(world: World) -> list[int]:
    """Times worth asking: each stamp, just before and after it, half a second into it; and far off."""
    stamps = {write.stamp for write in world.writes}
    stamps |= {edge for scan in world.scans for edge in (scan.begin, scan.end)}
    near = {stamp + offset for stamp in stamps for offset in (-SECOND, 0, SECOND // 2, SECOND, 30 * SECOND)}
    return sorted({*near, min(stamps) - 100 * SECOND, max(stamps) + 100 * SECOND})
