"""The Glue table as the deployment template makes it, so that what is tested is what is deployed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from copy import deepcopy
from functools import cache
from typing import Any, Final

from samtranslator.yaml_helper import yaml_parse

from tests.support.places import ROOT

TEMPLATE: Final = ROOT / "pipeline" / "template.yaml"
ACCOUNT: Final = "123456789012"


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
    """The template, its functions unresolved, in their long form."""
    return deepcopy(_parsed(TEMPLATE.read_text(encoding="utf-8")))


@cache
def _parsed(text: str) -> dict[str, Any]:
    return yaml_parse(text)


def resolved(value: Any, names: Mapping[str, Any], conditions: Mapping[str, Any]) -> Any:
    """A part of the template as CloudFormation makes it of these names (parameters, resources) and its conditions."""
    match value:
        case {"Ref": str(name)}:
            return names[name]
        case {"Fn::Sub": [text, {**more}]}:
            more = {name: resolved(one, names, conditions) for name, one in more.items()}
            return _substituted(text, {**names, **more})
        case {"Fn::Sub": text}:
            return _substituted(text, names)
        case {"Fn::If": [name, yes, no]}:
            return resolved(yes if resolved(conditions[name], names, conditions) else no, names, conditions)
        case {"Fn::Equals": [one, other]}:
            return str(resolved(one, names, conditions)) == str(resolved(other, names, conditions))
        case {"Fn::Or": ones}:
            return any(resolved(one, names, conditions) for one in ones)
        case {"Fn::Not": [condition]}:
            return not resolved(condition, names, conditions)
        case dict():
            return {name: resolved(member, names, conditions) for name, member in value.items()}
        case list():
            return [resolved(member, names, conditions) for member in value]
    return value


def _properties(resource: str, bucket: str, prefix: str, database: str, table: str) -> dict[str, Any]:
    template = read_template()
    names = {name: parameter.get("Default") for name, parameter in template["Parameters"].items()}
    start = prefix.strip("/") + "/" if prefix.strip("/") else ""
    names |= {"HistoryBucket": bucket, "HistoryPrefix": start, "DatabaseName": database, "TableName": table}
    names |= {"HistoryDatabase": database, "HistoryTable": table, "AWS::AccountId": ACCOUNT}
    return resolved(template["Resources"][resource]["Properties"], names, template["Conditions"])


def _substituted(text: str, names: Mapping[str, Any]) -> str:
    return re.sub(r"\$\{(!?)([\w:]+)\}", lambda m: f"${{{m[2]}}}" if m[1] else names[m[2]], text)
