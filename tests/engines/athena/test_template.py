"""The template's Glue table: the record's columns, each day's prefix, and the mark of a history."""

from __future__ import annotations

import pytest

from histlib.format.record import COLUMNS
from tests.support.athena.template import glue_database, glue_table, read_template


def test_the_columns_are_those_of_the_record():
    """A field that the Lambda writes and histlib reads is a column, of the same type, in the same order."""
    columns = glue_table("b", "p", "d", "t")["StorageDescriptor"]["Columns"]
    assert [(column["Name"], column["Type"]) for column in columns] == list(COLUMNS.items())


@pytest.mark.parametrize(("prefix", "start"), [("", ""), ("of/things", "of/things/"), ("/of/things/", "of/things/")])
def test_each_day_is_a_prefix_by_projection(prefix, start):
    """Days need no partition to be added; the location of each ends in a slash."""
    table = glue_table("bucket", prefix, "d", "t")
    assert table["StorageDescriptor"]["Location"] == f"s3://bucket/{start}changes/"
    assert table["Parameters"]["storage.location.template"] == f"s3://bucket/{start}changes/${{dateday}}/"
    projection = {name: value for name, value in table["Parameters"].items() if name.startswith("projection.")}
    assert projection == {
        "projection.enabled": "true",
        "projection.dateday.type": "date",
        "projection.dateday.format": "yyyy/MM/dd",
        "projection.dateday.range": "2012/01/01,NOW",
        "projection.dateday.interval": "1",
        "projection.dateday.interval.unit": "DAYS",
    }
    assert [(key["Name"], key["Type"]) for key in table["PartitionKeys"]] == [("dateday", "string")]


def test_all_values_are_text_as_glue_wants_them():
    """Parameters of a Glue table are strings; a bare true or 1 in YAML would be refused on deployment."""
    table = glue_table("b", "p", "d", "t")
    values = [*table["Parameters"].values(), *table["StorageDescriptor"]["SerdeInfo"]["Parameters"].values()]
    assert all(isinstance(value, str) for value in values)
    assert all(len(column.get("Comment", "")) <= 255 for column in table["StorageDescriptor"]["Columns"])


def test_names_are_parameters():
    """Nothing of one deployment is fixed in the template."""
    assert glue_table("b", "p", "d", "t")["Name"] == "t"
    assert glue_database("d")["Name"] == "d"
    assert {"HistoryBucket", "HistoryPrefix", "DatabaseName", "TableName"} <= set(read_template()["Parameters"])
