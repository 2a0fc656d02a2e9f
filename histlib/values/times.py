"""Times: what people write, as epoch microseconds, and back.

Accepted: ISO text (``2026-11-08T02:28``, with or without an offset), aware or naive datetimes, dates, pandas
Timestamps, ``now``, ``-2h`` (also ``d``, ``w``, ``m`` minutes, ``s``; ``-1h30m``). Naive means the history's
zone. What could mean two moments, or none, is refused with the candidates.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from histlib.errors import TimeNotValidError

SECOND: Final = 1_000_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR

#: A state may be asked this far ahead of this machine's clock; beyond it the clock or the question is wrong.
CLOCK_SKEW: Final = 5 * MINUTE

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RELATIVE = re.compile(r"-(?:\d+[wdhms])+")
_ISO = re.compile(
    r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}(?::\d{2}(?::\d{2}(?:[.,]\d+)?)?)?\s*(?:[zZ]|[+-]\d{2}(?::?\d{2})?)?)?"
)
_UNITS = {"w": 7 * DAY, "d": DAY, "h": HOUR, "m": MINUTE, "s": SECOND}
_PERIODS = {"s": SECOND, "min": MINUTE, "h": HOUR, "d": DAY}
_LONGEST_PERIOD = 3_650 * DAY
_EXPECTED = "expected like 2026-11-08T02:28:24, 2026-11-08T02:28:24+09:00, now or -2h"


@dataclass(frozen=True)
class TimeRange:
    """start ≤ t < end, epoch µs.

    ``clipped``: the end asked for lay in the future. ``explicit_start`` and ``explicit_end`` are false where the
    caller left that side open.
    """

    start: int
    end: int
    clipped: bool = False
    explicit_start: bool = True
    explicit_end: bool = True

    @property
    def before(self) -> int:
        """A moment whose state is that right before the start: a whole second means its end."""
        return self.start - SECOND if self.start % SECOND == 0 else self.start - 1

    @property
    def instants(self) -> tuple[int | None, int]:
        """The first and the last instant; the first None where the caller left that side open."""
        return self.start if self.explicit_start else None, self.end - 1


def zone(name: str | tzinfo) -> tzinfo:
    """The time zone of an IANA name.

    Raises:
        TimeNotValidError: no such zone.
    """
    if isinstance(name, tzinfo):
        return name
    if not isinstance(name, str):
        raise TimeNotValidError(f"{name!r} is no time zone; expected an IANA name like Asia/Tokyo or UTC", name)
    try:
        return UTC if name.upper() == "UTC" else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise TimeNotValidError(
            f"{name!r} is no time zone; expected an IANA name like Asia/Tokyo or UTC", name
        ) from error


def now_micros() -> int:
    """This machine's clock, epoch µs."""
    return to_micros(datetime.now(UTC))


def to_micros(moment: datetime) -> int:
    """Epoch µs of an aware datetime, exact."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def from_micros(micros: int, tz: tzinfo) -> datetime:
    """The aware datetime of epoch µs."""
    return (_EPOCH + timedelta(microseconds=micros)).astimezone(tz)


def format_time(micros: int, tz: tzinfo) -> str:
    """``2026-11-08 02:28:24+00:00``, with a fraction only where there is one."""
    return from_micros(micros, tz).isoformat(sep=" ")


def first_instant(day: date, tz: tzinfo) -> int:
    """When a zone's clock first shows a date, epoch µs; of a date that the zone left out, the next one.

    Where midnight is left out, that is between the two instants that the offsets before and after give for it.
    """
    midnight = datetime.combine(day, time(), tz)
    latest = to_micros(midnight)
    earliest = min(to_micros(midnight.replace(fold=1)), latest)
    return earliest + bisect_left(range(earliest, latest), day, key=lambda at: from_micros(at, tz).date())


def end_of_second(micros: int) -> int:
    """A whole second means its end, because stream times are floored to the second (FACTS 1)."""
    return micros + SECOND - 1 if micros % SECOND == 0 else micros


def second_of(micros: int) -> tuple[int, int]:
    """The first and the last instant of the second that a moment lies in."""
    begin = micros - micros % SECOND
    return begin, begin + SECOND - 1


def parse_time(value: Any, tz: tzinfo, now: int | None = None) -> int:
    """Epoch µs of a time as people write it; a date is its first instant.

    Raises:
        TimeNotValidError: not a time, or one that means two moments; the message has the candidates.
    """
    try:
        micros = _moment(value, tz, now_micros() if now is None else now)
        from_micros(micros, tz)
    except OverflowError as error:
        raise TimeNotValidError(f"{value!r} is beyond the years 1 to 9999; {_EXPECTED}", value) from error
    return micros


def _moment(value: Any, tz: tzinfo, now: int) -> int:
    if isinstance(value, datetime):
        return _from_datetime(value, tz)
    if isinstance(value, date):
        return _from_date(value, tz)
    if isinstance(value, bool | int | float):
        raise _refuse_number(value, tz)
    if not isinstance(value, str):
        raise TimeNotValidError(f"{value!r} ({type(value).__name__}) is no time; {_EXPECTED}", value)
    text = value.strip()
    if text == "now":
        return now
    if _RELATIVE.fullmatch(text):
        return now - sum(int(n) * _UNITS[unit] for n, unit in re.findall(r"(\d+)([wdhms])", text))
    return _from_text(text, tz, now)


def parse_state_time(value: Any, tz: tzinfo, now: int | None = None) -> int:
    """As :func:`parse_time`, for one moment: not beyond now and five minutes of clock skew.

    Raises:
        TimeNotValidError: not a time, or in the future.
    """
    now = now_micros() if now is None else now
    moment = parse_time(value, tz, now)
    if moment > now + CLOCK_SKEW:
        raise TimeNotValidError(
            f"{value!r} is {format_time(moment, tz)}, in the future (now is {format_time(now, tz)}); "
            "expected a time that has been",
            value,
        )
    return moment


def parse_range(start: Any, end: Any, tz: tzinfo, *, now: int | None = None) -> TimeRange:
    """start ≤ t < end. A side left open (None) is the beginning, or now; a date as end includes that day.

    An end in the future is clipped to now, and the range says so.

    Raises:
        TimeNotValidError: not times, or start is not before end.
    """
    now = now_micros() if now is None else now
    first = 0 if start is None else parse_time(start, tz, now)
    last = now + 1 if end is None else _parse_end(end, tz, now)
    clipped = last > now + 1
    last = min(last, now + 1)
    if first >= last:
        said = " (now: the end asked for is in the future)" if clipped else ""
        raise TimeNotValidError(
            f"start {format_time(first, tz)} is not before end {format_time(last, tz)}{said}; "
            "a range is start ≤ t < end",
            (start, end),
        )
    return TimeRange(first, last, clipped, start is not None, end is not None)


def parse_period(text: Any) -> int:
    """The length in µs of a period such as ``1min``, ``30s``, ``2h``, ``1d``.

    Raises:
        TimeNotValidError: not a whole number of at least one s, min, h or d.
    """
    match = re.fullmatch(r"(\d*)(s|min|h|d)", text.strip()) if isinstance(text, str) else None
    length = int(match[1] or 1) * _PERIODS[match[2]] if match else 0
    if not 0 < length <= _LONGEST_PERIOD:
        raise TimeNotValidError(f"{text!r} is no period; expected like 30s, 1min, 2h or 1d, at most 3650d", text)
    return length


def _parse_end(value: Any, tz: tzinfo, now: int) -> int:
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value.strip()):
        value = _date(value.strip(), value)
    if isinstance(value, date) and not isinstance(value, datetime):
        parse_time(value, tz, now)
        return first_instant(min(value, date.max - timedelta(days=1)) + timedelta(days=1), tz)
    if isinstance(value, str) and value.strip() == "now":
        return now + 1
    return parse_time(value, tz, now)


def _from_text(text: str, tz: tzinfo, now: int) -> int:
    if re.fullmatch(r"[+-]?\d+(\.\d+)?", text):
        raise _refuse_number(float(text) if "." in text else int(text), tz)
    if not _ISO.fullmatch(text):
        raise TimeNotValidError(f"{text!r} is no time{_candidates(text, tz, now)}; {_EXPECTED}", text)
    try:
        moment = datetime.fromisoformat(text.replace(",", ".").replace("z", "Z"))
    except ValueError as error:
        raise TimeNotValidError(f"{text!r} is no time ({error}); {_EXPECTED}", text) from error
    return _from_date(moment.date(), tz) if len(text) == len("2026-11-08") else _from_datetime(moment, tz)


def _from_date(day: date, tz: tzinfo) -> int:
    first = first_instant(day, tz)
    if from_micros(first, tz).date() != day:
        raise TimeNotValidError(f"{day} is no date of {tz}, which left it out; write {format_time(first, tz)}", day)
    return first


def _from_datetime(moment: datetime, tz: tzinfo) -> int:
    if str(moment) == "NaT":
        raise TimeNotValidError(f"{moment!r} is no time; {_EXPECTED}", moment)
    if hasattr(moment, "to_pydatetime"):
        moment = moment.to_pydatetime(warn=False)
    if moment.tzinfo is not None:
        return _from_aware(moment)
    early, late = (moment.replace(tzinfo=tz, fold=fold) for fold in (0, 1))
    if early.utcoffset() == late.utcoffset():
        return to_micros(early)
    exists = from_micros(to_micros(early), tz).replace(tzinfo=None) == moment
    what = "exists twice" if exists else "does not exist"
    sides = " or ".join(format_time(to_micros(side), tz) for side in (early, late))
    raise TimeNotValidError(f"{moment.isoformat(sep=' ')} {what} in {tz} (the clocks change); write {sides}", moment)


def _from_aware(moment: datetime) -> int:
    """An aware datetime's wall clock must be one that its zone shows then: one in a gap, or pytz put into a
    constructor, is another moment than was meant."""
    micros = to_micros(moment)
    shown = from_micros(micros, moment.tzinfo or UTC)
    if shown.replace(tzinfo=None) != moment.replace(tzinfo=None, fold=0):
        raise TimeNotValidError(
            f"{moment.isoformat(sep=' ')} is no local time of {moment.tzinfo}, which then shows "
            f"{shown.isoformat(sep=' ')}; write one of them with the zone's offset",
            moment,
        )
    return micros


def _date(text: str, value: Any) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise TimeNotValidError(f"{value!r} is no date ({error}); {_EXPECTED}", value) from error


def _refuse_number(value: float, tz: tzinfo) -> TimeNotValidError:
    readings = []
    finite = abs(value) < 4_102_444_800 * SECOND  # false for NaN
    for unit, factor in (("seconds", SECOND), ("milliseconds", 1000), ("microseconds", 1)):
        micros = int(value * factor) if finite else 0
        if 0 < micros < 4_102_444_800 * SECOND:
            readings.append(f"{format_time(micros, tz)} (as {unit})")
    meant = f"; it could be {' or '.join(readings[:2])}" if readings else ""
    return TimeNotValidError(f"{value!r} is a bare number, and could be of any unit{meant}; {_EXPECTED}", value)


def _candidates(text: str, tz: tzinfo, now: int) -> str:
    """What a clock time or a slashed date could mean."""
    today = from_micros(now, tz).date()
    if re.fullmatch(r"\d{1,2}:\d{2}(:\d{2})?", text):
        clock = text.zfill(5 if text.count(":") == 1 else 8)
        return f", the day is missing; it could be {today}T{clock} or {today - timedelta(days=1)}T{clock}"
    slashed = re.fullmatch(r"(\d{1,4})[/.](\d{1,2})[/.](\d{1,4})(.*)", text)
    if not slashed:
        return ""
    a, b, c, rest = slashed.groups()
    orders = [(a, b, c)] if len(a) == 4 else [(c, b, a), (c, a, b)]
    days = {f"{y:0>4}-{m:0>2}-{d:0>2}{rest}" for y, m, d in orders if int(m) <= 12}
    return f"; it could be {' or '.join(sorted(days))}" if days else ""
