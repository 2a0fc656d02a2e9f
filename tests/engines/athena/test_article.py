"""The article's own table through ``athena://``: what its files say, and what of them it does not show is said."""

from __future__ import annotations

import json

import boto3
import pytest

import histlib
from histlib.engines.athena.table import article_types as old_types
from histlib.engines.athena.table.article_types import OldTypeError, convert, fields, narrowed
from histlib.errors import NotAHistoryError, PathNotValidError, SourceError
from tests.support.athena.old_histories import BEFORE_MEMO, DATABASE, TABLE, WITH_MEMO, declare, put_old_history
from tests.support.cases.article_questions import MADE, MADE_KEYS, article, connected, in_local_days, made, unlike
from tests.support.history.article_lines import ARTICLE_LINES, put_old

TODO = "struct<todoid:string>"


@pytest.mark.usefixtures("athena")
def test_the_article_read_through_its_table(tmp_path):
    """Every question is answered as from the files, and says besides that it was read through a table."""
    folder = article(tmp_path / "dynamodb_item")
    assert unlike(folder, connected(folder, WITH_MEMO, TODO, tmp_path / "cache"), few=True, every=3) == []


@pytest.mark.usefixtures("athena")
def test_a_bigger_history(tmp_path):
    """Sets, long numbers, nested values, awkward texts, retries, changes of one second: as from the files."""
    folder = made(tmp_path / "dynamodb_item")
    assert unlike(folder, connected(folder, MADE, MADE_KEYS, tmp_path / "cache"), few=True, every=3) == []


@pytest.mark.usefixtures("athena")
def test_names_that_nothing_has(tmp_path):
    """Refused, or told on the answer, as of the files."""
    folder = article(tmp_path / "dynamodb_item")
    other = connected(folder, WITH_MEMO, TODO, tmp_path / "cache")
    for history in (histlib.connect(folder), other):
        frame = history.snapshot_at("2020-10-27 03:00", where="item.title.x = 'a'", columns="TITLE")
        assert frame.attrs["histlib"]["notices"] == ["no image has title.x; title is only a string"]
        with pytest.raises(PathNotValidError, match="no image has an attribute 'titel'; there are title, "):
            history.snapshot_at("2020-10-27 03:00", columns="titel")
        told = history.sql("SELECT new_image.title.x FROM h WHERE action = 'REMOVE'").attrs["histlib"]["notices"]
        assert told[1:] == ["no image that was read has title.x"]


@pytest.mark.usefixtures("athena")
def test_memo_is_seen_once_it_is_declared(tmp_path):
    """Before, each answer says that attributes may be unseen; once the table is made anew, they are there."""
    folder = article(tmp_path / "dynamodb_item")
    before = connected(folder, BEFORE_MEMO, TODO, tmp_path / "cache")
    state = before.state_at("t2222")
    assert "memo" not in state.item
    assert "does not declare" in next(one.detail for one in state.caveats if one == "old_format")
    for frame in (
        before.timeline("t2222"),
        before.snapshot_at("2020-10-27 03:00"),
        before.changes("2020-10-27 01:58", "2020-10-27 02:05"),
        before.changes("2020-11-01", "2020-11-02"),
        before.blame("t2222"),
        before.activity("2020-10-26", "2020-10-28", by="1h"),
        before.sql("SELECT new_image FROM history WHERE dateday = '2020/10/27'"),
    ):
        told = {one["name"]: one["detail"] for one in frame.attrs["histlib"]["caveats"]}
        assert "does not declare" in told["old_format"]
    since = before.since("t2222", "title")
    assert "does not declare" in next(one.detail for one in since.caveats if one == "old_format")
    declare(WITH_MEMO)
    after = histlib.connect(before._opened.name, cache=tmp_path / "cache")
    assert after.state_at("t2222").item["memo"] == "Apple Storeオンラインで予約する"
    assert len(after.snapshot_at("2020-10-27 03:00", where="item.memo LIKE '%まち%'")) == 1


@pytest.mark.usefixtures("athena")
def test_the_articles_queries(tmp_path):
    """Its five, on its own table and days."""
    history = connected(article(tmp_path / "dynamodb_item"), WITH_MEMO, TODO, tmp_path / "cache")
    where = {
        "": 5,
        "AND keys.todoid = 't0001'": 3,
        "AND action = 'INSERT'": 2,
        "AND new_image.title LIKE '%iPhone%'": 2,
    }
    for more, count in where.items():
        sql = f"SELECT * FROM history WHERE dateday = '2020/10/26' {more} ORDER BY timestamp LIMIT 10"
        assert len(history.sql(sql)) == count, sql


@pytest.mark.usefixtures("athena")
def test_numbers_that_are_declared_are_text_as_in_the_lines(tmp_path):
    """An int keeps its text; that declared numbers may be rounded or missing is said, with their names."""
    folder = made(tmp_path / "dynamodb_item", days=1)
    declared = MADE.replace("price:string", "price:decimal(38,0)").replace("qty:string", "qty:double")
    history = connected(folder, declared, MADE_KEYS, tmp_path / "cache")
    files = histlib.connect(folder)
    at = "2020-10-26 04:00"
    assert list(history.snapshot_at(at)["item"]) == list(files.snapshot_at(at)["item"])
    (told,) = [
        one["detail"] for one in history.snapshot_at(at).attrs["histlib"]["caveats"] if one["name"] == "old_format"
    ]
    assert "new_image.price decimal(38,0)" in told and "new_image.rows[].qty double" in told


@pytest.mark.usefixtures("athena")
def test_types_that_no_attribute_has_are_refused(tmp_path):
    """A date is none of DynamoDB's types: nothing is read rather than something else."""
    folder = article(tmp_path / "dynamodb_item")
    with pytest.raises(NotAHistoryError, match="declare it as string"):
        connected(folder, "struct<todoid:string,title:date>", TODO, tmp_path / "cache")


@pytest.mark.usefixtures("athena")
def test_images_that_are_declared_unlike_are_refused(tmp_path):
    """Else what one shows and the other does not would seem to come and go with each change."""
    folder = article(tmp_path / "dynamodb_item")
    with pytest.raises(NotAHistoryError, match="new_image and old_image declare memo unlike.*declare both alike"):
        connected(folder, WITH_MEMO, TODO, tmp_path / "cache", old_image=BEFORE_MEMO)


def test_types_are_alike_in_any_order():
    """By name and type, within structs, too; what one has narrower or not at all is named."""
    one = "struct<a:string,b:struct<x:int,y:array<string>>,c:decimal(10,2)>"
    assert old_types.unlike(one, "struct<c:decimal(10, 2),B:struct<y:array<string>,x:INT>,a:string>") == []
    assert old_types.unlike(one, "struct<a:string,b:struct<x:int,y:array<int>>,d:string>") == ["b", "c", "d"]


def test_blanks_in_a_declared_type_are_refused():
    """Trino would take them for a part of the name, and read null."""
    for kind in ("struct<todoid:string, title:string>", "struct<todoid :string>", "struct< todoid:string>"):
        with pytest.raises(OldTypeError, match="blanks"):
            fields(kind)
    assert list(fields("struct<todoid:string,price:decimal(10, 2)>")) == ["todoid", "price"]


@pytest.mark.usefixtures("athena")
def test_a_line_that_is_no_change_is_named(tmp_path):
    """A row without an action: the file is named, and nothing is answered."""
    folder = article(tmp_path / "dynamodb_item")
    next(folder.rglob("stream-1-2020-10-27*")).write_text('{"other": 1}\n')
    with pytest.raises(SourceError, match="2020/10/27/01/stream-1-2020-10-27"):
        connected(folder, WITH_MEMO, TODO, tmp_path / "cache")


@pytest.mark.usefixtures("athena")
@pytest.mark.parametrize("kind", ["string", "struct<s:string>"])
def test_keys_that_were_not_decoded_are_told(tmp_path, kind):
    """By file, reason and what to do, as a text that the SerDe made of them, or declared as they are."""
    key = '{"S": "t1"}'
    keys = {"todoid": key if kind == "string" else json.loads(key)}
    line = {"action": "INSERT", "keys": keys, "new_image": {"todoid": "t1"}, "timestamp": 1603679304}
    put_old(tmp_path / "h", json.dumps(line) + "\n", name="bad")
    with pytest.raises(SourceError, match=r"2020/10/26/02/bad has a line .*keys\.todoid is .*was not decoded.*replay"):
        connected(tmp_path / "h", WITH_MEMO, f"struct<todoid:{kind}>", tmp_path / "cache")


@pytest.mark.usefixtures("athena")
@pytest.mark.parametrize("hours", [-12, -8, 9, 14])
def test_days_of_another_zone_hide_no_change(tmp_path, hours):
    """Evening in Los Angeles is the next day in UTC, morning in Tokyo the day before: answered as from the files."""
    folder = in_local_days(tmp_path / "dynamodb_item", hours)
    history = connected(folder, MADE, MADE_KEYS, tmp_path / "cache")
    assert unlike(folder, history, few=True, every=3) == []
    for start in ("2020-10-26 00:00", "2020-10-27 03:00", "2020-10-28 20:00"):
        end = start.replace(":00", ":59")
        for told in (histlib.connect(folder), history):
            assert (len(told.changes(start, end)), told.activity(start, end)["changes"].max()) == (1, 1)


@pytest.mark.parametrize("hours", [-8, 9])
def test_a_damaged_file_of_a_local_day_hides_what_it_may(tmp_path, hours):
    """The hole is as wide as that day may be: a state that the file may have set is not vouched for."""
    folder = in_local_days(tmp_path / "dynamodb_item", hours)
    with next((folder / "2020/10/27").iterdir()).open("a") as file:
        file.write("damaged\n")
    history = histlib.connect(folder)
    edge = "2020-10-28 07" if hours < 0 else "2020-10-26 15"  # what has this day's folder, and another day in UTC
    assert "unreadable_files" in set(map(str, history.state_at("i1", f"{edge}:59").caveats))
    told = history.changes(f"{edge}:00", f"{edge}:59").attrs["histlib"]["caveats"]
    assert "unreadable_files" in [one["name"] for one in told]


@pytest.mark.usefixtures("athena")
def test_a_time_with_an_offset_and_no_seconds_is_an_instant(tmp_path):
    """Through a table that declares it as text, as from the file."""
    text = ARTICLE_LINES["2020/10/26/02"][0].replace("1603679304", "null")
    put_old(tmp_path / "h", text.replace("2020-10-26 02:28:24", "2020-10-26T04:28:24+02:00") + "\n")
    address = put_old_history(tmp_path / "h", WITH_MEMO, TODO)
    glue = boto3.client("glue")
    table = glue.get_table(DatabaseName=DATABASE, Name=TABLE)["Table"]
    columns = table["StorageDescriptor"]["Columns"]
    assert [column.update(Type="string") for column in columns if column["Name"] == "timestamp_utc"]
    given = {name: table[name] for name in ("Name", "StorageDescriptor", "PartitionKeys", "TableType", "Parameters")}
    glue.update_table(DatabaseName=DATABASE, TableInput=given)
    for history in (histlib.connect(tmp_path / "h"), histlib.connect(address, cache=tmp_path / "cache")):
        assert str(history.captured_through) == "2020-10-26 02:28:24+00:00"


def test_what_types_make_of_values():
    """Nulls of structs are left out, those of arrays and maps stay; names are in lower case; numbers are texts."""
    read = convert("struct<a:string,B:array<struct<c:int>>,m:map<string,double>>")
    value = {"a": None, "b": [None, {"c": "5"}, {"c": None}], "m": {"X": "1.50", "y": None}}
    assert read(value) == {"b": [None, {"c": "5"}, {}], "m": {"X": "1.5", "y": None}}
    with pytest.raises(OldTypeError, match="connect again"):
        read({"new": "1"})
    narrow = "struct<a:string,b:array<struct<c:decimal(10,2)>>,d:int,e:varchar(9)>"
    assert list(narrowed(narrow)) == ["b[].c decimal(10,2)", "d int", "e varchar(9)"]
    with pytest.raises(OldTypeError, match="char.3. is the type of no attribute"):
        convert("struct<a:char(3)>")
