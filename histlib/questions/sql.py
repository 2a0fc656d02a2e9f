"""Raw SQL over the lines of a history, as the article does it with Athena."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

from histlib.engines.queries import UNSEEN, Attributes, Sql
from histlib.questions.asking import Asking
from histlib.rules import doubt
from histlib.rules.coverage.coverage import Hole
from histlib.values.times import DAY, HOUR, from_micros

if TYPE_CHECKING:
    from histlib.answers.frames import ResultFrame
    from histlib.engines.raw_sql import Statement

#: What every answer says of itself.
NOTICE: Final = "raw lines as they landed: duplicates are not removed, and rows have no order but what ORDER BY gives"
#: The dateday of a file.
_DAY: Final = re.compile(r"(?:^|/)(\d{4}/\d{2}/\d{2})/")
_LATENESS: Final = 2 * DAY


class SqlQuestion(Asking):
    """``sql``."""

    def sql(self, text: str, params: Mapping[str, Any] | None = None) -> ResultFrame:
        """The answer to one SELECT in Athena's SQL over the raw lines: duplicates are not removed.

        There is one table: any name, ``"database"."table"`` too, means this history. Its columns are those of the
        record (:data:`histlib.format.record.COLUMNS`), ``dateday`` (``yyyy/MM/dd`` of arrival) and ``file`` (also
        ``"$path"``); ``keys`` and the images are text (image JSON).

        Dots look into them: ``keys.todoid``, ``new_image.address.zip``. An attribute is named exactly, or uniquely but
        for case; one that no image has is an error. A dotted name is text: a string's text, numbers, booleans, lists
        and maps as image JSON, NULL where null or missing. Compared with a literal or parameter it goes by type:
        ``new_image.price = 0`` is true of the number 0 only, in all 38 digits, and false (not an error) of the text
        "0"; ``<>`` the reverse; ``<``, ``>``, ``BETWEEN`` and ``LIKE`` between types are NULL. To compute, CAST:
        ``sum(CAST(new_image.price AS DECIMAL(38, 2)))``, and to sort too (ORDER BY, min, max): as texts, 10 comes
        before 9, so that is an error. Grouping is by text, which does not tell 1 from "1". Text with number, and the
        like, is an error to compare.

        Allowed are WITH, UNION, JOIN, subqueries, GROUP BY, windows, ORDER BY, LIMIT and the functions in
        :mod:`histlib.engines.raw_sql.grammar`; / of whole numbers is whole, a division by zero is an error.

        Args:
            text: one SELECT.
            params: a value for each ``:name`` (str, bool, int, float, Decimal, datetime, date, None), bound by the
                engine. A naive datetime is in the history's zone; times in the table are UTC.

        Returns:
            The engine's columns: VARCHAR ``str`` (NA), whole numbers ``Int64``, DOUBLE ``float64`` (NULL is NaN),
            BOOLEAN ``boolean``, TIMESTAMP datetime64[us, UTC], DATE and DECIMAL ``str`` (all digits). A column
            without a name is ``_col0`` …, a dotted name's its last part.
            ``.attrs["histlib"]["notices"]`` says what holds of raw lines, ``completeness`` is always ``observed``.

        Raises:
            RequestError: not one SELECT, a part that is not allowed (with its place), or what the engine refuses.
            PathNotValidError: an attribute that no image has.
            SourceError: the history cannot be read.
        """
        from histlib.answers.frames import sql_frame
        from histlib.engines.raw_sql import check

        facts = self._facts()
        statement = check(text, params, facts.key_types, self._attributes, self._tz)
        answer = self._opened.source.fetch(Sql(statement))
        origin = self._origin(facts)
        attrs = origin.attrs(
            f"sql in {origin}",
            self._tz,
            "observed",
            doubt.told(
                doubt.of_lines(_missing(facts.coverage.holes, statement)),
                doubt.of_text(old_format=False, not_shown=facts.not_shown),
            ),
        )
        unseen = json.loads((answer.schema.metadata or {}).get(UNSEEN, b"[]"))
        attrs["notices"] = [NOTICE, *(f"no image that was read has {name}" for name in unseen)]
        attrs["sql"] = text
        return sql_frame(answer, attrs)

    def _attributes(self, exact: bool) -> list[str]:
        names: list[str] = self._opened.source.fetch(Attributes(exact=exact)).column("name").to_pylist()
        return names


def _missing(holes: tuple[Hole, ...], statement: Statement) -> list[Hole]:
    """What is known to be missing of the days that a statement reads."""
    return [hole for hole in holes if any(_touches(hole, scan.days.admits) for scan in statement.scans)]


def _touches(hole: Hole, admits: Any) -> bool:
    """Whether a hole may hide lines of days that are read: a damaged file those of its own day, an undelivered
    change those of the days on which it might have landed."""
    if hole.kind == "unreadable":
        day = _DAY.search(hole.file)
        return bool(admits(day[1] if day else None))
    if hole.start is None or hole.end is None:
        return True
    first, last = hole.start - HOUR, hole.end + _LATENESS
    days = range(first // DAY, last // DAY + 1)
    return len(days) > 3_660 or any(admits(f"{from_micros(day * DAY, UTC):%Y/%m/%d}") for day in days)
