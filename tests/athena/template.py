"""The Glue table as the deployment template makes it, so that what is tested is what is deployed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import yaml

TEMPLATE: Final = Path(__file__).parents[2] / "pipeline" / "template.yaml"
ACCOUNT: Final = "123456789012"


class _Ref(str):
    """``!Ref name``."""


class _Sub(str):
    """``!Sub text``."""


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short functions."""


_Loader.add_constructor("!Ref", lambda loader, node: _Ref(loader.construct_scalar(node)))
_Loader.add_constructor("!Sub", lambda loader, node: _Sub(loader.construct_scalar(node)))


def glue_table(bucket: str, prefix: str, database: str, table: str) -> dict[str, Any]:
    """The ``TableInput`` of the template's table for a history at ``s3://bucket/prefix``."""
    return _properties("HistoryTable", bucket, prefix, database, table)["TableInput"]


def glue_database(database: str) -> dict[str, Any]:
    """The ``DatabaseInput`` of the template's database."""
    return _properties("HistoryDatabase", "bucket", "", database, "table")["DatabaseInput"]


def create_table(glue: Any, bucket: str, prefix: str, database: str, table: str) -> None:
    """Make the template's table in Glue, and its database where that is missing."""
    with suppress(glue.exceptions.AlreadyExistsException):
        glue.create_database(DatabaseInput=glue_database(database))
    glue.create_table(DatabaseName=database, TableInput=glue_table(bucket, prefix, database, table))


def read_template() -> dict[str, Any]:
    """The template, its functions unresolved."""
    return yaml.load(TEMPLATE.read_text(encoding="utf-8"), _Loader)


def _properties(resource: str, bucket: str, prefix: str, database: str, table: str) -> dict[str, Any]:
    template = read_template()
    names = {name: parameter.get("Default") for name, parameter in template["Parameters"].items()}
    start = prefix.strip("/") + "/" if prefix.strip("/") else ""
    names |= {"HistoryBucket": bucket, "HistoryPrefix": start, "DatabaseName": database, "TableName": table}
    names |= {"HistoryDatabase": database, "HistoryTable": table, "AWS::AccountId": ACCOUNT}
    return _resolved(template["Resources"][resource]["Properties"], names)


def _resolved(value: Any, names: Mapping[str, str | None]) -> Any:
    match value:
        case _Ref():
            return names[str(value)]
        case _Sub():
            return re.sub(r"\$\{(!?)([\w:]+)\}", lambda m: f"${{{m[2]}}}" if m[1] else names[m[2]], value)
        case dict():
            return {name: _resolved(member, names) for name, member in value.items()}
        case list():
            return [_resolved(member, names) for member in value]
    return value
