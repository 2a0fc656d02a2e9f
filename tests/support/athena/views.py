"""Views and SHOW: kept in and told from Glue's catalog, a view as Athena keeps it there."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from typing import Any

from tests.support.athena.engines import Answer, EngineError

_NAME = r'(?:"?(?P<database>[\w-]+)"?\.)?"?(?P<name>[\w-]+)"?'
_CREATE = re.compile(
    rf"^\s*CREATE\s+(?P<replace>OR\s+REPLACE\s+)?VIEW\s+{_NAME}\s+AS\s+(?P<sql>.*?);?\s*$", re.S | re.I
)
_DROP = re.compile(rf"^\s*DROP\s+VIEW\s+(?P<maybe>IF\s+EXISTS\s+)?{_NAME}\s*;?\s*$", re.S | re.I)
_SHOW = re.compile(
    r"^\s*SHOW\s+(DATABASES|SCHEMAS|TABLES|VIEWS)(?:\s+(?:IN|FROM)\s+`?\"?([\w-]+)\"?`?)?\s*;?\s*$", re.I
)
_TEXT = re.compile(r"/\* Presto View: (?P<base64>\S+) \*/")

#: Gives the columns of a SELECT in a database.
Columns = Callable[[str, str], list[tuple[str, str]]]


def sql_of(kept: str) -> str:
    """The SELECT of a view, from what Glue keeps of it."""
    found = _TEXT.fullmatch(kept.strip())
    if found is None:
        raise EngineError("INVALID_VIEW: line 1:15: Invalid view JSON")
    return str(json.loads(base64.b64decode(found["base64"]))["originalSql"])


def define(glue: Any, sql: str, database: str, columns: Columns) -> Answer:
    """Run a CREATE [OR REPLACE] VIEW, DROP VIEW or SHOW."""
    if found := _CREATE.match(sql):
        return _create(glue, found, database, columns)
    if found := _DROP.match(sql):
        return _drop(glue, found, database)
    if found := _SHOW.match(sql):
        return _show(glue, found[1].upper(), found[2] or database)
    raise EngineError(f"NOT_SUPPORTED: the stand-in runs SELECT, UNLOAD, views and SHOW only, got {sql[:80]!r}")


def _create(glue: Any, found: re.Match[str], default: str, columns: Columns) -> Answer:
    database, name = (found["database"] or default).lower(), found["name"].lower()
    told = columns(found["sql"], database)
    view = {
        "originalSql": found["sql"],
        "catalog": "awsdatacatalog",
        "schema": database,
        "columns": [{"name": column, "type": kind} for column, kind in told],
    }
    kept = base64.b64encode(json.dumps(view).encode()).decode()
    table = {
        "Name": name,
        "TableType": "VIRTUAL_VIEW",
        "Parameters": {"presto_view": "true", "comment": "Presto View"},
        "ViewOriginalText": f"/* Presto View: {kept} */",
        "ViewExpandedText": "/* Presto View */",
        "StorageDescriptor": {"Columns": [{"Name": column, "Type": _glue_type(kind)} for column, kind in told]},
    }
    try:
        glue.create_table(DatabaseName=database, TableInput=table)
    except glue.exceptions.AlreadyExistsException:
        if not found["replace"]:
            raise EngineError(f"ALREADY_EXISTS: View already exists: '{database}.{name}'") from None
        glue.update_table(DatabaseName=database, TableInput=table)
    return Answer([], [])


def _glue_type(kind: str) -> str:
    """Athena's type as Glue writes it; what is nested goes as it is, since nothing here reads it."""
    return {"varchar": "string", "integer": "int", "timestamp(3)": "timestamp", "varbinary": "binary"}.get(kind, kind)


def _drop(glue: Any, found: re.Match[str], default: str) -> Answer:
    database, name = (found["database"] or default).lower(), found["name"].lower()
    try:
        glue.delete_table(DatabaseName=database, Name=name)
    except glue.exceptions.EntityNotFoundException:
        if not found["maybe"]:
            raise EngineError(f"TABLE_NOT_FOUND: line 1:1: View '{database}.{name}' does not exist") from None
    return Answer([], [])


def _show(glue: Any, what: str, database: str) -> Answer:
    if what in ("DATABASES", "SCHEMAS"):
        return _names("database_name", [one["Name"] for one in glue.get_databases()["DatabaseList"]])
    pages = glue.get_paginator("get_tables").paginate(DatabaseName=database.lower())
    tables = [one for page in pages for one in page["TableList"]]
    if what == "VIEWS":
        return _names("views", [one["Name"] for one in tables if one.get("TableType") == "VIRTUAL_VIEW"])
    return _names("tab_name", [one["Name"] for one in tables])


def _names(column: str, names: list[str]) -> Answer:
    return Answer([(column, "string")], [(name,) for name in sorted(names)])
