"""The histories that the Glue catalog of an account and Region knows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from histlib.answers.frames import ResultFrame, texts
from histlib.engines.athena.table.address import Address
from histlib.engines.athena.table.description import TableDescription, description_of, looks_like_history
from histlib.engines.athena.table.glue import each, make_glue
from histlib.errors import HistlibError, NotAHistoryError
from histlib.stores.aws.errors import errors
from histlib.stores.s3.address import Address as Place
from histlib.stores.s3.client import make_client
from histlib.stores.s3.errors import request_error

#: Columns of the answer, in order.
HISTORIES_COLUMNS: Final[dict[str, str]] = {
    "database": "of the Glue catalog, str",
    "table": "str",
    "first_day": "first dateday (yyyy/MM/dd) that is there, str; null where there is none or S3 was not let list it",
    "last_day": "last dateday that is there, str; null as above",
    "location": "s3://bucket/prefix, str; null where the table is broken",
    "format": "1, or 0 for the article's table, Int64; null where the table is broken",
    "source": "what connect() takes, str; null where the table is broken",
    "trouble": "why it cannot be asked as it is, or what of it not, str; empty if nothing",
}
#: How the folders of a year, a month and a day begin.
_DIGITS: Final = (4, 2, 2)


def histories(*, profile: str | None = None, region: str | None = None, session: Any = None) -> ResultFrame:
    """The histories in the Glue catalog, a row each (:data:`HISTORIES_COLUMNS`), by database and table.

    They are known by the table property ``histlib.format``, or by their columns, the article's tables too. A table
    that cannot be read as the history that it says it is has its reason in ``trouble``.

    Raises:
        HistlibError: the catalog cannot be asked.
    """
    import pandas as pd

    glue = make_glue(profile, region, session)
    s3 = make_client(profile, region, session)
    rows = [_row(table, s3, profile) for table in _tables(glue, profile)]
    rows.sort(key=lambda row: (row["database"], row["table"]))
    data = {name: [row.get(name) for row in rows] for name in HISTORIES_COLUMNS}
    columns = {name: pd.array(data[name], "Int64") if name == "format" else texts(data[name]) for name in data}
    frame = ResultFrame(columns)
    frame.attrs["histlib"] = {"heading": f"histories in the Glue catalog · {glue.meta.region_name}", "caveats": []}
    return frame


def day_bounds(client: Any, place: Place, profile: str | None = None) -> tuple[str, str] | None:
    """First and last day (``yyyy/MM/dd``) with anything in it below a place, by five short listings; None: nothing.

    Raises:
        HistlibError: S3 does not list it.
    """
    first, last = (_outermost(client, place, end, profile) for end in (0, -1))
    return None if first is None or last is None else (first, last)


def _tables(glue: Any, profile: str | None) -> Iterator[Mapping[str, Any]]:
    for database in each(glue, "get_databases", "DatabaseList", "the Glue catalog", profile):
        name = database["Name"]
        for table in each(glue, "get_tables", "TableList", name, profile, DatabaseName=name):
            if looks_like_history(table):
                yield {**table, "DatabaseName": name}


def _row(table: Mapping[str, Any], s3: Any, profile: str | None) -> dict[str, Any]:
    row = {"database": table["DatabaseName"], "table": table["Name"], "trouble": ""}
    try:
        found = description_of(table)
    except NotAHistoryError as error:
        return {**row, "trouble": str(error)}
    row |= {
        "location": str(found.location),
        "format": found.format,
        "source": str(Address(found.database, found.table)),
    }
    try:
        bounds = day_bounds(s3, Place(found.location.bucket, found.days.rstrip("/")), profile)
    except HistlibError as error:
        return {**row, "trouble": str(error)}
    if bounds is None:
        return {**row, "trouble": "nothing has landed yet"}
    return {**row, "first_day": bounds[0], "last_day": bounds[1], "trouble": _unseen(found, bounds)}


def _unseen(found: TableDescription, bounds: Iterable[str]) -> str:
    """A day at an end that queries never see: whatever else lies out there is not seen, either."""
    if hidden := found.hidden(bounds, datetime.now(UTC).strftime("%Y/%m/%d")):
        shown = ",".join(found.projected)
        return f"queries do not see {' and '.join(hidden)}: projection.dateday.range is {shown}; widen it"
    return ""


def _outermost(client: Any, place: Place, end: int, profile: str | None) -> str | None:
    parts: list[str] = []
    for digits in _DIGITS:
        below = Place(place.bucket, "/".join([*([place.prefix] if place.prefix else []), *parts]))
        folders = [name for name in _folders(client, below, profile) if len(name) == digits and name.isdecimal()]
        if not folders:
            return None
        parts.append(sorted(folders)[end])
    return "/".join(parts)


def _folders(client: Any, place: Place, profile: str | None) -> Iterator[str]:
    """The names of the folders right below a place."""
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=place.bucket, Prefix=place.base, Delimiter="/")
    try:
        for page in pages:
            for folder in page.get("CommonPrefixes", []):
                yield folder["Prefix"].removeprefix(place.base).rstrip("/")
    except errors() as error:
        raise request_error(error, place, "s3:ListBucket", profile) from error
