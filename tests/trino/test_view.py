"""The view for the console on real Trino: the article's queries as written, new attributes, exact values."""

from __future__ import annotations

import gzip
import re
import tempfile
import threading
from decimal import Decimal
from pathlib import Path

import boto3
import pytest

from histlib.samples.landing import write_landing
from histlib.values.image_json import encode_image
from pipeline.cli import main
from pipeline.view.attributes import attributes_of, attributes_statement
from pipeline.view.text import fields_of, view_select, view_statement
from tests.support.athena.standin import StandIn
from tests.support.athena.template import create_table
from tests.support.athena.trino_engine import TrinoEngine
from tests.support.history.landings import lines, record

DATABASE = "dynamodb_update_database"
TABLE = f'"{DATABASE}"."todo_item_changes"'
VIEW = f'"{DATABASE}"."todo_item_update_table"'

_BEGIN = 'SELECT * FROM "dynamodb_update_database"."todo_item_update_table" WHERE dateday = '
_END = "ORDER BY timestamp LIMIT 10;"
#: As the article has them, letter by letter.
ARTICLE = {
    "ten": f"{_BEGIN}'2020/10/26' {_END}",
    "one item": f"{_BEGIN}'2020/10/26' AND keys.todoid = 't0001' {_END}",
    "inserted": f"{_BEGIN}'2020/10/26' AND action = 'INSERT' {_END}",
    "title": f"{_BEGIN}'2020/10/26' AND new_image.title LIKE '%iPhone%' {_END}",
    "next day": f"{_BEGIN}'2020/10/27' {_END}",
}


class Console:
    """The history's table in Glue, its landing, and what Athena's console would show."""

    def __init__(self, trino: TrinoEngine) -> None:
        self.trino = trino
        region = {"LocationConstraint": boto3.Session().region_name}
        boto3.client("s3").create_bucket(Bucket="histories", CreateBucketConfiguration=region)
        create_table(boto3.client("glue"), "histories", "todo", DATABASE, "todo_item_changes")
        self.objects = 0

    def land(self, raw: bytes, day: str = "2026/01/01") -> None:
        """One more object of a day."""
        self.objects += 1
        key = f"todo/changes/{day}/{self.objects}.gz"
        boto3.client("s3").put_object(Bucket="histories", Key=key, Body=gzip.compress(raw))

    def land_images(self, *images: dict | None) -> None:
        """Changes that leave these items, in order."""
        self.land(lines(record(n, new_image=image, old_image=None) for n, image in enumerate(images, 1)))

    def refresh(self, first: str = "2026/01/01", last: str = "2026/01/01", only: set[str] | None = None) -> list:
        """Make the view anew, as the command does; its fields."""
        rows = self.ask(attributes_statement(TABLE, first, last).text)
        types = [int] * 8
        found = attributes_of(
            {
                name: (kind(value) if value is not None else 0)
                for (name, value), kind in zip(row.items(), [str, str, *types], strict=True)
            }
            for row in rows
        )
        found = [one for one in found if only is None or one.part == "keys" or one.name in only]
        names = [one.name for one in found if one.part == "keys"]
        keys, image = fields_of(found, "keys"), fields_of(found, "image", names)
        self.trino.define(view_statement(VIEW, view_select(TABLE, keys, image)), DATABASE)
        return image

    def ask(self, sql: str) -> list[dict[str, str | None]]:
        """The rows of a query, as texts."""
        answer = self.trino.select(sql.strip().rstrip(";"), [], DATABASE, threading.Event())
        names = [name for name, _ in answer.columns]
        return [dict(zip(names, row, strict=True)) for row in answer.rows]

    def values(self, *fields: str) -> list[list[str | None]]:
        """What the view has in some fields, a list each, in order of the changes."""
        listed = ", ".join(f"{field} AS c{number}" for number, field in enumerate(fields))
        rows = self.ask(f"SELECT {listed} FROM {VIEW} WHERE dateday = '2026/01/01' ORDER BY timestamp")
        return [list(column) for column in zip(*(row.values() for row in rows), strict=True)]


@pytest.fixture
def console(trino):
    return Console(trino)


def test_values_of_each_type_are_exact(console):
    """Whole numbers, fractions of 38 digits, booleans and texts are typed; what shares no type is text."""
    console.land_images(
        {
            "id": "a",
            "n": 1,
            "d": Decimal("0.1234567890123456789012345678901234567"),
            "b": True,
            "mixed": 1,
            "some": Decimal("1E-20"),
            "big": 10**37,
            "null": None,
        },
        {
            "id": "b",
            "n": -(10**18) + 1,
            "d": Decimal("9"),
            "b": False,
            "mixed": "x",
            "some": 10**20,
            "big": -1,
            "null": None,
        },
        {"id": "c", "n": None, "s": ""},
    )
    types = {field.name: field.type for field in console.refresh()}
    assert types == {
        "id": "varchar",
        "n": "bigint",
        "d": "decimal(38,37)",
        "b": "boolean",
        "mixed": "varchar",
        "some": "varchar",
        "big": "decimal(38,0)",
        "null": "varchar",
        "s": "varchar",
    }
    names = ("n", "d", "b", "mixed", "some", "big", "s")
    assert console.values(*(f"new_image.{name}" for name in names), "not_shown") == [
        ["1", "-999999999999999999", None],
        ["0.1234567890123456789012345678901234567", "9." + "0" * 37, None],
        ["true", "false", None],
        ["1", "x", None],
        ["0.00000000000000000001", "1" + "0" * 20, None],
        ["1" + "0" * 37, "-1", None],
        [None, None, ""],
        ["", "", ""],
    ]


ODD = [
    "a.b",
    'quo"te',
    "it's",
    "[0]",
    "$",
    "$.x",
    "日本",
    "😀",
    " sp ace ",
    "back\\slash",
    "q?",
    "tab\tx",
    "a,b:c<d>",
    "%",
    "{",
    "ctrl\x01",
]


def test_attributes_of_any_name(console):
    """What a name holds is neither a path nor SQL."""
    console.land_images({"id": "a", **{name: f"value of {name}" for name in ODD}})
    fields = console.refresh()
    assert {field.attribute.name for field in fields} == {"id", *ODD}
    quoted = ['new_image."{}"'.format(name.lower().replace('"', '""')) for name in ODD]
    assert console.values(*quoted, "not_shown") == [*([f"value of {name}"] for name in ODD), [""]]


def test_names_that_differ_in_case_only_are_numbered(console):
    """Each keeps its own values; the one seen first has the plain name, whatever comes later."""
    console.land_images({"id": "a", "Price": 1, "price_2": 5}, {"id": "b", "price": 2, "PRICE": "3"})
    names = {field.attribute.name: field.name for field in console.refresh()}
    assert names == {"id": "id", "Price": "price", "price_2": "price_2", "PRICE": "price_3", "price": "price_4"}
    assert console.values(*(f"new_image.{name}" for name in ("price", "price_2", "price_3", "price_4"))) == [
        ["1", None],
        ["5", None],
        [None, "3"],
        [None, "2"],
    ]


def test_an_empty_image_is_none(console):
    """NULL, and no row of NULLs."""
    console.land_images({"id": "a", "v": 1}, {}, None)
    console.refresh()
    assert console.values("new_image IS NULL", "new_image_json") == [
        ["false", "true", "true"],
        ['{"id":"a","v":1}', None, None],
    ]


def test_nested_values_are_the_text_of_image_json_byte_by_byte(console):
    """Trino's own rendering would make doubles of fractions, and escapes of what lies beyond the BMP."""
    nested = {
        "l": [Decimal("1.10"), Decimal("0.1234567890123456789012345678901234567"), "1.50", 'q"\\', None, True, []],
        "m": {"b": {"日😀": ""}, "a\n": "x\x1f/é"},
        "set": frozenset({Decimal("2.5"), Decimal("10")}),
        "bytes": b"\x00\xff",
    }
    console.land_images({"id": "a", **nested}, {"id": "b", "l": "plain", "m": None})
    console.refresh()
    texts = [encode_image({name: value})[len(name) + 4 : -1] for name, value in nested.items()]
    assert console.values(*(f"new_image.{name}" for name in nested), "not_shown") == [
        [texts[0], "plain"],
        *([text, None] for text in texts[1:]),
        ["", ""],
    ]


def test_no_image_is_no_row_and_null_is_not_missing_in_the_text_beside(console):
    """A removed item has no new image at all; the exact images stand beside the rows."""
    console.land_images({"id": "a", "x": None}, {"id": "b"}, None)
    console.refresh()
    assert console.values("new_image IS NULL", "new_image.x", "new_image_json", "not_shown") == [
        ["false", "false", "true"],
        [None, None, None],
        ['{"id":"a","x":null}', '{"id":"b"}', None],
        ["", "", ""],
    ]


def test_what_came_after_the_view_is_told_and_never_changed(console):
    """A value that its type cannot hold is NULL, not rounded, and named; so is an attribute without a field."""
    console.land_images({"id": "a", "n": 1, "d": Decimal("1.25"), "b": True, "s": "x"})
    console.refresh()
    late = {"id": "b", "n": Decimal("1.5"), "d": Decimal("1.255"), "b": 1, "s": ["x"], "日本 new": 1}
    console.land(lines([record(2, new_image=late, old_image={"id": "b", "n": "1"})]))
    *values, told = console.values(*(f"new_image.{name}" for name in "ndbs"), "not_shown")
    assert values == [["1", None], ["1.25", None], ["true", None], ["x", None]]
    assert told[0] == ""
    names = {f"new_image.{name}" for name in ("n", "d", "b", "s", "日本 new")} | {"old_image.n"}
    assert set(re.split(r" (?=new_image|old_image)", told[1] or "")) == names


def story() -> dict[str, list[bytes]]:
    """The article's changes, day → lines in order, as the recorder writes them."""
    days: dict[str, list[bytes]] = {}
    with tempfile.TemporaryDirectory() as folder:
        write_landing("todo", Path(folder))
        for file in sorted(Path(folder).rglob("changes/*/*/*/*.gz")):
            days.setdefault("/".join(file.parts[-4:-1]), []).extend(gzip.decompress(file.read_bytes()).splitlines())
    return days


def test_the_article_s_queries_run_as_written_before_and_after_memo(console):
    """All five, letter by letter; memo is told of before the view is made anew, and is there afterwards."""
    days = story()
    memo = [line for line in days["2020/10/27"] if b"memo" in line]
    console.land(b"\n".join(days["2020/10/26"]), "2020/10/26")
    console.land(b"\n".join(line for line in days["2020/10/27"] if line not in memo), "2020/10/27")
    fields = console.refresh("2020/10/26", "2020/10/27")
    assert [(field.name, field.type) for field in fields] == [
        ("todoid", "varchar"), ("title", "varchar"), ("done", "boolean"),
    ]  # fmt: skip
    told = {name: console.ask(sql) for name, sql in ARTICLE.items()}
    assert [row["action"] for row in told["ten"]] == ["INSERT", "INSERT", "MODIFY", "MODIFY", "REMOVE"]
    assert [row["action"] for row in told["one item"]] == ["INSERT", "MODIFY", "REMOVE"]
    assert told["one item"][0]["timestamp_utc"] == "2020-10-26 02:28:24.000"
    assert [row["keys_json"] for row in told["inserted"]] == ['{"todoId":"t0001"}', '{"todoId":"t2222"}']
    assert {row["keys_json"] for row in told["title"]} == {'{"todoId":"t2222"}'}
    assert len(told["title"]) == 2
    assert [row["action"] for row in told["next day"]] == ["INSERT", "MODIFY"]
    assert {row["not_shown"] for rows in told.values() for row in rows} == {""}
    console.land(b"\n".join(memo), "2020/10/27")
    assert [row["not_shown"] for row in console.ask(ARTICLE["next day"])] == ["", "", *["new_image.memo"] * len(memo)]
    assert [field.name for field in console.refresh("2020/10/26", "2020/10/27")][-1] == "memo"
    assert [row["not_shown"] for row in console.ask(ARTICLE["next day"])] == [""] * (2 + len(memo))
    texts = [row["m"] for row in console.ask(ARTICLE["next day"].replace("*", "new_image.memo AS m", 1))]
    assert texts == [None, None, "Apple Storeオンラインで予約する", "あきたこまち！"]
    for name, sql in ARTICLE.items():
        if name != "next day":
            assert len(console.ask(sql)) == len(told[name])


@pytest.fixture
def command(console, monkeypatch, capsys):
    """``python -m pipeline view`` for the table, by the real PyAthena: exit code, what it says, and errors."""
    boto3.client("s3").create_bucket(
        Bucket="results", CreateBucketConfiguration={"LocationConstraint": boto3.Session().region_name}
    )
    standin = StandIn(console.trino, boto3.client("s3"))
    monkeypatch.setenv("AWS_ENDPOINT_URL_ATHENA", standin.url)

    def run(*words: str, name: str | None = "todo_item_update_table"):
        source = f"athena://{DATABASE}/todo_item_changes?output=s3://results/view"
        code = main(["view", source, *(["--name", name] if name else []), *words])
        said = capsys.readouterr()
        return code, said.out, said.err

    yield run
    standin.close()


def test_the_command_makes_and_refreshes_the_view(console, command):
    """By name, with its types and its price; what is there of another kind is never replaced."""
    console.land(lines([record(1, new_image={"id": "a", "Price": Decimal("1.50")}, old_image=None)]), "2025/12/30")
    console.land(lines([record(2, new_image={"id": "b", "memo": "x"}, old_image=None)]))
    code, out, err = command("--dry-run")
    assert (code, out.startswith(f'CREATE OR REPLACE VIEW {VIEW} AS\nSELECT\n  "action"')) == (0, True), err
    there = boto3.client("glue").get_tables(DatabaseName=DATABASE)["TableList"]
    assert [one["Name"] for one in there] == ["todo_item_changes"]
    code, out, err = command("--days", "1")
    assert (code, err) == (0, "")
    assert "attributes of the days 2026/01/01 to 2026/01/01" in out
    assert console.values("new_image.memo") == [["x"]]
    code, out, err = command()
    assert (code, err) == (0, "")
    assert out.splitlines()[:6] == [
        "view dynamodb_update_database.todo_item_update_table: attributes of the days 2025/12/30 to 2026/01/01",
        "  keys",
        "    id  varchar",
        "  new_image, old_image",
        "    id     varchar",
        "    price  decimal(38,1), attribute Price",
    ]
    assert out.splitlines()[-1].startswith("3 queries, ")
    assert console.ask(f"SELECT new_image.price AS p FROM {VIEW} WHERE dateday = '2025/12/30'") == [{"p": "1.5"}]
    code, out, err = command("--attributes", "memo")
    assert (code, "price" in out) == (0, False)
    code, out, err = command("--attributes", "nothing")
    assert (code, "no image has nothing; names are exact" in err) == (2, True)
    code, out, err = command(name="todo_item_changes")
    assert (code, "todo_item_changes is a table, which is never replaced; choose another name" in err) == (2, True)
    console.trino.define(f'CREATE VIEW "{DATABASE}"."other" AS SELECT 1 AS x', DATABASE)
    code, out, err = command(name="other")
    assert (code, "other is a view that was not made here; choose another name" in err) == (2, True)


def test_a_row_of_more_fields_than_the_engine_compiles_is_refused_before_the_view_is_touched(console, command):
    """With how many there are, and which to leave out; the view that there was still answers."""
    console.land_images({"id": "a", "x": 1})
    assert command()[0] == 0
    console.land_images({"id": "b", **{f"attribute_{n}": n for n in range(900)}})
    code, _, err = command()
    assert (code, "attributes are too many for one view" in err, "--attributes NAME" in err) == (2, True, True), err
    assert len(console.ask(f"SELECT new_image.x FROM {VIEW} WHERE dateday = '2026/01/01'")) == 2
