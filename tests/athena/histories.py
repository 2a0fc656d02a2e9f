"""Histories in the AWS of tests: a landing folder put into S3, and the Glue table over it."""

from __future__ import annotations

from pathlib import Path

import boto3

from athena.aws import OUTPUT
from histlib.record import COLUMNS

WORKGROUP = "primary"


def put_history(
    folder: Path, bucket: str = "histories", prefix: str = "things/", database: str = "histories", table: str = "things"
) -> str:
    """Upload a history's folder (as :func:`landings.put` makes it) and make its table; the address to connect to.

    Bucket and database are made where they are not there. Once more with the same names: uploads what is in the
    folder now.
    """
    upload(folder, bucket, prefix)
    make_table(bucket, prefix, database, table)
    return f"athena://{database}/{table}?workgroup={WORKGROUP}&output={OUTPUT}"


def upload(folder: Path, bucket: str, prefix: str) -> list[str]:
    """Upload the files of a folder, hidden folders left out; their keys."""
    s3 = boto3.client("s3")
    if bucket not in {one["Name"] for one in s3.list_buckets()["Buckets"]}:
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    keys = []
    for path in files:
        parts = path.relative_to(folder)
        if not any(part.startswith(".") for part in parts.parts):
            keys.append(prefix + parts.as_posix())
            s3.put_object(Bucket=bucket, Key=keys[-1], Body=path.read_bytes())
    return keys


def make_table(bucket: str, prefix: str, database: str, table: str) -> None:
    """Make, or make anew, the Glue database and table of a history that lies at this prefix (ends in ``/``)."""
    glue = boto3.client("glue")
    if database not in {one["Name"] for one in glue.get_databases()["DatabaseList"]}:
        glue.create_database(DatabaseInput={"Name": database})
    if table in {one["Name"] for one in glue.get_tables(DatabaseName=database)["TableList"]}:
        glue.delete_table(DatabaseName=database, Name=table)
    glue.create_table(DatabaseName=database, TableInput=table_input(bucket, prefix, table))


def table_input(bucket: str, prefix: str, table: str) -> dict[str, object]:
    """What Glue is told of a history's table."""
    location = f"s3://{bucket}/{prefix}changes/"
    return {
        "Name": table,
        "TableType": "EXTERNAL_TABLE",
        "PartitionKeys": [{"Name": "dateday", "Type": "string"}],
        "Parameters": {
            "EXTERNAL": "TRUE",
            "classification": "json",
            "histlib.format": "1",
            "projection.enabled": "true",
            "projection.dateday.type": "date",
            "projection.dateday.format": "yyyy/MM/dd",
            "projection.dateday.range": "2012/01/01,NOW",
            "projection.dateday.interval": "1",
            "projection.dateday.interval.unit": "DAYS",
            "storage.location.template": f"{location}${{dateday}}/",
        },
        "StorageDescriptor": {
            "Location": location,
            "Columns": [{"Name": name, "Type": kind} for name, kind in COLUMNS.items()],
            "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
            "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
            "SerdeInfo": {
                "SerializationLibrary": "org.apache.hive.hcatalog.data.JsonSerDe",
                "Parameters": {"timestamp.formats": "yyyy-MM-dd HH:mm:ss"},
            },
        },
    }
