"""The view's SQL: the type that each attribute gets, the fields' names, and what it may say at the most."""

from __future__ import annotations

import pytest

from histlib.errors import RequestError
from histlib.format.record import COLUMNS
from pipeline.cli import main
from pipeline.view import view
from pipeline.view.attributes import Attribute, attributes_of, attributes_statement, coded_name, decoded_name
from pipeline.view.text import fields_of, view_select, view_statement


def seen(name: str, part: str = "image", images: int = 1, first_seen: int = 0, **counts: int) -> Attribute:
    return Attribute(part, name, images, first_seen, **(counts or {"strings": 1}))


@pytest.mark.parametrize(
    ("counts", "kind"),
    [
        ({"strings": 2}, "varchar"),
        ({}, "varchar"),
        ({"booleans": 2}, "boolean"),
        ({"numbers": 2, "whole_digits": 18}, "bigint"),
        ({"numbers": 2, "whole_digits": 19}, "decimal(38,0)"),
        ({"numbers": 2, "whole_digits": 38}, "decimal(38,0)"),
        ({"numbers": 2, "whole_digits": 39}, "varchar"),
        ({"numbers": 2, "whole_digits": 36, "fraction_digits": 2}, "decimal(38,2)"),
        ({"numbers": 2, "whole_digits": 37, "fraction_digits": 2}, "varchar"),
        ({"numbers": 2, "fraction_digits": 38}, "decimal(38,38)"),
        ({"numbers": 2, "strings": 1, "whole_digits": 1}, "varchar"),
        ({"numbers": 2, "nested": 1, "whole_digits": 1}, "varchar"),
        ({"booleans": 2, "numbers": 1, "whole_digits": 1}, "varchar"),
        ({"nested": 3}, "varchar"),
    ],
)
def test_a_type_is_given_only_where_all_values_seen_fit_it_exactly(counts, kind):
    """At the last digit that fits, and one beyond."""
    assert Attribute("image", "x", 3, 0, **counts).type == kind


def test_fields_are_the_key_s_first_then_as_they_were_seen():
    """So a new attribute comes last, as in the article's own table."""
    found = [
        seen("memo", first_seen=9),
        seen("title", first_seen=5),
        seen("done", first_seen=5),
        seen("todoId", first_seen=5),
    ]
    rows = [{**vars(one), "name": coded_name(one.name)} for one in found]
    assert [field.name for field in fields_of(attributes_of(rows), "image", ["todoId"])] == [
        "todoid",
        "done",
        "title",
        "memo",
    ]


@pytest.mark.parametrize(
    ("names", "fields"),
    [
        (["Price", "price", "PRICE"], ["price", "price_2", "price_3"]),
        (["price_2", "Price", "price"], ["price_2", "price", "price_3"]),
        (["A", "a", "A_2", "a_2"], ["a", "a_3", "a_2", "a_2_2"]),
        (["ß", "ẞ"], ["ß", "ß_2"]),
    ],
)
def test_no_two_fields_have_one_name(names, fields):
    """Numbered in the order in which they were seen, never onto a name that another attribute has."""
    assert [field.name for field in fields_of([seen(name) for name in names], "image")] == fields


@pytest.mark.parametrize("name", ["a", 'q"\\', "日本😀", "\x01\n", "a/b"])
def test_names_survive_the_coding(name):
    """Any name that DynamoDB can hold."""
    assert decoded_name(coded_name(name)) == name


def test_the_query_for_attributes_bounds_the_days_on_both_sides():
    """It reads each object once, and no other day."""
    statement = attributes_statement('"d"."t"', "2026/01/01", "2026/01/31")
    assert statement.text.count('"d"."t"') == 1
    assert "WHERE dateday BETWEEN '2026/01/01' AND '2026/01/31'" in statement.text


def test_the_view_s_text():
    """The article's columns first, each image as a row by exact names, then the exact images and the rest."""
    keys, image = (
        fields_of([seen("todoId", "keys")], "keys"),
        fields_of([seen("todoId"), seen("done", booleans=1)], "image"),
    )
    sql = view_statement('"d"."v"', view_select('"d"."t"', keys, image))
    assert sql.startswith(
        'CREATE OR REPLACE VIEW "d"."v" AS\nSELECT\n  "action",\n'
        '  IF("keys" IS NOT NULL, CAST(ROW(\n    json_extract_scalar("keys", \'$["todoId"]\')\n'
        '  ) AS ROW("todoid" varchar))) AS "keys",\n  "timestamp",\n  "timestamp_utc",\n'
        '  IF("new_image" IS NOT NULL, CAST(ROW(\n    json_extract_scalar("new_image", \'$["todoId"]\'),\n'
        "    TRY_CAST(regexp_extract(json_extract_scalar(\"new_image\", '$[\"done\"]'), '^(true|false)$') AS boolean)\n"
        '  ) AS ROW("todoid" varchar, "done" boolean))) AS "new_image",\n'
    )
    assert "CASE WHEN NOT regexp_like(new_image, '^\\{\\s*\\}$') THEN new_image END AS new_image" in sql
    for column in COLUMNS:
        assert f'\n  "{column}"' in sql or f'AS "{column}"' in sql
    assert sql.count('FROM "d"."t"') == 1


def test_too_many_attributes_are_refused_with_those_to_leave_out():
    """Athena's limit, how far over it this is, and the attributes that the fewest images have."""
    image = fields_of([seen(f"attribute_{n}", images=5_000 - n) for n in range(1_000)], "image")
    sql = view_select('"d"."t"', fields_of([seen("id", "keys")], "keys"), image)
    with pytest.raises(RequestError) as refused:
        view._refuse_long(sql * 2, image)
    said = str(refused.value)
    assert said.startswith("1,000 attributes are too many for one view: its SQL would have ")
    assert "Athena takes 262,144. Leave out about " in said
    assert said.endswith("the rarest are attribute_999, attribute_998, attribute_997, attribute_996, attribute_995, "
                         "attribute_994, attribute_993, attribute_992, attribute_991, attribute_990 …")  # fmt: skip


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["./folder"], "pipeline: './folder' names no table; expected athena://database/table"),
        (["athena://d/t", "--days", "0"], "argument --days: 0: expected a whole number from 1"),
    ],
)
def test_a_wrong_request_is_refused_in_a_line(words, said, capsys):
    """Before anything is asked of AWS; exit code 2."""
    try:
        code = main(["view", *words])
    except SystemExit as stop:
        code = stop.code
    assert (code, said in capsys.readouterr().err) == (2, True)
