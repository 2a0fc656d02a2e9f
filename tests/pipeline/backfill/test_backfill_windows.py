"""Time is cut into windows that an export may have, with nothing left between them and nothing twice."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from histlib.values.times import DAY, HOUR, MINUTE
from pipeline.backfill.windows import LONGEST, SHORTEST, split, without


@pytest.mark.parametrize(
    ("length", "total", "lengths"),
    [
        (24 * HOUR, 15 * MINUTE, [15 * MINUTE]),
        (24 * HOUR, 24 * HOUR, [24 * HOUR]),
        (24 * HOUR, 24 * HOUR + 15 * MINUTE, [24 * HOUR, 15 * MINUTE]),
        (24 * HOUR, 24 * HOUR + 15 * MINUTE - 1, [24 * HOUR - 1, 15 * MINUTE]),
        (24 * HOUR, 24 * HOUR + 1, [24 * HOUR + 1 - 15 * MINUTE, 15 * MINUTE]),
        (24 * HOUR, 48 * HOUR, [24 * HOUR, 24 * HOUR]),
        (HOUR, HOUR + 14 * MINUTE, [HOUR + 14 * MINUTE]),
        (HOUR, 2 * HOUR + 15 * MINUTE, [HOUR, HOUR, 15 * MINUTE]),
        (15 * MINUTE, 44 * MINUTE, [15 * MINUTE, 29 * MINUTE]),
        (23 * HOUR + 50 * MINUTE, 24 * HOUR, [24 * HOUR]),
        (23 * HOUR + 50 * MINUTE, 24 * HOUR + 1, [23 * HOUR + 45 * MINUTE + 1, 15 * MINUTE]),
    ],
)
def test_the_last_window_is_no_shorter_than_an_export(length: int, total: int, lengths: list[int]) -> None:
    """A rest of 15 minutes is a window; a shorter one is joined to the window before, or lengthened at its cost."""
    assert [end - start for start, end in split((7, 7 + total), length)] == lengths


@given(
    st.integers(SHORTEST, 40 * DAY),
    st.integers(SHORTEST, LONGEST),
    st.lists(st.integers(-HOUR, 40 * DAY), max_size=3),
)
def test_windows_follow_one_another(total: int, length: int, cuts: list[int]) -> None:
    """Whatever the times: they fill the span, each is one that DynamoDB takes, and a cut with room is an end."""
    windows = split((0, total), length, cuts)
    assert (windows[0][0], windows[-1][1]) == (0, total)
    assert all(one[1] == other[0] for one, other in pairwise(windows))
    assert all(SHORTEST <= end - start <= LONGEST for start, end in windows)
    if len(cuts) == 1 and SHORTEST <= cuts[0] <= total - SHORTEST:
        assert cuts[0] in {end for _, end in windows}


def test_what_is_done_is_left_out() -> None:
    """Of the time asked for only what no window has is left, at the instant."""
    assert without((0, 100), []) == [(0, 100)]
    assert without((0, 100), [(0, 100)]) == []
    assert without((10, 100), [(0, 10), (100, 110)]) == [(10, 100)]
    assert without((10, 100), [(5, 11), (50, 60), (99, 120)]) == [(11, 50), (60, 99)]
    assert without((10, 100), [(40, 60), (20, 50)]) == [(10, 20), (60, 100)]
    assert without((10, 100), [(0, 200)]) == []
