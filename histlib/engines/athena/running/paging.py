"""Small answers: the pages of a query's result, typed, and proof that none is missing and none came twice."""

from __future__ import annotations

from typing import Any, Final

import pyarrow as pa
import pyarrow.csv as pc

from histlib.engines.athena.running.costs import Query
from histlib.engines.athena.running.watching import StoppedError
from histlib.engines.raw_sql.writing.trino import answer_type
from histlib.stores.aws.errors import errors
from histlib.stores.s3.address import split

#: Rows of one GetQueryResults, as many as Athena gives; the first row of the first page has the names.
PAGE: Final = 1_000
#: Bytes read at once from a result's file: more than a row can have (32 MB).
_BLOCK: Final = 1 << 26


def typed(cursor: Any, columns: pa.Schema | None, query: Query) -> pa.Table:
    """All rows that a cursor of PyAthena yields; NULL and ``''`` stay what they are.

    Raises:
        ValueError: it has other columns, or a value is none of its type.
        StoppedError: nobody waits for it.
    """
    names = [one[0].lower() for one in cursor.description]
    if columns is None:
        columns = pa.schema([(one[0], answer_type(one[1], one[4] or 0, one[5] or 0)) for one in cursor.description])
    if names != [name.lower() for name in columns.names]:
        raise ValueError(f"it has the columns {names}, expected {columns.names}")
    tables = [columns.empty_table()]
    while page := cursor.fetchmany(PAGE):
        if query.stopping.is_set():
            raise StoppedError
        if {len(row) for row in page} != {len(columns)}:
            raise ValueError("a row lacks values")
        arrays = [pa.array(values, field.type) for values, field in zip(zip(*page, strict=True), columns, strict=True)]
        tables.append(pa.Table.from_arrays(arrays, schema=columns))
    return pa.concat_tables(tables)


def check_whole(found: pa.Table, query: Query, athena: Any, s3: Any) -> None:
    """Compare what the pages had with what Athena wrote, where there was a full page.

    A page without the mark that another follows would pass for the last one, and one that came twice for two.

    Raises:
        ValueError: they differ, or nothing tells how many there are.
    """
    rows = found.num_rows
    if rows < PAGE - 1:
        return
    expected = _rows_written(query, found.schema, s3)
    if expected is None:
        expected = _rows_counted(query, athena)
    if expected is None:
        raise ValueError(
            "nothing tells whether its pages are all: allow s3:GetObject on Athena's output location, or "
            "athena:GetQueryRuntimeStatistics"
        )
    if rows != expected:
        raise ValueError(f"its pages have {rows:,} rows, and Athena wrote {expected:,}; ask again")


def _rows_written(query: Query, columns: pa.Schema, s3: Any) -> int | None:
    """Rows in the result's file, None where it cannot be read or there is none (managed results)."""
    if not query.execution.output_location:
        return None
    bucket, key = split(query.execution.output_location)
    try:
        with s3.get_object(Bucket=bucket, Key=key)["Body"] as body:
            content = body.read()
    except errors():
        return None
    table = pc.read_csv(
        pa.BufferReader(content),
        read_options=pc.ReadOptions(block_size=_BLOCK),
        parse_options=pc.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        convert_options=pc.ConvertOptions(column_types={name.lower(): pa.binary() for name in set(columns.names)}),
    )
    return int(table.num_rows)


def _rows_counted(query: Query, athena: Any) -> int | None:
    """Rows by Athena's statistics, which come late or never."""
    try:
        found = athena.get_query_runtime_statistics(QueryExecutionId=query.id)["QueryRuntimeStatistics"]
    except errors():
        return None
    rows = found.get("Rows", {}).get("OutputRows")
    return None if rows is None else int(rows)
