"""``histlib.histories()``: the histories that the Glue catalog knows, and how far each goes."""

from __future__ import annotations

import json

import boto3
import pytest

import histlib
from histlib import cli
from histlib.questions.histories import HISTORIES_COLUMNS
from tests.support.athena.catalog_tables import article_table, history_table
from tests.support.athena.moto_aws import moto_aws
from tests.support.athena.template import create_table, glue_table


@pytest.fixture
def aws(monkeypatch):
    with moto_aws(monkeypatch) as url:
        where = {"CreateBucketConfiguration": {"LocationConstraint": boto3.Session().region_name}}
        boto3.client("s3").create_bucket(Bucket="histories", **where)
        yield url


def put(*keys: str) -> None:
    for key in keys:
        boto3.client("s3").put_object(Bucket="histories", Key=key, Body=b"")


def test_histories_of_both_formats_with_their_days(aws):
    """What lies beside the days, and tables and views that are no histories, do not count."""
    glue = boto3.client("glue")
    create_table(glue, "histories", "of/things", "db", "changes")
    glue.create_database(DatabaseInput={"Name": "dynamodb_update_database"})
    glue.create_table(DatabaseName="dynamodb_update_database", TableInput=article_table())
    glue.create_table(DatabaseName="db", TableInput={"Name": "other", "StorageDescriptor": {"Columns": []}})
    glue.create_table(DatabaseName="db", TableInput={**history_table(), "Name": "seen", "TableType": "VIRTUAL_VIEW"})
    put("of/things/changes/_revision", "of/things/changes/2019/12/31/a.gz", "of/things/changes/2024/02/29/b.gz")
    put("of/things/changes/2024/02/03/b.gz", "of/things/changes/zzzz/x", "of/things/baseline/m.json")
    put("dynamodb_item/2020/10/26/02/a", "dynamodb_item/2020/10/27/01/a")
    frame = histlib.histories()
    assert list(frame.columns) == list(HISTORIES_COLUMNS)
    assert frame.to_dict("records") == [
        {
            "database": "db",
            "table": "changes",
            "first_day": "2019/12/31",
            "last_day": "2024/02/29",
            "location": "s3://histories/of/things",
            "format": 1,
            "source": "athena://db/changes",
            "trouble": "",
        },
        {
            "database": "dynamodb_update_database",
            "table": "todo_item_update_table",
            "first_day": "2020/10/26",
            "last_day": "2020/10/27",
            "location": "s3://histories/dynamodb_item",
            "format": 0,
            "source": "athena://dynamodb_update_database/todo_item_update_table",
            "trouble": "",
        },
    ]


def test_a_catalog_without_histories_is_an_empty_table(aws):
    """All columns, no row."""
    frame = histlib.histories()
    assert (list(frame.columns), len(frame)) == (list(HISTORIES_COLUMNS), 0)


def test_all_pages_are_read(aws):
    """Glue lists at most a hundred tables a page."""
    glue = boto3.client("glue")
    create_table(glue, "histories", "0", "db", "t000")
    for number in range(1, 130):
        glue.create_table(DatabaseName="db", TableInput=glue_table("histories", str(number), "db", f"t{number:03d}"))
    assert len(histlib.histories()) == 130


def test_what_is_wrong_with_one_history_does_not_hide_the_others(aws):
    """Nothing there, days that queries do not see, no projection, no bucket: each says so in its own row."""
    glue = boto3.client("glue")
    create_table(glue, "histories", "of/things", "db", "changes")
    late = {"projection__dateday__range": "2024/01/01,NOW"}
    for name, table in {
        "blind": history_table(projection__enabled="false"),
        "elsewhere": glue_table("nowhere", "", "db", "x"),
        "empty": glue_table("histories", "nothing", "db", "x"),
        "late": history_table(**late),
    }.items():
        glue.create_table(DatabaseName="db", TableInput={**table, "Name": name})
    put("of/things/changes/2023/12/31/a.gz", "of/things/changes/2024/01/01/b.gz")
    troubles = dict(histlib.histories()[["table", "trouble"]].to_numpy().tolist())
    assert troubles == {
        "blind": "db.blind would leave out days without saying so: its property projection.enabled is false, "
        "expected true",
        "changes": "",
        "elsewhere": "there is no bucket nowhere; check the name in the source",
        "empty": "nothing has landed yet",
        "late": "queries do not see 2023/12/31: projection.dateday.range is 2024/01/01,NOW; widen it",
    }


def test_the_command_prints_and_writes_them(aws, capsys, tmp_path, monkeypatch):
    """A table for people, JSON for programs, a file for others."""
    monkeypatch.setenv("COLUMNS", "200")
    create_table(boto3.client("glue"), "histories", "of/things", "db", "changes")
    put("of/things/changes/2024/02/29/b.gz")
    assert cli.main(["histories"]) == 0
    assert "athena://db/changes" in capsys.readouterr().out
    assert cli.main(["histories", "--json", "--csv", str(tmp_path / "h.csv")]) == 0
    assert json.loads(capsys.readouterr().out)["rows"][0]["last_day"] == "2024/02/29"
    assert (tmp_path / "h.csv").exists()
