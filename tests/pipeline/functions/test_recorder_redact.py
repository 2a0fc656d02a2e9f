"""What REDACT names is stored nowhere, and nothing else is dropped."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from histlib.values.paths import format_path
from pipeline.functions.recorder.record import convert
from pipeline.functions.recorder.redact import Redaction
from tests.support.pipeline.capture import record

ITEM = {
    "todoId": {"S": "t1"},
    "email": {"S": "a@example.com"},
    "address": {"M": {"zip": {"S": "100-0001"}, "city": {"S": "東京"}}},
    "items": {"L": [{"M": {"qty": {"N": "1"}}}, {"M": {"qty": {"N": "2"}, "sku": {"S": "b"}}}]},
    "a,b.c": {"M": {"x y": {"N": "1"}, "z": {"N": "2"}}},
}


@pytest.mark.parametrize(
    ("rules", "gone"),
    [
        ("email", [("email",)]),
        ("address.zip", [("address", "M", "zip")]),
        ("email, address.zip", [("email",), ("address", "M", "zip")]),
        ("address.zip,email\n\taddress", [("email",), ("address",)]),
        ("address address.zip", [("address",)]),
        ("items[1].qty", [("items", "L", 1, "M", "qty")]),
        ('"a,b.c"."x y"', [("a,b.c", "M", "x y")]),
        ("nothing address.none email.x items[9].qty address[0].x", []),
        ("todoId todoId.x", []),
        ("", []),
        (" ,\n", []),
    ],
)
def test_what_is_named_goes(rules: str, gone: list[tuple[Any, ...]]) -> None:
    """Exactly what the rules name is dropped; key attributes and the given image stay as they are."""
    expected = json.loads(json.dumps(ITEM))
    for *above, last in gone:
        place = expected
        for step in above:
            place = place[step]
        del place[last]
    before = json.dumps(ITEM)
    assert Redaction(rules).apply(ITEM, {"todoId": {}}) == expected
    assert json.dumps(ITEM) == before


def test_id_names_the_rules_whatever_their_order() -> None:
    """The same rules have the same id, others another, none none."""
    assert Redaction("b, a.c").id == Redaction('a."c" b a.c').id
    assert Redaction("a").id != Redaction("b").id
    assert Redaction().id is None
    assert Redaction("email address.zip").id == "1d6cd5bfc86a"  # in stored records: it must never change


@pytest.mark.parametrize("rules", ["a..b", ".a", "a.", "[0]", "a[x].b", 'a."b', "a'b", "a[0]b", "a]"])
def test_what_is_no_path_is_refused(rules: str) -> None:
    """A typing error in REDACT stops the recorder rather than storing what it was meant to drop."""
    with pytest.raises(ValueError, match="REDACT: no path at character"):
        Redaction(rules)


def test_members_of_a_list_cannot_be_dropped() -> None:
    """Without the member the others would move up and be taken for it, so such a rule is refused."""
    with pytest.raises(ValueError, match="would move up"):
        Redaction("email items[1]")


@given(
    st.lists(st.one_of(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), st.integers(0, 99)), max_size=4)
)
def test_paths_are_histlibs(steps: list[str | int]) -> None:
    """A path that histlib prints is read as the same path (a plain name with a comma is to be quoted)."""
    path = ("first", *steps, "last")
    text = format_path(path)
    if any(isinstance(step, str) and "," in step and f'"{step}"' not in text for step in steps):
        return
    assert Redaction(text)._tree == _tree(path)


def _tree(path: tuple[str | int, ...]) -> dict[str | int, Any] | None:
    return {path[0]: _tree(path[1:])} if path else None


def test_line_has_the_id_and_not_the_value() -> None:
    """In both images the value is gone, and the line says by which rules."""
    redaction = Redaction("email, todoId")
    one = record(7, email={"S": "secret"}, name={"S": "x"})
    one["eventName"], one["dynamodb"]["OldImage"] = "MODIFY", one["dynamodb"]["NewImage"]
    line = json.loads(convert(one, redaction).data)
    assert line["new_image"] == line["old_image"] == '{"name":"x","todoId":"t7"}'
    assert line["keys"] == '{"todoId":"t7"}'
    assert line["redaction"] == redaction.id


@pytest.mark.parametrize(
    "spoil",
    [
        lambda one: one["dynamodb"]["NewImage"].update(address={"M": "SECRET"}),
        lambda one: one["dynamodb"]["NewImage"].update(address={"S": {"zip": "SECRET"}}),
        lambda one: one["dynamodb"]["NewImage"].update(address={"Q": {"zip": {"S": "SECRET"}}}),
        lambda one: one["dynamodb"]["NewImage"].update(address="SECRET"),
        lambda one: one["dynamodb"]["NewImage"].update(address={"M": {"zip": {"S": "SECRET"}, "x": {"Q": 1}}}),
        lambda one: one["dynamodb"]["NewImage"].update(email="SECRET"),
        lambda one: one["dynamodb"].update(NewImage=["SECRET"]),
        lambda one: one["dynamodb"].update(NewImages={"email": "SECRET"}),
        lambda one: one.update(detail="SECRET"),
        lambda one: one.update(dynamodb="SECRET"),
    ],
)
def test_nothing_named_leaks_from_what_is_malformed(spoil: Any) -> None:
    """A record that cannot be understood keeps nothing that could be what the rules name."""
    one = record(7, other={"S": "kept"})
    spoil(one)
    redaction = Redaction("email address.zip")
    raw = redaction.apply_to_raw(one)
    assert "SECRET" not in json.dumps(raw)
    assert (raw["eventID"], raw["redaction"]) == ("event-7", redaction.id)


def test_raw_keeps_the_rest() -> None:
    """Of a malformed record all that no rule touches is kept; without rules all of it is."""
    one = record(7, other={"S": "kept"}, bad={"Q": 1}, address={"M": {"zip": {"S": "1"}, "city": {"S": "x"}}})
    image = Redaction("address.zip").apply_to_raw(one)["dynamodb"]["NewImage"]
    assert image == {
        "todoId": {"S": "t7"},
        "other": {"S": "kept"},
        "bad": {"Q": 1},
        "address": {"M": {"city": {"S": "x"}}},
    }
    assert Redaction().apply_to_raw(one) is one
