"""The quick engine: Trino's SQL on DuckDB. Where the two differ unseen it proves nothing; the real Trino does."""

from __future__ import annotations

import itertools
import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import boto3
import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from sqlglot import exp

from tests.support.athena import pruning, trino_functions, views
from tests.support.athena.engines import Answer, Cancelled, EngineError
from tests.support.athena.executions import bucket_and_key
from tests.support.athena.glue_tables import PATH, Found, GlueTable, Landing, get_table
from tests.support.athena.result_texts import narrowed, reason, text, type_name
from tests.support.athena.trino_sql import parse, to_duckdb

#: Into how many files an UNLOAD writes, so that no test leans on their order.
_FILES = 3


class DuckDBEngine:
    """Answers from moto's Glue and S3 at ``url``; the scanned bytes are the sizes of the objects that were read."""

    def __init__(self, url: str) -> None:
        session = boto3.Session(aws_access_key_id="testing", aws_secret_access_key="testing", region_name="eu-west-1")
        self._glue = session.client("glue", endpoint_url=url)
        self._s3 = session.client("s3", endpoint_url=url)
        self._landing = Landing(self._s3)
        self._database = duckdb.connect(config={"threads": 1})  # small tables: more only get in their way
        trino_functions.install(self._database)

    def select(self, sql: str, parameters: Sequence[str], database: str, stop: threading.Event) -> Answer:
        """Run a SELECT; see :class:`tests.support.athena.engines.Engine`."""
        table, scanned = self._run(sql, parameters, database, stop)
        columns = [(field.name, type_name(field.type)) for field in table.schema]
        values = [list(map(text, column.to_pylist())) for column in table.columns]
        return Answer(columns, list(zip(*values, strict=True)), scanned)

    def unload(
        self,
        select: str,
        parameters: Sequence[str],
        database: str,
        location: str,
        options: dict[str, str],
        stop: threading.Event,
    ) -> tuple[list[str], int, int]:
        """Run a SELECT into Parquet files, in no order; see :class:`tests.support.athena.engines.Engine`."""
        if options.get("format", "").upper() != "PARQUET":
            raise EngineError(f"NOT_SUPPORTED: the stand-in unloads to PARQUET only, got {options}")
        table, scanned = self._run(select, parameters, database, stop)
        for field in table.schema:
            if pa.types.is_timestamp(field.type) and field.type.tz:
                raise EngineError(f"NOT_SUPPORTED: Unsupported Hive type: {type_name(field.type)}")
        parts = [table.take(pa.array(range(at, len(table), _FILES), pa.int64())) for at in reversed(range(_FILES))]
        files = [self._put(part, location, options) for part in parts if len(part)]
        return files, len(table), scanned

    def _put(self, part: pa.Table, location: str, options: dict[str, str]) -> str:
        sink = pa.BufferOutputStream()
        pq.write_table(part, sink, compression=options.get("compression", "GZIP").lower())
        bucket, prefix = bucket_and_key(location)
        key = f"{prefix}{uuid.uuid4()}"
        self._s3.put_object(Bucket=bucket, Key=key, Body=sink.getvalue().to_pybytes())
        return f"s3://{bucket}/{key}"

    def define(self, sql: str, database: str) -> Answer:
        """Make or drop a view, or show what there is; see :class:`tests.support.athena.engines.Engine`."""
        return views.define(self._glue, sql, database, self._columns)

    def _columns(self, sql: str, database: str) -> list[tuple[str, str]]:
        table, _ = self._run(f"SELECT * FROM ({sql}) LIMIT 0", (), database, threading.Event())
        return [(field.name, type_name(field.type)) for field in table.schema]

    def _run(self, sql: str, parameters: Sequence[str], database: str, stop: threading.Event) -> tuple[pa.Table, int]:
        """The result, and how many bytes were read for it."""
        connection = self._database.cursor()
        connection.execute("SET integer_division = true; SET TimeZone = 'UTC'")
        try:
            tree = parse(sql, parameters)
            found = _Tables(self, connection, database).put_into(tree)
            with _stopped(connection, stop):
                table = connection.sql(to_duckdb(tree)).to_arrow_table()
            return narrowed(table), sum(one.size for one in found)
        except duckdb.InterruptException:
            raise Cancelled from None
        except duckdb.Error as error:
            raise EngineError(reason(error)) from error
        finally:
            connection.close()

    def read(self, table: GlueTable, connection: Any, where: Sequence[exp.Expression]) -> tuple[pa.Table, list[Found]]:
        """The rows of the partitions for which these conditions hold, and their objects."""

        def admitted(partitions: list[tuple[str, ...]]) -> set[tuple[str, ...]]:
            names = list(table.partitions)
            if not where or not partitions:
                return set(partitions)
            known = pa.table([pa.array(column, pa.string()) for column in zip(*partitions, strict=True)], names)
            connection.register("partitions_found", known)
            asked = to_duckdb(pruning.query_of(where, names, "partitions_found"))
            return set(connection.execute(asked).fetchall())

        objects = self._landing.objects(table, admitted)
        return self._landing.rows(table, objects), objects

    def table(self, database: str, name: str) -> GlueTable:
        """A table or view of the catalog."""
        return get_table(self._glue, database, name)


class _Tables:
    """Puts the rows of Glue's tables where a query names them."""

    def __init__(self, engine: DuckDBEngine, connection: Any, database: str) -> None:
        self._engine, self._connection, self._default = engine, connection, database
        self._found: dict[str, Found] = {}
        self._number = 0

    def put_into(self, tree: exp.Expression, outer: Sequence[exp.Expression] = ()) -> list[Found]:
        """Replace the names of tables and views; the objects that were read, each once.

        ``outer``: conditions on partition columns that the query around a view has.
        """
        for node in list(tree.find_all(exp.Table)):
            if not _is_local(node):
                self._put(node, outer)
        return list(self._found.values())

    def _put(self, node: exp.Table, outer: Sequence[exp.Expression]) -> None:
        table = self._engine.table(node.db or self._default, node.name)
        select, alias = node.find_ancestor(exp.Select), node.alias or node.name
        if table.view is not None:
            node.replace(self._view(table, alias, pruning.conditions(select, alias, ["dateday"])))
            return
        where = pruning.conditions(select, alias, table.partitions)
        where += outer if table.partitions and _passes(select, table) else []
        rows, objects = self._engine.read(table, self._connection, where)
        self._found.update({one.uri: one for one in objects})
        self._number += 1
        self._connection.register(f"glue_{self._number}", rows)
        node.replace(_aliased(self._number, alias))
        _hide(select)

    def _view(self, table: GlueTable, alias: str, outer: Sequence[exp.Expression]) -> exp.Expression:
        inner = parse(views.sql_of(table.view), ())
        self.put_into(inner, outer)
        return exp.Subquery(this=inner, alias=exp.TableAlias(this=exp.to_identifier(alias, quoted=True)))


def _aliased(number: int, alias: str) -> exp.Table:
    return exp.Table(
        this=exp.to_identifier(f"glue_{number}"), alias=exp.TableAlias(this=exp.to_identifier(alias, quoted=True))
    )


def _is_local(node: exp.Table) -> bool:
    """Whether a name is that of a WITH around it, or no name at all (UNNEST, VALUES)."""
    if not isinstance(node.this, exp.Identifier):
        return True
    return not node.db and node.name.lower() in _names_around(node)


def _names_around(node: exp.Expression) -> set[str]:
    """The names that WITHs define for a place: inside of one of them, those before it."""
    names: set[str] = set()
    inside, above = node, node.parent
    while above is not None:
        if isinstance(above, exp.With):
            names |= {
                one.alias.lower()
                for one in itertools.takewhile(lambda one, inside=inside: one is not inside, above.expressions)
            }
        elif not isinstance(inside, exp.With) and (with_ := above.args.get("with_")):
            names |= {one.alias.lower() for one in with_.expressions}
        inside, above = above, above.parent
    return names


def _passes(select: exp.Expression | None, table: GlueTable) -> bool:
    """Whether a SELECT, all of a view, only passes its table's partition columns on, so that a condition may go in."""
    shaping = ("group", "limit", "distinct", "having", "qualify", "joins", "offset")
    if select is None or select.parent is not None or any(select.args.get(name) for name in shaping):
        return False
    plain = {one.name for one in select.expressions if isinstance(one, exp.Column)}
    return set(table.partitions) <= plain and select.find(exp.Window, exp.AggFunc) is None


def _hide(select: exp.Expression | None) -> None:
    """Keep the hidden column out of the SELECT's ``*`` and ``name.*``."""
    for one in select.expressions if select else []:
        star = one.this if isinstance(one, exp.Column) else one
        if isinstance(star, exp.Star):
            star.set("except_", [exp.to_identifier(PATH, quoted=True)])


@contextmanager
def _stopped(connection: Any, stop: threading.Event) -> Iterator[None]:
    """Interrupt what the connection does when ``stop`` is set."""
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            if stop.wait(0.02):
                connection.interrupt()
                done.wait(0.02)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
