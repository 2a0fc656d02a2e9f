"""Random worlds, each made from its seed alone."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from random import Random
from typing import Any

from histlib.rules.coverage.coverage import Attestation
from tests.laws.worlds import DAY, HOUR, MINUTE, NOON, SECOND, TABLE, Era, Image, Scan, Window, World, Write

#: Few, so that values come back.
IMAGES: tuple[dict[str, Any], ...] = (
    {"v": 1}, {"v": 2}, {"v": 1, "w": "x"}, {"v": 2, "secret": "s"}, {"v": 1, "secret": "t"}, {"w": "y"},
)  # fmt: skip
VIEWS = ("NEW_IMAGE", "OLD_IMAGE", "KEYS_ONLY")
SHAPES = ("stream", "stream", "stream", "stream", "backfill", "exports", "old")


def make_world(seed: int) -> World:
    """The world of a seed. One in four is calm: nothing lost, nothing in disorder, one stream of both images."""
    dice = Random(seed)
    calm = seed % 4 == 0
    shape = dice.choice(SHAPES)
    world = _bare(dice, calm=calm, shape=shape)
    if not calm:
        world = _troubled(dice, world)
    if shape != "exports":
        world = _late(dice, replace(world, attestations=_attestations(dice, world)))
    if shape == "exports" or dice.random() < 0.6:
        world = replace(world, scans=_scans(dice, world))
    if not world.writes or not (any(one.landed for one in world.writes) or any(s.whole for s in world.scans)):
        return make_world(seed + 1_000_000)
    return world


def _bare(dice: Random, *, calm: bool, shape: str) -> World:
    """Keys, eras and true writes, all captured."""
    keys, never = _keys(dice)
    items = [item for item in keys if item not in never]
    before = {item: dice.choice(IMAGES) for item in items if dice.random() < 0.6}
    still = set(items[-1:]) if dice.random() < 0.4 else set()
    eras = _eras(dice, shape, calm=calm)
    writes: list[Write] = []
    images: dict[str, Image] = dict(before)
    number, now = 0, NOON + dice.choice((0, 123_456))
    for era, one in enumerate(eras):
        for _ in range(dice.randint(2, 6)):
            now += dice.choice((0, 1, 1, 2, 20, 90, 600, 4_000)) * SECOND + dice.randint(1, 900_000)
            item = dice.choice([item for item in items if item not in still] or items)
            after = _next(dice, images.get(item))
            images[item] = after
            writes.append(Write(item, after, now, number, era))
            number += 1
        now += dice.choice((1, 300, 5_000)) * SECOND
        if not calm and era + 1 < len(eras) and dice.random() < 0.3:  # nobody captures for a while
            item = dice.choice(items)
            images[item] = _next(dice, images.get(item))
            writes.append(Write(item, images[item], now, number, None, "unseen"))
            number, now = number + 1, now + 60 * SECOND
        if era + 1 < len(eras) and eras[era + 1].table_id != one.table_id:  # made anew: all items are gone
            for item in sorted(images):
                if images[item] is not None:
                    images[item] = None
                    writes.append(Write(item, None, now, number, None, "unseen"))
                    number += 1
            now += 10 * SECOND
    world = World(keys, never, before, tuple(writes), eras, calm=calm, shuffle=dice.randint(0, 1 << 30))
    return replace(world, windows=_windows(dice, world), source="export:" if shape == "exports" else "folder")


def _keys(dice: Random) -> tuple[dict[str, dict[str, Any]], tuple[str, ...]]:
    if dice.random() < 0.35:
        names = ["c1/o1", "c1/o2", "c2/o1"][: dice.randint(2, 3)]
        never = ("c1/o9", *(["c2/o9"] if "c2/o1" in names else []), "c9/o9")
        return {name: dict(zip(("c", "o"), name.split("/"), strict=True)) for name in (*names, *never)}, never
    return {name: {"id": name} for name in [*"abcd"[: dice.randint(1, 4)], "ghost"]}, ("ghost",)


def _eras(dice: Random, shape: str, *, calm: bool) -> tuple[Era, ...]:
    def stream(hour: int, table_id: str = "id1") -> Era:
        view = dice.choice(VIEWS) if not calm and dice.random() < 0.35 else "NEW_AND_OLD_IMAGES"
        return Era("stream", f"{TABLE}/stream/2026-01-01T{hour:02}:00:00.000", view, table_id)

    if shape == "exports":
        return (Era("windows", "windows"),)
    if shape == "backfill":
        return Era("windows", "windows"), stream(1)
    if shape == "old":
        return Era("old", "old"), stream(1)
    if calm or dice.random() < 0.5:
        return (stream(1),)
    return stream(1), stream(2, dice.choice(("id1", "id2")))


def _next(dice: Random, current: Image) -> Image:
    if current is not None and dice.random() < 0.25:
        return None
    return dice.choice([image for image in IMAGES if image != current])


def _windows(dice: Random, world: World) -> tuple[Window, ...]:
    """Windows that follow one another over the writes of the era of exports; the last ends before a stream began."""
    times = [one.at for one in world.writes if one.era is not None and world.eras[one.era].kind == "windows"]
    if not times:
        return ()
    edges = [times[0] - times[0] % MINUTE - dice.choice((0, 10)) * MINUTE]
    while edges[-1] <= times[-1]:
        edges.append(edges[-1] + dice.choice((15, 15, 30, 60)) * MINUTE)
    later = [one.at for one in world.writes if one.at > times[-1]]
    if later and edges[-1] > later[0]:
        edges[-1] = max(times[-1] - times[-1] % SECOND + SECOND, edges[-2] + SECOND)
    return tuple(Window(f"w{n}", *pair) for n, pair in enumerate(pairwise(edges)))


def _troubled(dice: Random, world: World) -> World:
    """Losses, copies, conflicts, redaction from some write on, skew, junk, a window that is not whole."""
    rate = dice.choice((0, 0, 0.15, 0.3))
    fates = dice.choice((("lost",), ("lost", "failed"), ("failed", "given_up"), ("lost", "damaged"), ("damaged",)))
    hidden = dice.random() < 0.3
    redacted_from = dice.randint(0, 10) if dice.random() < 0.3 else 99
    skewed = dice.random() < 0.2
    writes = []
    for one in world.writes:
        if one.era is None:
            writes.append(one)
            continue
        kind = world.eras[one.era].kind
        fate = one.fate
        if dice.random() < rate and kind == "stream":
            fate = dice.choice(fates)
        elif dice.random() < 0.2:
            fate = dice.choice(("copy", "conflict")) if hidden and kind == "stream" else "copy"
        redaction = "r1" if kind == "stream" and one.number >= redacted_from else None
        skew = dice.choice((0, 0, -1, 2)) if skewed and kind == "stream" else 0
        writes.append(replace(one, fate=fate if kind == "stream" else one.fate, redaction=redaction, skew=skew))
    junk = [name for name in ("failed", "2026/01/01", "2026/01/05", "2025/12/29") if dice.random() < 0.05]
    if world.source == "export:":
        junk = []
    windows = list(world.windows)
    if windows and world.source != "export:" and dice.random() < 0.15:
        at = dice.randrange(len(windows))
        windows[at] = replace(windows[at], whole=False)
    return replace(world, writes=tuple(writes), junk=tuple(junk), windows=tuple(windows))


def _scans(dice: Random, world: World) -> tuple[Scan, ...]:
    """Full readings, at random times, often at an end of a window or strictly inside one."""
    exports = world.source == "export:"
    edges = [edge for one in world.windows for edge in (one.start, one.end, (one.start + one.end) // 2)]
    times = edges or [one.at for one in world.writes]
    found = []
    for number in range(dice.randint(1, 2)):
        around = dice.choice([*times, times[0]])
        shift = dice.choice((0, 0, -300, 300)) if exports else dice.choice((-2_000, -120, -60, 0, 5, 61, 90, 2_000))
        begin = around - around % SECOND + shift * SECOND
        end = begin + (0 if exports else dice.choice((0, 1, 30, 300)) * SECOND)
        reads = {}
        for item in world.items:
            first, true, last = sorted(dice.randint(begin, end) for _ in range(3))
            reads[item] = first, true, last
        troubled = not world.calm
        whole = exports or not (troubled and dice.random() < 0.2)
        redaction = "r1" if troubled and not exports and dice.random() < 0.15 else None
        found.append(Scan(f"s{number}", "export" if exports else "scan", begin, end, reads, whole, redaction))
    return tuple(found)


def _attestations(dice: Random, world: World) -> tuple[Attestation, ...] | None:
    """What an honest attester says: every loss counted, everything undelivered counted until it is given up."""
    if any(one.skew for one in world.writes) or dice.random() < 0.45:
        return None
    every = dice.choice((300, 900, 3_600)) * SECOND
    lag = dice.choice((0, 0, 30, 90))
    shown = None if world.calm or dice.random() < 0.8 else dice.randint(1, 6)
    found: list[Attestation] = []
    for at, (era, start, end) in enumerate(_era_spans(world)):
        offset = dice.choice((0, 0, 350_000))
        begin = max(start - start % SECOND - dice.choice((0, every // 2, every)), _others_until(world, start)) + offset
        stop = min([one.at for one in world.writes if one.at > end], default=end + 2 * every)
        mapping = f"m{at}"
        for moment in range(begin, stop, every):
            if not world.calm and dice.random() < 0.05:
                mapping = f"m{at}-{moment}"
            found.append(_attestation(world, era, moment, lag, mapping, healthy=world.calm or dice.random() > 0.07))
    return tuple(found[:shown]) or None


def _era_spans(world: World) -> list[tuple[Era, int, int]]:
    found = []
    for number, era in enumerate(world.eras):
        times = [one.at for one in world.writes if one.era == number]
        if era.kind == "stream" and times:
            found.append((era, times[0], times[-1]))
    return found


def _late(dice: Random, world: World) -> World:
    """Where it attests, what came after the last healthy attestation may not have landed."""
    whole = [one.captured_through for one in world.attestations or () if one.whole]
    if world.calm or not whole or dice.random() < 0.5:
        return world
    late = [one.number for one in world.writes if one.at > max(whole) and one.landed and dice.random() < 0.7]
    writes = tuple(replace(one, fate="late") if one.number in late else one for one in world.writes)
    return replace(world, writes=writes)


def _others_until(world: World, start: int) -> int:
    """The whole second by which all that others captured before a time had ended."""
    ends = [one.at for one in world.writes if one.at < start] + [one.end for one in world.windows if one.end <= start]
    return (max(ends, default=0) // SECOND + 1) * SECOND


def _attestation(world: World, era: Era, moment: int, lag: int, mapping: str, *, healthy: bool) -> Attestation:
    past = [one for one in world.writes if one.at <= moment]
    return Attestation(
        attested_at=moment,
        table=TABLE,
        stream=era.name,
        view=era.view,
        mapping=mapping,
        mapping_state="Enabled",
        iterator_age_ms=lag * 1_000,
        firehose_freshness_s=0,
        undelivered=sum(one.fate == "failed" for one in past) + ("failed" in world.junk),
        healthy=healthy,
        table_id=era.table_id,
        key_schema=[
            {"AttributeName": name, "KeyType": kind}
            for name, kind in zip(next(iter(world.keys.values())), ("HASH", "RANGE"), strict=False)
        ],
        retention_days=0,
        losses=sum(one.fate == "lost" for one in past),
    )


__all__ = ["DAY", "HOUR", "IMAGES", "make_world"]
