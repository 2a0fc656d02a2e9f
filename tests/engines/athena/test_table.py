"""What the Glue catalog says of a table: a history of format 1 or 0, or in a line why it is none."""

from __future__ import annotations

import boto3
import pytest
from botocore.stub import Stubber

from histlib.engines.athena.table.address import parse_address
from histlib.engines.athena.table.description import describe, description_of
from histlib.engines.athena.table.projection import hidden_days
from histlib.errors import NotAHistoryError, RequestError, SourceError
from histlib.format.record import COLUMNS
from histlib.stores.s3.address import Address
from tests.support.athena.catalog_tables import article_table, changed, history_table
from tests.support.athena.moto_aws import moto_aws
from tests.support.athena.template import create_table, glue_table


@pytest.fixture
def glue(monkeypatch):
    with moto_aws(monkeypatch):
        yield boto3.client("glue")


def described(table: dict, database: str = "db"):
    return description_of({**table, "DatabaseName": database})


def test_the_template_s_table_is_a_history_of_format_1(glue):
    """What is deployed is what is read."""
    create_table(glue, "histories", "of/things", "db", "changes")
    found = describe(glue, parse_address("athena://db/changes"))
    assert (found.database, found.table, found.format, found.marked) == ("db", "changes", 1, True)
    assert (found.location, found.days) == (Address("histories", "of/things"), "of/things/changes/")
    assert dict(found.columns) == COLUMNS
    assert found.projected == ("2012/01/01", "NOW")


def test_a_history_may_fill_a_bucket():
    """Without a prefix the location is the bucket."""
    found = described(glue_table("histories", "", "db", "changes"))
    assert (found.location, found.days) == (Address("histories"), "changes/")


def test_the_article_s_table_is_a_history_of_format_0(glue):
    """It is known by its columns; its template ends in no slash, and its days lie right below its location."""
    glue.create_database(DatabaseInput={"Name": "dynamodb_update_database"})
    glue.create_table(DatabaseName="dynamodb_update_database", TableInput=article_table())
    found = describe(glue, parse_address("athena://dynamodb_update_database/todo_item_update_table"))
    assert (found.format, found.marked) == (0, False)
    assert (found.location, found.days) == (Address("histories", "dynamodb_item"), "dynamodb_item/")
    assert found.projected == ("2020/10/01", "NOW")
    assert found.columns["new_image"] == "struct<todoid:string,title:string,done:boolean>"


def test_a_folder_whose_name_only_ends_in_changes_is_no_landing():
    """``mychanges`` is a prefix as any other."""
    table = history_table(storage__location__template="s3://histories/mychanges/${dateday}/")
    assert described(table).location == Address("histories", "mychanges")


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("athena://dbb/changes", "there is no database dbb in this account and Region; did you mean db?"),
        ("athena://db/change", "there is no table change in db; did you mean changes?"),
        ("athena://db/zzz", "there is no table zzz in db; there are changes"),
        ("athena://empty/zzz", "there is no table zzz in empty; there is none at all"),
        ("athena://db/changes?catalog=other", "catalog other: only AwsDataCatalog is read; make a resource link"),
    ],
)
def test_what_is_not_there_is_told_with_what_is(glue, address, said):
    """A slip in a name costs one look at the error."""
    create_table(glue, "histories", "of/things", "db", "changes")
    glue.create_database(DatabaseInput={"Name": "empty"})
    with pytest.raises(RequestError) as refused:
        describe(glue, parse_address(address))
    assert str(refused.value).startswith(said)


def test_a_table_that_is_no_history_says_what_it_lacks():
    """Missing columns and those of another type, each by name."""
    table = history_table()
    columns = [one for one in table["StorageDescriptor"]["Columns"] if one["Name"] not in ("event_id", "actor")]
    columns = [{**one, "Type": "string"} if one["Name"] == "timestamp" else one for one in columns]
    with pytest.raises(NotAHistoryError) as refused:
        described({**table, "StorageDescriptor": {**table["StorageDescriptor"], "Columns": columns}})
    assert str(refused.value) == (
        "db.changes is no history: it lacks event_id, actor; timestamp is string, expected bigint"
    )


def test_a_serde_that_does_not_see_capitals_is_refused():
    """OpenX's, told to mind the case, reads null where a line's name has capitals, since Glue's names have none."""
    table = article_table()
    properties = table["StorageDescriptor"]["SerdeInfo"]["Parameters"]
    for value in ("false", "FALSE"):
        properties["case.insensitive"] = value
        with pytest.raises(NotAHistoryError, match="case.insensitive is false.*take it out"):
            described(table)
    properties["case.insensitive"] = "true"
    assert described(table).format == 0


def test_a_view_is_refused():
    """The view for the console holds rows for people, not what histlib reads."""
    with pytest.raises(NotAHistoryError, match="is a view; name the table that the view reads"):
        described({**history_table(), "TableType": "VIRTUAL_VIEW"})


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"projection__enabled": None}, "projection.enabled is not set, expected true"),
        ({"projection__enabled": "false"}, "projection.enabled is false, expected true"),
        ({"projection__dateday__type": "injected"}, "projection.dateday.type is injected, expected date"),
        ({"projection__dateday__format": "yyyy-MM-dd"}, "projection.dateday.format is yyyy-MM-dd, expected yyyy/MM/dd"),
        ({"projection__dateday__interval": "7"}, "projection.dateday.interval is 7, expected 1"),
        ({"projection__dateday__interval__unit": "WEEKS"}, "interval.unit is WEEKS, expected DAYS"),
        ({"projection__dateday__range": "2012/01/01"}, "range is 2012/01/01, expected like 2012/01/01,NOW"),
        ({"projection__dateday__range": None}, "range is not set, expected like 2012/01/01,NOW"),
        ({"storage__location__template": None}, "template is not set, expected s3://…/${dateday}/"),
        ({"storage__location__template": "s3://b/p/day=${dateday}/"}, "expected s3://…/${dateday}/"),
    ],
)
def test_a_table_that_would_leave_out_days_is_refused(parameters, said):
    """A day without a partition is missing from every answer, and Athena says nothing."""
    with pytest.raises(NotAHistoryError) as refused:
        described(history_table(**parameters))
    assert str(refused.value).startswith("db.changes would leave out days without saying so: its property ")
    assert said in str(refused.value)


def test_other_partitions_are_refused():
    """The days are the one partition."""
    for keys, said in (([], "nothing"), ([{"Name": "year"}, {"Name": "month"}], "year, month")):
        with pytest.raises(NotAHistoryError, match=f"it is partitioned by {said}, expected dateday"):
            described({**history_table(), "PartitionKeys": keys})


def test_what_projection_takes_for_granted_is_accepted():
    """Athena's default interval for days is one day; upper case is the same."""
    table = history_table(projection__dateday__interval=None, projection__dateday__interval__unit="days")
    assert described(changed(table, projection__enabled="TRUE")).format == 1


@pytest.mark.parametrize(
    ("first", "seen", "unseen"),
    [
        ("2012/01/01", "2012/01/01", "2011/12/31"),
        ("NOW", "2026/03/31", "2026/03/30"),
        ("NOW-2DAYS", "2026/03/29", "2026/03/28"),
        ("NOW-1WEEKS", "2026/03/24", "2026/03/23"),
        ("NOW-1MONTH", "2026/02/28", "2026/02/27"),
        ("NOW-4MONTHS", "2025/11/30", "2025/11/29"),
        ("NOW-3YEARS", "2023/03/31", "2023/03/30"),
    ],
)
def test_days_before_the_projected_range_are_known(first, seen, unseen):
    """At the bound itself and the day before."""
    assert hidden_days([seen, unseen], (first, "NOW"), "2026/03/31") == [unseen]


@pytest.mark.parametrize(
    ("last", "seen", "unseen"),
    [
        ("NOW", "2026/12/31", "2027/01/01"),
        ("NOW+1MONTHS", "2027/01/31", "2027/02/01"),
        ("2026/12/30", "2026/12/30", "2026/12/31"),
    ],
)
def test_days_after_the_projected_range_are_known(last, seen, unseen):
    """At the bound itself and the day after."""
    assert hidden_days([seen, unseen], ("2012/01/01", last), "2026/12/31") == [unseen]


@pytest.mark.parametrize(
    ("code", "message", "said"),
    [
        (
            "AccessDeniedException",
            "User: x is not authorized",
            "db.changes: glue:GetTable is denied (AccessDeniedException); allow it",
        ),
        (
            "AccessDeniedException",
            "Insufficient Lake Formation permission(s)",
            "db.changes: Lake Formation denies glue:GetTable; grant",
        ),
        ("ExpiredTokenException", "expired", "db.changes: glue:GetTable failed: the AWS credentials have expired"),
    ],
)
def test_what_is_denied_is_told_with_what_to_do(glue, code, message, said):
    """The action and the table, and where Lake Formation stands in between, that."""
    with Stubber(glue) as stubber:
        stubber.add_client_error("get_table", code, message, 400)
        with pytest.raises(SourceError) as refused:
            describe(glue, parse_address("athena://db/changes"))
    assert str(refused.value).startswith(said)


def test_a_resource_link_is_followed(glue):
    """The table of another account, under the name that it has here."""
    link = {
        "Name": "link",
        "DatabaseName": "db",
        "TargetTable": {"CatalogId": "2" * 12, "DatabaseName": "theirs", "Name": "changes"},
    }
    asked = {"CatalogId": "2" * 12, "DatabaseName": "theirs", "Name": "changes"}
    with Stubber(glue) as stubber:
        stubber.add_response("get_table", {"Table": link}, {"DatabaseName": "db", "Name": "link"})
        stubber.add_response("get_table", {"Table": {**history_table(), "DatabaseName": "theirs"}}, asked)
        found = describe(glue, parse_address("athena://db/link"))
    assert (found.database, found.table, found.format) == ("db", "link", 1)
