"""Baselines: what a complete one tells of an item, and when it must not be believed."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from histlib.rules.chain.chain import build_chain
from histlib.rules.chain.images import Image
from histlib.rules.coverage.baselines import Manifest, Sighting, read_manifest, sightings_of, why_incomplete
from histlib.rules.coverage.coverage import Hole
from histlib.rules.state import Finding
from histlib.values.image_json import encode_image
from tests.support.history.states import (
    S1,
    S2,
    ask_with_sightings,
    at,
    change,
    coverage_of,
    expected_image,
    observed,
    redaction_of,
    steps_of,
)
from tests.support.history.worlds import SECOND, START, World, moments, worlds

# --- random worlds, scanned while writes go on ---


@settings(deadline=None)
@given(worlds(trouble=False, scanned=True))
def test_where_all_is_captured_baselines_only_add(world):
    """Nothing is lost: every state that is known is the truth, no gap is seen, and what was known stays known."""
    for item in world.items:
        for moment in moments(world):
            finding = ask_with_sightings(world, item, moment)
            without = ask_with_sightings(replace(world, scans=[]), item, moment)
            assert "gap" not in finding.caveats
            if finding.status != "unknown":
                assert finding.image == expected_image(world, item, moment, None), (item, moment, finding)
                assert finding.caveats or moment <= max(write.stamp for write in world.writes)
            if without.status != "unknown":
                assert (finding.status, finding.image) == (without.status, without.image)
                assert set(finding.caveats) <= {*without.caveats, "not_settled"}


@settings(deadline=None)
@given(worlds(scanned=True))
def test_in_trouble_a_state_is_true_or_says_why_not(world):
    """A wrong state carries a caveat; without one it is only observed, and what was lost has left no trace."""
    for item in world.items:
        captured = world.captured(item)
        for moment in moments(world):
            finding = ask_with_sightings(world, item, moment)
            if finding.status == "unknown":
                assert finding.reason
                continue
            if finding.image == expected_image(world, item, moment, redaction_of(finding, world, item)):
                continue
            assert finding.completeness == "observed"
            if not finding.caveats:
                assert any(write not in captured for write in world.of(item)), finding
                assert not any(differ(*sides) for sides in both_sides(world, item, moment)), (item, moment, finding)


def both_sides(world: World, item: str, moment: int) -> list[tuple[object, object]]:
    """What is known of the item right before and right after a moment, (image, redaction) each, of baselines only where
    they are far from changes; nothing where a loss is explained by the time between not being covered."""
    last = moment + SECOND - 1 if moment % SECOND == 0 else moment
    known = []
    steps = steps_of(world, item)
    for step in steps:
        known.append((step.effective, step.effective, (step.before, step.change.redaction), "before"))
        known.append((step.effective, step.effective, (step.after, step.change.redaction), "after"))
    stamps = [stamp for step in steps for stamp in (step.effective, step.change.timestamp_micros)]
    for seen in world.sightings(item):
        if all(stamp < seen.read_begin - 61 * SECOND or stamp > seen.read_end + 61 * SECOND for stamp in stamps):
            image = Image.NONE if seen.image is None else seen.image
            known.append((seen.read_begin, seen.read_end, (image, seen.redaction), "seen"))
    known.sort(key=lambda one: one[:2])
    left = [one for one in known if one[0] <= last]
    right = [one for one in known if one[0] > last]
    if not left or not right or not coverage_of(world).covers(left[-1][0], right[0][1]):
        return []
    return [(left[-1][2], right[0][2])]


def differ(left: tuple[object, object], right: tuple[object, object]) -> bool:
    """Whether two images prove that something lies between them."""
    if Image.NONE in (left[0], right[0]):
        return left[0] != right[0]
    return Image.UNSEEN not in (left[0], right[0]) and left[1] == right[1] and left[0] != right[0]


@settings(deadline=None)
@given(worlds(attested=True, scanned=True))
def test_attested_is_never_wrong(world):
    """What an honest attestation covers is true, by whatever evidence."""
    for item in world.items:
        for moment in moments(world):
            finding = ask_with_sightings(world, item, moment)
            if finding.completeness == "attested" and "conflict" not in finding.caveats:
                assert finding.status != "unknown"
                truth = expected_image(world, item, moment, redaction_of(finding, world, item))
                assert finding.image == truth, (item, moment, finding)


@settings(deadline=None)
@given(worlds(attested=True, scanned=True))
def test_an_attested_since_is_when_it_began(world):
    """A time that an attested state names as its beginning is that of the write that made it."""
    for item in world.items:
        effective = world.effective(item)
        for moment in moments(world):
            finding = ask_with_sightings(world, item, moment)
            if finding.completeness == "attested" and not finding.caveats and finding.since is not None:
                made = [write for when, write in effective if when == finding.since]
                truth = expected_image(world, item, finding.since, None)
                assert made, finding
                assert truth == finding.image


@settings(deadline=None)
@given(worlds(scanned=True), st.randoms(use_true_random=False))
def test_neither_order_nor_copies_matter(world, dice: random.Random):
    """The same rows in any order and any number give the same sightings, and baselines never enter a chain."""
    rows = world.baseline_rows()
    shuffled = rows + [row for row in rows if dice.random() < 0.3]
    manifests = world.manifests()
    dice.shuffle(shuffled)
    dice.shuffle(manifests)
    for item in world.items:
        keys = encode_image({"id": item})
        again = sightings_of([row for row in shuffled if row.keys == keys], manifests)
        assert again == world.sightings(item)
        assert steps_of(world, item) == build_chain(one for one in world.changes() if one.keys == keys)


# --- each rule by itself ---


def seen(begin: float, end: float, value: int | None, *, redaction: str | None = None, name: str = "b") -> Sighting:
    image = None if value is None else f'{{"v":{value}}}'
    return Sighting(START + int(begin * SECOND), START + int(end * SECOND), image, redaction, name)


WIDE = observed((0, 10_000, S1))


def told(seconds: float, *known, coverage=WIDE) -> Finding:
    """The state from changes and sightings."""
    sightings = [one for one in known if isinstance(one, Sighting)]
    return at(seconds, *(one for one in known if one not in sightings), coverage=coverage, sightings=sightings)


def brief(finding: Finding) -> tuple[object, ...]:
    return finding.status, finding.image, finding.evidence, set(finding.caveats)


V1, V2, V3 = '{"v":1}', '{"v":2}', '{"v":3}'


def test_an_item_that_never_changed_is_known_from_a_baseline():
    """Before, while and after it was read: present, since no one knows when; it is open until a change."""
    for second in (0, 999, 1_000, 1_005, 1_010, 1_011, 9_999):
        finding = told(second, seen(1_000, 1_010, 1))
        assert brief(finding) == ("present", V1, "baseline", set())
        assert (finding.since, finding.until, finding.step) == (None, None, None)
        assert finding.sighting == seen(1_000, 1_010, 1)


def test_what_a_complete_baseline_lacks_is_absent():
    """Either way from it, as far as no change of the item comes between."""
    inserted = change(3_000, 1, None)
    assert [brief(told(s, seen(1_000, 1_300, None), inserted)) for s in (10, 1_100, 2_000, 3_000)] == [
        ("absent", None, "baseline", set()),
        ("absent", None, "baseline", set()),
        ("absent", None, "baseline", set()),
        ("present", V1, "change", set()),
    ]
    assert told(2_000, seen(1_000, 1_300, None), inserted).until == START + 3_000 * SECOND


def test_an_item_known_to_have_lived_is_deleted_not_absent():
    """A REMOVE before, or a change or baseline that saw the item: what a later baseline lacks was deleted."""
    removed = told(2_000, change(10, 1, None), change(100, None, 1), seen(1_000, 1_010, None))
    assert brief(removed) == ("deleted", None, "change", set())
    assert removed.since == START + 100 * SECOND
    lost = told(2_000, change(10, 1, None), seen(1_000, 1_010, None))
    assert (brief(lost), lost.since) == (("deleted", None, "baseline", set()), None)
    assert brief(told(2_000, seen(500, 510, 1), seen(1_000, 1_010, None))) == ("deleted", None, "baseline", set())


@pytest.mark.parametrize(("distance", "believed"), [(-61, True), (-60, False), (-59, False), (0, False)])
def test_a_change_within_60_seconds_before_it_overrules_a_baseline(distance, believed):
    """The clocks differ by up to a minute, so such a change may lie on either side: its images decide."""
    finding = told(1_200, change(1_000 + distance, 1, None), seen(1_000, 1_010, 2))
    assert finding.image == (V2 if believed else V1)
    assert finding.evidence == ("baseline" if believed else "change")


@pytest.mark.parametrize(("distance", "believed"), [(0, False), (59, False), (60, False), (61, True)])
def test_a_change_within_60_seconds_after_it_overrules_a_baseline(distance, believed):
    """The same on the other side of it."""
    finding = told(1_005, change(1_010 + distance, 3, 1), seen(1_000, 1_010, 2))
    assert finding.image == (V2 if believed else V1)
    assert set(finding.caveats) == ({"gap"} if believed else set())


def test_stamps_stand_for_their_whole_second():
    """A stamp is floored: the last instant of its second may be near where its first is not."""
    close = Sighting(START + 1_000 * SECOND + 500_000, START + 1_010 * SECOND, V2, None, "b")
    assert told(1_200, change(940, 1, None), close).image == V1
    assert told(1_200, change(940, 1, None, precision="us"), close).image == V2


def test_a_change_pushed_late_by_its_order_counts_with_both_times():
    """A stamp that goes backwards: neither its own time nor its effective one may be near."""
    pushed = (change(900, 1, None, number=1), change(500, 2, 1, number=2))
    assert told(950, *pushed, seen(500, 510, 9)).image == V2
    assert told(1_200, *pushed, seen(930, 940, 9)).image == V2
    assert told(1_200, *pushed, seen(1_000, 1_010, 9)).image == '{"v":9}'


def test_the_last_change_is_named_where_the_baseline_confirms_it():
    """Its time is when the state began; where a loss may lie between, only the baseline is left."""
    confirmed = told(2_000, change(10, 1, None), seen(1_000, 1_010, 1))
    assert (confirmed.evidence, confirmed.since) == ("change", START + 10 * SECOND)
    hole = Hole("undelivered", START + 500 * SECOND, START + 600 * SECOND, "d", "f")
    after_hole = told(
        2_000, change(10, 1, None), seen(1_000, 1_010, 1), coverage=observed((0, 10_000, S1), holes=(hole,))
    )
    assert (brief(after_hole), after_hole.since) == (("present", V1, "baseline", set()), None)
    back = told(2_000, change(10, 1, None), seen(500, 510, 2), seen(1_000, 1_010, 1))
    assert (brief(back), back.since) == (("present", V1, "baseline", set()), None)


def test_a_loss_shows_between_a_change_and_a_baseline_that_disagree():
    """Between the two either may have been so; after the baseline it counts."""
    known = (change(10, 1, None), seen(1_000, 1_010, 2))
    between = told(500, *known)
    assert (brief(between), between.candidates) == (("present", V1, "change", {"gap"}), (V1, V2))
    assert between.until == START + 1_010 * SECOND
    assert "baseline b" in between.caveats[0].detail
    assert [brief(told(s, *known)) for s in (999, 1_000, 5_000)] == [
        ("present", V1, "change", {"gap"}),
        ("present", V2, "baseline", set()),
        ("present", V2, "baseline", set()),
    ]


def test_a_loss_shows_between_a_baseline_and_a_change_that_disagree():
    """From the baseline on, until the change that shows it."""
    known = (seen(1_000, 1_010, 1), change(3_000, 3, 2))
    after = told(2_000, *known)
    assert (brief(after), after.candidates) == (("present", V1, "baseline", {"gap"}), (V1, V2))
    assert [set(told(s, *known).caveats) for s in (500, 2_999, 3_000)] == [set(), {"gap"}, set()]
    inserted = told(2_000, seen(1_000, 1_010, 1), change(3_000, 3, None))
    assert (set(inserted.caveats), inserted.candidates) == ({"gap"}, (V1, None))


def test_a_gap_between_changes_stays_and_a_baseline_says_on_which_side_it_lies():
    """A baseline never changes a link; after it, what it saw is compared with the next change."""
    known = (change(10, 1, None), change(3_000, 4, 3))
    assert brief(told(2_000, *known, seen(1_000, 1_010, 3))) == ("present", V3, "baseline", set())
    assert set(told(500, *known, seen(1_000, 1_010, 3)).caveats) == {"gap"}
    after = told(2_000, *known, seen(1_000, 1_010, 1))
    assert (set(after.caveats), after.candidates) == ({"gap"}, (V1, V3))


def test_two_baselines_that_disagree():
    """A change was lost between them; where their times overlap, no one knows which is the later."""
    apart = (seen(1_000, 1_010, 1), seen(2_000, 2_010, 2))
    between = told(1_500, *apart)
    assert (brief(between), between.candidates) == (("present", V1, "baseline", {"gap"}), (V1, V2))
    assert brief(told(2_000, *apart)) == ("present", V2, "baseline", set())
    over = told(5_000, seen(1_000, 2_000, 1), seen(1_500, 1_600, 2))
    assert (set(over.caveats), set(over.candidates)) == ({"gap"}, {V1, V2})


def test_a_change_that_comes_first_tells_before_a_baseline_does():
    """Before both: the next change's old image is the nearer one."""
    finding = told(5, change(10, 2, 1), seen(1_000, 1_010, 2))
    assert (finding.evidence, finding.image) == ("next_change", V1)
    earlier = told(5, seen(100, 110, 1), change(1_000, 2, 1))
    assert (earlier.evidence, earlier.image, earlier.until) == ("baseline", V1, START + 1_000 * SECOND)


def test_what_is_not_covered_since_the_baseline_is_said():
    """From its first instant to the moment, or from the moment to its last, one span must hold it."""
    late = observed((1_005, 10_000, S1))
    assert set(told(2_000, seen(1_000, 1_010, 1), coverage=late).caveats) == {"outside_coverage"}
    exact = observed((1_000, 10_000, S1))
    assert set(told(2_000, seen(1_000, 1_010, 1), coverage=exact).caveats) == set()
    before = told(999, seen(1_000, 1_010, 1), coverage=exact)
    assert (before.status, before.candidates, set(before.caveats)) == ("unknown", (V1,), {"outside_coverage"})
    assert "not covered" in before.reason
    absent = told(999, seen(1_000, 1_010, None), coverage=exact)
    assert (absent.status, absent.candidates) == ("unknown", (None,))


def test_what_has_not_landed_before_the_baseline_is_not_settled():
    """A change between the moment and the reading may be under way still."""
    short = observed((0, 500, S1))
    assert set(told(400, seen(1_000, 1_010, 1), coverage=short).caveats) == {"not_settled"}
    assert set(told(2_000, seen(1_000, 1_010, 1), coverage=short).caveats) == {"not_settled"}


@pytest.mark.parametrize(("distance", "touched"), [(-61, False), (-60, True), (60, True), (61, False)])
def test_a_hole_near_a_baseline_touches_it(distance, touched):
    """What is missing might be the change that would overrule it."""
    edge = START + (1_000 + distance if distance < 0 else 1_010 + distance) * SECOND
    hole = Hole("undelivered", edge, edge, "d", "f")
    coverage = observed((0, 10_000, S1), holes=(hole,))
    assert ("outside_coverage" in told(1_005, seen(1_000, 1_010, 1), coverage=coverage).caveats) == touched


def test_a_baseline_anchors_again_across_boundaries_and_holes():
    """Past a stream's end, a re-creation or a hole, states say so until a baseline has seen the item."""
    streams = observed((0, 1_000, S1), (2_000, 9_000, S2))
    known = (change(10, 1, None), seen(3_000, 3_010, 2))
    assert [brief(told(s, *known, coverage=streams)) for s in (1_000, 1_001, 1_999, 2_000, 3_000, 8_000)] == [
        ("present", V1, "change", {"gap"}),
        ("present", V1, "change", {"gap", "outside_coverage"}),
        ("present", V1, "change", {"gap", "outside_coverage"}),
        ("present", V2, "baseline", set()),
        ("present", V2, "baseline", set()),
        ("present", V2, "baseline", set()),
    ]
    hole = Hole("unreadable", START + 500 * SECOND, START + 600 * SECOND, "d", "f")
    holed = observed((0, 10_000, S1), holes=(hole,))
    same = (change(10, 1, None), seen(3_000, 3_010, 1))
    assert [brief(told(s, *same, coverage=holed))[2:] for s in (499, 500, 600, 601, 3_000)] == [
        ("change", set()),
        ("change", {"unreadable_files"}),
        ("baseline", set()),
        ("baseline", set()),
        ("baseline", set()),
    ]


def test_where_a_baseline_is_cut_off_what_comes_after_tells():
    """Read before the capture began, or before a hole: the next change or baseline, if nothing is missing up to it."""
    began = observed((5_000, 10_000, S1))
    known = (seen(1_000, 1_010, 1), change(8_000, 3, 2))
    assert brief(told(4_999, *known, coverage=began)) == ("present", V1, "baseline", {"gap", "outside_coverage"})
    assert brief(told(5_000, *known, coverage=began)) == ("present", V2, "next_change", set())
    inserted = told(5_000, seen(1_000, 1_010, 1), change(8_000, 3, None), coverage=began)
    assert brief(inserted) == ("deleted", None, "next_change", set())
    twice = told(5_000, seen(1_000, 1_010, 1), seen(7_000, 7_010, 2), coverage=began)
    assert brief(twice) == ("present", V2, "baseline", set())


def test_a_baseline_redacted_unlike_proves_no_loss():
    """Images under other rules cannot be compared: never a false gap; that something was there still can."""
    known = (change(10, 1, None), seen(1_000, 1_010, 2, redaction="r1"))
    assert set(told(500, *known).caveats) == set()
    after = told(2_000, *known, change(3_000, 3, 1))
    assert brief(after) == ("present", V2, "baseline", {"redacted"})
    unproven = told(2_000, seen(1_000, 1_010, 2, redaction="r1"), change(3_000, 3, 1))
    assert set(unproven.caveats) == {"redacted", "chain_unproven"}
    gone = told(500, change(10, 1, None), seen(1_000, 1_010, None, redaction="r1"))
    assert set(gone.caveats) == {"gap"}


def test_the_old_image_of_a_net_change_is_not_compared():
    """It is the item's at the begin of the export's window, which the baseline may lie in: no false gap."""
    net = change(3_000, 3, 1, stream="backfill:x")
    assert set(told(2_000, seen(1_000, 1_010, 2), net).caveats) == {"chain_unproven"}


def test_a_baseline_shows_what_the_view_does_not():
    """KEYS_ONLY changes have no images: a baseline with no change between shows what they left; before it was read, a
    change that is missing would not show."""
    bare = change(10, 1, None, view="KEYS_ONLY", new_image=None)
    for second, caveats in ((500, {"chain_unproven"}), (2_000, set())):
        finding = told(second, bare, seen(1_000, 1_010, 1))
        assert brief(finding) == ("present", V1, "baseline", caveats)
        assert finding.since == START + 10 * SECOND
    other_rules = told(
        500, change(10, 1, None, view="KEYS_ONLY", new_image=None, redaction="r1"), seen(1_000, 1_010, 1)
    )
    assert set(other_rules.caveats) == {"chain_unproven"}
    gone = told(500, bare, seen(1_000, 1_010, None))
    assert (gone.status, gone.candidates, set(gone.caveats)) == ("unknown", (None,), {"gap", "chain_unproven"})


def test_the_rest_of_the_second_of_a_baseline_must_be_covered():
    """Asked for the very second in which it was read: it may have changed before that second was over."""
    nowhere = observed((5_000, 6_000, S1))
    assert set(told(1_000, seen(1_000, 1_000, 1), coverage=nowhere).caveats) == {"outside_coverage"}
    assert set(told(1_001, seen(1_000, 1_000, 1), coverage=nowhere).caveats) == {"outside_coverage"}


# --- manifests ---


MANIFEST = (
    '{"format":1,"id":"b1","kind":"scan","table":"t","table_id":null,"read_begin":5,"read_end":9,"items":2,'
    '"files":["changes/2026/11/08/baseline-b1-0000.gz"],"redaction":null,'
    '"key_schema":[{"AttributeName":"id","KeyType":"HASH"}]}'
)


def test_a_manifest_reads_back():
    """The fields of the design; an incremental export's is none of a baseline."""
    manifest = read_manifest(MANIFEST)
    assert isinstance(manifest, Manifest)
    assert (manifest.id, manifest.items, manifest.stream, manifest.read_end) == ("b1", 2, "baseline:b1", 9)
    assert read_manifest('{"kind":"incremental","format":7}') is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "."),
        ("[1]", "expected a JSON object"),
        ("{}", "format None, this histlib reads 1"),
        (MANIFEST.replace('"format":1', '"format":2'), "format 2, this histlib reads 1"),
        (MANIFEST.replace("scan", "guess"), "kind 'guess', expected one of scan, export"),
        (MANIFEST.replace('"items":2', '"items":"2"'), "items"),
        (MANIFEST.replace('"id":"b1",', ""), "id"),
        (MANIFEST.replace('"read_begin":5', '"read_begin":10'), "is after read_end"),
    ],
)
def test_what_is_no_manifest_says_why(text, why):
    """Junk, another format, another kind, fields that are missing or of another type."""
    with pytest.raises(ValueError, match=why):
        read_manifest(text)


@pytest.mark.parametrize(
    ("missing", "damaged", "keys", "why"),
    [
        (None, None, 2, ""),
        ("f", None, 2, "f is not in the landing"),
        (None, "f", 2, "f cannot be read in full"),
        (None, None, 1, "holds 1 of its items, the manifest says 2"),
        (None, None, 3, "holds 3 of its items, the manifest says 2"),
    ],
)
def test_a_baseline_is_complete_or_does_not_exist(missing, damaged, keys, why):
    """All files, readable, and exactly as many different keys as were read."""
    manifest = read_manifest(MANIFEST)
    assert manifest
    found = why_incomplete(manifest, missing, damaged, keys)
    assert why in found and bool(why) == bool(found)
