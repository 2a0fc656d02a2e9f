"""A private local copy of one history in S3, brought up to date when a question begins."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import RLock
from typing import Any, Final

import msgspec

from histlib.errors import NotAHistoryError, RequestError, SourceError
from histlib.format.folders import BASELINE, CHANGES, COVERAGE, FAILED, FOLDERS
from histlib.format.problems import Problem
from histlib.stores.cache import private_folder, write_error
from histlib.stores.locking import alone
from histlib.stores.s3.address import Address
from histlib.stores.s3.client import endpoint_of
from histlib.stores.s3.fetching import GONE, Fetcher
from histlib.stores.s3.ledger import Ledger
from histlib.stores.s3.listing import FULL_EVERY, RECENT_DAYS, SMALL, Lister, Listing, Remote
from histlib.stores.s3.names import unfit

#: Bytes fetched for one question without being asked.
DEFAULT_LIMIT: Final = 1 << 30
#: Up to so many objects that could not be had are tried again at each question; more, when everything is listed.
_FEW: Final = 16
#: How often objects may change under the hands.
_TRIES: Final = 3
#: Answers depend on these as a whole.
_NEEDED: Final = (f"{COVERAGE}/", f"{BASELINE}/")

_NOT_AGAIN: Final = "; not tried again, since it would be over max_scan_bytes"
_DATEDAY: Final = re.compile(r"changes/(\d{4}/\d{2}/\d{2})/")


class Mirror:
    """The copy of a history below ``cache``/s3, and what in S3 could not be had.

    ``landing`` False: all but the landing, below ``cache``/athena, where Athena reads that itself.
    """

    def __init__(  # noqa: PLR0913
        self,
        client: Any,
        address: Address,
        cache: Path,
        *,
        profile: str | None = None,
        limit: int | None = None,
        landing: bool = True,
    ) -> None:
        self._address = address
        self._limit = _checked(limit)
        self._landing = landing
        self._lister = Lister(client, address, profile, FOLDERS if landing else SMALL)
        self._fetcher = Fetcher(client, address, profile)
        self._cache = cache
        kind = "s3" if landing else "athena"
        self._home = private_folder(cache, kind, *address.folder_names(endpoint_of(client)))
        self._ledger = Ledger(self._home)
        self._threads = RLock()
        with self._told():
            (self.folder / CHANGES).mkdir(parents=True, exist_ok=True)

    @property
    def folder(self) -> Path:
        """The history's folder."""
        return self._ledger.objects

    @contextmanager
    def fresh(self) -> Iterator[Sequence[Problem]]:
        """Bring the folder up to date, and let nobody change it meanwhile; yields what in S3 cannot be had.

        Raises:
            RequestError: more would be fetched than the limit allows; nothing has been.
            SourceError: S3 cannot be listed or read, or has no history there.
        """
        with self._threads, self._told(), self._alone():
            problems = self._up_to_date()
            try:
                yield problems
            except NotAHistoryError as error:
                raise NotAHistoryError(str(error).replace(str(self.folder), str(self._address))) from error

    @contextmanager
    def _alone(self) -> Iterator[None]:
        private_folder(self._cache, *self._home.relative_to(self._cache).parts)
        with alone(self._home / "lock"):
            (self._home / "source.json").write_bytes(msgspec.json.encode({"source": str(self._address)}))
            yield

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise write_error(error, "the mirror", self._home) from error

    def _up_to_date(self) -> Sequence[Problem]:
        self._ledger.load()
        asked_at = time.time()
        listing, full = self._list()
        self._bring(listing, full=full)
        state = self._ledger.state
        if full:
            state.listed_at, state.revision = asked_at, listing.revision
            state.newest = max((_day(file) for file in listing.objects), default="")
        self._ledger.mark(listing.revision)
        self._ledger.save()
        problems = [Problem(file, None, lost.detail) for file, lost in sorted(state.lost.items())]
        self._check(problems)
        return [*problems, *listing.problems]

    def _list(self) -> tuple[Listing, bool]:
        """What there is, and whether it is everything."""
        state = self._ledger.state
        known = state.newest or not self._landing
        if known and 0 <= time.time() - state.listed_at < FULL_EVERY:
            since = f"{datetime.now(UTC) - timedelta(days=RECENT_DAYS):%Y/%m/%d}"
            listing = self._lister.recent(min(state.newest or since, since))
            if listing.revision == state.revision:
                return listing, False
        return self._lister.everything(), True

    def _bring(self, listing: Listing, *, full: bool) -> None:
        """Fetch what is new, let go of what has gone."""
        state = self._ledger.state
        retry = full or len(state.lost) <= _FEW
        wanted = {
            file: remote for file, remote in listing.objects.items() if self._is_wanted(file, remote, retry=retry)
        }
        refused = unfit(wanted, self.folder, state.objects) | _archived(wanted)
        possible = self._affordable({file: remote for file, remote in wanted.items() if file not in refused})
        self._refuse_too_much(possible)
        known = state.objects.keys() | state.lost.keys()
        for file in [file for file in known if file not in listing.objects and listing.covers(file)]:
            self._ledger.drop(file)
        for file, detail in refused.items():
            self._ledger.lose(file, wanted[file], detail)
        self._fetch_all(possible)

    def _affordable(self, wanted: dict[str, Remote]) -> dict[str, Remote]:
        """Without those that could not be had before, where with them it would be too much: they stay holes."""
        if _size(wanted) <= self._limit:
            return wanted
        lost = self._ledger.state.lost
        again = [file for file, remote in wanted.items() if file in lost and lost[file].etag == remote.etag]
        for file in again:
            detail = lost[file].detail.removesuffix(_NOT_AGAIN) + _NOT_AGAIN
            self._ledger.lose(file, wanted.pop(file), detail)
        return wanted

    def _fetch_all(self, wanted: dict[str, Remote]) -> None:
        spent = 0
        for _ in range(_TRIES):
            self._refuse_too_much(wanted, spent)
            if not wanted:
                return
            changed = self._fetch(wanted)
            spent += _size({file: remote for file, remote in wanted.items() if file not in changed})
            wanted = changed
        raise SourceError(f"{self._address}: {min(wanted)} changes while it is read; ask again", str(self._address))

    def _is_wanted(self, file: str, remote: Remote, *, retry: bool) -> bool:
        state = self._ledger.state
        held, lost = state.objects.get(file), state.lost.get(file)
        if held is not None:
            return (held.etag, held.size) != (remote.etag, remote.size)
        return lost is None or retry or (lost.etag, lost.size) != (remote.etag, remote.size)

    def _fetch(self, wanted: Mapping[str, Remote]) -> dict[str, Remote]:
        """Fetch objects; returns those that have changed meanwhile, as they are now."""
        failures = self._fetcher.fetch(wanted, self._ledger.parts, self._ledger.keep)
        changed = []
        for file, detail in failures.items():
            if detail == GONE:
                changed.append((file, wanted[file]))
            else:
                self._ledger.lose(file, wanted[file], detail)
        now = self._lister.again(changed)
        for file in [file for file, remote in now.items() if remote is None]:
            self._ledger.drop(file)
        return {file: remote for file, remote in now.items() if remote is not None}

    def _refuse_too_much(self, wanted: Mapping[str, Remote], spent: int = 0) -> None:
        size, free = _size(wanted), shutil.disk_usage(self._home).free
        if spent + size > self._limit:
            raise RequestError(
                f"{self._address}: {len(wanted):,} objects of together {size:,} bytes would be fetched, over the limit "
                f"of {self._limit:,} ({spent:,} have been). To allow it: connect(…, max_scan_bytes={spent + size}), or "
                f"--max-scan-bytes {spent + size}",
                size,
            )
        if size > free:
            raise SourceError(
                f"{self._address}: {size:,} bytes would be fetched, {free:,} are free in {self._home}; free some "
                "there, or name another place with connect(cache=…)",
                size,
            )

    def _check(self, problems: Sequence[Problem]) -> None:
        """No answer without what every answer depends on."""
        for problem in (problem for problem in problems if problem.file.startswith(_NEEDED)):
            raise SourceError(
                f"{self._address}: answers depend on {problem.file}, and it cannot be read: {problem.detail}",
                problem.file,
            )
        if not self._landing or any(file.startswith(f"{CHANGES}/") for file in self._ledger.state.objects):
            return
        landing = [problem for problem in problems if problem.file.startswith(f"{CHANGES}/")]
        if landing:
            raise SourceError(
                f"{self._address}: none of {len(landing):,} objects below changes/ can be read; "
                f"{landing[0].file}: {landing[0].detail}",
                str(self._address),
            )
        waiting = sorted(file for file in self._ledger.state.objects if file.startswith(f"{FAILED}/"))
        if waiting:
            raise NotAHistoryError(
                f"{self._address} holds no change yet: what lies below failed/ could not be converted or delivered "
                f"({len(waiting):,}, the first {waiting[0]}): see `python -m pipeline redrive`, from a "
                "clone of histlib",
                str(self._address),
            )
        there = ", ".join(self._lister.seen()) or "nothing"
        raise NotAHistoryError(
            f"{self._address} holds no history: no objects below changes/, under it is {there}; expected what the "
            "pipeline writes, changes/yyyy/MM/dd/*.gz",
            str(self._address),
        )


def _checked(limit: int | None) -> int:
    if limit is None:
        return DEFAULT_LIMIT
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 0:
        raise RequestError(f"max_scan_bytes={limit!r}: expected a number of bytes", limit)
    return limit


def _size(wanted: Mapping[str, Remote]) -> int:
    return sum(remote.size for remote in wanted.values())


def _archived(wanted: Mapping[str, Remote]) -> dict[str, str]:
    return {
        file: f"archived ({remote.archived}): restore it in S3, then ask again"
        for file, remote in wanted.items()
        if remote.archived
    }


def _day(file: str) -> str:
    match = _DATEDAY.match(file)
    return match[1] if match else ""
