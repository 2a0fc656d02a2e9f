"""A query's result as Athena stores it (CSV in S3) and as it sends it (pages of rows)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from tests.support.athena.engines import Answer

#: Precision and scale that Athena gives in ColumnInfo where the type does not say.
_SIZES = {
    "varchar": (2_147_483_647, 0),
    "bigint": (19, 0),
    "integer": (10, 0),
    "double": (17, 0),
    "timestamp": (3, 0),
}


def csv_of(answer: Answer) -> bytes:
    """The result file: every value quoted, quotes doubled, NULL an empty field without quotes."""
    names = [name for name, _ in answer.columns]
    return "".join(_line(row) for row in [names, *answer.rows]).encode()


def text_of(answer: Answer) -> bytes:
    """The result file of a statement that is no query: no header, tabs between values."""
    return "\n".join("\t".join(value or "" for value in row) for row in answer.rows).encode()


def _line(row: Iterable[str | None]) -> str:
    return ",".join("" if value is None else '"' + value.replace('"', '""') + '"' for value in row) + "\n"


def row_of(values: Iterable[str | None]) -> dict[str, Any]:
    """A row in a page: a NULL has no value at all."""
    return {"Data": [{} if value is None else {"VarCharValue": value} for value in values]}


def column_info(name: str, kind: str) -> dict[str, Any]:
    """ColumnInfo: the type's bare name, and its precision and scale apart."""
    bare = re.split(r"[(<]", kind, maxsplit=1)[0].strip()
    precision, scale = _SIZES.get(bare, (0, 0))
    if found := re.fullmatch(r"decimal\((\d+), ?(\d+)\)", kind):
        precision, scale = int(found[1]), int(found[2])
    return {
        "CatalogName": "hive",
        "SchemaName": "",
        "TableName": "",
        "Name": name,
        "Label": name,
        "Type": "timestamp with time zone" if kind.endswith("with time zone") else bare,
        "Precision": precision,
        "Scale": scale,
        "Nullable": "UNKNOWN",
        "CaseSensitive": bare == "varchar",
    }
