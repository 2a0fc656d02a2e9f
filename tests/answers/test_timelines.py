"""Timelines show each change, what each changed, and what a missing one must have."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given

from histlib.answers.timelines import TimelineOptions, timeline_caveats, timeline_columns
from histlib.rules.actor import actor_of
from histlib.rules.chain.chain import build_chain
from histlib.rules.coverage.coverage import Stream, build_coverage
from histlib.values.diff import diff
from histlib.values.image_json import MISSING, decode_image, encode_image, equal
from histlib.values.paths import format_path, parse_path
from histlib.values.times import TimeRange
from tests.rules.test_state import START
from tests.support.history.states import KEYS, WIDE, change, coverage_of, items
from tests.support.history.worlds import SECOND, worlds
from tests.support.values import items as any_item
from tests.support.values import same

ALL = TimeRange(0, 10**17, explicit_start=False, explicit_end=False)


def rows(*changes, coverage=WIDE, **options) -> list[dict[str, Any]]:
    """The timeline of one item as dicts, values left as image JSON."""
    columns = timeline_columns(
        {KEYS: build_chain(changes)}, coverage, TimelineOptions(options.pop("window", ALL), **options)
    )
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def shown(*changes, **options) -> list[tuple]:
    return [
        (r["action"], r["path"], r["before_json"], r["after_json"], r["caveats"]) for r in rows(*changes, **options)
    ]


def apply(image: Any, path: str, after: Any) -> Any:
    """The image with one row applied to it."""
    steps = parse_path(path)
    if not steps:
        return after
    image = copy.deepcopy(image)
    inside = image
    for step in steps[:-1]:
        inside = inside[step]
    last = steps[-1]
    if after is MISSING:
        del inside[last]
    elif isinstance(last, int) and last == len(inside):
        inside.append(after)
    else:
        inside[last] = after
    return image


@given(any_item, any_item)
def test_a_diff_applied_to_the_old_item_gives_the_new(before, after):
    """Row by row, removals from the end, whatever the types; and equal items have none."""
    differences = list(diff(before, after))
    removals = [difference for difference in differences if difference[2] is MISSING]
    others = [difference for difference in differences if difference[2] is not MISSING]
    image = before
    for path, _, new in [*others, *reversed(removals)]:
        image = apply(image, format_path(path), new)
    assert same(image, after)
    assert (differences == []) == equal(before, after)


def test_types_that_are_easily_confused_differ():
    """1 to True, NULL to missing, "" to NULL, inside lists too."""
    before, after = {"a": 1, "b": None, "c": "", "d": [1, {"x": 1}]}, {"a": True, "c": None, "d": [True, {"x": "1"}]}
    assert [(path, old, new) for path, old, new in diff(before, after)] == [
        (("a",), 1, True),
        (("b",), None, MISSING),
        (("c",), "", None),
        (("d", 0), 1, True),
        (("d", 1, "x"), 1, "1"),
    ]


@given(worlds())
def test_a_timeline_ends_in_the_last_image_and_hides_no_change(world):
    """Applied one after the other, all rows lead to what the last change left; each change has a row."""
    for item in items(world):
        keys = encode_image({"id": item})
        steps = build_chain(c for c in world.changes() if c.keys == keys)
        columns = timeline_columns({keys: steps}, coverage_of(world) if steps else WIDE, TimelineOptions(ALL))
        assert set(columns["event_id"]) == {step.change.event_id for step in steps}
        if not steps or world.view != "NEW_AND_OLD_IMAGES" or len({w.redaction for w in world.captured(item)}) > 1:
            continue
        image: Any = decode_image(steps[0].before) if isinstance(steps[0].before, str) else MISSING
        for path, after in zip(columns["path"], columns["after"], strict=True):
            image = apply(image, path, after)
        last = steps[-1].after
        assert same(image, decode_image(last) if isinstance(last, str) else MISSING)


def test_rows_of_the_three_actions():
    """INSERT and REMOVE are one row of the whole item, MODIFY one for each path."""
    assert shown(change(10, 1, None), change(20, 2, 1), change(30, None, 2)) == [
        ("INSERT", "", None, '{"v":1}', ""),
        ("MODIFY", "v", "1", "2", ""),
        ("REMOVE", "", '{"v":2}', None, ""),
    ]


def test_with_paths_all_actions_are_told_by_path():
    """Asked for a path, an INSERT goes from missing to its value; other changes have no row."""
    changes = (change(10, 1, None), change(20, 2, 1), change(30, None, 2))
    assert shown(*changes, paths=(("v",),)) == [
        ("INSERT", "v", None, "1", ""),
        ("MODIFY", "v", "1", "2", ""),
        ("REMOVE", "v", "2", None, ""),
    ]
    assert shown(*changes, paths=(("w",),)) == []


def test_what_a_missing_change_did_is_shown_without_actor_and_action():
    """A row between shows the jump, also where the next change itself left the path alone."""
    hidden = change(30, 9, 5)
    assert shown(change(10, 1, None), hidden, paths=(("v",),)) == [
        ("INSERT", "v", None, "1", ""),
        (None, "v", "1", "5", "gap"),
        ("MODIFY", "v", "5", "9", "gap"),
    ]
    same_again = change(30, 5, 5, new_image='{"v":5,"w":1}')
    assert shown(change(10, 1, None), same_again, paths=(("v",),))[1:] == [(None, "v", "1", "5", "gap")]


def test_a_change_that_shows_nothing_still_has_a_row():
    """Equal images (only redacted attributes changed) are a row of the whole item; so are images that are not there."""
    quiet = change(20, 1, 1, redaction="r1")
    assert shown(change(10, 1, None, redaction="r1"), quiet)[1] == ("MODIFY", "", '{"v":1}', '{"v":1}', "redacted")
    blind = [change(s, 1, 1, view="KEYS_ONLY", new_image=None, old_image=None, number=s) for s in (10, 20)]
    assert shown(*blind, paths=(("v",),)) == [("MODIFY", "", None, None, "chain_unproven")] * 2


def test_new_images_alone_are_compared_with_the_one_before():
    """In a NEW_IMAGE stream the image before is the one of the change before, as far as can be known."""
    changes = [change(s, v, 1, view="NEW_IMAGE", old_image=None, number=s) for s, v in ((10, 1), (20, 2))]
    assert shown(*changes)[1] == ("MODIFY", "v", "1", "2", "chain_unproven")


def caveats_of(steps, window):
    options = TimelineOptions(window)
    return timeline_caveats(steps, timeline_columns(steps, WIDE, options), WIDE, options)


def test_the_window_is_half_open_and_says_what_it_may_lack():
    """start ≤ time < end; a gap that the next change after the window reveals is said too."""
    changes = (change(10, 1, None), change(20, 2, 1), change(40, 9, 8))
    window = TimeRange(START + 10 * SECOND, START + 20 * SECOND)
    assert [row["path"] for row in rows(*changes, window=window)] == [""]
    window = TimeRange(START + 15 * SECOND, START + 40 * SECOND)
    steps = {KEYS: build_chain(changes)}
    assert [row["path"] for row in rows(*changes, window=window)] == ["v"]
    assert "gap" in caveats_of(steps, window)
    early = TimeRange(START, START + 15 * SECOND)
    assert caveats_of(steps, early) == ()


def test_windows_beyond_the_capture_say_so():
    """Before coverage and after what is captured: caveats of the whole timeline; with open sides none is due."""
    steps = {KEYS: build_chain([change(10, 1, None)])}
    before = TimeRange(START - 10 * SECOND, START + 15 * SECOND)
    after = TimeRange(START, START + 2_000 * SECOND)
    assert caveats_of(steps, before) == ("outside_coverage",)
    assert caveats_of(steps, after) == ("not_settled",)
    assert caveats_of(steps, ALL) == ()


def test_several_items_are_in_order_of_time():
    """Rows of all items under a key go by time."""
    other = '{"id":"b"}'
    chains = {
        KEYS: build_chain([change(10, 1, None), change(30, 2, 1)]),
        other: build_chain([change(20, 7, None, keys=other)]),
    }
    columns = timeline_columns(chains, WIDE, TimelineOptions(ALL))
    assert columns["keys"] == [KEYS, other, KEYS]


@pytest.mark.parametrize(
    ("actor", "image", "attribute", "said"),
    [
        ('{"principalId":"dynamodb.amazonaws.com","type":"Service"}', {}, None, "ttl"),
        ('{"principalId":"other.amazonaws.com","type":"Service"}', {"by": "x"}, "by", "other.amazonaws.com"),
        (None, {"by": "alice"}, "by", "alice"),
        (None, {"by": 7}, "by", "7"),
        (None, {"by": None}, "by", None),
        (None, {}, "by", None),
        (None, {"by": "alice"}, None, None),
        (None, MISSING, "by", None),
    ],
)
def test_who_made_a_change(actor, image, attribute, said):
    """TTL and services by the stream, people by the attribute that says so, else not known."""
    assert actor_of(change(10, 1, None, actor=actor), image, attribute) == said


def test_many_spans_of_coverage_mark_only_the_changes_between_them():
    """A change whose predecessor lies in another span is marked, others are not."""
    streams = [Stream(change(0, 1, None).stream, START, START + 100 * SECOND)]
    coverage = build_coverage(streams, [], ())
    assert {row["caveats"] for row in rows(change(10, 1, None), change(20, 2, 1), coverage=coverage)} == {
        "", "outside_coverage"
    }  # fmt: skip
