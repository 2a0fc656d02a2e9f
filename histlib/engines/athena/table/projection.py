"""Partition projection of a table over days: where each lies, and which of them queries see.

A day outside the projected range, or without a partition where nothing is projected, vanishes from every answer
without a word: what cannot be sure to show all days is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Final

PARTITION: Final = "dateday"
_FORMAT: Final = "yyyy/MM/dd"
_DAY: Final = re.compile(r"\d{4}/\d{2}/\d{2}")
_RELATIVE: Final = re.compile(r"NOW(?:([+-])(\d+)(YEARS?|MONTHS?|WEEKS?|DAYS?))?")
_PLACE: Final = re.compile(r"(s3[an]?://[^/$]+/(?:[^$]*/)?)\$\{dateday\}/?")
#: The settings of a projection by days; None: may be left out, and then means the same.
_WANTED: Final = {
    "enabled": ("true",),
    "dateday.type": ("date",),
    "dateday.format": (_FORMAT,),
    "dateday.interval": ("1", None),
    "dateday.interval.unit": ("DAYS", None),
}


class ProjectionError(Exception):
    """Why a table's projection would not show all days of a history."""


def projected(parameters: Mapping[str, str], partitions: Sequence[str]) -> tuple[str, tuple[str, str]]:
    """Where the days of a table lie (``s3://bucket/prefix/``), and the first and last that it shows, as it says them.

    ``parameters`` are the table's, ``partitions`` the names of its partition columns.

    Raises:
        ProjectionError: it is not partitioned by ``dateday`` alone, or not by projection of each day.
    """
    if list(partitions) != [PARTITION]:
        raise ProjectionError(f"it is partitioned by {', '.join(partitions) or 'nothing'}, expected {PARTITION}")
    for name, accepted in _WANTED.items():
        value = parameters.get(f"projection.{name}")
        if value not in accepted and (value or "").lower() not in [one and one.lower() for one in accepted]:
            said = "is not set" if value is None else f"is {value}"
            raise ProjectionError(f"its property projection.{name} {said}, expected {accepted[0]}")
    template = parameters.get("storage.location.template", "")
    place = _PLACE.fullmatch(template)
    if not place:
        raise ProjectionError(
            f"its property storage.location.template is {template or 'not set'}, expected s3://…/${{dateday}}/"
        )
    bounds = [bound.strip() for bound in parameters.get("projection.dateday.range", "").split(",")]
    if len(bounds) != 2 or not all(_DAY.fullmatch(bound) or _RELATIVE.fullmatch(bound) for bound in bounds):
        raise ProjectionError(
            f"its property projection.dateday.range is {','.join(bounds) or 'not set'}, expected like 2012/01/01,NOW"
        )
    return re.sub("^s3[an]:", "s3:", place[1]), (bounds[0], bounds[1])


def hidden_days(days: Iterable[str], bounds: tuple[str, str], today: str) -> list[str]:
    """Which datedays (``yyyy/MM/dd``) lie outside the projected range, whose ``NOW`` is ``today`` (UTC)."""
    first, last = (_day_of(bound, today) for bound in bounds)
    return [day for day in days if not first <= day <= last]


def _day_of(bound: str, today: str) -> str:
    """A bound of a range as a dateday."""
    match = _RELATIVE.fullmatch(bound)
    if not match or not match[1]:
        return bound if not match else today
    now = date(*map(int, today.split("/")))
    count = int(match[2]) * (-1 if match[1] == "-" else 1)
    unit = match[3].rstrip("S")
    if unit in ("YEAR", "MONTH"):
        return _months_later(now, count * (12 if unit == "YEAR" else 1)).strftime("%Y/%m/%d")
    return (now + timedelta(days=count * (7 if unit == "WEEK" else 1))).strftime("%Y/%m/%d")


def _months_later(day: date, months: int) -> date:
    """The same day of another month, or that month's last."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    begin = date(year, month + 1, 1)
    next_month = date(year + month // 11, (month + 1) % 12 + 1, 1)
    return min(begin + timedelta(days=day.day - 1), next_month - timedelta(days=1))
