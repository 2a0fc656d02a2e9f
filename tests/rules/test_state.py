"""States are true, or say why they may not be: random worlds against a plain replay, then each rule by itself."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from histlib.rules.chain.chain import Link, build_chain
from histlib.rules.coverage.baselines import Sighting
from histlib.rules.coverage.coverage import Attestation, Coverage, Hole, Span, build_coverage
from histlib.rules.state import Finding, state_after
from histlib.values.image_json import encode_image
from tests.support.effort import examples
from tests.support.history.states import (
    S1,
    S2,
    ask,
    at,
    change,
    coverage_of,
    expected_image,
    items,
    observed,
    redaction_of,
)
from tests.support.history.worlds import SECOND, SKEW, START, World, moments, worlds


@settings(deadline=None)
@given(worlds(trouble=False))
def test_without_trouble_every_state_is_true_and_no_caveat_is_undue(world):
    """All captured, once, by one stream: the state is the truth, with just the caveats that its time demands."""
    through = max(write.stamp for write in world.writes)
    first = min(write.stamp for write in world.writes)
    for item in items(world):
        for moment in moments(world):
            finding = ask(world, item, moment)
            effective = [at for at, _ in world.effective(item)]
            sharing = sum(at // SECOND == moment // SECOND for at in effective)
            demanded = set()
            if sharing > 1 or (sharing and moment % SECOND):
                demanded.add("same_second")
            if moment > through:
                demanded.add("not_settled")
            if moment < first:
                demanded.add("outside_coverage")
                assert finding.status == "unknown"
                assert (
                    world.truth(item, moment) is None or expected_image(world, item, moment, None) in finding.candidates
                )
            else:
                assert finding.status != "unknown"
                assert finding.image == expected_image(world, item, moment, None)
            assert set(finding.caveats) == demanded, (item, moment, finding)


@settings(deadline=None, max_examples=examples(300))
@given(worlds())
def test_in_trouble_a_state_is_true_or_says_why_not(world):
    """A wrong state carries a caveat; without one it is only observed, and what was lost has left no trace."""
    for item in items(world):
        captured = world.captured(item)
        for moment in moments(world):
            finding = ask(world, item, moment)
            if finding.status == "unknown":
                assert finding.reason
                continue
            if finding.image == expected_image(world, item, moment, redaction_of(finding, world, item)):
                continue
            assert finding.completeness == "observed"
            if not finding.caveats:
                missing = [write for write in world.of(item) if write not in captured]
                known_from = finding.until if finding.evidence == "next_change" else moment
                assert any(write.stamp <= known_from + SKEW for write in missing), finding
                assert untraceable(world, item, finding), (item, moment, finding)


def untraceable(world: World, item: str, finding: Finding) -> bool:
    """Whether nothing captured tells of a loss after the state's change: its successor follows as if in order."""
    keys = encode_image({"id": item})
    steps = build_chain(change for change in world.changes() if change.keys == keys)
    following = steps.index(finding.step) + 1 if finding.step else 0
    return following == len(steps) or steps[following].link is not Link.GAP


@settings(deadline=None, max_examples=examples(300))
@given(worlds(attested=True))
def test_attested_is_never_wrong(world):
    """What an honest attestation covers is true: what is lost inside it is undelivered, and it is not given."""
    for item in items(world):
        for moment in moments(world):
            finding = ask(world, item, moment)
            if finding.completeness == "attested" and "conflict" not in finding.caveats:
                assert finding.status != "unknown"
                truth = expected_image(world, item, moment, redaction_of(finding, world, item))
                assert finding.image == truth, (item, moment, finding)


@settings(deadline=None)
@given(worlds(), st.randoms(use_true_random=False))
def test_neither_order_nor_copies_matter(world, dice: random.Random):
    """The same changes in any order and any number give the same states, caveats included."""
    changes = world.changes()
    shuffled = changes + [change for change in changes if dice.random() < 0.3]
    dice.shuffle(shuffled)
    for item in items(world):
        keys = encode_image({"id": item})
        one, other = (build_chain(c for c in some if c.keys == keys) for some in (changes, shuffled))
        assert one == other


@settings(deadline=None)
@given(worlds())
def test_the_state_after_a_change_is_its_new_image(world):
    """Asked by its event id, a change answers with its own new image, whatever else came in that second."""
    for item in items(world):
        keys = encode_image({"id": item})
        steps = build_chain(change for change in world.changes() if change.keys == keys)
        for position, step in enumerate(steps):
            finding = state_after(steps, position, coverage_of(world))
            if step.change.action == "REMOVE":
                assert finding.status == "deleted"
            elif step.change.new_image is None:
                assert finding.status == "unknown"
            else:
                assert (finding.status, finding.image) == ("present", step.change.new_image)
            assert set(finding.caveats) <= {"conflict", "redacted"}


# --- each rule by itself ---


def test_a_whole_second_is_its_end():
    """A change stamped with the second asked for has happened; a second before it has not."""
    changes = (change(10, 1, None), change(20, 2, 1))
    assert [at(s, *changes).image for s in (19, 20, 21)] == ['{"v":1}', '{"v":2}', '{"v":2}']
    finding = at(20, *changes)
    assert (finding.since, finding.until) == (START + 20 * SECOND, None)
    assert (finding.evidence, finding.caveats) == ("change", ())


def test_before_the_first_change_it_tells_what_was():
    """An old image shows what was there before, an INSERT that nothing was; only where the time is covered."""
    assert (at(5, change(10, 2, 1)).status, at(5, change(10, 2, 1)).image) == ("present", '{"v":1}')
    assert at(5, change(10, 2, 1)).evidence == "next_change"
    assert at(5, change(10, 1, None)).status == "absent"
    uncovered = at(-5, change(10, 2, 1))
    assert (uncovered.status, uncovered.candidates) == ("unknown", ('{"v":1}',))
    assert set(uncovered.caveats) == {"outside_coverage"}


def test_a_key_that_is_not_known_is_unknown_not_absent():
    """No change of a key says nothing about it."""
    finding = at(5)
    assert (finding.status, finding.caveats) == ("unknown", ())
    assert "no change of this key" in finding.reason


def test_deleted_and_created_again():
    """After a REMOVE the item is deleted until an INSERT."""
    changes = (change(10, 1, None), change(20, None, 1), change(30, 5, None))
    assert [at(s, *changes).status for s in (10, 20, 29, 30)] == ["present", "deleted", "deleted", "present"]
    assert at(25, *changes).until == START + 30 * SECOND


def test_a_gap_gives_both_candidates():
    """An old image that is not the image before it: both are shown, and only between the two."""
    changes = (change(10, 1, None), change(30, 4, 3), change(40, 5, 4))
    finding = at(20, *changes)
    assert (finding.image, finding.candidates) == ('{"v":1}', ('{"v":1}', '{"v":3}'))
    assert set(finding.caveats) == {"gap"}
    assert [set(at(s, *changes).caveats) for s in (9, 29, 30, 40)] == [set(), {"gap"}, set(), set()]


@pytest.mark.parametrize(
    ("first", "second", "candidates"),
    [
        (change(10, 1, None), change(30, 2, None), ('{"v":1}', None)),
        (change(10, None, 1), change(30, 3, 2), (None, '{"v":2}')),
        (change(10, None, 1), change(30, None, 2), (None, '{"v":2}')),
    ],
)
def test_a_lost_delete_or_insert_is_a_gap(first, second, candidates):
    """An INSERT of what is there, and a change of what is not, prove a loss too."""
    finding = at(20, first, second)
    assert set(finding.caveats) == {"gap"}
    assert finding.candidates == candidates


def test_two_changes_in_a_second():
    """The state is after the last of them, the caveat names both, and half a second into it is no better known."""
    changes = (change(10, 1, None, number=1), change(20, 2, 1, number=2), change(20, 3, 2, number=3))
    finding = at(20, *changes)
    assert finding.image == '{"v":3}'
    assert "e2, e3" in finding.caveats[0].detail
    assert [set(at(s, *changes).caveats) for s in (19, 20, 20.5, 21, 10, 10.5)] == [
        set(), {"same_second"}, {"same_second"}, set(), set(), {"same_second"}
    ]  # fmt: skip


def test_finer_stamps_are_used():
    """Millisecond stamps order against times within the second; the caveat stays where two share it."""
    fine = change(20.25, 2, 1, number=202, precision="ms")
    changes = (change(10, 1, None), fine)
    assert at(20.249, *changes).image == '{"v":1}'
    assert at(20.25, *changes).image == '{"v":2}'
    assert at(20, *changes).image == '{"v":2}'
    assert set(at(20.4, *changes).caveats) == set()


def test_stamps_that_go_backwards_follow_the_sequence():
    """Order is by sequence number; the effective time never goes back."""
    changes = (change(10, 1, None, number=1), change(30, 2, 1, number=2), change(20, 3, 2, number=3))
    assert at(25, *changes).image == '{"v":1}'
    assert at(30, *changes).image == '{"v":3}'
    assert set(at(30, *changes).caveats) == {"same_second"}


def test_past_the_capture_it_is_not_settled():
    """The last second captured is settled, the next is not; coverage is not what is missing then."""
    coverage = observed((0, 50, S1))
    assert set(at(50, change(10, 1, None), coverage=coverage).caveats) == set()
    assert set(at(51, change(10, 1, None), coverage=coverage).caveats) == {"not_settled"}


def test_no_state_crosses_a_stream_boundary_silently():
    """Between two streams anything may have happened; a change in the new one anchors the item again."""
    coverage = observed((0, 100, S1), (200, 300, S2))
    old, new = change(10, 1, None), change(250, 3, 2, stream=S2)
    assert set(at(100, old, coverage=coverage).caveats) == set()
    assert set(at(101, old, coverage=coverage).caveats) == {"outside_coverage"}
    assert set(at(220, old, coverage=coverage).caveats) == {"outside_coverage"}
    assert set(at(250, old, new, coverage=coverage).caveats) == set()
    assert at(220, new, coverage=coverage).status == "present"
    assert at(150, new, coverage=coverage).status == "unknown"


def test_streams_are_ordered_by_when_they_were_enabled():
    """A later stream's changes come later, whatever their sequence numbers and stamps."""
    steps = build_chain([change(20, 2, 1, stream=S2, number=1), change(30, 1, None, stream=S1, number=9)])
    assert [step.change.stream for step in steps] == [S1, S2]
    assert [step.new_stream for step in steps] == [False, True]


@pytest.mark.parametrize(("kind", "caveat"), [("unreadable", "unreadable_files"), ("undelivered", "outside_coverage")])
def test_a_hole_touches_the_answers_it_may_touch_and_no_others(kind, caveat):
    """From the change before the hole to the next one after it; and only of its own item, where that is known."""
    hole = Hole(kind, START + 20 * SECOND, START + 25 * SECOND, "d", "f", 3)
    coverage = observed((0, 1_000, S1), holes=(hole,))
    changes = (change(10, 1, None), change(40, 2, 1))
    assert [set(at(s, *changes, coverage=coverage).caveats) for s in (19, 20, 39, 40, 50)] == [
        set(), {caveat}, {caveat}, set(), set()
    ]  # fmt: skip
    other = observed((0, 1_000, S1), holes=(Hole(kind, 0, None, "d", "f", keys='{"id":"b"}'),))
    assert set(at(30, *changes, coverage=other).caveats) == set()


def test_an_undelivered_batch_before_the_first_change_leaves_it_unknown():
    """What was before a change is not told by it when something between may be missing."""
    hole = Hole("undelivered", START + 5 * SECOND, START + 6 * SECOND, "d", "f")
    finding = at(2, change(10, 2, 1), coverage=observed((0, 1_000, S1), holes=(hole,)))
    assert (finding.status, finding.candidates) == ("unknown", ('{"v":1}',))


def test_redaction_is_said_and_images_redacted_unlike_are_not_compared():
    """A redacted image says so; across a change of rules the chain is unproven, not broken."""
    changes = (change(10, 1, None, redaction="r1"), change(30, 3, 2, redaction="r2"))
    assert set(at(20, *changes).caveats) == {"redacted", "chain_unproven"}


def test_copies_that_differ_carry_conflict():
    """Two deliveries of one change that disagree: either could be true, and the same one is shown each time."""
    one, other = change(10, 1, None, number=1), change(10, 2, None, number=1)
    assert at(20, one, other) == at(20, other, one)
    assert set(at(20, one, other).caveats) == {"conflict"}


@pytest.mark.parametrize(
    ("view", "status"), [("KEYS_ONLY", "unknown"), ("OLD_IMAGE", "present"), ("NEW_IMAGE", "present")]
)
def test_views_without_images_say_what_they_cannot(view, status):
    """KEYS_ONLY knows no item; OLD_IMAGE knows it from the next change, over one that does not show what it left;
    NEW_IMAGE cannot prove the chain."""
    new = {} if view == "NEW_IMAGE" else {"new_image": None}
    old = {} if view == "OLD_IMAGE" else {"old_image": None}
    changes = [
        change(10, 1, None, view=view, **new),
        change(30, 2, 1, view=view, **new, **old),
    ]
    finding = at(20, *changes)
    assert finding.status == status
    assert "chain_unproven" in finding.caveats
    if status == "present":
        assert finding.image == '{"v":1}'


# --- boundaries: what no state crosses silently ---


def attesting(*pipelines: tuple[str, str, range]) -> Coverage:
    """Coverage by hourly attestations of (stream, table id) in turn."""
    attestations = [
        Attestation(START + hour * 3_600 * SECOND, "t", stream, "v", "m", "Enabled", 0, 0, 0, True, table_id=table)
        for stream, table, hours in pipelines
        for hour in hours
    ]
    return build_coverage([], attestations, ())


HOUR = 3_600


@pytest.mark.parametrize(
    ("later_stream", "later_table"), [(S2, "id1"), (S2, "id2"), (S1, "id2")], ids=["stream", "both", "table"]
)
def test_no_attested_state_crosses_into_another_stream_or_table(later_stream, later_table):
    """From the last attestation of the old to the next change in the new, states say so; that one anchors again."""
    coverage = attesting((S1, "id1", range(6)), (later_stream, later_table, range(6, 20)))
    old, new = change(10, 1, None), change(10 * HOUR, 3, None, stream=later_stream, number=10**9)
    ends = 5 * HOUR
    for second, known in (
        (ends - 1, True),
        (ends, False),  # the rest of that second is not attested
        (8 * HOUR, False),
        (10 * HOUR - 1, False),
        (10 * HOUR, True),
    ):
        finding = at(second, old, new, coverage=coverage)
        assert ("outside_coverage" in finding.caveats) != known, second
        assert (finding.completeness == "attested") == (second >= 10 * HOUR), second
    alone = at(8 * HOUR, old, coverage=coverage)
    assert set(alone.caveats) == {"outside_coverage"}
    begins = [at(second, new, coverage=coverage) for second in (6 * HOUR - 1, 6 * HOUR)]
    assert [finding.status for finding in begins] == ["unknown", "absent"]
    again = at(
        12 * HOUR, old, coverage=coverage, sightings=[Sighting(*[START + 11 * HOUR * SECOND] * 2, '{"v":5}', None, "b")]
    )
    assert (again.image, again.evidence, again.completeness) == ('{"v":5}', "baseline", "attested")


@pytest.mark.parametrize("kind", ["unreadable", "undelivered", "unconverted"])
def test_no_attested_state_crosses_a_hole(kind):
    """From its first instant on, until a change after it."""
    span = attesting((S1, "id1", range(20)))
    hole = Hole(kind, START + 2 * HOUR * SECOND, START + 3 * HOUR * SECOND, "d", "f")
    coverage = Coverage(span.spans, (hole,), span.captured_through, attested=True)
    changes = (change(10, 1, None), change(6 * HOUR, 2, 1))
    attested = [
        at(s, *changes, coverage=coverage).completeness for s in (2 * HOUR - 1, 2 * HOUR, 6 * HOUR - 1, 6 * HOUR)
    ]
    assert attested == ["attested", "observed", "observed", "attested"]
    crossing = [
        bool(at(s, *changes, coverage=coverage).caveats) for s in (2 * HOUR - 1, 2 * HOUR, 6 * HOUR - 1, 6 * HOUR)
    ]
    assert crossing == [False, True, True, False]


def test_what_has_not_landed_before_the_next_change_is_not_settled():
    """A change told by the one after it: where that is past what is captured, another between may be under way."""
    coverage = Coverage((Span(START, START + 100 * SECOND, S1),), (), START + 100 * SECOND, attested=True)
    assert set(at(50, change(99, 2, 1), coverage=coverage).caveats) == set()
    assert set(at(50, change(100, 2, 1), coverage=coverage).caveats) == {"not_settled"}
