"""``python -m pipeline view``: a view for the Athena console, whose images are typed rows of all attributes seen.

So the article's queries run as they are written, and a new attribute appears when the command is run again; no table
is dropped, and nothing that lies in S3 is touched.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Final

import pyarrow as pa

from histlib.engines.athena.running.costs import Query, amount
from histlib.engines.athena.running.refusals import LONGEST
from histlib.engines.athena.running.runner import Runner
from histlib.engines.athena.statements.literals import identifier
from histlib.engines.athena.statements.statement import Statement
from histlib.engines.athena.table.address import Address, parse_address
from histlib.engines.athena.table.description import TableDescription, describe, is_view
from histlib.engines.athena.table.glue import get, make_glue
from histlib.errors import NotAHistoryError, RequestError, SourceError
from histlib.questions.histories import day_bounds
from histlib.stores.aws.session import make_session
from histlib.stores.s3.address import Address as Place
from histlib.stores.s3.client import make_client
from pipeline.view.attributes import Attribute, attributes_of, attributes_statement
from pipeline.view.text import MARK, Field, fields_of, view_select, view_statement

_NAME: Final = re.compile(r"(?:([a-z0-9_]{1,255})\.)?([a-z0-9_]{1,255})")
_STORED: Final = re.compile(r"/\* Presto View: ([A-Za-z0-9+/=\s]+)\*/")
_NOTHING: Final = pa.schema([])


@dataclass(frozen=True)
class ViewOptions:
    """What view to make of which table: ``source`` is ``athena://database/table?…``.

    ``name``: of the view, also ``database.name``; None: the table's with ``_view``. ``days``: attributes of so many
    last days only, None: of all. ``attributes``: only these, None: all. ``dry_run``: make nothing.
    """

    source: str
    name: str | None = None
    days: int | None = None
    attributes: tuple[str, ...] | None = None
    dry_run: bool = False
    profile: str | None = None
    region: str | None = None


@dataclass(frozen=True)
class View:
    """A view as made: its name, its fields, the datedays whose attributes they are, its SQL, and what it cost."""

    name: str
    keys: Sequence[Field]
    image: Sequence[Field]
    days: tuple[str, str]
    sql: str
    queries: Sequence[Query]


def make_view(options: ViewOptions) -> View:
    """Make the view, or make it anew with the attributes that there are now.

    Raises:
        RequestError: a name that is taken by something else, an attribute that there is not, or too many of them.
        SourceError: the table is no history of format 1, has no change yet, or AWS cannot be asked.
    """
    address = parse_address(options.source)
    session = make_session(options.profile, options.region, None)
    glue = make_glue(None, options.region, session)
    table = describe(glue, address, options.profile)
    if table.format != 1:
        raise NotAHistoryError(f"{address} is the article's own table: its columns are typed already", str(address))
    database, name = _view_name(options.name, address)
    _refuse_another(glue, database, name, options.profile)
    days = _days(table, make_client(None, options.region, session), options)
    runner = Runner(session, address, location=str(table.location), profile=options.profile)
    source = f"{identifier(table.database)}.{identifier(table.table)}"
    rows = runner.rows(attributes_statement(source, *days)).to_pylist()
    keys, image = _fields(attributes_of(rows), options.attributes, f"{address}, {days[0]} to {days[1]}")
    select = view_select(source, keys, image)
    sql = view_statement(f"{identifier(database)}.{identifier(name)}", select)
    _refuse_long(sql, image)
    if not options.dry_run:
        _try(runner, select, days[1], image)
        runner.rows(Statement(sql, _NOTHING))
    return View(f"{database}.{name}", keys, image, days, sql, runner.queries)


def report(view: View) -> Iterator[str]:
    """What a person wants to know of a view, line by line."""
    yield f"view {view.name}: attributes of the days {view.days[0]} to {view.days[1]}"
    for title, fields in (("keys", view.keys), ("new_image, old_image", view.image)):
        yield f"  {title}"
        yield from (f"    {line}" for line in _table(fields))
    yield f"  {MARK}"
    yield "    attributes of a row that its fields do not show as they are; where it is not empty, make the view anew"
    yield "  keys_json, new_image_json, old_image_json"
    yield "    the whole images, exact; only there do NULL and missing differ"
    scanned, cost = sum(query.scanned for query in view.queries), sum(query.cost for query in view.queries)
    yield f"{len(view.queries)} queries, {amount(scanned)} scanned, about ${cost:.4f}"


def _table(fields: Sequence[Field]) -> Iterator[str]:
    width = max(len(field.name) for field in fields)
    for field in fields:
        exact = f", attribute {field.attribute.name}" if field.attribute.name != field.name else ""
        yield f"{field.name:<{width}}  {field.type}{exact}"


def _view_name(given: str | None, address: Address) -> tuple[str, str]:
    text = given or f"{address.table}_view"
    match = _NAME.fullmatch(text)
    if not match:
        raise RequestError(f"{text!r} cannot name a view; expected NAME or DATABASE.NAME of a-z, 0-9 and _", text)
    return match[1] or address.database, match[2]


def _refuse_another(glue: Any, database: str, name: str, profile: str | None) -> None:
    """Raises RequestError where the name is taken by anything but a view that was made here."""
    place = f"{database}.{name}"
    there = get(glue, "get_table", "Table", place, profile, DatabaseName=database, Name=name)
    if there is None:
        return
    if not is_view(there):
        raise RequestError(f"{place} is a table, which is never replaced; choose another name by --name", place)
    stored = _STORED.search(there.get("ViewOriginalText", ""))
    sql = json.loads(base64.b64decode(stored[1]))["originalSql"] if stored else ""
    if not (MARK in sql and "new_image_json" in sql):
        raise RequestError(f"{place} is a view that was not made here; choose another name by --name", place)


def _days(table: TableDescription, s3: Any, options: ViewOptions) -> tuple[str, str]:
    """The first and last dateday whose attributes are wanted."""
    place = Place(table.location.bucket, table.days.rstrip("/"))
    bounds = day_bounds(s3, place, options.profile)
    if bounds is None:
        raise SourceError(f"{table.location}: nothing has landed yet, so no attribute is known; ask again later")
    first, last = bounds
    if options.days is not None:
        earliest = date(*map(int, last.split("/"))) - timedelta(days=options.days - 1)
        first = max(first, earliest.strftime("%Y/%m/%d"))
    return first, last


def _fields(found: Sequence[Attribute], wanted: tuple[str, ...] | None, where: str) -> tuple[list[Field], list[Field]]:
    """The fields of the key and of the images."""
    names = {one.name for one in found if one.part == "keys"}
    if not names:
        raise SourceError(f"{where}: no change there has a key; ask for more days")
    if wanted is not None:
        seen = {one.name for one in found}
        if unknown := [name for name in wanted if name not in seen]:
            raise RequestError(f"{where}: no image has {', '.join(unknown)}; names are exact", unknown)
        names |= set(wanted)
        found = [one for one in found if one.name in names]
    ordered = [one.name for one in found if one.part == "keys"]
    image = fields_of(found, "image", ordered) or fields_of([replace(one, part="image") for one in found], "image")
    return fields_of(found, "keys"), image


def _refuse_long(sql: str, image: Sequence[Field]) -> None:
    if (size := len(sql.encode())) > LONGEST:
        raise _too_many(image, f"its SQL would have {size:,} bytes, Athena takes {LONGEST:,}", LONGEST / size)


def _try(runner: Runner, select: str, day: str, image: Sequence[Field]) -> None:
    """Run what the view would be on one day, so that one that cannot run never takes the place of one that can."""
    sql = (
        f'SELECT count("keys") AS k, count(new_image) AS n, count(old_image) AS o, count({MARK}) AS m '
        f"FROM (\n{select}\n) WHERE dateday = '{day}'"
    )
    columns = pa.schema([pa.field(name, pa.int64()) for name in "knom"])
    try:
        runner.rows(Statement(sql, columns, days=(day, day)))
    except SourceError as error:
        if "COMPILER_ERROR" in str(error):
            raise _too_many(image, "Athena cannot compile a row of so many fields", 0.5) from error
        raise


def _too_many(image: Sequence[Field], why: str, share: float) -> RequestError:
    keep = int(len(image) * share * 0.95)
    rarest = sorted(image, key=lambda field: field.attribute.images)[: len(image) - keep]
    names = ", ".join(field.attribute.name for field in rarest[:10])
    return RequestError(
        f"{len(image):,} attributes are too many for one view: {why}. Leave out about {len(image) - keep:,}, by naming "
        f"those to show: --attributes NAME …; the rarest are {names}{' …' if rarest[10:] else ''}",
        len(image),
    )
