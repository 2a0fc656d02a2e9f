"""Lists a landing when a question begins: all of it at first and each hour, else only its recent days.

What was listed in full is kept in the private cache, ``athena/<bucket>/<name>/landing``; recent days never are, since
each question lists them. So an object that comes into a day long past, or is removed from it, is seen at once where
``changes/_revision`` is replaced with it, and within the hour where it is not.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import RLock
from typing import Any

import msgspec

from histlib.engines.athena.landing.objects import PROJECTION, Day, Landing, LandingDays, Revision, landing_of, unseen
from histlib.engines.athena.table.projection import hidden_days
from histlib.errors import NotAHistoryError
from histlib.format.folders import CHANGES
from histlib.stores import memo as kept
from histlib.stores.cache import private_folder, write_error
from histlib.stores.locking import alone
from histlib.stores.s3.address import Address
from histlib.stores.s3.client import endpoint_of
from histlib.stores.s3.listing import FULL_EVERY, RECENT_DAYS, Lister, Listing, Remote
from histlib.values.times import from_micros, to_micros


class _Known(msgspec.Struct):
    """The landing when all of it was last listed."""

    source: str
    listed_at: float
    """By this machine's clock, epoch s."""
    asked: int
    """By S3's, epoch µs; so are the two below."""
    watched_since: int
    changed: dict[str, int]
    revision: Revision
    landing: Landing


class LandingList:
    """Lists the landing of one history.

    ``folder``: its name below the address; empty where the days lie right there, as the article has them. ``shown``:
    the range of the table's projection. ``reads_restored``: see
    :func:`histlib.engines.athena.landing.objects.landing_of`.
    """

    def __init__(  # noqa: PLR0913
        self,
        client: Any,
        address: Address,
        cache: Path,
        *,
        profile: str | None = None,
        folder: str = CHANGES,
        shown: tuple[str, str] = PROJECTION,
        reads_restored: bool = False,
    ) -> None:
        self._address = address
        self._cache = cache
        self._folder = f"{folder}/" if folder else ""
        self._shown = shown
        self._reads_restored = reads_restored
        self._lister = Lister(client, address, profile, (folder,))
        self._names = ("athena", *address.folder_names(endpoint_of(client)))
        # what is kept of a landing in one folder, read in one way, says nothing of another
        self._file = "landing" + (f"-{folder}" if folder != CHANGES else "") + ("-restored" if reads_restored else "")
        self._read: tuple[Any, _Known | None] = (None, None)
        self._threads = RLock()

    def fresh(self) -> LandingDays:
        """The landing as it is now.

        Raises:
            NotAHistoryError: it has no object that Athena reads.
            SourceError: it cannot be listed to its end, or what was listed cannot be kept.
        """
        with self._threads:
            known = self._known()
            days = self._recent(known) or self._anew(known)
        if not days.days:
            raise self._nothing(days)
        return days

    def _recent(self, known: _Known | None) -> LandingDays | None:
        """What is known, with recent days as they are now; None where all must be listed again."""
        if known is None or not 0 <= time.time() - known.listed_at < FULL_EVERY:
            return None
        since = f"{datetime.now(UTC) - timedelta(days=RECENT_DAYS):%Y/%m/%d}"
        listing = self._lister.recent(since)
        if listing.revision != known.revision.etag:
            return None
        asked = self._lister.clock or _now()
        landing = self._joined(known.landing, listing)
        changed = known.changed | dict.fromkeys(_changes(known.landing, landing), asked)
        days = self._days(landing, known.revision, asked, known.watched_since, changed)
        return days if days.days else None

    def _anew(self, known: _Known | None) -> LandingDays:
        with _told(self._home()), alone(self._home() / "landing.lock"):
            newer = self._known()
            found = self._recent(newer) if newer is not known else None  # another process has just listed all
            return found or self._everything(newer)

    def _everything(self, known: _Known | None) -> LandingDays:
        listed_at = time.time()
        listing = self._lister.everything()
        landing, asked = self._landing(listing), self._lister.clock or _now()
        revision = _revision(listing.revised)
        watched, changed = asked, {}
        if known is not None and known.revision.etag == revision.etag and known.asked <= asked:
            watched = known.watched_since
            changed = known.changed | dict.fromkeys(_changes(known.landing, landing), asked)
        kept_now = _Known(self._source(), listed_at, asked, watched, changed, revision, landing)
        kept.save(self._home() / self._file, kept_now)
        return self._days(landing, revision, asked, watched, changed)

    def _days(
        self, landing: Landing, revision: Revision, asked: int, watched: int, changed: dict[str, int]
    ) -> LandingDays:
        today = f"{from_micros(asked, UTC):%Y/%m/%d}"
        hidden = set(hidden_days(landing.days, self._shown, today))
        seen = {day: found for day, found in landing.days.items() if day not in hidden and found.objects}
        problems = tuple(unseen(self._folder, landing, hidden, self._shown))
        return LandingDays(self._folder, seen, revision, asked, problems, watched, changed)

    def _landing(self, listing: Listing) -> Landing:
        return landing_of(self._folder, listing.objects.items(), reads_restored=self._reads_restored)

    def _joined(self, known: Landing, listing: Listing) -> Landing:
        """What was known, but for what was listed again just now."""
        recent = self._landing(listing)
        settled = {day: found for day, found in known.days.items() if not listing.covers(f"{self._folder}{day}/")}
        odd = [file for file in known.odd if not listing.covers(file)]
        return Landing(dict(sorted((settled | recent.days).items())), sorted([*odd, *recent.odd]))

    def _known(self) -> _Known | None:
        """What was kept, read again only where another process has kept something since."""
        file = self._home() / self._file
        facts = _facts(file)
        if facts is None or facts != self._read[0]:
            found = kept.load(file, _Known)
            self._read = facts, found if found is not None and found.source == self._source() else None
        return self._read[1]

    def _home(self) -> Path:
        return private_folder(self._cache, *self._names)

    def _source(self) -> str:
        return f"{self._address}/{self._folder}"

    def _nothing(self, days: LandingDays) -> NotAHistoryError:
        place = self._source()
        if days.problems:
            told = f"{days.problems[0].file}: {days.problems[0].detail}"
            return NotAHistoryError(f"{place} has objects, but none that Athena reads: {told}", place)
        there = ", ".join(self._lister.seen()) or "nothing"
        return NotAHistoryError(
            f"{place} has no objects; under {self._address} is {there}; expected what the pipeline writes, "
            f"{self._folder}yyyy/MM/dd/*.gz",
            place,
        )


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise write_error(error, "what is known of the landing", folder) from error


def _changes(before: Landing, now: Landing) -> Iterator[str]:
    """The days that are not as they were."""
    nothing = Day()
    for day in before.days.keys() | now.days.keys():
        if before.days.get(day, nothing).digest != now.days.get(day, nothing).digest:
            yield day


def _revision(remote: Remote | None) -> Revision:
    return Revision(remote.etag, remote.modified) if remote else Revision()


def _facts(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except FileNotFoundError:
        return None
    return found.st_size, found.st_mtime_ns, found.st_ino


def _now() -> int:
    return to_micros(datetime.now(UTC))
