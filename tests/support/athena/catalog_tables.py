"""Tables as people make them in the Glue catalog, in the shape that boto3 takes."""

from __future__ import annotations

from typing import Any

from tests.support.athena.template import glue_table

IMAGE = "struct<todoid:string,title:string,done:boolean>"


def article_table(
    location: str = "s3://histories/dynamodb_item", name: str = "todo_item_update_table"
) -> dict[str, Any]:
    """The article's table, as its ``CREATE EXTERNAL TABLE`` makes it."""
    columns = {
        "action": "string",
        "keys": "struct<todoid:string>",
        "timestamp": "bigint",
        "timestamp_utc": "timestamp",
        "new_image": IMAGE,
        "old_image": IMAGE,
    }
    return {
        "Name": name,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {
            "EXTERNAL": "TRUE",
            "has_encrypted_data": "false",
            "projection.enabled": "true",
            "projection.dateday.type": "date",
            "projection.dateday.range": "2020/10/01,NOW",
            "projection.dateday.format": "yyyy/MM/dd",
            "projection.dateday.interval": "1",
            "projection.dateday.interval.unit": "DAYS",
            "storage.location.template": f"{location}/${{dateday}}",
        },
        "PartitionKeys": [{"Name": "dateday", "Type": "string"}],
        "StorageDescriptor": {
            "Columns": [{"Name": name, "Type": kind} for name, kind in columns.items()],
            "Location": f"{location}/",
            "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
            "OutputFormat": "org.apache.hadoop.hive.ql.io.IgnoreKeyTextOutputFormat",
            "SerdeInfo": {
                "SerializationLibrary": "org.openx.data.jsonserde.JsonSerDe",
                "Parameters": {"serialization.format": "1"},
            },
        },
    }


def changed(table: dict[str, Any], **parameters: str | None) -> dict[str, Any]:
    """A table with other parameters (``__`` for a dot), None taking one away."""
    named = {name.replace("__", "."): value for name, value in parameters.items()}
    kept = {name: value for name, value in {**table["Parameters"], **named}.items() if value is not None}
    return {**table, "Parameters": kept}


def history_table(**parameters: str | None) -> dict[str, Any]:
    """The template's table over ``s3://histories/of/things``, with other parameters."""
    return changed(glue_table("histories", "of/things", "db", "changes"), **parameters)
