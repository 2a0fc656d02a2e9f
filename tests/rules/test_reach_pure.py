"""What is promised of an item's rows tells the same as all of them: at every time, of rows in any disorder."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from histlib.answers.timelines import TimelineOptions, change_columns, timeline_caveats, timeline_columns
from histlib.format.record import Change
from histlib.rules.chain.chain import build_chain
from histlib.rules.chain.images import Image
from histlib.rules.coverage.baselines import ItemHistory, sightings_of
from histlib.rules.coverage.coverage import Coverage, Stream, build_coverage
from histlib.rules.coverage.net_windows import Window
from histlib.rules.lineage import Sought, blame_columns, find_spell, is_spell_told, is_told, up_to
from histlib.rules.state import state_at
from histlib.rules.stretches import build_stretches
from histlib.values.times import TimeRange, second_of
from tests.support.effort import examples
from tests.support.history.article_lines import in_old_format
from tests.support.history.narrow_source import promised
from tests.support.history.worlds import SECOND, START, World, Write, any_worlds, moments, stream_arn


@st.composite
def disorders(draw: st.DrawFn) -> tuple[World, list[Change], Coverage]:
    """A world, the rows of one item of it, and what is covered: some of the changes without a sequence number, some
    twice, in format 0 or as an export has them, stamps straying at will."""
    world = draw(any_worlds(scanned=draw(st.booleans())))
    strays = st.sampled_from((0, 0, 0, 0, -1, 1, -8, 8, 70, -70)) if draw(st.booleans()) else st.just(0)
    alone = draw(st.booleans())
    world.writes = [
        replace(one, item="a" if alone else one.item, stamp=one.stamp + draw(strays) * SECOND) for one in world.writes
    ]
    changes = [one for one in world.changes() if one.keys == '{"id":"a"}']
    kind = draw(st.sampled_from(("none", "old", "net", "both")))
    begun = 0 if kind == "none" else draw(st.integers(0, len(changes)))
    until = 0 if kind == "none" else draw(st.integers(begun, len(changes)))
    rows = [
        in_old_format(one) if kind == "old" or (kind == "both" and draw(st.booleans())) else in_net(one, draw)
        for one in changes[:until]
        if draw(st.integers(0, 5))
    ]
    rows += changes[begun:]
    rows += [row for row in world.baseline_rows() if row.keys == '{"id":"a"}']
    streams: dict[str, list[int]] = {}
    for row in rows:
        if row.action != "BASELINE":
            streams.setdefault(row.stream or "", []).append(row.timestamp_micros)
    edge = START + draw(st.integers(-10, 4_000)) * SECOND
    windows = (Window(1, "x", "incremental", "t", edge, edge + 600 * SECOND, 1),) if kind in ("net", "both") else ()
    coverage = build_coverage(
        [Stream(arn, min(found), max(found)) for arn, found in streams.items()], world.attestations, (), windows=windows
    )
    return world, draw(st.permutations(rows)), coverage


def in_net(change: Change, draw: Any) -> Change:
    """The change without a place, as an export has it: with a stamp of its own within the second."""
    return msgspec.structs.replace(
        change,
        stream="backfill:x",
        sequence_number=None,
        event_id=f"x-{change.event_id}",
        timestamp_micros=change.timestamp_micros + draw(st.sampled_from((0, 300_000, 700_000))),
        precision="us",
        view=draw(st.sampled_from((change.view, "NEW_IMAGE"))),
    )


def item_of(world: World, rows: list[Change]) -> ItemHistory:
    return ItemHistory("{}", build_chain(rows), sightings_of(rows, world.manifests()))


@settings(max_examples=examples(300))
@given(disorder=disorders(), data=st.data())
def test_what_is_promised_tells_the_same(disorder, data):
    """States, timelines, changes; values and who set them, where the rows say that they tell them; with any more of
    what is further out, too."""
    world, rows, coverage = disorder
    stamps = {row.timestamp_micros + by for row in rows for by in (-1, 0, 1, 250_000, SECOND, 61 * SECOND)}
    times = sorted({*moments(world), *stamps})
    whole = item_of(world, rows)
    for moment in data.draw(st.permutations(times))[:6]:
        known = some(world, rows, second_of(moment), data)
        assert of_state(known, moment, coverage) == of_state(whole, moment, coverage), moment
        known = some(world, rows, (None, second_of(moment)[1]), data)
        assert_values(known, whole, moment, coverage, data)
    for _ in range(3):
        start, end = sorted(data.draw(st.permutations(times))[:2])
        if start < end:
            window = TimeRange(start, end, explicit_start=data.draw(st.booleans()))
            known = some(world, rows, window.instants, data)
            assert of_window(known, window, coverage) == of_window(whole, window, coverage), window


@st.composite
def dense(draw: st.DrawFn) -> list[Change]:
    """Many changes of an item in few seconds that go round between few images, most without a sequence number."""
    rows, image = [], draw(st.sampled_from((None, 1, 2)))
    second, placed_from = 0, draw(st.integers(3, 16))
    for number in range(draw(st.integers(4, 14))):
        second += draw(st.sampled_from((0, 0, 1, 1, 2)))
        before, image = image, draw(st.sampled_from([one for one in (None, 1, 2) if one != image]))
        placed = number >= placed_from
        row = _dense_row(number, before, image, second + draw(st.sampled_from((0, 0, 0, 9))) * placed, placed)
        if not placed and draw(st.integers(0, 3)) == 0:
            row = in_net(row, draw)
        rows += [row] * draw(st.sampled_from((1, 1, 1, 2, 0)))
        if placed and draw(st.booleans()):
            rows.append(in_old_format(row))
    return draw(st.permutations(rows))


def _dense_row(number: int, before: int | None, after: int | None, second: int, placed: bool) -> Change:
    write = Write("a", {"price": after}, START + second * SECOND, number, stream_arn(1))
    row = World([write])._change(write, {"price": before})
    gone = {"new_image": row.new_image if after else None, "old_image": row.old_image if before else None}
    action = "MODIFY" if after and before else "INSERT" if after else "REMOVE"
    row = msgspec.structs.replace(row, action=action, **gone)
    return row if placed else in_old_format(row)


@settings(max_examples=examples(400))
@given(rows=dense(), data=st.data())
def test_of_changes_without_sequence_numbers_too(rows, data):
    """Their order is put together from their images, second by second; where a stream begins they end."""
    streams = {row.stream or "": row for row in rows}
    coverage = build_coverage([Stream(arn, START, START + 99 * SECOND) for arn in streams], None, ())
    world = World([])
    whole = item_of(world, rows)
    times = sorted({row.timestamp_micros + by for row in rows for by in (-1, 0, 500_000)})
    for moment in times:
        known = some(world, rows, second_of(moment), data)
        assert of_state(known, moment, coverage) == of_state(whole, moment, coverage), moment
    for start, end in pairwise(times):
        window = TimeRange(start, end)
        known = some(world, rows, window.instants, data)
        assert of_window(known, window, coverage) == of_window(whole, window, coverage), window


def some(world: World, rows: list[Change], bounds: tuple[int | None, int | None], data: st.DataObject) -> ItemHistory:
    """What is promised, and now and then more."""
    kept = promised(rows, *bounds)
    more = data.draw(st.integers(0, 2)) == 0
    changes = {row.identity for row in rows if row.action != "BASELINE"}
    extra = data.draw(st.sets(st.sampled_from(sorted(changes, key=str)))) if more and changes else set()
    return item_of(world, [row for row, needed in zip(rows, kept, strict=True) if needed or row.identity in extra])


def of_state(item: ItemHistory, moment: int, coverage: Coverage) -> Any:
    finding = state_at(item.steps, item.keys, moment, coverage, item.sightings)
    step = finding.step
    return (
        replace(finding, step=None, basis=None),
        step and (step.change, step.effective),
        [c.as_json() for c in finding.caveats],
    )


def of_window(item: ItemHistory, window: TimeRange, coverage: Coverage) -> Any:
    options, items = TimelineOptions(window), {item.keys: item.steps}
    columns = timeline_columns(items, coverage, options)
    caveats = [caveat.as_json() for caveat in timeline_caveats(items, columns, coverage, options)]
    return repr(columns), repr(change_columns(items, coverage, options)), caveats


def assert_values(known: ItemHistory, whole: ItemHistory, moment: int, coverage: Coverage, data: st.DataObject) -> None:
    last = coverage.last_instant(moment)
    some, every = (build_stretches(item, coverage) for item in (known, whole))
    value = data.draw(st.sampled_from((1, "1", None, "s", "")))
    sought = Sought((data.draw(st.sampled_from(("price", "secret"))),), value)
    spell, expected = find_spell(some, sought, last), find_spell(every, sought, last)
    if is_spell_told(some, spell, last):
        assert shown(spell) == shown(expected), (moment, sought)
    if is_told(some, last):
        finding = state_at(known.steps, known.keys, moment, coverage, known.sightings)
        image = Image.UNSEEN if finding.reason else Image.NONE if finding.image is None else finding.image
        sides = [blame_columns("{}", up_to(stretches, last, image), (), None) for stretches in (some, every)]
        assert repr(sides[0]) == repr(sides[1]), moment


def shown(spell: Any) -> Any:
    """A spell with changes as what was asked of them: links of those further out may differ."""
    return spell.status, [_period(one) for one in (spell.period, *spell.earlier)]


def _period(period: Any) -> Any:
    if period is None:
        return None
    ends = [step and (step.change, step.effective) for step in (period.begun_by, period.ended_by)]
    before = period.before and period.before.image
    bounds = (period.from_earliest, period.from_latest, period.to_earliest, period.to_latest)
    return period.image, bounds, ends, before, sorted(period.caveats), period.first.image, period.last.image
