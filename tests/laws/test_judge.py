"""The oracle and the judge themselves: on the smallest worlds, by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.laws.due import UNSEEN, Judge
from tests.laws.history import History
from tests.laws.making import make_world
from tests.laws.worlds import NOON, SECOND, TABLE, Era, Window, World, Write

STREAM = Era("stream", f"{TABLE}/stream/2026-01-01T01:00:00.000")


def world(*writes: Write, **fields) -> World:
    return World({"a": {"id": "a"}, "ghost": {"id": "ghost"}}, ("ghost",), {}, writes, (STREAM,), **fields)


def write(number: int, v: int | None, second: int, **fields) -> Write:
    return Write("a", None if v is None else {"v": v}, NOON + second * SECOND, number, 0, **fields)


def judged(one: World, second: float):
    return Judge(History(one)).of("a", NOON + int(second * SECOND))


def test_between_two_changes_that_fit_all_is_certain():
    """In a stream without attestations silence counts between its first and its last change."""
    verdict = judged(world(write(0, 1, 0), write(1, 2, 10)), 5)
    assert (verdict.certain, verdict.image, verdict.due) == (True, {"v": 1}, frozenset())


def test_a_lost_change_that_shows_is_a_gap():
    """Both sides are candidates."""
    verdict = judged(world(write(0, 1, 0), write(1, 2, 5, fate="lost"), write(2, 3, 10)), 7)
    assert not verdict.certain
    assert "gap" in verdict.due
    assert {"v": 1} in verdict.candidates
    assert {"v": 2} in verdict.candidates


def test_past_what_is_captured_nothing_is_settled():
    """The last change's second itself is."""
    assert judged(world(write(0, 1, 0)), 0).certain
    assert "not_settled" in judged(world(write(0, 1, 0)), 1).due


def test_a_hole_is_of_its_item_and_its_second():
    """A change that could not be converted may lie anywhere in its second."""
    one = world(write(0, 1, 0), write(1, 2, 5, fate="failed"), write(2, 3, 10))
    assert "outside_coverage" in judged(one, 5).due
    assert "outside_coverage" not in judged(one, 10).due


def test_inside_a_window_nothing_is_certain():
    """At its ends all is."""
    one = World(
        {"a": {"id": "a"}}, (), {"a": {"v": 1}}, (write(0, 2, 60),), (Era("windows", "w"),),
        windows=(Window("w", NOON, NOON + 900 * SECOND),),
    )  # fmt: skip
    assert judged(one, 0).image == {"v": 1}
    assert judged(one, 900).image == {"v": 2}
    assert "net_change" in judged(one, 100).due


def test_an_image_that_the_view_does_not_hold_is_unseen():
    """The next change's old image tells it, with ``chain_unproven`` (law 7)."""
    one = replace(world(write(0, 1, 0), write(1, 2, 10)), eras=(replace(STREAM, view="OLD_IMAGE"),))
    verdict = judged(one, 5)
    assert verdict.due == {"chain_unproven"}
    assert {"v": 1} in verdict.candidates
    assert UNSEEN in verdict.candidates


@pytest.mark.parametrize("seed", range(0, 200, 20))
def test_in_a_calm_world_what_is_certain_is_true(seed):
    """Nothing is lost there, so the judge may never be certain of what was not so."""
    one = make_world(seed)
    judge = Judge(History(one))
    assert one.calm
    for moment in one.moments():
        for item in one.items:
            verdict = judge.of(item, moment)
            if verdict.certain:
                assert {k: str(v) for k, v in (verdict.image or {}).items()} == {
                    k: str(v) for k, v in (one.truth(item, moment) or {}).items()
                }
