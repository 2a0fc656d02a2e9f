"""DuckDB, for raw SQL only: an engine in memory that sees the rows of the index and nothing else.

It has no files, no network, no extensions and no settings that a statement could change. Rows come from the Parquet
files by way of Arrow, which reads only the columns and row groups that are wanted and checks each page.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any, Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from duckdb import sqltypes
from duckdb.func import ARROW, SPECIAL

from histlib.engines.bulk.inputs import DamagedIndexError
from histlib.engines.queries import UNSEEN
from histlib.engines.raw_sql.days import Days
from histlib.engines.raw_sql.looks import Look, looks_of
from histlib.engines.raw_sql.statement import Statement
from histlib.engines.raw_sql.writing.duckdb import DuckDbText, duckdb_text
from histlib.engines.raw_sql.writing.duckdb_images import reader, value_json
from histlib.errors import RequestError
from histlib.format.days import day_of_file

#: Rows of an answer that are taken at once.
_BATCH: Final = 65_536
#: Parts of the memory setting: what the engine may hold, and an answer. What is being read takes the rest, and under
#: 2 GiB more than that: Arrow reads ahead, up to about 0.7 GiB of wide rows, and takes no bound.
_ENGINE, _ANSWER = 0.5, 0.25
#: Seconds in which an interrupted statement should end.
_PATIENCE: Final = 0.1
#: How DuckDB begins to say that Arrow could not read.
_READING: Final = "reading the stream registered as"
_SETTINGS: Final = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
    "temp_directory": "",
    "integer_division": "true",
}


def run_over(statement: Statement, rows_on: Callable[[Days], ds.Dataset | pa.Table], memory: int) -> pa.Table:
    """The answer to a statement; interrupted as soon as the caller is.

    ``rows_on`` gives the rows (:data:`histlib.format.rows.ROW_SCHEMA`) of some days, others too.

    Raises:
        RequestError: what the engine refuses, or what does not fit into ``memory`` bytes.
        DamagedIndexError: rows that are not as they were written.
    """
    text = duckdb_text(statement.tree, statement.params)
    scans = {scan.name: rows_on(scan.days) for scan in statement.scans}
    engine = f"{int(memory * _ENGINE) >> 10}KiB"
    with duckdb.connect(":memory:", config={**_SETTINGS, "memory_limit": engine}) as connection:
        for name, rows in scans.items():
            connection.register(name, rows)
        _add_functions(connection, text)
        connection.execute("SET lock_configuration = true")
        answer = _interruptible(connection, lambda: _answer(connection, text, memory))
    unseen = json.dumps(_unseen(statement, scans), ensure_ascii=False)
    return answer.replace_schema_metadata({UNSEEN: unseen.encode()})


def _unseen(statement: Statement, rows: Mapping[str, ds.Dataset | pa.Table]) -> list[str]:
    """The dotted names that no image has of the days that may be wanted, whichever rows the answer needed."""
    wanted = looks_of(statement.tree)
    read = {scan.days: rows[scan.name] for scan in statement.scans}
    for days, some in read.items():
        for batch in _images(some, days, {look.column for looks in wanted.values() for look in looks}):
            wanted = {name: looks for name, looks in wanted.items() if not any(_is_there(batch, one) for one in looks)}
            if not wanted:
                return []
    return sorted(wanted)


def _images(rows: ds.Dataset | pa.Table, days: Days, columns: set[str]) -> Iterator[pa.RecordBatch]:
    """Some columns of the rows that are of these days.

    Raises:
        DamagedIndexError: rows that are not as they were written.
    """
    dataset = ds.dataset(rows) if isinstance(rows, pa.Table) else rows
    try:
        for batch in dataset.to_batches(columns=[*columns, "file"], batch_size=_BATCH):
            files = pc.unique(batch.column("file"))
            admitted = [file for file in files.to_pylist() if days.admits(day_of_file(file))]
            yield batch.filter(pc.is_in(batch.column("file"), pa.array(admitted, pa.string()))) if days.tests else batch
    except (OSError, pa.ArrowException) as error:
        raise DamagedIndexError(str(error)) from error


def _is_there(batch: pa.RecordBatch, look: Look) -> bool:
    images = batch.column(look.column).drop_null()
    return any(_has(image.as_py(), look) for image in images)


def _has(image: str, look: Look) -> bool:
    try:
        return value_json(image, look.path, wrapped=look.wrapped) is not None
    except ValueError:
        return False  # no JSON: who reads it is told


def _add_functions(connection: duckdb.DuckDBPyConnection, text: DuckDbText) -> None:
    """Make the functions of images known."""
    for (function, path), name in text.functions.items():
        read = _vectorised(reader(function, path))
        connection.create_function(name, read, [sqltypes.VARCHAR], sqltypes.VARCHAR, type=ARROW, null_handling=SPECIAL)


def _vectorised(read: Callable[[str | None], str | None]) -> Callable[..., Any]:
    return lambda images: pa.array(map(read, images.to_pylist()), pa.string())


def _answer(connection: duckdb.DuckDBPyConnection, text: DuckDbText, memory: int) -> pa.Table:
    try:
        parsed = connection.extract_statements(text.sql)
        if [one.type for one in parsed] != [duckdb.StatementType.SELECT]:
            raise RequestError("sql() only reads: expected one SELECT", text.sql)
        stream = connection.sql(parsed[0], params=dict(text.params)).to_arrow_reader(_BATCH)
        return _gathered(stream, memory)
    except (duckdb.Error, pa.ArrowException) as error:
        raise _translated(error, memory) from error


def _gathered(stream: pa.RecordBatchReader, memory: int) -> pa.Table:
    batches, size = [], 0
    for batch in stream:
        batches.append(batch)
        size += batch.nbytes
        if size > memory * _ANSWER:
            raise _too_large(memory)
    return pa.Table.from_batches(batches, stream.schema)


def _translated(error: Exception, memory: int) -> Exception:
    message = str(error)
    if isinstance(error, duckdb.OutOfMemoryException) or "out of memory" in message.lower():
        return _too_large(memory)
    if _READING in message:
        return DamagedIndexError(message)
    told = message.partition("\n")[0].partition(" Use TRY(")[0].strip()
    return RequestError(f"the engine refused: {told}", told)


def _too_large(memory: int) -> RequestError:
    return RequestError(
        f"the statement takes more memory than HISTLIB_MEMORY ({memory >> 20:,} MiB) allows; read fewer days "
        "(dateday = 'yyyy/MM/dd') or columns, add a LIMIT, or set HISTLIB_MEMORY higher, like 8GiB",
        memory,
    )


def _interruptible(connection: duckdb.DuckDBPyConnection, work: Callable[[], pa.Table]) -> pa.Table:
    """Work in another thread, so that Ctrl-C reaches this one and stops the other."""
    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(work)
        try:
            return working.result()
        except BaseException:
            while not working.done():  # it may be about to begin, and would not notice
                connection.interrupt()
                wait([working], _PATIENCE)
            raise
