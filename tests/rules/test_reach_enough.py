"""When rows read so far are enough, and how far they must be whole: the stop rule of sources that read day by day."""

from __future__ import annotations

from typing import Any

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from histlib.format.record import Change
from histlib.format.streams import STREAM as OLD
from histlib.rules.chain.chain import build_chain
from histlib.rules.chain.reach import Reach, enough
from histlib.rules.coverage.baselines import ItemHistory, Manifest, Sightings, sightings_around, sightings_of
from histlib.rules.coverage.coverage import Coverage, Stream, build_coverage
from histlib.rules.lineage import Sought, find_spell, is_spell_told, is_told
from histlib.rules.stretches import build_stretches
from tests.support.effort import examples
from tests.support.history.narrow_source import promised
from tests.support.history.worlds import SECOND, World, any_worlds, moments

KEYS = '{"id":"a"}'
STREAM = "arn:aws:dynamodb:eu-west-1:111122223333:table/things/stream/2026-01-01T00:00:00.000"

#: No coverage: no export's window either.
NOWHERE = Coverage((), (), None, attested=False)


def change(number: int, second: float, **told: Any) -> Change:
    """Change ``number`` of the item, at a second."""
    made: dict[str, Any] = {
        "event_id": f"e{number}",
        "table": "t",
        "stream": STREAM,
        "view": "NEW_AND_OLD_IMAGES",
        "action": "MODIFY",
        "keys": KEYS,
        "new_image": f'{{"v":{number}}}',
        "old_image": f'{{"v":{number - 1}}}',
        "timestamp_micros": int(second * SECOND),
        "precision": "s",
        "sequence_number": f"{number:040}",
        "file": "changes/2026/01/01/a.gz",
    }
    rest = dict.fromkeys((name for name in Change.__struct_fields__ if name not in made), None)
    return Change(**made | rest | told)


def loose(number: int, second: float, **told: Any) -> Change:
    """One without a sequence number."""
    return change(number, second, **{"stream": OLD, "sequence_number": None} | told)


def table(*rows: Change) -> pa.Table:
    return pa.Table.from_pylist([msgspec.structs.asdict(row) for row in rows], schema=SCHEMA)


SCHEMA = pa.schema(
    [(name, pa.int64() if name in ("timestamp_micros", "read_begin", "read_end") else pa.string())
     for name in Change.__struct_fields__]
)  # fmt: skip


def ask(*rows: Change, start: float | None = 10, end: float | None = 20, **told: Any) -> Reach:
    bounds = (None if moment is None else int(moment * SECOND) for moment in (start, end))
    return enough(table(*rows), told.pop("keys", [KEYS]), *bounds, **told)


def seconds(first: int, last: int) -> tuple[int, int]:
    """The whole seconds from one to the other."""
    return first * SECOND, last * SECOND + SECOND - 1


def test_a_change_on_each_side_is_enough():
    """The nearest ones count, each with its whole second."""
    assert ask(change(1, 3), change(2, 8), change(3, 15), change(4, 25), change(5, 30)) == Reach(
        True, True, *seconds(8, 25)
    )


@pytest.mark.parametrize(
    ("stamps", "before", "after"),
    [((), False, False), ((10, 15, 20), False, False), ((9, 20), True, False), ((10, 21), False, True)],
)
def test_changes_in_the_span_are_none_outside_it(stamps, before, after):
    """Start and end belong to the span."""
    found = ask(*(change(n, stamp) for n, stamp in enumerate(stamps)))
    assert (found.before, found.after) == (before, after)
    assert (found.earliest is None, found.latest is None) == (not before, not after)


def test_an_open_side_has_never_enough():
    """It goes as far as the history does."""
    rows = [change(n, n) for n in range(40)]
    assert ask(*rows, start=None) == Reach(False, True, None, seconds(0, 21)[1])
    assert ask(*rows, end=None) == Reach(True, False, 9 * SECOND, None)


def test_effective_times_count_and_not_stamps():
    """A stamp that ran backwards is no change before the span, if one ahead of it in order has a later stamp."""
    assert not ask(change(1, 12), change(2, 8)).before
    found = ask(change(1, 7), change(2, 5), change(3, 12))
    assert (found.before, found.earliest) == (True, 7 * SECOND)
    assert ask(change(1, 25), change(2, 15)).latest == seconds(0, 25)[1]


def test_every_item_needs_its_own():
    """The earliest and the latest of all of them."""
    other = '{"id":"b"}'
    rows = [change(1, 8), change(2, 25)]
    assert ask(*rows, keys=[KEYS, other]) == Reach(False, False, None, None)
    rows += [change(3, 2, keys=other), change(4, 40, keys=other)]
    assert ask(*rows, keys=[KEYS, other]) == Reach(True, True, *seconds(2, 40))
    assert ask(keys=[]) == Reach(True, True, None, None)


def test_a_baseline_is_no_change():
    """It shows what the item was; what set it is still to be found."""
    rows = [change(n, at, action="BASELINE", stream="baseline:x", sequence_number=None) for n, at in ((1, 5), (2, 30))]
    assert ask(*rows) == Reach(False, False, None, None)


def test_changes_without_a_sequence_number_that_share_a_second():
    """Their order hangs on what is further out, so the search goes on to one that is alone in its second."""
    rows = [loose(1, 3), loose(2, 8), loose(3, 8), loose(4, 22), loose(5, 22), loose(6, 30)]
    assert ask(*rows, streams_from=None) == Reach(True, True, *seconds(3, 30))
    retried = [loose(2, 8), loose(2, 8), loose(6, 30)]
    assert ask(*retried, streams_from=None) == Reach(True, True, *seconds(8, 30))


def test_a_stream_further_back_voids_what_has_no_sequence_number():
    """So one of those is enough only where no change of a stream can be as early."""
    rows = [loose(1, 8), loose(2, 30)]
    assert not ask(*rows).before
    assert not ask(*rows, streams_from=8 * SECOND).before
    assert ask(*rows, streams_from=9 * SECOND).before
    assert ask(*rows, streams_from=None).before


def test_one_without_a_sequence_number_after_the_span_and_a_stream():
    """A change of the stream with an earlier stamp shows that the stream's first one lies further on in time: whether
    those without a number count at all hangs on that."""
    rows = [loose(1, 3), loose(2, 22), change(3, 40), change(4, 21)]
    assert ask(*rows, streams_from=21 * SECOND).latest == seconds(0, 40)[1]
    assert ask(*rows[:2], streams_from=None).latest == seconds(0, 22)[1]


def test_a_change_whose_effective_time_an_export_may_raise():
    """An export's change later in the same second comes before those of a stream, so the search goes on."""
    net = {"stream": "backfill:x", "precision": "us"}
    rows = [change(1, 3), change(2, 8), loose(3, 8.5, **net)]
    assert ask(*rows).earliest == 3 * SECOND
    assert ask(*rows[:2], loose(3, 7.5, **net)).earliest == 8 * SECOND


@settings(max_examples=examples(50))
@given(world=any_worlds(scanned=True), data=st.data())
def test_a_search_that_grows_until_it_is_enough(world: World, data):
    """Rows read outwards from the span until both sides have enough, and then as far as the answer says, hold all that
    is promised of changes: stamps run backwards by less than an hour."""
    rows = [row for row in [*world.changes(), *world.baseline_rows()] if row.keys == KEYS]
    start, end = sorted(data.draw(st.permutations(moments(world)))[:2])
    hour, step = 3_600 * SECOND, data.draw(st.sampled_from((2_000, 5_000, 20_000))) * SECOND
    low, high, far = start, end, 100_000 * SECOND
    while True:
        read = [row for row in rows if low <= row.timestamp_micros <= high]
        found = enough(table(*read), [KEYS], start, end)
        whole_before = low < start - far or (found.before and low <= found.earliest - hour)
        whole_after = high > end + far or (found.after and high >= found.latest + hour)
        if whole_before and whole_after:
            break
        low, high = low - step * (not whole_before), high + step * (not whole_after)
    needed = [row for row, kept in zip(rows, promised(rows, start, end), strict=True) if kept]
    assert {row.event_id for row in needed} <= {row.event_id for row in read}


# --- what is promised, where it is easily too little ---


def promised_of(rows: list[Change], start: float, end: float) -> list[Change]:
    kept = promised(rows, int(start * SECOND), int(end * SECOND))
    return [row for row, needed in zip(rows, kept, strict=True) if needed]


def test_an_export_must_not_raise_an_effective_time_by_what_was_left_out():
    """Where the stream's first change is left out, an export's could count that does not."""
    rows = [change(1, 3), change(6, 8), loose(3, 8.5, stream="backfill:x", precision="us", new_image='{"v":5}')]
    assert [step.effective for step in build_chain(rows)][-1] == 8 * SECOND
    assert [step.effective for step in build_chain(promised_of(rows, 10, 20))][-1] == 8 * SECOND
    assert [step.effective for step in build_chain(rows[1:])][-1] > 8 * SECOND


def test_a_coarse_stamp_of_the_limit_s_second_counts_near_a_reading():
    """It stands for the whole second: a baseline read 60 s after its end cannot tell, though a finer stamp would."""
    manifest = Manifest(1, "x", "scan", "t", 70_500_000, 70_500_000, 1, ())
    seen = loose(9, 70.5, action="BASELINE", stream="baseline:x", read_begin=70_500_000, read_end=70_500_000)
    rows = [change(1, 3), change(2, 10), change(3, 10.2, precision="us"), seen]
    for known in (rows, promised_of(rows, 80, 90)):
        steps = build_chain(known)
        seen_by = sightings_of(known, [manifest])
        assert sightings_around(steps, seen_by, len(steps), 80 * SECOND, NOWHERE) == Sightings()
    alone = build_chain([rows[2]])
    assert sightings_around(alone, sightings_of([seen], [manifest]), 1, 80 * SECOND, NOWHERE) != Sightings()


def test_what_began_unseen_may_show_only_later():
    """An image that neither change around a moment shows, but a later one does: the rows up to the first after it do
    not tell of the value."""
    hidden = {"view": "KEYS_ONLY", "new_image": None, "old_image": None}
    rows = [change(1, 3, **hidden), change(2, 25, **hidden)]
    rows.append(change(3, 40, view="OLD_IMAGE", new_image=None, old_image='{"v":1}'))
    coverage = build_coverage([Stream(STREAM, 0, 99 * SECOND)], None, ())
    known, whole = (build_stretches(ItemHistory(KEYS, build_chain(some)), coverage) for some in (rows[:2], rows))
    moment, sought = 10 * SECOND, Sought(("v",), 1)
    spells = [find_spell(stretches, sought, moment) for stretches in (known, whole)]
    assert [spell.status for spell in spells] == ["unknown", "holds"]
    assert not is_spell_told(known, spells[0], moment)
    assert is_spell_told(whole[:1], find_spell(whole[:1], sought, moment), moment)


def test_what_the_next_change_began_may_have_begun_before_it():
    """Where the time between is not covered and the view hides what it found: then its end matters, too."""
    seen = {"view": "NEW_IMAGE", "old_image": None}
    item = ItemHistory(KEYS, build_chain([change(1, 3, **seen), change(2, 25, **seen)]))
    uncovered = build_coverage([], [], ())
    covered = build_coverage([Stream(STREAM, 0, 99 * SECOND)], None, ())
    assert not is_told(build_stretches(item, uncovered), 10 * SECOND)
    assert is_told(build_stretches(item, covered), 10 * SECOND)
    assert is_told(build_stretches(item, uncovered), 25 * SECOND)
