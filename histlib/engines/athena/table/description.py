"""What the Glue catalog says of a table: whether it is a history, where it lies, and which days it can see."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from histlib.engines.athena.table.address import Address
from histlib.engines.athena.table.glue import each, get
from histlib.engines.athena.table.projection import ProjectionError, hidden_days, projected
from histlib.errors import NotAHistoryError, RequestError
from histlib.format.folders import CHANGES
from histlib.format.record import COLUMNS
from histlib.stores.s3 import address as s3
from histlib.values.times import to_micros

#: A table property that marks a history; its value is the format.
MARK: Final = "histlib.format"

_CATALOG: Final = "AwsDataCatalog"
_STRUCT: Final = "struct"
#: Columns of the article's table: name → Glue type, or how it begins.
_OLD_COLUMNS: Final = {
    "action": "string",
    "keys": _STRUCT,
    "new_image": _STRUCT,
    "old_image": _STRUCT,
    "timestamp": "bigint",
}
_COLUMNS: Final = {1: COLUMNS, 0: _OLD_COLUMNS}


@dataclass(frozen=True)
class TableDescription:
    """A history as the Glue catalog describes it.

    ``format`` is 1, or 0 for the article's table. ``location`` is where the history lies, ``days`` the key prefix in
    that bucket below which ``yyyy/MM/dd/`` are. ``columns``: name → Glue type, without the partition's. ``projected``:
    first and last dateday that queries see, as the table says it (``2012/01/01``, ``NOW``). ``marked``: the table
    itself says that it is a history. ``altered``: when it last was, epoch µs. ``reads_restored``: Athena reads objects
    that were restored from an archive (the property ``read_restored_glacier_objects``).
    """

    database: str
    table: str
    format: int
    location: s3.Address
    days: str
    columns: Mapping[str, str]
    projected: tuple[str, str]
    marked: bool
    altered: int = 0
    reads_restored: bool = False

    def hidden(self, days: Iterable[str], today: str) -> list[str]:
        """Which of these datedays (``yyyy/MM/dd``) no query of this table sees, whatever lies there."""
        return hidden_days(days, self.projected, today)


def describe(glue: Any, address: Address, profile: str | None = None) -> TableDescription:
    """The history that an address names. ``glue`` is boto3's client for Glue.

    Raises:
        RequestError: no such database or table, or a data catalog that is not Glue's.
        NotAHistoryError: the table is something else, or queries would miss days of it; says what it lacks.
        SourceError: the catalog cannot be asked.
    """
    if address.catalog != _CATALOG:
        raise RequestError(
            f"catalog {address.catalog}: only {_CATALOG} is read; make a resource link there to the table",
            address.catalog,
        )
    return description_of(find_table(glue, address.database, address.table, profile))


def find_table(glue: Any, database: str, table: str, profile: str | None = None) -> dict[str, Any]:
    """A table or view as Glue has it, under the name that was asked for; a resource link is followed.

    Raises:
        RequestError: there is none; names what is near to it.
        SourceError: the catalog cannot be asked.
    """
    wanted = f"{database}.{table}"
    found = get(glue, "get_table", "Table", wanted, profile, DatabaseName=database, Name=table)
    if found is None:
        raise _missing(glue, database, table, profile)
    if target := found.get("TargetTable"):
        linked = {"CatalogId": target["CatalogId"], "DatabaseName": target["DatabaseName"], "Name": target["Name"]}
        found = get(glue, "get_table", "Table", wanted, profile, **linked) or found
    return {**found, "DatabaseName": database, "Name": table}


def description_of(table: Mapping[str, Any]) -> TableDescription:
    """The history that a table in the shape of Glue's API is.

    Raises:
        NotAHistoryError: it is something else, or queries would miss days of it; says why.
    """
    name = f"{table['DatabaseName']}.{table['Name']}"
    if is_view(table):
        raise NotAHistoryError(f"{name} is a view; name the table that the view reads", name)
    columns = columns_of(table)
    form = 0 if columns.get("keys", "").startswith(_STRUCT) else 1
    if wrong := [*_wrong(columns, _COLUMNS[form]), *(() if form else _names_lost(table))]:
        raise NotAHistoryError(f"{name} is no history: {'; '.join(wrong)}", name)
    parameters = table.get("Parameters", {})
    try:
        place, seen = projected(parameters, [key["Name"] for key in table.get("PartitionKeys", [])])
    except ProjectionError as error:
        raise NotAHistoryError(f"{name} would leave out days without saying so: {error}", name) from error
    days = s3.parse_address(place)
    above, _, last = days.prefix.rpartition("/")
    location = s3.Address(days.bucket, above if last == CHANGES else days.prefix)
    marked = MARK in parameters
    altered = table.get("UpdateTime") or table.get("CreateTime")
    return TableDescription(
        table["DatabaseName"],
        table["Name"],
        form,
        location,
        days.base,
        columns,
        seen,
        marked,
        to_micros(altered) if altered else 0,
        parameters.get("read_restored_glacier_objects", "").lower() == "true",
    )


def looks_like_history(table: Mapping[str, Any]) -> bool:
    """Whether a table in Glue's shape is marked as a history, or has the columns of one."""
    columns = columns_of(table)
    fits = not all(_wrong(columns, expected) for expected in _COLUMNS.values())
    return not is_view(table) and (MARK in table.get("Parameters", {}) or fits)


def is_view(table: Mapping[str, Any]) -> bool:
    """Whether a table in Glue's shape is a view."""
    return table.get("TableType") == "VIRTUAL_VIEW"


def columns_of(table: Mapping[str, Any]) -> dict[str, str]:
    """The columns of a table in Glue's shape, partitions left out: name → Glue type."""
    return {column["Name"]: column.get("Type", "") for column in table.get("StorageDescriptor", {}).get("Columns", [])}


def _wrong(columns: Mapping[str, str], expected: Mapping[str, str]) -> list[str]:
    """What a history has and these columns have not; empty where they are a history's."""
    missing = [name for name in expected if name not in columns]
    other = [
        f"{name} is {columns[name]}, expected {kind}"
        for name, kind in expected.items()
        if name in columns and columns[name].partition("<")[0] != kind
    ]
    return [f"it lacks {', '.join(missing)}", *other] if missing else other


def _names_lost(table: Mapping[str, Any]) -> list[str]:
    """What makes the SerDe read null where a line's name has capitals (seen on Trino 435): Glue's names have none."""
    properties = table.get("StorageDescriptor", {}).get("SerdeInfo", {}).get("Parameters", {})
    if properties.get("case.insensitive", "").lower() != "false":
        return []
    return ["its SerDe's property case.insensitive is false, so that names with capitals are not seen; take it out"]


def _missing(glue: Any, database: str, table: str, profile: str | None) -> RequestError:
    if get(glue, "get_database", "Database", database, profile, Name=database) is None:
        found = each(glue, "get_databases", "DatabaseList", "the Glue catalog", profile)
        return RequestError(
            f"there is no database {database} in this account and Region; {_near(database, found)}", database
        )
    found = each(glue, "get_tables", "TableList", database, profile, DatabaseName=database)
    return RequestError(f"there is no table {table} in {database}; {_near(table, found)}", table)


def _near(wanted: str, found: Iterable[Mapping[str, Any]]) -> str:
    names = [one["Name"] for one in found]
    close = get_close_matches(wanted.lower(), names, 3, 0.5)
    if close:
        return f"did you mean {' or '.join(close)}?"
    return f"there are {', '.join(names[:5])}{' …' if names[5:] else ''}" if names else "there is none at all"
