"""An engine for the stand-in that runs a statement's SQL as it is, over tables that a test gives it."""

from __future__ import annotations

import io
import threading
from collections.abc import Sequence
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from tests.support.athena.aws import client_of
from tests.support.athena.engines import Answer, Cancelled, EngineError
from tests.support.athena.executions import bucket_and_key

_TYPES = {pa.string(): "varchar", pa.int64(): "bigint", pa.int32(): "integer", pa.bool_(): "boolean"}


class PlainEngine:
    """``tables`` by name; ``scanned``: bytes that each query costs; ``files``: how many an UNLOAD writes.

    ``damage`` may change the content of each file; an UNLOAD ``stuck`` has written one file and goes on for ever.
    """

    def __init__(self, url: str) -> None:
        self._s3 = client_of(url, "s3")
        self.reset()

    def reset(self) -> None:
        """Nothing there, nothing wrong."""
        self.tables: dict[str, pa.Table] = {}
        self.scanned = 0
        self.files = 3
        self.damage: Any = None
        self.stuck = threading.Event()
        self.sticks = False

    def _table(self, sql: str, parameters: Sequence[str]) -> pa.Table:
        connection = duckdb.connect()
        for name, table in self.tables.items():
            connection.register(name, table)
        try:
            connection.execute(f"PREPARE it AS {sql}")
            return connection.sql(f"EXECUTE it({', '.join(parameters)})" if parameters else sql).to_arrow_table()
        except duckdb.Error as error:
            raise EngineError(f"SYNTAX_ERROR: {error}") from error

    def select(self, sql: str, parameters: Sequence[str], database: str, stop: threading.Event) -> Answer:
        """Rows as texts."""
        table = self._table(sql, parameters)
        columns = [(field.name, _TYPES[field.type]) for field in table.schema]
        rows = [tuple(map(_text, row.values())) for row in table.to_pylist()]
        return Answer(columns, rows, self.scanned)

    def unload(
        self,
        select: str,
        parameters: Sequence[str],
        database: str,
        location: str,
        options: dict[str, str],
        stop: threading.Event,
    ) -> tuple[list[str], int, int]:
        """Rows as Parquet files."""
        table = self._table(select, parameters)
        size = -(-table.num_rows // self.files) or 1
        names = []
        for number, start in enumerate(range(0, table.num_rows, size)):
            stream = io.BytesIO()
            pq.write_table(table.slice(start, size), stream, compression=options["compression"])
            names.append(f"{location}{number}.parquet")
            bucket, key = bucket_and_key(names[-1])
            content = stream.getvalue()
            self._s3.put_object(Bucket=bucket, Key=key, Body=self.damage(content) if self.damage else content)
            if self.sticks:
                self.stuck.set()
                stop.wait()
                raise Cancelled
        return names, table.num_rows, self.scanned

    def define(self, sql: str, database: str) -> Answer:
        """Nothing to define here."""
        raise EngineError("SYNTAX_ERROR: no definitions here")


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return str(value).lower() if isinstance(value, bool) else str(value)
