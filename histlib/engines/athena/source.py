"""The Athena source: what a history is asked, answered from where it lies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from histlib.engines.athena.article_rows import OldRowSelection
from histlib.engines.athena.landing.beside import BucketFacts
from histlib.engines.athena.landing.day_cache import DayCache
from histlib.engines.athena.landing.listing import LandingList
from histlib.engines.athena.landing.objects import LandingDays
from histlib.engines.athena.landing.results import Results
from histlib.engines.athena.landing.reuse import reuse_minutes
from histlib.engines.athena.landing.streams import stream_rows
from histlib.engines.athena.rows import Brought, Refuse, RowSelection, Run
from histlib.engines.athena.running.explaining import explain
from histlib.engines.athena.running.runner import Runner
from histlib.engines.athena.statements.statement import Statement
from histlib.engines.bulk.inputs import STREAMS
from histlib.engines.bulk.parts import PARTS
from histlib.engines.bulk.selecting import has_values, key_parts
from histlib.engines.queries import (
    Activity,
    Around,
    Attestations,
    Attributes,
    Baselines,
    ChangeKeys,
    Holes,
    ItemChanges,
    KeysBetween,
    Landing,
    MatchingKeys,
    NetWindows,
    Parts,
    Query,
    Sql,
    Streams,
    Upcoming,
)
from histlib.errors import RequestError
from histlib.format.days import FILE_SPAN, Days, landed
from histlib.format.key_forms import check_read, check_tables
from histlib.format.rows import key_forms
from histlib.rules.chain.reach import Reach, enough
from histlib.rules.coverage.baselines import Manifest, read_manifest
from histlib.values.paths import format_path

#: Views that show what each change left.
_NEW_IMAGES: Final = ("NEW_AND_OLD_IMAGES", "NEW_IMAGE")
#: How many days with objects a search goes further at first; then twice as many each time.
_FURTHER: Final = 2
#: How many of the last days make a sample.
_SAMPLE_DAYS: Final = 2

Selection = RowSelection | OldRowSelection


class AthenaSource:
    """A history asked by SQL.

    ``runner`` asks Athena for ``table``, whose history lies at ``root``; ``landing`` and ``facts`` tell what is there;
    ``kept`` holds what was found out about single days. ``changed``: when the table was last altered, epoch µs.
    ``selection`` brings the rows. ``prefix``: the name of where the history lies.
    ``explained``: each statement is shown before it runs.
    """

    def __init__(  # noqa: PLR0913, PLR0917 — the parts of a source
        self,
        runner: Runner,
        table: str,
        root: str,
        landing: LandingList,
        facts: BucketFacts,
        kept: DayCache,
        changed: int = 0,
        selection: Callable[[Run, str, str, Refuse], Selection] = RowSelection,
        *,
        explained: bool = False,
    ) -> None:
        self.runner = runner
        self.prefix = root.rstrip("/").rpartition("/")[2]
        self._changed = changed
        self._explained = explained
        self._expected = 0
        self._results = Results()
        self._brought: Brought | None = None
        self._rows = selection(self._run, table, root, self._refuse_others)
        self._list = landing
        self._bucket = facts
        self._kept = kept
        self._landing: LandingDays | None = None
        self._answers: dict[Query, pa.Table] = {}

    def fetch(self, query: Query) -> pa.Table:
        """The rows of a query; see :mod:`histlib.engines.queries`. Unchanged facts come as the same object.

        Raises:
            NotAHistoryError: the landing has no objects.
            SourceError: what Athena or S3 refuses, a query that failed, an object that cannot be read.
            RequestError: more would be scanned than the limit allows.
        """
        if isinstance(query, Streams) or self._landing is None:
            self._look()
        match query:
            case ItemChanges():
                return self._item_changes(query)
            case Upcoming(keys=keys, condition=condition):
                self._brought = Brought(keys, self._rows.many_rows(keys, condition, self._span)) if keys else None
                return pa.table({})
            case MatchingKeys(names=names):
                found = self._rows.matching_keys(key_parts(names), self._span)
                return pa.table({"keys": pa.array([text for text in found if has_values(text, names)], pa.string())})
            case Around():
                return self._rows.around(
                    query, self._span, self._baseline_days([one.stream for one in query.baselines])
                )
            case KeysBetween():
                return self._in_window(query, lambda days: self._rows.keys_between(query, days, unseen=self._unseen))
            case ChangeKeys():
                return self._in_window(query, lambda days: self._rows.change_keys(query, days))
            case Activity():
                return self._in_window(query, lambda days: self._rows.activity(query, days))
            case Sql(statement=statement):
                return self._rows.sql(statement, self._span)
        if query not in self._answers:
            self._answers[query] = self._facts(query)
        return self._answers[query]

    def _run(self, statement: Statement, *, bulk: bool) -> pa.Table:
        """What a statement yields, asked anew where the objects of its days are not as they were."""
        assert all(statement.days), "a statement that does not say which days it reads"
        read = self._now.of_days(statement.among) if statement.among else self._now
        asked = (statement.sql, statement.parameters, bulk, read.digest_between(*statement.days))
        return self._results.get(asked, lambda: self._ask(statement, read, bulk=bulk))

    def _ask(self, statement: Statement, read: LandingDays, *, bulk: bool) -> pa.Table:
        """Run a statement, unless all of this question's would scan more than is allowed; ``read`` has its days."""
        self._expected += read.bytes_between(*statement.days)
        changed = self._changed
        age = 0 if bulk else reuse_minutes(read, statement.days, read.revision, read.asked, table_changed=changed)
        if self._explained:
            explain(statement, read, age)
        self.runner.refuse(self._expected)
        return self.runner.unload(statement) if bulk else self.runner.rows(statement, reuse_minutes=age)

    def _look(self) -> None:
        """Take in what is new: once a question. Facts come first, so that none vouches for more than is read later.

        Facts that have not changed were known before any listing that begins now, so the two go side by side.
        """
        self._expected = 0
        self._brought = None
        known = self._landing
        with ThreadPoolExecutor(1) as pool:
            listing = pool.submit(self._list.fresh) if known is not None else None
            changed = self._bucket.refresh()
            if changed:
                self._answers.clear()
        self._landing = self._list.fresh() if listing is None or changed else listing.result()
        if known is None or _contents(known) != _contents(self._landing):
            self._answers.clear()

    def _facts(self, query: Query) -> pa.Table:
        match query:
            case Streams():
                days = list(self._now.days)
                rows = stream_rows(days, lambda some: self._by_day("streams", some, self._rows.streams_by_day))
                return pa.Table.from_pylist(rows, schema=STREAMS)
            case Attestations():
                return self._bucket.attestations()
            case NetWindows():
                return self._bucket.net_windows()
            case Holes():
                return self._bucket.holes(self._tables(), self._now, local=self._rows.local)
            case Baselines():
                return self._bucket.baselines(self._now, self._count)
            case Landing():
                return pa.table({"first_day": pa.array([self._now.first_micros], pa.int64())})
            case Attributes(exact=exact):
                names = self._in_images("attributes", self._rows.attributes_by_day, exact=exact)
                return pa.table({"name": pa.array(sorted(names), pa.string())})
            case Parts(path=path, exact=exact):
                ask = partial(self._rows.parts_by_day, path)
                parts = self._in_images(f"parts {format_path(path)}", ask, exact=exact)
                return pa.Table.from_pylist([{"kind": kind, "name": name} for kind, name in parts], schema=PARTS)
        raise RequestError(f"the Athena source has no answer to {query!r}", query)

    # --- the landing ---

    @property
    def _now(self) -> LandingDays:
        assert self._landing is not None
        return self._landing

    @property
    def _span(self) -> Days:
        """All days that have objects."""
        assert self._now.first is not None and self._now.last is not None
        return Days(self._now.first, self._now.last)

    def _by_day(
        self, kind: str, days: Sequence[str], ask: Callable[[Sequence[str]], Mapping[str, Any]]
    ) -> dict[str, Any]:
        """What was found out about each day before, or is now."""
        found = {day: self._kept.get(f"{kind} {day}", self._now.digest(day)) for day in days}
        unknown = [day for day in days if found[day] is None]
        if unknown:
            asked = ask(unknown)
            self._kept.put_all({f"{kind} {day}": (self._now.digest(day), asked[day]) for day in unknown})
            found.update(asked)
        return found

    def _in_images(self, kind: str, ask: Callable[[Sequence[str]], Mapping[str, Any]], *, exact: bool) -> set[Any]:
        """What the images of all days, or of the last ones, have."""
        days = list(self._now.days) if exact else list(self._now.days)[-_SAMPLE_DAYS:]
        found = self._by_day(kind, days, ask)
        return {tuple(one) if isinstance(one, list) else one for some in found.values() for one in some}

    def _in_window(
        self, query: KeysBetween | ChangeKeys | Activity, ask: Callable[[Days | None], pa.Table]
    ) -> pa.Table:
        return ask(self._landed(query.start, query.end).within(self._span))

    def _landed(self, start: int, end: int) -> Days:
        return landed(start, end, local=self._rows.local)

    # --- what the rows of items reach over ---

    def _item_changes(self, query: ItemChanges) -> pa.Table:
        """The rows of items from as few days as tell of the time that is asked for."""
        unbounded = query.start is None and query.end is None
        if unbounded and self._brought is not None and self._brought.has(query.keys):
            found = self._brought.of(query.keys)
            self._refuse_others(found)
            return found
        days = self._first_reach(query)
        found = self._rows.item_rows(query.keys, days)
        further = _FURTHER
        while True:
            reach = enough(found, query.keys, query.start, query.end, self._streams_from())
            wanted = self._wider(query, reach, days, further)
            if wanted == days:
                break
            parts = [self._rows.item_rows(query.keys, more) for more in self._beyond(days, wanted)]
            found = pa.concat_tables([found, *parts])
            days, further = wanted, further * 2
        self._refuse_others(found)
        return pa.concat_tables([found, *self._sightings(query.keys, reach, days)])

    def _first_reach(self, query: ItemChanges) -> Days:
        """The days of the time asked for, and one before: an item that people ask about has often just changed."""
        whole = self._span
        first = whole.first if query.start is None else self._moved(self._landed(query.start, query.start).first, -1)
        last = whole.last if query.end is None else self._landed(query.end, query.end).last
        return Days(min(max(first, whole.first), whole.last), max(min(last, whole.last), whole.first))

    def _wider(self, query: ItemChanges, reach: Reach, days: Days, further: int) -> Days:
        """The days that must be read, as far as is known from those that have been."""
        first, last = days
        if query.start is not None:
            earliest = reach.earliest
            first = self._moved(first, -further) if earliest is None else self._landed(earliest, earliest).first
        if query.end is not None:
            latest = None if reach.latest is None else reach.latest + FILE_SPAN
            last = self._moved(last, further) if latest is None else self._landed(latest, latest).last
        return Days(min(days.first, max(first, self._span.first)), max(days.last, min(last, self._span.last)))

    def _moved(self, day: str, by: int) -> str:
        """The day with objects that comes so many days with objects later (or earlier); the last (first) at most."""
        days = list(self._now.days)
        at = sum(one < day for one in days) + by
        return days[max(0, min(at, len(days) - 1))]

    def _beyond(self, days: Days, wanted: Days) -> list[Days]:
        """The days in ``wanted`` before and after ``days``."""
        present = list(self._now.days)
        sides = (
            [day for day in present if wanted.first <= day < days.first],
            [day for day in present if days.last < day <= wanted.last],
        )
        return [Days(side[0], side[-1]) for side in sides if side]

    def _sightings(self, keys: Sequence[str], reach: Reach, days: Days) -> list[pa.Table]:
        """The items' rows of baselines that were read within reach but landed on other days."""
        found = []
        for manifest in self._manifests():
            early = reach.earliest is not None and manifest.read_end < reach.earliest
            late = reach.latest is not None and manifest.read_begin > reach.latest
            missing = [day for day in _days_of(manifest) if not days.first <= day <= days.last]
            if missing and not early and not late:
                rows = self._rows.item_rows(keys, Days(min(missing), max(missing)))
                found.append(rows.filter(pc.equal(rows.column("stream"), manifest.stream)))
        return found

    def _streams_from(self) -> int | None:
        rows = self.fetch_known(Streams()).to_pylist()
        return min((row["first_micros"] for row in rows if (row["stream"] or "").startswith("arn:")), default=None)

    def _refuse_others(self, rows: pa.Table) -> None:
        """Few days were looked at to know whose changes these are: what others hold shows only now. ``rows`` have some
        of the columns ``table``, ``stream`` and ``keys``."""
        if "table" in rows.column_names:
            check_tables([*self._tables(), *pc.unique(rows.column("table")).to_pylist()])
        if "keys" in rows.column_names:
            by = ["form", *(["stream"] if "stream" in rows.column_names else [])]
            formed = rows.append_column("form", key_forms(rows.column("keys")))
            samples = formed.group_by(by).aggregate([("keys", "min")]).to_pylist()
            known = [(row["stream"], row["keys"]) for row in self.fetch_known(Streams()).to_pylist()]
            check_read([(one.get("stream"), one["keys_min"]) for one in samples], known, streams="stream" in by)

    # --- facts that other answers rest on ---

    def fetch_known(self, query: Query) -> pa.Table:
        """A fact as this question knows it already: nothing is looked at anew."""
        if query not in self._answers:
            self._answers[query] = self._facts(query)
        return self._answers[query]

    def _tables(self) -> list[str | None]:
        found: list[str | None] = self.fetch_known(Streams()).column("table").to_pylist()
        return found

    @property
    def _unseen(self) -> bool:
        """Whether some changes do not show what they left."""
        views = self.fetch_known(Streams()).column("view").to_pylist()
        return any(view not in _NEW_IMAGES for view in views)

    def _manifests(self) -> list[Manifest]:
        texts = self.fetch_known(Baselines()).column("manifest").to_pylist()
        found = []
        for text in texts:
            try:
                manifest = read_manifest(text)
            except ValueError:
                continue
            if manifest is not None:
                found.append(manifest)
        return found

    def _baseline_days(self, streams: Sequence[str]) -> Days | None:
        """The days of the rows of these baselines."""
        days = [day for one in self._manifests() if one.stream in streams for day in _days_of(one)]
        return Days(min(days), max(days)) if days else None

    def _count(self, manifest: Manifest) -> int:
        """The distinct keys of a baseline's rows, counted once while its days stay as they are."""
        days = _days_of(manifest)
        if not days:
            return 0
        span = Days(min(days), max(days))
        name, digest = f"keys of {manifest.stream}", self._now.digest_between(*span)
        known = self._kept.get(name, digest)
        if known is None:
            known = self._rows.count_keys([manifest.stream], span)[manifest.stream]
            self._kept.put(name, digest, known)
        return int(known)


def _days_of(manifest: Manifest) -> list[str]:
    """The datedays of a baseline's files."""
    return ["/".join(file.split("/")[-4:-1]) for file in manifest.files]


def _contents(landing: LandingDays) -> tuple[Any, ...]:
    """What tells one state of a landing from another."""
    return landing.digest_between("", "9999"), landing.problems
