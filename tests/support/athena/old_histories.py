"""Histories of the article in the AWS of tests: its files, and its table as people declare it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import boto3

from tests.support.athena.aws import OUTPUT
from tests.support.athena.catalog_tables import article_table
from tests.support.athena.histories import WORKGROUP, upload

DATABASE, TABLE, BUCKET = "dynamodb_update_database", "todo_item_update_table", "updates"
BEFORE_MEMO = "struct<todoid:string,title:string,done:boolean>"
WITH_MEMO = "struct<todoid:string,title:string,done:boolean,memo:string>"


def put_old_history(folder: Path, image: str, keys: str = "struct<todoid:string>", **other: str) -> str:
    """Upload the article's files and declare its table over them; the address to connect to."""
    upload(folder, BUCKET, "dynamodb_item/")
    declare(image, keys, **other)
    return f"athena://{DATABASE}/{TABLE}?workgroup={WORKGROUP}&output={OUTPUT}"


def declare(image: str, keys: str = "struct<todoid:string>", *, old_image: str = "", **serde: str) -> None:
    """DROP TABLE, and CREATE it with other images, as the article does; ``old_image`` where that is declared unlike.

    ``serde``: further properties of the SerDe, ``__`` a dot.
    """
    glue = boto3.client("glue")
    if DATABASE not in {one["Name"] for one in glue.get_databases()["DatabaseList"]}:
        glue.create_database(DatabaseInput={"Name": DATABASE})
    if TABLE in {one["Name"] for one in glue.get_tables(DatabaseName=DATABASE)["TableList"]}:
        glue.delete_table(DatabaseName=DATABASE, Name=TABLE)
    table: dict[str, Any] = article_table(f"s3://{BUCKET}/dynamodb_item", TABLE)
    types = {"keys": keys, "new_image": image, "old_image": old_image or image}
    for column in table["StorageDescriptor"]["Columns"]:
        column["Type"] = types.get(column["Name"], column["Type"])
    properties = table["StorageDescriptor"]["SerdeInfo"]["Parameters"]
    properties.update({name.replace("__", "."): value for name, value in serde.items()})
    glue.create_table(DatabaseName=DATABASE, TableInput=table)
