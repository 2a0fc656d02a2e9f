"""Times mean one moment, or are refused with the candidates."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
import pytz
from hypothesis import given
from hypothesis import strategies as st

from histlib.errors import TimeNotValidError
from histlib.values.times import (
    CLOCK_SKEW,
    HOUR,
    SECOND,
    format_time,
    from_micros,
    parse_range,
    parse_state_time,
    parse_time,
    to_micros,
    zone,
)

NOW = to_micros(datetime(2026, 11, 24, 12, tzinfo=UTC))
BERLIN, TOKYO, LORD_HOWE = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Tokyo"), ZoneInfo("Australia/Lord_Howe")


def utc(text: str) -> int:
    return to_micros(datetime.fromisoformat(text).replace(tzinfo=UTC))


@pytest.mark.parametrize(
    ("value", "tz", "expected"),
    [
        ("2026-11-08T02:28:24Z", UTC, "2026-11-08T02:28:24"),
        ("2026-11-08 02:28", UTC, "2026-11-08T02:28"),
        ("2026-11-08T02", UTC, "2026-11-08T02:00"),
        ("2026-11-08", TOKYO, "2026-11-07T15:00"),
        ("2026-11-08T02:28:24.5+09:00", BERLIN, "2026-11-07T17:28:24.5"),
        (datetime(2026, 11, 8, 2, 28), TOKYO, "2026-11-07T17:28"),  # noqa: DTZ001
        (datetime(2026, 11, 8, tzinfo=timezone(timedelta(hours=-5))), TOKYO, "2026-11-08T05:00"),
        (date(2026, 11, 8), UTC, "2026-11-08T00:00"),
        (pd.Timestamp("2026-11-08 00:00:00.123456789", tz="Asia/Tokyo"), UTC, "2026-11-07T15:00:00.123456"),
        ("now", UTC, "2026-11-24T12:00"),
        ("-2h", UTC, "2026-11-24T10:00"),
        ("-1d30m", UTC, "2026-11-23T11:30"),
    ],
)
def test_times_as_people_write_them(value, tz, expected):
    """Naive means the given zone, aware keeps its own, relative counts from now."""
    assert parse_time(value, tz, NOW) == utc(expected)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (1603679304, "as seconds"),
        (1603679304000, "as milliseconds"),
        ("1603679304", "as seconds"),
        (1.5, "bare number"),
        (True, "bare number"),
        ("02:28", "2026-11-24T02:28 or 2026-11-23T02:28"),
        ("10/11/2026", "2026-10-11 or 2026-11-10"),
        ("2026/11/10", "2026-11-10"),
        ("20261110", "bare number"),
        ("2026-13-01", "month"),
        ("2026-11-08T25:00", "hour"),
        ("yesterday", "is no time"),
        ("+2h", "is no time"),
        ("", "is no time"),
        (None, "is no time"),
        (pd.NaT, "is no time"),
        (float("nan"), "bare number"),
        (float("inf"), "bare number"),
        (-5, "bare number"),
        (b"2026-11-08", "is no time"),
        ("2026-11-08T24:00", "hour"),
        ("2026-02-29", "day"),
        ("2026-11-08T2:28", "is no time"),
        ("2026-11-08T02:28:24+25:00", "is no time"),
        ("2026-11-08 02:28 UTC", "is no time"),
        ("２０２６-11-08", "is no time"),
        ("0001-01-01T00:00+01:00", "beyond the years"),
        ("-99999999999d", "beyond the years"),
        (datetime(9999, 12, 31, 23, tzinfo=timezone(-timedelta(hours=5))), "beyond the years"),
    ],
)
def test_what_is_no_time_or_more_than_one_is_refused(value, says):
    """Refused with what it could mean, and how to write it."""
    with pytest.raises(TimeNotValidError, match=says) as caught:
        parse_time(value, UTC, NOW)
    assert "expected like" in str(caught.value)


@pytest.mark.parametrize(
    ("day", "tz", "first", "length"),
    [
        ("2026-09-06", "America/Santiago", "2026-09-06T01:00-03:00", 23),
        ("2026-04-04", "America/Santiago", "2026-04-04T00:00-03:00", 25),
        ("2026-11-01", "America/Havana", "2026-11-01T00:00-04:00", 25),
        ("2026-10-04", "Australia/Lord_Howe", "2026-10-04T00:00+10:30", 23.5),
        ("2011-12-29", "Pacific/Apia", "2011-12-29T00:00-10:00", 24),
        ("1919-03-31", "America/Toronto", "1919-03-31T00:30-04:00", 23.5),
        ("1919-03-30", "America/Toronto", "1919-03-30T00:00-05:00", 23.5),
    ],
)
def test_a_date_is_its_first_instant(day, tz, first, length):
    """A date alone means one moment, also where its midnight is left out or shown twice, and as end all of that day;
    midnight written as a time stays refused."""
    for value in (day, f" {day} ", date.fromisoformat(day)):
        window = parse_range(value, value, zone(tz), now=NOW)
        assert window.start == to_micros(datetime.fromisoformat(first))
        assert window.end - window.start == length * HOUR
    if first[11:16] != "00:00":
        with pytest.raises(TimeNotValidError, match="does not exist"):
            parse_time(f"{day}T00:00", zone(tz), NOW)


def test_a_date_that_a_zone_left_out_is_refused():
    """Samoa had no 30 December 2011: neither as a beginning nor as an end."""
    for ask in (("2011-12-30", "2012-01-05"), ("2011-12-01", "2011-12-30"), ("2011-12-01", date(2011, 12, 30))):
        with pytest.raises(TimeNotValidError, match=r"is no date of Pacific/Apia.*2011-12-31 00:00:00\+14:00"):
            parse_range(*ask, zone("Pacific/Apia"), now=NOW)


@pytest.mark.parametrize(
    ("local", "tz", "what", "candidates"),
    [
        ("2026-03-29T02:30", BERLIN, "does not exist", ["03:30:00+02:00", "01:30:00+01:00"]),
        ("2026-10-25T02:30", BERLIN, "exists twice", ["02:30:00+02:00", "02:30:00+01:00"]),
        ("2026-10-04T02:15", LORD_HOWE, "does not exist", ["02:45:00+11:00", "01:45:00+10:30"]),
        ("2026-04-05T01:45", LORD_HOWE, "exists twice", ["01:45:00+11:00", "01:45:00+10:30"]),
    ],
)
def test_local_times_when_the_clocks_change(local, tz, what, candidates):
    """A local time that is none, or two, is refused with both sides; those around it are taken."""
    for value in (local, datetime.fromisoformat(local)):
        with pytest.raises(TimeNotValidError, match=what) as caught:
            parse_time(value, tz, NOW)
        assert all(candidate in str(caught.value) for candidate in candidates)
    for minutes in (-120, 120):
        around = datetime.fromisoformat(local) + timedelta(minutes=minutes)
        assert from_micros(parse_time(around, tz, NOW), tz).replace(tzinfo=None) == around


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN), "2026-10-25T00:30"),
        (datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN, fold=1), "2026-10-25T01:30"),
        (pd.Timestamp("2026-10-25T00:30:00.000000999Z").tz_convert("Europe/Berlin"), "2026-10-25T00:30"),
        (pd.Timestamp("2026-10-25T01:30Z").tz_convert("Europe/Berlin"), "2026-10-25T01:30"),
        (pd.Timestamp("2026-04-04T15:15Z").tz_convert("Australia/Lord_Howe"), "2026-04-04T15:15"),
        (pytz.timezone("Europe/Berlin").localize(datetime(2026, 11, 8, 2, 28)), "2026-11-08T01:28"),  # noqa: DTZ001
    ],
)
def test_aware_times_in_an_hour_that_comes_twice(moment, expected):
    """Who says which of the two is meant is believed; nanoseconds are cut."""
    assert parse_time(moment, TOKYO, NOW) == utc(expected)


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 3, 29, 2, 30, tzinfo=BERLIN),
        datetime(2026, 10, 4, 2, 15, tzinfo=LORD_HOWE),
        datetime(2026, 11, 8, 2, 28, tzinfo=pytz.timezone("Europe/Berlin")),
    ],
)
def test_an_aware_time_that_its_zone_never_shows_is_refused(moment):
    """In the gap of the clocks, or with the local mean time that pytz gives a constructor: not what was meant."""
    with pytest.raises(TimeNotValidError, match="no local time"):
        parse_time(moment, UTC, NOW)


@given(st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1)), st.sampled_from([UTC, BERLIN, TOKYO, LORD_HOWE]))  # noqa: DTZ001
def test_every_time_out_goes_in_again(moment, tz):
    """What is printed, with its offset, is the same moment when it is read."""
    micros = to_micros(moment.replace(tzinfo=UTC))
    assert parse_time(format_time(micros, tz), UTC, NOW) == micros
    assert to_micros(from_micros(micros, tz)) == micros


def test_a_state_is_not_asked_of_the_future():
    """Five minutes of clock skew are allowed, no more."""
    assert parse_state_time(from_micros(NOW + CLOCK_SKEW, UTC), UTC, NOW) == NOW + CLOCK_SKEW
    with pytest.raises(TimeNotValidError, match="in the future"):
        parse_state_time(from_micros(NOW + CLOCK_SKEW + 1, UTC), UTC, NOW)


def test_ranges():
    """start ≤ t < end; a date as end includes its day; a future end is clipped and said; open sides are known."""
    day = parse_range("2026-11-08", "2026-11-08", UTC, now=NOW)
    assert (day.start, day.end, day.clipped) == (utc("2026-11-08"), utc("2026-11-09"), False)
    assert parse_range("2026-11-08", date(2026, 11, 8), UTC, now=NOW).end == utc("2026-11-09")
    assert parse_range("2026-11-08", "2026-11-08T06:00", UTC, now=NOW).end == utc("2026-11-08T06:00")
    future = parse_range("2026-11-08", "2027-01-01", UTC, now=NOW)
    assert (future.end, future.clipped) == (NOW + 1, True)
    for far in ("9999-12-31", date.max):
        assert parse_range("2026-11-08", far, UTC, now=NOW) == future
    clocks = parse_range("2026-10-25", "2026-10-25", BERLIN, now=NOW)
    assert clocks.end - clocks.start == 25 * HOUR
    assert parse_range("-1h", "now", UTC, now=NOW).end == NOW + 1, "what happens now is in it"
    opened = parse_range(None, None, UTC, now=NOW)
    assert (opened.explicit_start, opened.explicit_end, opened.clipped) == (False, False, False)
    for start, end in (("2026-11-08", "2026-11-07"), ("2026-11-08T06:00", "2026-11-08T06:00"), ("2026-12-01", None)):
        with pytest.raises(TimeNotValidError, match="is not before end"):
            parse_range(start, end, UTC, now=NOW)


def test_zones():
    """IANA names; anything else says so."""
    assert zone("utc") is UTC
    assert zone("Asia/Tokyo") == TOKYO
    assert zone(TOKYO) is TOKYO
    for wrong in ("JST+9", "", "Europe", "../etc/passwd", "Asia/Tokyo\0", None, 9):
        with pytest.raises(TimeNotValidError, match="IANA"):
            zone(wrong)


def test_the_end_of_a_second():
    """A whole second is asked for up to its last microsecond, a finer time as it is."""
    from histlib.values.times import end_of_second

    assert end_of_second(5 * SECOND) == 6 * SECOND - 1
    assert end_of_second(5 * SECOND + 1) == 5 * SECOND + 1
