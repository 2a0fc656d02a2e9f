"""Tables as Glue's catalog has them: columns, and the objects of the partitions that a query admits."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from tests.support.athena.engines import EngineError
from tests.support.athena.executions import bucket_and_key
from tests.support.athena.hive_json import arrow_type, read

#: Hidden from queries: any part of a key that begins so.
_HIDDEN = re.compile(r"(^|/)[_.]")
_UNITS = {"YEARS": 365, "MONTHS": 30, "WEEKS": 7, "DAYS": 1, "HOURS": 1 / 24, "MINUTES": 1 / 1_440}
#: The hidden column that holds a row's object, ``s3://…``.
PATH = "$path"


@dataclass(frozen=True)
class GlueTable:
    """A table; of a view ``view`` is what Glue keeps of it."""

    database: str
    name: str
    location: str
    columns: dict[str, str]
    partitions: dict[str, str]
    parameters: dict[str, str]
    view: str | None = None

    @property
    def template(self) -> str:
        """Where a partition lies: ``s3://bucket/prefix/${dateday}/``."""
        return self.parameters.get("storage.location.template", self.location)


@dataclass(frozen=True)
class Found:
    """An object of a table, with the values of its partition."""

    bucket: str
    key: str
    etag: str
    size: int
    partition: tuple[str, ...]

    @property
    def uri(self) -> str:
        """Its address."""
        return f"s3://{self.bucket}/{self.key}"


def get_table(glue: Any, database: str, name: str) -> GlueTable:
    """A table of the catalog; the errors are Trino's."""
    try:
        told = glue.get_table(DatabaseName=database.lower(), Name=name.lower())["Table"]
    except glue.exceptions.EntityNotFoundException:
        raise EngineError(_missing(glue, database, name)) from None
    storage = told.get("StorageDescriptor", {})
    return GlueTable(
        database,
        name,
        storage.get("Location", ""),
        {one["Name"]: one["Type"] for one in storage.get("Columns", [])},
        {one["Name"]: one["Type"] for one in told.get("PartitionKeys", [])},
        told.get("Parameters", {}),
        told.get("ViewOriginalText") if told.get("TableType") == "VIRTUAL_VIEW" else None,
    )


def _missing(glue: Any, database: str, name: str) -> str:
    databases = {one["Name"] for one in glue.get_databases()["DatabaseList"]}
    if database.lower() not in databases:
        return f"SCHEMA_NOT_FOUND: line 1:15: Schema '{database.lower()}' does not exist"
    return f"TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.{database.lower()}.{name.lower()}' does not exist"


class Landing:
    """Lists and reads tables' objects; what has been read is kept by its ETag."""

    def __init__(self, s3: Any) -> None:
        self._s3 = s3
        self._read: dict[tuple[Any, ...], pa.Table] = {}

    def objects(
        self, table: GlueTable, admitted: Callable[[list[tuple[str, ...]]], set[tuple[str, ...]]]
    ) -> list[Found]:
        """The objects of the partitions that ``admitted`` leaves of all that have objects."""
        found = [one for one in self._listed(table) if _projected(table, one.partition)]
        left = admitted(sorted({one.partition for one in found}))
        return [one for one in found if one.partition in left]

    def _listed(self, table: GlueTable) -> Iterator[Found]:
        template = table.template if table.template.endswith("/") else f"{table.template}/"
        bucket, key = bucket_and_key(template)
        pieces = re.split(r"\$\{(\w+)\}", key)
        form = "".join(re.escape(one) if at % 2 == 0 else _form(table, one) for at, one in enumerate(pieces))
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=pieces[0])
        for one in (one for page in pages for one in page.get("Contents", [])):
            matched = re.match(form, one["Key"])
            if matched and not _HIDDEN.search(one["Key"][matched.end() :]) and not one["Key"].endswith("/"):
                partition = tuple(matched[name] for name in table.partitions)
                yield Found(bucket, one["Key"], one["ETag"], one["Size"], partition)

    def rows(self, table: GlueTable, objects: list[Found]) -> pa.Table:
        """All rows of these objects: the columns, the partition's, and :data:`PATH`."""
        with ThreadPoolExecutor(8) as pool:
            parts = list(pool.map(lambda one: self._rows(table, one), objects))
        return pa.concat_tables([_empty(table), *parts])

    def _rows(self, table: GlueTable, one: Found) -> pa.Table:
        kept = (one.uri, one.etag, one.partition, tuple(table.columns.items()))
        if kept not in self._read:
            raw = self._s3.get_object(Bucket=one.bucket, Key=one.key)["Body"].read()
            try:
                rows = read(raw, one.key, table.columns)
            except ValueError as error:
                raise EngineError(f"HIVE_CURSOR_ERROR: Failed to read file at {one.uri}: {error}") from error
            for name, value in zip((*table.partitions, PATH), (*one.partition, one.uri), strict=True):
                rows = rows.append_column(name, pa.repeat(pa.scalar(value, pa.string()), len(rows)))
            self._read[kept] = rows
        return self._read[kept]


def _empty(table: GlueTable) -> pa.Table:
    kinds = [(name, arrow_type(kind)) for name, kind in table.columns.items()]
    more = [(name, pa.string()) for name in (*table.partitions, PATH)]
    return pa.schema([*kinds, *more]).empty_table()


def _form(table: GlueTable, name: str) -> str:
    """The pattern of a partition's values in keys: as its format, else anything without a slash."""
    text = table.parameters.get(f"projection.{name}.format")
    return f"(?P<{name}>{re.sub('[A-Za-z]', 'd', text).replace('d', chr(92) + 'd') if text else '[^/]+'})"


def _projected(table: GlueTable, partition: tuple[str, ...]) -> bool:
    """Whether projection knows of the partition: of one outside its range nothing is read, and nothing said."""
    if table.partitions and table.parameters.get("projection.enabled") != "true":
        raise EngineError(f"NOT_SUPPORTED: {table.name} has partitions without projection")
    for name, value in zip(table.partitions, partition, strict=True):
        if table.parameters.get(f"projection.{name}.type") == "date":
            first, last = (_day(part) for part in table.parameters[f"projection.{name}.range"].split(","))
            if not first <= value <= last:
                return False
    return True


def _day(text: str) -> str:
    """An end of a projection's range of days: a day, or ``NOW`` with an offset."""
    found = re.fullmatch(r"NOW(?:([+-]\d+)(\w+))?", text.strip())
    if found is None:
        return text.strip()
    days = int(found[1]) * _UNITS[found[2]] if found[1] else 0
    return f"{datetime.now(UTC) + timedelta(days=days):%Y/%m/%d}"
