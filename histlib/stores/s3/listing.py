"""Which objects of a history there are: all of them, or those of recent days.

A listing is whole or an error. Prefixes are listed in parallel, those by day month by month.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime
from typing import Any, Final, NamedTuple

from histlib.errors import SourceError
from histlib.format.folders import AWS, BASELINE, CHANGES, FAILED, FOLDERS, LAMBDA, REVISION
from histlib.format.problems import Problem
from histlib.format.undelivered import DONE
from histlib.stores.aws.errors import errors, is_denied
from histlib.stores.s3.address import Address
from histlib.stores.s3.client import THREADS
from histlib.stores.s3.errors import request_error
from histlib.values.times import to_micros

#: Those of many small objects, beside the landing.
SMALL: Final = FOLDERS[1:]
#: Seconds after which everything is listed again.
FULL_EVERY: Final = 3_600.0
#: Days in which objects arrive without a word in ``changes/_revision``.
RECENT_DAYS: Final = 3

#: Not of this history: what was put back, and what Lambda leaves of asynchronous invocations.
_LEFT_OUT: Final = (DONE, f"{LAMBDA}async/")
#: Cannot be read before someone restores them.
_ARCHIVES: Final = {"GLACIER", "DEEP_ARCHIVE"}
_WITHOUT_DAYS: Final = (BASELINE, FAILED, AWS)
_YEAR: Final = re.compile(r"[0-9]{4}/")


class Remote(NamedTuple):
    """An object as listed. ``archived`` names the storage class that it must be restored from first; ``restored`` the
    one that it is back from for a while. ``modified``: epoch µs, by S3's clock."""

    key: str
    etag: str
    size: int
    archived: str | None = None
    restored: str | None = None
    modified: int = 0


class Branch(NamedTuple):
    """What to list: objects below ``path`` (relative to ``base``) whose paths come after ``after``.

    ``depth`` levels of folders are looked up first, to list what is below them in parallel.
    """

    base: str
    path: str
    depth: int = 0
    after: str = ""


class Listing:
    """The objects that there are, by file (key relative to the history), in all that was listed."""

    def __init__(self, branches: Iterable[Branch]) -> None:
        self._after = {branch.path.partition("/")[0]: branch.after for branch in branches}
        self.objects: dict[str, Remote] = {}
        self.revised: Remote | None = None
        self.problems: list[Problem] = []

    @property
    def revision(self) -> str:
        """The ETag of ``changes/_revision``; empty where there is none."""
        return self.revised.etag if self.revised else ""

    def covers(self, file: str) -> bool:
        """Whether the file would be among the objects if it were there."""
        after = self._after.get(file.partition("/")[0])
        return after is not None and file > after

    def take(self, file: str, remote: Remote) -> None:
        """Take in an object, unless it is hidden, as names with ``_`` or ``.`` are, or a mere folder's mark."""
        if file == REVISION:
            self.revised = self.revised or remote
        elif not (
            any(part.startswith(("_", ".")) for part in file.split("/")) or (file[-1:] == "/" and not remote.size)
        ):
            self.objects[file] = remote


class Lister:
    """Lists those ``folders`` of one history. The folder ``""`` is a landing right below the prefix, as the article's:
    of it only folders of years are looked at, since nobody knows what else lies there.

    ``clock`` is S3's own, as it last answered (epoch µs, 0: not known).
    """

    def __init__(self, client: Any, address: Address, profile: str | None, folders: Sequence[str] = FOLDERS) -> None:
        self.clock = 0
        self._client = client
        self._address = address
        self._profile = profile
        self._folders = folders

    def everything(self) -> Listing:
        """All objects of the history. Its ``revision`` is from before the days were listed.

        Raises:
            SourceError: a part of it cannot be listed.
        """
        return self._list([*self._dated("", 2), *self._undated()])

    def recent(self, day: str) -> Listing:
        """Objects of a day (``yyyy/MM/dd``) and later, and all that has no day.

        Raises:
            SourceError: a part of it cannot be listed.
        """
        return self._list([*self._dated(day, 0), *self._undated()])

    def again(self, remotes: Iterable[tuple[str, Remote]]) -> dict[str, Remote | None]:
        """These objects as they are now, None for those that are no more.

        Raises:
            SourceError: they cannot be listed.
        """
        return {file: self._now(remote.key) for file, remote in remotes}

    def seen(self) -> list[str]:
        """The first few names right below the prefix: what is there instead of a history."""
        objects, folders = self._page(self._address.base, "", "/", None)[:2]
        names = [*folders, *(remote.key for remote in objects)]
        return [name.removeprefix(self._address.base) for name in names[:5]]

    def _dated(self, day: str, depth: int) -> Iterator[Branch]:
        base = self._address.base
        for name in self._folders:
            if name and name not in _WITHOUT_DAYS:
                yield Branch(base, f"{name}/", depth, f"{name}/{day}" if day else "")
        if "" in self._folders:
            years = (f"{int(day[:4]) + more:04}/" for more in (0, 1)) if day else ("",)
            yield from (Branch(base, year, depth, day) for year in years)

    def _undated(self) -> Iterator[Branch]:
        base = self._address.base
        if CHANGES not in self._folders:
            yield Branch(base, REVISION)
        if BASELINE in self._folders:
            yield Branch(base, f"{BASELINE}/")
        if FAILED in self._folders:
            yield Branch(base, f"{FAILED}/", 1)
        if AWS in self._folders:
            yield Branch(base, LAMBDA, 1)
            if base:  # Lambda puts its objects at the root of the bucket, whatever the history's prefix
                yield Branch("", LAMBDA, 1)

    def _list(self, branches: list[Branch]) -> Listing:
        listing, frontier = Listing(branches), branches
        with ThreadPoolExecutor(THREADS) as pool:
            try:
                while frontier:
                    below: list[Branch] = []
                    for branch, (objects, folders) in zip(
                        frontier, pool.map(self._guarded(listing), frontier), strict=True
                    ):
                        for remote in objects:
                            listing.take(remote.key.removeprefix(branch.base), remote)
                        below += [branch._replace(path=folder, depth=branch.depth - 1) for folder in folders]
                    frontier = below
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return listing

    def _guarded(self, listing: Listing) -> Callable[[Branch], tuple[list[Remote], list[str]]]:
        """Lists a branch; outside the history's own prefix, being denied is a problem that is told."""

        def look(branch: Branch) -> tuple[list[Remote], list[str]]:
            try:
                return self._branch(branch)
            except SourceError as error:
                outside = branch.base != self._address.base
                if not (outside and error.__cause__ and is_denied(error.__cause__)):
                    raise
                listing.problems.append(Problem(branch.path, None, f"cannot be listed: {error}"))
                return [], []

        return look

    def _branch(self, branch: Branch) -> tuple[list[Remote], list[str]]:
        objects: list[Remote] = []
        folders: list[str] = []
        after = f"{branch.base}{branch.after}" if branch.after else ""
        token: str | None = None
        while True:
            delimiter = "/" if branch.depth else ""
            page, below, token = self._page(branch.base + branch.path, after, delimiter, token)
            objects += page
            folders += [path for folder in below if (path := folder.removeprefix(branch.base)) not in _LEFT_OUT]
            if token is None:
                break
        return (objects, folders) if branch.path else ([], [folder for folder in folders if _YEAR.fullmatch(folder)])

    def _page(
        self, prefix: str, after: str, delimiter: str, token: str | None
    ) -> tuple[list[Remote], list[str], str | None]:
        asked: dict[str, Any] = {"Prefix": prefix, "OptionalObjectAttributes": ["RestoreStatus"]}
        asked |= {"ContinuationToken": token} if token else {"StartAfter": after} if after else {}
        asked |= {"Delimiter": delimiter} if delimiter else {}
        try:
            page = self._client.list_objects_v2(Bucket=self._address.bucket, **asked)
        except errors() as error:
            place = Address(self._address.bucket, prefix)
            raise request_error(error, place, "s3:ListBucket", self._profile) from error
        self.clock = max(self.clock, _date(page))
        following = page.get("NextContinuationToken") if page.get("IsTruncated") else None
        if page.get("IsTruncated") and following in (None, token):
            raise SourceError(f"s3://{self._address.bucket}/{prefix}: the listing is cut short; ask again", prefix)
        objects = [_remote(found) for found in page.get("Contents", [])]
        return objects, [found["Prefix"] for found in page.get("CommonPrefixes", [])], following

    def _now(self, key: str) -> Remote | None:
        objects, _, _ = self._page(key, "", "", None)
        return next((remote for remote in objects if remote.key == key), None)


def _remote(found: dict[str, Any]) -> Remote:
    storage, restored = found.get("StorageClass"), found.get("RestoreStatus", {})
    archived = storage if storage in _ARCHIVES else None
    back = "RestoreExpiryDate" in restored and not restored.get("IsRestoreInProgress")
    return Remote(
        found["Key"],
        found["ETag"],
        found["Size"],
        archived=None if back else archived,
        restored=archived if back else None,
        modified=to_micros(found["LastModified"]),
    )


def _date(page: dict[str, Any]) -> int:
    """When S3 gave this answer, by its own clock (epoch µs); 0 where it does not say."""
    told = page.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date", "")
    try:
        return to_micros(parsedate_to_datetime(told))
    except ValueError:
        return 0
