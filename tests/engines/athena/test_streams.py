"""The streams of a landing are told exactly from few of its days."""

from __future__ import annotations

import pytest

from histlib.engines.athena.landing.streams import stream_rows
from histlib.format.days import FILE_SPAN, day_begin, shifted
from histlib.values.times import DAY, HOUR

FIRST = "2026/01/01"
DAYS = [shifted(FIRST, number) for number in range(100)]
LAST = DAYS[-1]


def told(landed: dict[str, tuple[int, int]]) -> tuple[int, int, list[str]]:
    """First and last stamp of the one stream, and the days that were asked; each day's stamps are from its begin to
    its end, or as said."""
    asked: list[str] = []

    def ask(days):
        asked.extend(days)
        rows = {}
        for day in days:
            first, last = landed.get(day, (day_begin(day), day_begin(day) + DAY - 1))
            rows[day] = [
                {"table": "t", "stream": "arn:s", "view": "v", "keys": day}
                | {"first_micros": first, "last_micros": last, "changes": 1}
            ]
        return rows

    (row,) = stream_rows(DAYS, ask)
    return row["first_micros"], row["last_micros"], asked


def test_four_days_tell_where_nothing_is_odd():
    first, last, asked = told({})
    assert (first, last) == (day_begin(FIRST), day_begin(LAST) + DAY - 1)
    assert asked == [*DAYS[:3], LAST]


@pytest.mark.parametrize("late", [1, 2, 3])
def test_a_late_first_change_is_found(late):
    """The first day has only changes of its last hour and, in its last file, of the hour after; the first of all landed
    two days late, up to three days further on."""
    begin = day_begin(FIRST) + DAY + HOUR // 2
    landed = dict.fromkeys(DAYS[:4], (begin, begin + DAY))
    earlier = begin - HOUR if late < 3 else day_begin(DAYS[3]) - 2 * DAY
    assert earlier < begin
    landed[DAYS[late]] = (earlier, begin + DAY)
    assert told(landed)[0] == earlier


def test_a_last_change_in_the_file_of_the_day_before_is_found():
    """The last day holds a change of its first minutes only, and the last file of the day before a later one."""
    begin = day_begin(LAST)
    landed = {LAST: (begin, begin + 1), DAYS[-2]: (begin - DAY, begin + FILE_SPAN - 1)}
    assert told(landed)[1] == begin + FILE_SPAN - 1


@pytest.mark.parametrize("streams", [["arn:s1", "arn:s2"], ["baseline:b"], ["baseline:b", "arn:s1"]])
def test_a_landing_of_a_single_day_tells_all_its_streams(streams: list[str]):
    """A stream that was disabled and enabled again within the day; a baseline before any change."""
    row = {"table": "t", "view": "v", "keys": "", "first_micros": day_begin(FIRST), "last_micros": day_begin(FIRST)}
    rows = [row | {"stream": stream, "changes": 1} for stream in streams]
    found = stream_rows([FIRST], lambda days: dict.fromkeys(days, rows))
    assert sorted(one["stream"] for one in found) == sorted(streams)
