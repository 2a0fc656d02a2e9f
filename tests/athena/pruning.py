"""Which partitions a SELECT admits: the parts of its WHERE that speak of partition columns alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlglot import exp


def conditions(select: exp.Expression, partitions: Iterable[str]) -> list[exp.Expression]:
    """The parts of a SELECT's WHERE (joined by AND) that name only partition columns, and one at least."""
    where = select.args.get("where")
    names = set(partitions)
    parts = where.this.flatten() if where and isinstance(where.this, exp.And) else [where.this] if where else []
    return [part for part in map(_unnested, parts) if _only(part, names)]


def _unnested(part: exp.Expression) -> exp.Expression:
    while isinstance(part, exp.Paren) and not isinstance(part.this, exp.Or):
        part = part.this
    return part


def _only(part: exp.Expression, names: set[str]) -> bool:
    columns = [column.name.lower() for column in part.find_all(exp.Column)]
    return bool(columns) and set(columns) <= names and part.find(exp.Query, exp.AggFunc) is None


def query_of(parts: Sequence[exp.Expression], partitions: Sequence[str], source: str) -> exp.Expression:
    """A SELECT that gives the partitions of ``source`` for which all these parts hold."""
    bare = [_bare(part.copy()) for part in parts]
    return exp.select(*(exp.column(name, quoted=True) for name in partitions)).from_(source).where(*bare)


def _bare(part: exp.Expression) -> exp.Expression:
    """The part with its columns' tables left out."""
    for column in part.find_all(exp.Column):
        column.set("table", None)
        column.set("db", None)
    return part
