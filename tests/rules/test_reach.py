"""Questions ask for no more of an item than they need, and what they are not given changes nothing."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import histlib
from histlib.engines.queries import Streams
from histlib.errors import HistlibError, PathNotValidError
from histlib.values.image_json import MISSING
from tests.support.cases.conditions import CONDITIONS
from tests.support.effort import examples
from tests.support.history.article_lines import as_line, put_old
from tests.support.history.article_worlds import moved_history
from tests.support.history.exports import incremental_export, net_changes
from tests.support.history.landings import NOON, put, record
from tests.support.history.narrow_source import narrowed
from tests.support.history.world_histories import at, history_of, line_of, put_holes, rows_of
from tests.support.history.worlds import SECOND, START, World, any_worlds, moments, worlds

PATHS = ("price", "secret", "deep.list[0]", "tags", "nothing")


def same(history: histlib.History, keys: Sequence[str], times: Sequence[int], dice: random.Random) -> int:
    """Ask all questions of a history and of a narrow one; they must agree in all they say. How many rows the narrow
    one was spared."""
    narrow, source = narrowed(history)
    for name, question in questions(keys, times, dice):
        assert told(question, narrow) == told(question, history), name
    return source.dropped


def questions(
    keys: Sequence[str], times: Sequence[int], dice: random.Random
) -> Iterator[tuple[str, Callable[[histlib.History], Any]]]:
    """Each question of items with a bound, at times (epoch µs) in order."""
    for key in keys[:2]:
        for moment in map(at, times):
            yield f"state of {key} at {moment}", lambda h, k=key, t=moment: h.state_at(k, t)
            path = dice.choice(PATHS)
            yield f"since {path} of {key} at {moment}", lambda h, k=key, t=moment, p=path: h.since(k, p, time=t)
            value = dice.choice((1, "1", None, "s", MISSING))
            yield (
                f"since {path} of {key} at {moment} {value}",
                lambda h, k=key, t=moment, p=path, v=value: h.since(k, p, value=v, time=t),
            )
            wanted = dice.choice(((), ("price",), ("secret", "deep")))
            yield f"blame of {key} at {moment} {wanted}", lambda h, k=key, t=moment, p=wanted: h.blame(k, t, paths=p)
        for ends in spans(times, dice):
            wanted = dice.choice((None, None, "price", "secret", "nothing"))
            yield f"timeline of {key} {ends} {wanted}", lambda h, k=key, e=ends, p=wanted: h.timeline(k, *e, paths=p)
    for moment in map(at, dice.sample(times, min(1, len(times)))):
        where = dice.choice((None, *CONDITIONS))
        yield f"snapshot at {moment} {where}", lambda h, t=moment, w=where: h.snapshot_at(t, where=w)
        yield f"snapshot of keys at {moment}", lambda h, t=moment, w=where: h.snapshot_at(t, keys=list(keys), where=w)
    for start, end in list(spans(times, dice))[1:3]:
        where = dice.choice(list(CONDITIONS))
        yield f"affected {start} {end} {where}", lambda h, s=start, e=end, w=where: h.affected(w, s or at(0), e or s)
        yield f"diff {start} {end}", lambda h, s=start, e=end: h.diff(s or at(START), e or at(START))
        yield f"diff of keys {start} {end}", lambda h, s=start, e=end: h.diff(s or at(START), e or s, key=keys[0])
        told_of = dice.choice((None, "new_image.price = 1", "old_image.price IS MISSING", "action = 'REMOVE'"))
        wanted = dice.choice((None, "price"))
        yield (
            f"changes {start} {end} {told_of} {wanted}",
            lambda h, s=start, e=end, w=told_of, p=wanted: h.changes(s or at(0), e or "2026-11-01", where=w, paths=p),
        )
        yield (
            f"changes of keys {start} {end} {told_of}",
            lambda h, s=start, e=end, w=told_of: h.changes(s or at(0), e or "2026-11-01", keys=list(keys), where=w),
        )


def spans(times: Sequence[int], dice: random.Random) -> Iterator[tuple[Any, Any]]:
    """Windows with ends among the times: narrow ones, any, and some that are open on a side."""
    ordered = sorted(times)
    pairs = [*pairwise(ordered), *(tuple(sorted(dice.sample(ordered, 2))) for _ in range(3))]
    for start, end in dice.sample(pairs, min(2, len(pairs))):
        yield at(start), at(end)
    yield None, at(ordered[len(ordered) // 2])
    yield at(ordered[len(ordered) // 3]), at(ordered[-1] + 1)


def told(question: Callable[[histlib.History], Any], history: histlib.History) -> Any:
    """All that an answer says, or the error."""
    try:
        answer = question(history)
    except HistlibError as error:
        return type(error), str(error)
    if hasattr(answer, "dtypes"):
        return list(map(repr, rows_of(answer))), answer.dtypes.to_dict(), answer.attrs
    return answer.as_json(), repr(answer), answer


def sample_of(times: Sequence[int], data: st.DataObject, count: int = 3) -> list[int]:
    return sorted(data.draw(st.permutations(times))[:count])


# --- random worlds ---


@settings(max_examples=examples(25))
@given(world=any_worlds(), data=st.data())
def test_random_worlds(tmp_path_factory, world: World, data):
    """Losses, two streams, stamps that run backwards, views, redaction, copies, conflicts, attestations, holes."""
    folder = tmp_path_factory.mktemp("world")
    history = history_of(world, folder, data)
    if history is None:
        return
    if data.draw(st.booleans()):
        put_holes(folder, data, world.items)
    same(history, world.items, sample_of(moments(world), data), data.draw(st.randoms(use_true_random=False)))


@settings(max_examples=examples(30))
@given(world=any_worlds(scanned=True), data=st.data())
def test_random_worlds_with_baselines(tmp_path_factory, world: World, data):
    """The same with baselines, complete or not, near changes or far, that agree with the changes or not."""
    folder = tmp_path_factory.mktemp("world")
    history = history_of(world, folder, data)
    if history is None:
        return
    if data.draw(st.booleans()):
        put_holes(folder, data, world.items)
    same(history, world.items, sample_of(moments(world), data), data.draw(st.randoms(use_true_random=False)))


@st.composite
def crowded(draw: st.DrawFn) -> World:
    """A world in which one item changes often, in few seconds, and stamps stray by far more than they should."""
    world = draw(worlds())
    strays = st.sampled_from((0, 0, 0, -1, 1, -8, 8, 70))
    writes = [replace(one, item="a", stamp=one.stamp // 20 * 20 + draw(strays) * SECOND) for one in world.writes]
    images: dict[str, Any] = {"a": world.before.get("a")}
    kept = []
    for one in writes:
        if one.after is not None or images["a"] is not None:
            kept.append(one)
            images["a"] = one.after
    world.writes = kept
    return world


@settings(max_examples=examples(25))
@given(world=crowded(), data=st.data())
def test_many_changes_of_one_item(tmp_path_factory, world: World, data):
    """Seconds that changes share, and stamps that run backwards over many of them."""
    if not world.writes:
        return
    history = history_of(world, tmp_path_factory.mktemp("world"), data)
    if history is not None:
        same(history, ["a"], sample_of(moments(world), data, 5), data.draw(st.randoms(use_true_random=False)))


# --- changes without sequence numbers ---


@settings(max_examples=examples(15))
@given(world=worlds(trouble=False), data=st.data())
def test_the_article_format(tmp_path_factory, world: World, data):
    """Changes of one second are put in order by their images, as far as other seconds tell how."""
    folder, dice = tmp_path_factory.mktemp("old"), data.draw(st.randoms(use_true_random=False))
    lines, images = [], dict(world.before)
    for write in world.writes:
        before, images[write.item] = images.get(write.item), write.after
        lines.append(as_line(write, before, dice) or "")
        if data.draw(st.integers(0, 4)) == 0:
            lines.append(lines[-1])
    dice.shuffle(lines)
    if any(lines):
        put_old(folder, "".join(lines), "2026/01/01/12")
        same(histlib.connect(folder), world.items, sample_of(moments(world), data), dice)


@settings(max_examples=examples(25))
@given(world=crowded() | worlds(), data=st.data())
def test_a_move_in_any_disorder(tmp_path_factory, world: World, data):
    """Format 0, then a stream, captured twice for a while; some of either lost, stamps straying over the seam."""
    folder, dice = tmp_path_factory.mktemp("moved"), data.draw(st.randoms(use_true_random=False))
    changes = [one for one in world.changes() if one.stream]
    moved = data.draw(st.integers(0, len(changes)))
    doubled = data.draw(st.integers(moved, len(changes)))
    rows = [line_of(n, in_net(one)) for n, one in enumerate(changes[:doubled]) if data.draw(st.integers(0, 5))]
    rows += [line_of(n, one) for n, one in enumerate(changes[moved:])]
    if rows:
        put(folder, rows)
        same(histlib.connect(folder), world.items, sample_of(moments(world), data), dice)


def in_net(change: Any) -> Any:
    """The change without a place, with a stamp of its own within the second, as an export would have it."""
    later = sum(change.event_id.encode()) % 3 * 300_000
    return msgspec.structs.replace(
        change,
        stream="backfill:x",
        sequence_number=None,
        event_id=f"x-{change.event_id}",
        timestamp_micros=change.timestamp_micros + later,
        precision="us",
    )


@settings(max_examples=examples(30))
@given(
    st.lists(st.tuples(st.integers(0, 7_199), st.sampled_from("ab"), st.sampled_from((None, 1, "1", 2))), max_size=14),
    st.randoms(use_true_random=False),
)
def test_exports(tmp_path_factory, drawn, dice):
    """Net changes of windows that join: what is true only at their ends, bounds that widen over a window."""
    folder, begin = tmp_path_factory.mktemp("exports"), START
    writes = sorted(
        ((begin + second * SECOND + n, item, None if price is None else {"price": price, "n": n})
         for n, (second, item, price) in enumerate(drawn)),
        key=lambda write: write[0],
    )  # fmt: skip
    edges = [begin + minutes * 60 * SECOND for minutes in (0, 30, 60, 120)]
    found = [(net_changes(writes, {}, *ends), *ends) for ends in pairwise(edges)]
    if not any(changes for changes, _, _ in found):
        return
    for changes, start, end in found:
        incremental_export(folder, changes, start, end)
    history = histlib.connect(f"export:{folder}", cache=folder / "cache")
    times = sorted({*edges, *(moment + by for moment, _, _ in writes for by in (0, SECOND, -SECOND))})
    same(history, ["a", "b"], sorted(dice.sample(times, min(6, len(times)))), dice)


@pytest.mark.parametrize("number_key", [False, True])
def test_a_move_between_formats(tmp_path, number_key):
    """A history that goes over from format 0 to format 1, with keys of which it has two texts."""
    history = moved_history(tmp_path, number_key)
    times = [(NOON + second) * SECOND for second in (-5, 0, 1, 9, 19, 20, 21, 29, 30, 31, 38, 39, 50)]
    assert same(history, [7 if number_key else "a"], times, random.Random(1)) > 100


@pytest.mark.parametrize("name", ["products", "orders", "todo"])
def test_the_samples(name, tmp_path):
    """The stories that come with the library, at times of their own."""
    history = histlib.connect(f"sample:{name}", cache=tmp_path)
    facts, dice = history._facts(), random.Random(3)
    history._opened.source.fetch(Streams())
    frame = history.snapshot_at(at(facts.coverage.captured_through))
    names = [column for column in frame.columns if column.startswith("keys.")]
    keys = [tuple(row) if len(row) > 1 else row[0] for row in frame[names].to_numpy().tolist()]
    stamps = [second for stream in facts.streams for second in (stream.first, stream.last)]
    times = sorted({dice.randrange(min(stamps), max(stamps)) for _ in range(2)})
    assert same(history, dice.sample(keys, min(2, len(keys))), times, dice) > 0


# --- what is easily left out ---


def fine(number: int, seconds: float) -> dict[str, Any]:
    """A change with a stamp finer than a second."""
    return record(
        number, timestamp_micros=round((NOON + seconds) * SECOND), precision="us", seconds=NOON + int(seconds)
    )


def test_all_changes_of_the_second_are_told(tmp_path):
    """Those before and after an instant within it, too."""
    put(tmp_path, [fine(n, second) for n, second in enumerate((3.0, 10.1, 10.3, 10.7, 10.9, 20))])
    whole = histlib.connect(tmp_path)
    narrow, _ = narrowed(whole)
    for moment in (at((NOON + 10) * SECOND), at((NOON + 10) * SECOND + 500_000)):
        assert told(lambda h, t=moment: h.state_at("a", t), narrow) == told(
            lambda h, t=moment: h.state_at("a", t), whole
        )
    assert "event-1, event-2, event-3, event-4" in str(narrow.state_at("a", moment).caveats[0].as_json())
    assert narrow.snapshot_at(moment).equals(whole.snapshot_at(moment))


def test_a_path_that_only_rows_further_out_show(tmp_path):
    """It is no mistake; one that none shows is, with the names of all."""
    rows = [record(n, seconds=NOON + 60 * n) for n in range(9)]
    rows[0]["new_image"], rows[1]["old_image"] = ('{"id":"a","rare":1}',) * 2
    rows[8]["new_image"] = '{"id":"a","late":1}'
    put(tmp_path, rows)
    whole = histlib.connect(tmp_path)
    narrow, _ = narrowed(whole)
    window = at((NOON + 300) * SECOND), at((NOON + 400) * SECOND)
    assert len(narrow.timeline("a", *window, paths="rare")) == 0
    with pytest.raises(PathNotValidError, match="there are version, id, late, rare"):
        narrow.timeline("a", *window, paths="wrong")
    assert narrow.blame("a", window[0], paths="late").equals(whole.blame("a", window[0], paths="late"))
    with pytest.raises(PathNotValidError, match="there are version, id, late, rare"):
        narrow.since("a", "wrong", time=window[0])


def test_a_period_that_goes_on_is_told_to_its_end(tmp_path):
    """A value outlives the next change: when it ended is asked for once more."""
    images = [{"id": "a", "price": 1, "n": n} for n in range(6)] + [{"id": "a", "price": 2, "n": 6}]
    put(tmp_path, [record(n, seconds=NOON + 60 * n, new_image=dict(image), old_image=dict(images[n - 1]))
                   for n, image in enumerate(images) if n])  # fmt: skip
    whole = histlib.connect(tmp_path)
    narrow, _ = narrowed(whole)
    moment = at((NOON + 130) * SECOND)
    found = narrow.since("a", "price", time=moment)
    assert found == whole.since("a", "price", time=moment)
    assert found.until == at((NOON + 360) * SECOND)
    assert narrow.since("a", "n", time=moment) == whole.since("a", "n", time=moment)


def test_a_state_reads_little(tmp_path):
    """Of many changes of an item, those around the moment."""
    put(tmp_path, [record(n, seconds=NOON + 60 * n) for n in range(500)])
    narrow, source = narrowed(histlib.connect(tmp_path))
    assert narrow.state_at("a", at((NOON + 6_010) * SECOND)).get("version") == 100
    assert (source.kept, source.dropped) == (2, 498)
