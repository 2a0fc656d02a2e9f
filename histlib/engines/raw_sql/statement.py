"""A statement that was checked: what an engine may run, and what of the history it reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Any

from sqlglot import exp

from histlib.engines.raw_sql.compare import compare_by_type, simplify
from histlib.engines.raw_sql.days import Days, days_of
from histlib.engines.raw_sql.families import check_families, check_sorting, families
from histlib.engines.raw_sql.names import Lookup, history_tables, name_columns, resolve
from histlib.engines.raw_sql.params import bind
from histlib.engines.raw_sql.parse import parse
from histlib.errors import RequestError


@dataclass(frozen=True)
class Scan:
    """One reading of the history: the name it has in the tree, and the days of arrival that may be wanted."""

    name: str
    days: Days


@dataclass(frozen=True)
class Statement:
    """A checked statement. In its ``tree``, the history is the tables named in ``scans`` and dotted names are
    functions of :mod:`histlib.engines.raw_sql.writing.duckdb_images`; ``params`` are the values to bind."""

    text: str
    tree: exp.Query = field(compare=False, repr=False)
    params: Mapping[str, Any] = field(hash=False)
    scans: tuple[Scan, ...]


def check(
    text: str,
    params: Mapping[str, Any] | None,
    keys: Mapping[str, str],
    lookup: Lookup,
    tz: tzinfo = UTC,
) -> Statement:
    """The statement of a text.

    Args:
        params: a value for each ``:name``.
        keys: the key's attributes, name → S, N or B.
        lookup: names of the attributes that images have; asked only where a dotted name needs it.
        tz: zone of naive datetimes in ``params``.

    Raises:
        RequestError: not a SELECT that is allowed, names that nothing has, comparisons that mix types.
    """
    tree = parse(text)
    try:
        return _checked(tree, text, params, (keys, lookup, tz))
    except RecursionError as error:
        raise RequestError("the SQL text is nested too deep", text[:200]) from error


def _checked(
    tree: exp.Query, text: str, params: Mapping[str, Any] | None, known: tuple[Mapping[str, str], Lookup, tzinfo]
) -> Statement:
    keys, lookup, tz = known
    values = bind(tree, params, tz)
    resolve(tree, keys, lookup, text)
    name_columns(tree)
    simplify(tree)
    tables = history_tables(tree)
    scans = [Scan(f"histlib_scan_{at}", days_of(table, values)) for at, table in enumerate(tables)]
    found = families(tree, tables)
    check_families(tree, found, text)
    check_sorting(tree, found, text)
    compare_by_type(tree, found, values, text)
    for table, scan in zip(tables, scans, strict=True):
        if not table.alias:
            table.set("alias", exp.TableAlias(this=exp.to_identifier(table.name, quoted=True)))
        table.set("this", exp.to_identifier(scan.name, quoted=True))
        table.set("db", None)
        table.set("catalog", None)
    return Statement(text, tree, values, tuple(scans))
