"""One scan that keeps of each item only what a state at a moment rests on.

For a table of any size the engine folds: of each item the last change up to the moment, the first after it and, where a
question looks further, the first beyond. What is not plain it only marks ``odd``; :mod:`histlib.engines.bulk.fold` and
:mod:`histlib.rules.state` decide, on these rows as on all.
"""

from __future__ import annotations

from typing import Final

import pyarrow as pa

from histlib.engines.athena.statements.literals import literal
from histlib.engines.athena.statements.selects import BAD, BAD_FILE, rows_in
from histlib.engines.athena.statements.statement import Statement
from histlib.engines.queries import Around
from histlib.format.days import Days
from histlib.values.times import SECOND

#: What the fold looks at, and its type in Trino.
_PACKED: Final = {
    "new_image": "VARCHAR",
    "old_image": "VARCHAR",
    "stream": "VARCHAR",
    "sequence_number": "VARCHAR",
    "action": "VARCHAR",
    "timestamp_micros": "BIGINT",
    "actor": "VARCHAR",
    "redaction": "VARCHAR",
}
_ROW: Final = f"CAST(ROW({', '.join(_PACKED)}) AS ROW({', '.join(f'{name} {kind}' for name, kind in _PACKED.items())}))"
#: The columns that the fold asks of a change, beside its key.
PACKED: Final = tuple(_PACKED)
#: The three places around a moment.
PLACES: Final = ("latest", "following", "beyond")

#: Text order of the streams' ARNs is the order of their labels' times; numbers are padded.
_ORDER: Final = "stream || chr(1) || sequence_number"
#: Tells copies that differ from equal ones.
_DIGEST: Final = "coalesce(from_big_endian_64(xxhash64(to_utf8({}))), 0)".format(
    " || chr(1) || ".join(
        [
            "action",
            "CAST(timestamp_micros AS VARCHAR)",
            *(f"coalesce({name}, chr(2))" for name in ("new_image", "old_image", "actor", "redaction")),
        ]
    )
)


def around(table: str, days: Days, query: Around) -> Statement:
    """A row per item: ``keys``, ``odd``, ``one_table`` and ``other_table`` (least and greatest), and :data:`PACKED` for
    each of :data:`PLACES` (``latest_action`` …, null where there is none); and one with null ``keys`` and a
    ``bad_file`` where lines are no records.

    Items of which the condition is surely false, and whose chain surely has no gap, are left out.
    """
    last = query.last
    through = query.moment if query.through is None else query.through
    second = query.moment - query.moment % SECOND
    before, after = f"ord IS NOT NULL AND timestamp_micros <= {last}", f"ord IS NOT NULL AND timestamp_micros > {last}"
    beyond = f"ord IS NOT NULL AND timestamp_micros > {max(last, through)}"
    same = f"ord IS NOT NULL AND timestamp_micros BETWEEN {second} AND {second + SECOND - 1}"
    told = {
        "latest": f"max_by({_ROW}, ROW(ord, digest)) FILTER (WHERE {before})",
        "following": f"min_by({_ROW}, ROW(ord, digest)) FILTER (WHERE {after})",
        "beyond": f"min_by({_ROW}, ROW(ord, digest)) FILTER (WHERE {beyond})",
        "one_copy": f"max_by(digest, ROW(ord, digest)) FILTER (WHERE {before})",
        "other_copy": f"max_by(digest, ROW(ord, bitwise_not(digest))) FILTER (WHERE {before})",
        "next_copy": f"min_by(digest, ROW(ord, digest)) FILTER (WHERE {after})",
        "other_next_copy": f"min_by(digest, ROW(ord, bitwise_not(digest))) FILTER (WHERE {after})",
        "beyond_copy": f"min_by(digest, ROW(ord, digest)) FILTER (WHERE {beyond})",
        "other_beyond_copy": f"min_by(digest, ROW(ord, bitwise_not(digest))) FILTER (WHERE {beyond})",
        "last_ord": f"max(ord) FILTER (WHERE {before})",
        "next_ord": f"min(ord) FILTER (WHERE {after})",
        "highest": f"max(timestamp_micros) FILTER (WHERE {before})",
        "lowest_after": f"min(timestamp_micros) FILTER (WHERE {after})",
        "lowest_beyond": f"min(timestamp_micros) FILTER (WHERE {beyond})",
        "first_of_second": f"min(ord) FILTER (WHERE {same})",
        "last_of_second": f"max(ord) FILTER (WHERE {same})",
        "one_table": 'min("table")',
        "other_table": 'max("table")',
        "unordered": "coalesce(bool_or(ord IS NULL), FALSE)",
        "bad_file": "min(bad_file)",
    }
    rows = (
        f'SELECT keys, "table", {", ".join(_PACKED)}, {_ORDER} AS ord, {_DIGEST} AS digest, {BAD_FILE} '
        f"FROM {rows_in(table, days)} WHERE action <> 'BASELINE' OR {BAD}"
    )
    folded = f"SELECT keys, {', '.join(f'{sql} AS {name}' for name, sql in told.items())} FROM changes GROUP BY keys"
    shared = "first_of_second IS NOT NULL" if query.moment % SECOND else "first_of_second <> last_of_second"
    odd = (
        "unordered OR coalesce(one_table <> other_table, FALSE) "
        "OR coalesce(one_copy <> other_copy, FALSE) OR coalesce(next_copy <> other_next_copy, FALSE) "
        "OR coalesce(beyond_copy <> other_beyond_copy, FALSE) "
        "OR coalesce(last_ord >= next_ord, FALSE) OR coalesce(highest <> latest.timestamp_micros, FALSE) "
        "OR coalesce(lowest_after < following.timestamp_micros, FALSE) "
        f"OR coalesce(lowest_beyond < beyond.timestamp_micros, FALSE) OR coalesce({shared}, FALSE)"
    )
    columns = [f"{place}.{name} AS {place}_{name}" for place in PLACES for name in _PACKED]
    kept = _kept(query, max(last, through))
    sql = (
        f"WITH changes AS ({rows}), folded AS ({folded}), judged AS (SELECT *, {odd} AS odd FROM folded) "
        f"SELECT keys, odd, bad_file, one_table, other_table, {', '.join(columns)} FROM judged{kept}"
    )
    kinds = {"VARCHAR": pa.string(), "BIGINT": pa.int64()}
    packed = [(f"{place}_{name}", kinds[kind]) for place in PLACES for name, kind in _PACKED.items()]
    tables = [("one_table", pa.string()), ("other_table", pa.string())]
    schema = pa.schema([("keys", pa.string()), ("odd", pa.bool_()), ("bad_file", pa.string()), *tables, *packed])
    return Statement(sql, schema, (), days)


def _kept(query: Around, through: int) -> str:
    """The WHERE that leaves out what the fold would surely leave out; nothing where baselines may decide."""
    if query.condition is None or query.baselines:
        return ""
    image = "coalesce(latest.new_image, CASE WHEN latest IS NULL THEN following.old_image END)"
    unseen = (
        f"({image} IS NULL AND NOT coalesce(latest.action = 'REMOVE', FALSE) "
        "AND NOT coalesce(latest IS NULL AND following.action = 'INSERT', FALSE))"
    )
    proven = (
        "(latest.new_image = following.old_image AND latest.redaction IS NOT DISTINCT FROM following.redaction) "
        "OR (latest.action = 'REMOVE' AND following.action = 'INSERT' AND following.old_image IS NULL)"
    )
    follows = f"(following.timestamp_micros > {through} AND (latest IS NULL OR {proven}))"
    quiet = "TRUE" if query.through is None else f"coalesce(following IS NULL OR {follows}, FALSE)"
    may = query.condition.trino(keys="keys", image=image)
    holds = f"({image} IS NOT NULL AND coalesce({may}, TRUE))"
    lacking = query.condition.lacking.trino(keys="keys", image=image)
    redacted = "coalesce(latest.redaction, CASE WHEN latest IS NULL THEN following.redaction END) IS NOT NULL"
    blind = f"({redacted} AND {image} IS NOT NULL AND coalesce({lacking}, TRUE))"
    open_ones = f"NOT ({quiet}) OR NOT {_certain(query)}"
    return f" WHERE odd OR bad_file IS NOT NULL OR {unseen} OR {holds} OR {blind} OR {open_ones}"


def _certain(query: Around) -> str:
    """SQL that is true where what tells of an item lies inside of what is silent for certain."""
    if not query.silent:
        return "TRUE"
    inside = [
        f"(coalesce(latest.stream, following.stream) = {literal(one.stream)} "
        f"AND coalesce(latest.timestamp_micros >= {one.since}, following.timestamp_micros <= {one.until}))"
        for one in query.silent
        if one.stream is not None
    ]
    return f"coalesce({' OR '.join(['FALSE', *inside])}, FALSE)"
