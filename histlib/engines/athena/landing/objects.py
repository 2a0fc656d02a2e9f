"""The landing as Athena sees it: what each dateday has, and what lies there that Athena leaves out without a word."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final

import msgspec

from histlib.format.days import day_begin
from histlib.format.problems import MOST, Problem
from histlib.stores.s3.listing import Remote

#: The datedays of the tables' projection (design, section 3).
PROJECTION: Final = ("2012/01/01", "NOW")

_DATEDAY: Final = re.compile(r"([0-9]{4})/([0-9]{2})/([0-9]{2})/(.+)", re.DOTALL)


class Day(msgspec.Struct, frozen=True, array_like=True):
    """The objects of one dateday that Athena reads; ``archived`` are those that it does not."""

    bytes: int = 0
    newest: int = 0
    """The newest LastModified of any object, archived ones too (epoch µs, S3's clock)."""
    digest: str = ""
    """Another one whenever an object has come, gone or changed, or can be read no more; empty for a day without."""
    files: tuple[str, ...] = ()
    """Their names below the day, in order; those in the article's hour folders are ``HH/name``."""
    archived: tuple[str, ...] = ()

    @property
    def objects(self) -> int:
        """How many."""
        return len(self.files)


class Revision(msgspec.Struct, frozen=True, array_like=True):
    """``changes/_revision``: replaced by whoever writes into a day already past. Empty where there is none."""

    etag: str = ""
    modified: int = 0
    """LastModified, epoch µs."""


class Landing(msgspec.Struct):
    """What was listed, by dateday, whatever Athena makes of it; ``odd`` are objects below no day."""

    days: dict[str, Day] = {}
    odd: list[str] = []


@dataclass(frozen=True)
class LandingDays:
    """The datedays (``yyyy/MM/dd``, in order) that have objects which Athena reads; ranges of days include both ends.

    ``problems`` tell of objects that Athena leaves out without a word. ``asked``: when S3 was asked, by its clock.
    ``watched_since``: when this machine began to watch the landing; ``changed``: when it saw that a day was no longer
    what it had been before (all epoch µs).
    """

    folder: str
    days: Mapping[str, Day]
    revision: Revision
    asked: int
    problems: tuple[Problem, ...] = ()
    watched_since: int = 0
    changed: Mapping[str, int] = field(default_factory=dict)

    @property
    def first(self) -> str | None:
        """The first dateday; None where there is none."""
        return min(self.days, default=None)

    @property
    def last(self) -> str | None:
        """The last dateday; None where there is none."""
        return max(self.days, default=None)

    @property
    def first_micros(self) -> int | None:
        """The begin of the first dateday, epoch µs: what :class:`histlib.engines.queries.Landing` asks for."""
        return None if self.first is None else day_begin(self.first)

    def between(self, first: str, last: str) -> Iterator[tuple[str, Day]]:
        """The days from first to last that have objects."""
        return ((day, found) for day, found in self.days.items() if first <= day <= last)

    def of_days(self, days: Iterable[str]) -> LandingDays:
        """The same, as if it had only these days."""
        return replace(self, days={day: self.days[day] for day in sorted(days) if day in self.days})

    def bytes_between(self, first: str, last: str) -> int:
        """What Athena would scan of these days, at most (bytes as they are stored)."""
        return sum(found.bytes for _, found in self.between(first, last))

    def objects_between(self, first: str, last: str) -> int:
        """How many objects these days have."""
        return sum(found.objects for _, found in self.between(first, last))

    def newest_between(self, first: str, last: str) -> int:
        """The newest LastModified of any object of these days (epoch µs); 0 where there is none."""
        return max((found.newest for _, found in self.between(first, last)), default=0)

    def digest_between(self, first: str, last: str) -> str:
        """Another one whenever that of any of these days is."""
        return _digest(f"{day} {found.digest}" for day, found in self.between(first, last))

    def digest(self, day: str) -> str:
        """The digest of one day; empty where it has no objects."""
        return self.days[day].digest if day in self.days else ""

    def files(self, day: str) -> tuple[str, ...]:
        """The objects of one day, as keys below the history's prefix."""
        return tuple(f"{self.folder}{day}/{name}" for name in self.days[day].files) if day in self.days else ()

    def has(self, file: str) -> bool:
        """Whether Athena reads this object (a key below the history's prefix)."""
        found = dated(self.folder, file)
        return found is not None and found[0] in self.days and found[1] in self.days[found[0]].files

    def unchanged_since(self, first: str, last: str) -> int:
        """From when on (epoch µs) all these days, empty ones too, were as they are now, as far as was watched."""
        return max((when for day, when in self.changed.items() if first <= day <= last), default=self.watched_since)


def landing_of(folder: str, objects: Iterable[tuple[str, Remote]], *, reads_restored: bool = False) -> Landing:
    """Listed objects (by key below the history's prefix) by day; ``folder`` is ``changes/``, or empty.

    Athena leaves out objects of the storage classes GLACIER and DEEP_ARCHIVE, restored ones too unless the table's
    property ``read_restored_glacier_objects`` is true (``reads_restored``).
    """
    days: dict[str, list[tuple[str, Remote]]] = {}
    landing = Landing(odd=[])
    for file, remote in sorted(objects):
        found = dated(folder, file)
        if found is None:
            landing.odd.append(file)
        else:
            days.setdefault(found[0], []).append((found[1], remote))
    landing.days = {day: _day(found, reads_restored=reads_restored) for day, found in sorted(days.items())}
    return landing


def unseen(folder: str, landing: Landing, hidden: Collection[str], shown: tuple[str, str]) -> list[Problem]:
    """What Athena leaves out without a word: objects in no day's folder, on days ``hidden`` by the projection's range,
    which is ``shown``, or archived."""
    problems = [
        Problem(file, None, f"in no folder of a day ({folder}yyyy/MM/dd/), so Athena does not see it: move it into one")
        for file in landing.odd[:MOST]
    ]
    if len(landing.odd) > MOST:
        more = f"{len(landing.odd) - MOST:,} more objects in no folder of a day"
        problems.append(Problem(landing.odd[MOST], None, more))
    for day, found in landing.days.items():
        names = sorted([*found.files, *found.archived])
        if day in hidden:
            last = "today" if shown[1] == "NOW" else shown[1]
            out = f"dateday {day} is not from {shown[0]} to {last} (UTC), the range of the table's projection"
            widen = "widen projection.dateday.range, to NOW+1DAYS where Firehose's CustomTimeZone is ahead of UTC"
            detail = f"{out}: Athena does not see its {len(names):,} objects; {widen}"
            problems.append(Problem(f"{folder}{day}/{names[0]}", None, detail))
        elif found.archived:
            detail = (
                f"{len(found.archived):,} objects of {day} are archived (GLACIER or DEEP_ARCHIVE), which Athena does "
                "not read: restore them in S3 and copy them over themselves"
            )
            problems.append(Problem(f"{folder}{day}/{found.archived[0]}", None, detail))
    return problems


def dated(folder: str, file: str) -> tuple[str, str] | None:
    """(dateday, name below it) of a landing object; None where its folder is no day of the calendar."""
    match = _DATEDAY.fullmatch(file.removeprefix(folder)) if file.startswith(folder) else None
    if match is None:
        return None
    year, month, day, name = match.groups()
    try:
        date(int(year), int(month), int(day))
    except ValueError:
        return None
    return f"{year}/{month}/{day}", name


def _day(found: list[tuple[str, Remote]], *, reads_restored: bool) -> Day:
    read = [
        (name, remote) for name, remote in found if not (remote.archived or (remote.restored and not reads_restored))
    ]
    names = {name for name, _ in read}
    return Day(
        sum(remote.size for _, remote in read),
        max(remote.modified for _, remote in found),
        _digest(f"{name}\n{remote.etag}\n{remote.size}\n{remote.modified}" for name, remote in read),
        tuple(name for name, _ in read),
        tuple(name for name, _ in found if name not in names),
    )


def _digest(parts: Iterable[str]) -> str:
    digest, some = hashlib.blake2b(digest_size=16), False
    for part in parts:
        digest.update(f"{len(part)} {part}".encode())
        some = True
    return digest.hexdigest() if some else ""
