"""A history: the questions that can be asked of one table's changes."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from histlib.opening import Options, default_source, open_source
from histlib.questions.changes import ChangeQuestions
from histlib.questions.coverage import CoverageQuestion
from histlib.questions.sql import SqlQuestion
from histlib.questions.tables import TableQuestions
from histlib.questions.values import ValueQuestions
from histlib.values.keys import KeySchema

if TYPE_CHECKING:
    from histlib.answers.frames import ResultFrame


class History(ValueQuestions, TableQuestions, ChangeQuestions, CoverageQuestion, SqlQuestion):
    """All changes of one table, from one source. Made by :func:`connect`."""

    @property
    def table(self) -> str:
        """The table's name."""
        return self._facts().table

    @property
    def account(self) -> str:
        """The table's AWS account id."""
        return self._facts().account

    @property
    def region(self) -> str:
        """The table's Region."""
        return self._facts().region

    @property
    def key_schema(self) -> KeySchema:
        """Names and types of the key's attributes: of the latest key, where the table was made anew with another."""
        return self._facts().key_schema

    @property
    def captured_through(self) -> datetime | None:
        """Up to when changes have surely landed (with no attestations: the last change's time)."""
        return self._time(self._facts().coverage.captured_through)

    @property
    def completeness(self) -> str:
        """``attested`` where the pipeline attests what it captured, else ``observed``."""
        return "attested" if self._facts().coverage.attested else "observed"

    @property
    def queries(self) -> ResultFrame:
        """What this history has asked Athena so far, in order, and what that cost; a local one has no rows.

        Columns: :data:`histlib.answers.athena_queries.QUERY_COLUMNS`. ``sql`` can be pasted into Athena's console.
        """
        from histlib.answers.athena_queries import queries_frame

        return queries_frame(self._opened.queries, self._tz, self._opened.name)

    def __repr__(self) -> str:
        through = self.captured_through
        captured = through.isoformat(sep=" ") if through else "not known"
        return f"<History of {self._origin(self._facts())} · {self.completeness} · captured through {captured}>"


def connect(  # noqa: PLR0913 — the signature of the design
    source: str | Path | None = None,
    *,
    profile: str | None = None,
    region: str | None = None,
    session: Any = None,
    tz: str = "UTC",
    cache: str | Path | None = None,
    max_scan_bytes: int | None = None,
    explain: bool = False,
) -> History:
    """Open a history.

    Args:
        source: a folder, ``s3://bucket/prefix``, ``athena://database/table`` (also ``?workgroup=…&output=s3://…``:
            the workgroup, if not ``primary``, and where results go, if it does not say), ``export:FOLDER``
            (DynamoDB exports; ``?key=pk,sk`` where only full ones are there), ``sample:`` (also ``sample:orders``,
            ``sample:todo``), or a name from ``histlib.toml``; default: the environment variable ``HISTLIB_SOURCE``.
        profile, region, session: as whom and where to ask AWS; a local history refuses them.
        tz: IANA zone of naive times that go in and of all times that come out.
        cache: where the index of a local history, and the copy of one in S3, is kept; default: the index beside
            the history, else the user's cache folder.
        max_scan_bytes: for sources on AWS, bytes that one question may read there; from S3 only what is new is
            read, by default at most 1 GiB; Athena scans the objects of the days that an answer needs, by default any
            number. What would read more is refused before it begins.
        explain: for ``athena://``: before each statement runs, its SQL with all values in place, its days, the bytes
            that S3 lists for them and the most that it costs are shown, on standard error or in the notebook. Later
            statements depend on the answers of earlier ones, so they are run. Answers stay the same.

    Raises:
        RequestError: no such source, or none given.
        SourceError: it cannot be read.
    """
    options = Options(Path(cache) if cache is not None else None, profile, region, session, max_scan_bytes, explain)
    history = History(open_source(default_source() if source is None else str(source), options), tz)
    history._facts()
    return history
