"""Days of a zone, in which changes are counted: as long as they are, and as the zone's clock shows them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import histlib
from histlib.values.periods import Periods
from histlib.values.times import DAY, HOUR, MINUTE, SECOND, to_micros
from tests.support.athena.equal_answers import differences
from tests.support.athena.histories import put_history
from tests.support.effort import examples
from tests.support.history.landings import put, record
from tests.support.history.world_histories import rows_of

QUARTER = 900
#: Zones that change their clocks at midnight, by half an hour, often or by a day, and some that never do.
ODD = ("America/Santiago", "Africa/Cairo", "Asia/Beirut", "America/Havana", "Atlantic/Azores", "Australia/Lord_Howe",
       "Pacific/Apia", "Africa/Casablanca", "Asia/Pyongyang", "Antarctica/Troll", "Asia/Kolkata", "Asia/Kathmandu",
       "Europe/Berlin", "America/Nuuk", "America/Scoresbysund", "Asia/Gaza", "UTC")  # fmt: skip
zones = (st.sampled_from(ODD) | st.sampled_from(sorted(available_timezones()))).map(ZoneInfo)


def seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def days_shown(zone: ZoneInfo, first: int, last: int) -> dict[date, int]:
    """When a clock that is looked at each quarter of an hour first shows each date."""
    found: dict[date, int] = {}
    for second in range(first - first % QUARTER - 2 * 86_400, last + 2 * 86_400, QUARTER):
        found.setdefault(datetime.fromtimestamp(second, zone).date(), second)
    return found


def hourly(folder: Path, moments: Sequence[int]) -> Path:
    """A change at each of these seconds, each of another item."""
    by_day: dict[str, list[dict]] = {}
    for number, second in enumerate(sorted(moments)):
        made = record(number, f"i{number}", seconds=second, action="INSERT", old_image=None)
        by_day.setdefault(f"{datetime.fromtimestamp(second, UTC):%Y/%m/%d}", []).append(made)
    for day, records in by_day.items():
        put(folder, records, day)
    return folder


def counted(history: histlib.History, start: str, end: str, by: str) -> list[tuple[str, int]]:
    """The periods as they are told, and how many changes each has."""
    frame = history.activity(start, end, by=by)
    return [(row["period"].isoformat(sep=" "), row["changes"]) for row in rows_of(frame)]


@given(zone=zones, year=st.integers(2011, 2040), span=st.integers(1, 60), step=st.integers(1, 9))
@settings(max_examples=examples(60))
def test_days_begin_when_the_clock_first_shows_them(zone, year, span, step):
    """Some weeks of any zone: each period of days begins with the first instant of its date, and ends with the next;
    a date that was left out begins with the one after it."""
    since = int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) + span * 5 * 86_400
    last = since + span * 86_400
    shown = days_shown(zone, since, last + step * 86_400)
    origin = datetime.fromtimestamp(since, zone).toordinal()
    wanted = range(origin, datetime.fromtimestamp(last, zone).toordinal() + 1, step)
    expected = [min(at for day, at in shown.items() if day.toordinal() >= one) * SECOND for one in wanted]
    starts = Periods(step * DAY, zone, since * SECOND).starts(since * SECOND, last * SECOND)
    assert list(starts[: len(expected)]) == expected
    assert all(start > last * SECOND for start in starts[len(expected) :])


@given(zone=zones, data=st.data(), step=st.integers(1, 9))
@settings(max_examples=examples(40))
def test_changes_are_counted_in_the_days_that_they_show(tmp_path_factory, zone, data, step):
    """Of random changes, many of them near midnight, each counts in the period of the date that its time shows."""
    start = data.draw(st.integers(seconds("2012-01-01T00:00Z"), seconds("2025-01-01T00:00Z")))
    midnights = list(days_shown(zone, start, start + 30 * 86_400).values())
    near = st.builds(int.__add__, st.sampled_from(midnights), st.integers(-4_000, 4_000))
    moments = [at for at in data.draw(st.lists(near, min_size=1, max_size=30, unique=True)) if at >= start]
    if not moments:
        return
    origin = datetime.fromtimestamp(start, zone).toordinal()
    expected = Counter((datetime.fromtimestamp(at, zone).toordinal() - origin) // step for at in moments)
    history = histlib.connect(hourly(tmp_path_factory.mktemp("h"), moments), tz=zone)
    frame = history.activity(datetime.fromtimestamp(start, zone), by=f"{step}d")
    assert {(row["period"].toordinal() - origin) // step: row["changes"] for row in rows_of(frame)} == expected


SPRING = [*range(seconds("2026-03-27T12:30Z"), seconds("2026-04-02T12:30Z"), 3_600)]
AUTUMN = [*range(seconds("2025-10-24T12:30Z"), seconds("2025-10-28T12:30Z"), 3_600)]


def test_days_in_berlin(tmp_path):
    """A change an hour: 23 on the day that the clocks go forward, 25 when they go back, and midnight is midnight."""
    history = histlib.connect(hourly(tmp_path, SPRING + AUTUMN), tz="Europe/Berlin")
    assert counted(history, "2026-03-28", "2026-04-01", "1d") == [
        ("2026-03-28 00:00:00+01:00", 24),
        ("2026-03-29 00:00:00+01:00", 23),
        ("2026-03-30 00:00:00+02:00", 24),
        ("2026-03-31 00:00:00+02:00", 24),
        ("2026-04-01 00:00:00+02:00", 24),
    ]
    assert counted(history, "2025-10-25", "2025-10-27", "24h") == [
        ("2025-10-25 00:00:00+02:00", 24),
        ("2025-10-26 00:00:00+02:00", 25),
        ("2025-10-27 00:00:00+01:00", 24),
    ]
    assert counted(history, "2026-03-28", "2026-04-01", "2d") == [
        ("2026-03-28 00:00:00+01:00", 47),
        ("2026-03-30 00:00:00+02:00", 48),
        ("2026-04-01 00:00:00+02:00", 24),
    ]
    assert counted(history, "2025-10-25", "2026-04-01", "7d")[-2:] == [
        ("2026-03-21 00:00:00+01:00", 11),
        ("2026-03-28 00:00:00+01:00", 119),
    ]


@pytest.mark.parametrize(
    ("zone", "day", "begins", "hours"),
    [
        ("America/Santiago", "2025-09-07", "01:00:00-03:00", 23),
        ("America/Santiago", "2025-04-05", "00:00:00-03:00", 25),
        ("Africa/Cairo", "2025-04-25", "01:00:00+03:00", 23),
        ("Asia/Beirut", "2025-03-30", "01:00:00+03:00", 23),
        ("America/Havana", "2025-11-02", "00:00:00-04:00", 25),
        ("Atlantic/Azores", "2025-10-26", "00:00:00+00:00", 25),
        ("Australia/Lord_Howe", "2025-10-05", "00:00:00+10:30", 23.5),
        ("Australia/Lord_Howe", "2025-04-06", "00:00:00+11:00", 24.5),
        ("Pacific/Apia", "2011-12-29", "00:00:00-10:00", 24),
        ("Asia/Kolkata", "2025-10-26", "00:00:00+05:30", 24),
    ],
)
def test_days_that_are_not_as_others(tmp_path, zone, day, begins, hours):
    """Midnight that the clocks leave out or show twice, half hours: asked for as a date, the day is whole."""
    middle = seconds(f"{day}T12:00Z")
    history = histlib.connect(hourly(tmp_path, [*range(middle - 40 * 3_600, middle + 40 * 3_600, 1_800)]), tz=zone)
    assert counted(history, day, day, "1d") == [(f"{day} {begins}", 2 * hours)]


def test_a_date_that_was_left_out_has_no_period(tmp_path):
    """Samoa went from 29 to 31 December 2011: no day between them, and two days together are then one."""
    history = histlib.connect(
        hourly(tmp_path, [*range(seconds("2011-12-28T00:00Z"), seconds("2012-01-02T00:00Z"), 3_600)]),
        tz="Pacific/Apia",
    )
    days = ["2011-12-28 00:00:00-10:00", "2011-12-29 00:00:00-10:00", "2011-12-31 00:00:00+14:00"]
    assert counted(history, "2011-12-28", "2011-12-31", "1d") == [(day, 24) for day in days]
    assert counted(history, "2011-12-28", "2011-12-31", "2d") == [(days[0], 48), (days[2], 24)]


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe"])
def test_other_lengths_are_those_of_utc(tmp_path, zone):
    """Hours begin at full hours of UTC in each zone, seven hours at full sevens since 1970: wherever the range begins,
    and whether the clocks were changed in it."""
    history = histlib.connect(hourly(tmp_path, SPRING + AUTUMN), tz=zone)
    for by, length in (("1h", HOUR), ("7h", 7 * HOUR), ("36h", 36 * HOUR), ("90min", 90 * MINUTE)):
        expected = Counter(at * SECOND // length * length for at in SPRING + AUTUMN if at >= AUTUMN[1])
        frame = history.activity(datetime.fromtimestamp(AUTUMN[1], UTC), "2026-05-01", by=by)
        assert {to_micros(row["period"]): row["changes"] for row in rows_of(frame)} == expected, by


def test_periods_of_many_years_are_few():
    """Days of a lifetime are worked out for what was found, not for the range that was asked for."""
    periods = Periods(DAY, ZoneInfo("Europe/Berlin"), to_micros(datetime(1, 1, 2, tzinfo=UTC)))
    found = [seconds("2026-03-28T12:00Z") * SECOND, seconds("2026-03-30T12:00Z") * SECOND]
    assert len(periods.starts(*found)) <= 4
    assert all(23 * HOUR <= late - early <= 24 * HOUR for early, late in pairwise(periods.starts(*found)))


def test_the_same_days_on_athena(athena, tmp_path):
    """Folder and Athena agree on the periods of any length, with and without a condition."""
    zone, folder = "Europe/Berlin", hourly(tmp_path / "h", SPRING + AUTUMN)
    embedded = histlib.connect(folder, tz=zone)
    other = histlib.connect(put_history(folder), tz=zone, cache=tmp_path / "cache")
    questions = [
        (by, lambda h, b=by, w=where: h.activity("2025-10-25", "2026-04-01", by=b, where=w))
        for by, where in (("1d", None), ("7d", "new_image.version > 50"), ("5h", None))
    ]
    dates = Counter(str(datetime.fromtimestamp(at, ZoneInfo(zone)).date()) for at in SPRING + AUTUMN)
    told = {day[:10]: changes for day, changes in counted(other, "2025-10-01", "2026-05-01", "1d")}
    assert told == dates
    assert differences(embedded, other, questions) == []
