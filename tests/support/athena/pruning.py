"""Which partitions a SELECT admits: the parts of its WHERE that speak of partition columns alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlglot import exp


def conditions(select: exp.Expression | None, source: str, partitions: Iterable[str]) -> list[exp.Expression]:
    """The parts of a SELECT's WHERE (joined by AND) that name only partition columns of ``source``, a name in its FROM.

    None where an outer join may make NULLs of what was not read.
    """
    where = select.args.get("where") if select else None
    joins = (select.args.get("joins") or []) if select else []
    if where is None or any(join.side for join in joins):
        return []
    parts = where.this.flatten() if isinstance(where.this, exp.And) else [where.this]
    names, alone = set(partitions), not joins
    return [part for part in map(_unnested, parts) if _only(part, source.lower(), names, alone)]


def _unnested(part: exp.Expression) -> exp.Expression:
    while isinstance(part, exp.Paren) and not isinstance(part.this, exp.Or):
        part = part.this
    return part


def _only(part: exp.Expression, source: str, names: set[str], alone: bool) -> bool:
    columns = list(part.find_all(exp.Column))
    own = all(
        column.name.lower() in names and (column.table.lower() == source or (alone and not column.table))
        for column in columns
    )
    return bool(columns) and own and part.find(exp.Query, exp.AggFunc) is None


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
