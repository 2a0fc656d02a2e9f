"""What a condition means, rule by rule."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from histlib.engines.where import Condition, Subject, parse_where
from histlib.values.image_json import decode_value, encode_image

ITEM: dict[str, Any] = {
    "id": "t0001", "price": 0, "rate": Decimal("19.99"), "name": "O'Brien", "code": "5", "note": None, "empty": "",
    "active": True, "tags": frozenset({"a", "b"}), "sizes": frozenset({1, Decimal("2.5")}), "raw": b"\x00\xff",
    "items": [{"qty": 5}, "x", None], "address": {"zip": "100", "$x": 1}, "size cm": 7, "select": 1,
    "attributes": {"colour.inside": "red"}, "lines": "first\nsecond", "long": 12345678901234567890123456789012345678,
}  # fmt: skip


class Names:
    """A table whose sample lacks some attributes; what was asked is noted."""

    def __init__(self, sample: set[str], more: set[str] = frozenset(), key: tuple[str, ...] = ("id",)) -> None:
        self.key = key
        self.asked: list[bool] = []
        self._sample, self._more = frozenset(sample), frozenset(more)

    def attributes(self, exact: bool) -> frozenset[str]:
        self.asked.append(exact)
        return self._sample | self._more if exact else self._sample


def parsed(text: str, subject: Subject = Subject.ITEM, tz: Any = UTC, **params: Any) -> Condition:
    return parse_where(text, params or None, subject, Names({*ITEM, "absent"}), tz)


def holds(text: str, **params: Any) -> bool:
    return parsed(text, **params).item('{"id":"t0001"}', encode_image(ITEM))


def of_change(text: str, **fields: Any) -> bool:
    change = {"keys": '{"id":"t1"}', "new_image": "{}", "old_image": None, "action": "INSERT",
              "effective": 1_603_700_000_000_000, "actor": None, **fields}  # fmt: skip
    return parsed(text, Subject.CHANGE).change(**change)


@pytest.mark.parametrize(
    "text",
    [
        "item.price = 0",
        "item.price = 0.0",
        "item.price = -0",
        "item.price = 0e5",
        "item.rate = 19.990",
        "item.rate > 19.98",
        "item.rate >= 19.99",
        "item.rate < 20",
        "item.price <= 0",
        "0 = item.price",
        "20 > item.rate",
        "item.price = +0",
        "item.price > -1",
        "item.price == 0",
        "item.price != 1",
        ".5 < item.rate",
        "item.long = 12345678901234567890123456789012345678",
        "item.long <> 12345678901234567890123456789012345679",
        "item.long > 1234567890123456789012345678901234567.8",
        "item.code = '5'",
        "item.code <> 5",
        "item.price <> '0'",
        "item.name = 'O''Brien'",
        "item.empty = ''",
        "item.note <> ''",
        "item.active = TRUE",
        "item.active <> false",
        "item.price <> FALSE",
        "item.active <> 1",
        "item.code < '50'",
        "item.code > '10000'",
        "item.name > 'O'",
    ],
)
def test_a_literal_compares_with_its_own_type(text: str):
    """Numbers by value with all digits, strings by code point, booleans; <> is true of any other type."""
    assert holds(text)


@pytest.mark.parametrize(
    "text",
    [
        "item.code = 5",
        "item.price = '0'",
        "item.price = FALSE",
        "item.active = 1",
        "item.active = 'true'",
        "item.note = 0",
        "item.note = ''",
        "item.absent = ''",
        "item.code < 6",
        "item.price < 'a'",
        "item.code >= 5",
        "item.tags > 'a'",
        "item.active > 0",
        "item.note < 1",
        "item.absent < 1",
        "item.absent >= ''",
        "item.raw > ''",
        "item.tags = 'a'",
    ],
)
def test_another_type_is_false_and_no_error(text: str):
    """For = and the order comparisons; so their negation is true."""
    assert not holds(text)
    assert holds(f"NOT {text}")


@pytest.mark.parametrize(
    "text",
    [
        "item.absent IS MISSING",
        "item.note IS NOT MISSING",
        "item.note IS NULL",
        "item.absent IS NOT NULL",
        "item.empty IS NOT NULL AND item.empty IS NOT MISSING",
        "item.absent <> 1",
        "item.note <> 1",
        "item.items[2] IS NULL",
        "item.items[3] IS MISSING",
        "item.address.street is missing",
        "NOT item.absent IS NULL",
        "item.price.x IS MISSING",
        "item.items.qty IS MISSING",
        "item.address[0] IS MISSING",
    ],
)
def test_missing_is_not_null(text: str):
    """Each has its own test; what is not there, at any depth, is missing."""
    assert holds(text)


@pytest.mark.parametrize(
    "text",
    [
        "item.address.zip = '100'",
        "item.items[0].qty = 5",
        "item.items[1] = 'x'",
        'item."size cm" = 7',
        "item.select = 1",
        "item.attributes.\"colour.inside\" = 'red'",
        'item.address."$x" = 1',
        "ITEM.price = 0",
        "Keys.ID = 't0001'",
        "item.PRICE = 0",
        "keys.id = 't0001'",
        "item . price = 0",
    ],
)
def test_paths(text: str):
    """Nested names, positions from 0, quoted names, keywords as names; top-level names but for case."""
    assert holds(text)


@pytest.mark.parametrize(
    "text",
    [
        "item.name LIKE 'O%'",
        "item.name LIKE '%Br%'",
        "item.name LIKE '_''Brie_'",
        "item.lines LIKE 'first%second'",
        "item.lines LIKE 'first_second'",
        "item.name NOT LIKE 'o%'",
        "item.price NOT LIKE '%'",
        "item.name ILIKE 'o''b%N'",
        "item.name NOT ILIKE 'x%'",
        "item.empty LIKE '%'",
        "item.empty LIKE ''",
        "item.absent NOT LIKE '%'",
        "item.code || '0%' LIKE '50!%' ESCAPE '!'",
        "item.code || '0%' LIKE '%!%' ESCAPE '!'",
        "item.code || 'x' NOT LIKE '5!%' ESCAPE '!'",
        "item.code || '%' LIKE '5\\%' ESCAPE '\\'",
        "item.code || '\\' LIKE '5\\'",
        "item.code || '!' LIKE '5!!' ESCAPE '!'",
        "item.name LIKE '%O%r%e%n'",
    ],
)
def test_like(text: str):
    """Strings only, case-sensitive (ILIKE: not), over line ends, with an escape only where one is named."""
    assert holds(text)


def test_like_takes_no_time_over_many_wildcards():
    """A pattern that backtracking would try in 10¹⁵ ways."""
    long = {"name": "a" * 20_000}
    assert not parsed("item.name LIKE '%a%a%a%a%a%b%'").holds("{}", long)
    assert parsed("item.name LIKE '%a%a%a%_%a'").holds("{}", long)


@pytest.mark.parametrize(
    ("text", "params"),
    [
        ("item.price IN (1, 0)", {}),
        ("item.code NOT IN (5, 6)", {}),
        ("item.code IN ('5', 5)", {}),
        ("item.name IN (:a, 'x')", {"a": "O'Brien"}),
        ("item.price IN :ids", {"ids": [0, 1]}),
        ("item.price IN (:ids)", {"ids": (0,)}),
        ("item.code IN (:ids)", {"ids": {"5"}}),
        ("item.price NOT IN :ids", {"ids": []}),
        ("item.active IN (TRUE)", {}),
        ("item.price NOT IN (FALSE)", {}),
        ("item.raw IN (:raw)", {"raw": b"\x00\xff"}),
        ("item.tags IN :all", {"all": [{"a", "b"}]}),
        ("item.items[0] IN :all", {"all": [{"qty": Decimal("5.0")}]}),
        ("item.rate BETWEEN 19 AND 19.99", {}),
        ("item.rate NOT BETWEEN 20 AND 30", {}),
        ("item.code BETWEEN '5' AND '6'", {}),
        ("item.code NOT BETWEEN 1 AND 9", {}),
        ("item.absent NOT BETWEEN 1 AND 9", {}),
        ("item.absent NOT IN (1)", {}),
        ("item.price = 0 OR item.price = 1 AND item.price = 2", {}),
        ("NOT item.price = 1 AND item.code = '5'", {}),
        ("NOT (item.price = 0 AND item.code = 5)", {}),
        ("TRUE", {}),
        ("NOT FALSE", {}),
        ("item.price = 0 -- AND FALSE\n AND /* no */ TRUE", {}),
    ],
)
def test_in_between_and_logic(text: str, params: dict[str, Any]):
    """A list as one parameter or its members; BETWEEN has both ends; AND binds closer than OR, NOT closest."""
    assert holds(text, **params)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("price", 0),
        ("price", Decimal("0.00")),
        ("rate", Decimal("19.990")),
        ("name", "O'Brien"),
        ("active", True),
        ("raw", b"\x00\xff"),
        ("tags", {"b", "a"}),
        ("sizes", {Decimal("1.0"), Decimal("2.50")}),
        ("items", [{"qty": 5}, "x", None]),
        ("address", {"$x": 1, "zip": "100"}),
        ("raw", bytearray(b"\x00\xff")),
    ],
)
def test_a_parameter_is_any_value(name: str, value: Any):
    """= compares with the whole of it; a list or set of another order, or another type, differs as in DynamoDB."""
    assert holds(f"item.{name} = :value", value=value)
    assert not holds(f"item.{name} <> :value", value=value)
    assert holds(f"item.{name} <> :value", value=[value])


@pytest.mark.parametrize("text", ["x' OR TRUE --", "'; DROP TABLE t", '"', "\\", "%", "$p0", ":p", "/*", "\x00", "💥"])
def test_text_is_text(text: str):
    """Whatever stands in a literal, a parameter or a name is compared as it is."""
    item = {"name": text, text: 1}
    names = Names(set(item))
    in_literal = parse_where(f"item.name = '{text.replace(chr(39), chr(39) * 2)}'", None, Subject.ITEM, names, UTC)
    in_param = parse_where("item.name = :text", {"text": text}, Subject.ITEM, names, UTC)
    named = parse_where(f'item."{text.replace(chr(34), chr(34) * 2)}" = 1', None, Subject.ITEM, names, UTC)
    for condition in (in_literal, in_param, named):
        assert condition.item("{}", encode_image(item))
        assert not condition.item("{}", encode_image({"name": "x", "x": 1}))


@pytest.mark.parametrize(
    "text",
    [
        "item.price = item.absent",
        "item.note = item.price",
        "item.code = item.long",
        "item.absent < item.price",
        "item.note = item.absent",
        "item.tags < item.tags",
        "item.code < item.price",
        "item.active < item.active",
    ],
)
def test_two_paths_that_differ(text: str):
    """Types matter, NULL is not missing, and only numbers, strings and binary have an order."""
    assert not holds(text)
    assert holds(f"NOT {text}")


def test_two_paths_that_are_the_same():
    """By value as DynamoDB sees it; missing is the same as missing."""
    assert holds("item.price = item.price AND item.tags = item.tags AND item.absent = item.items[9]")
    assert holds("item.price < item.rate AND item.code < item.name AND item.items[0].qty >= item.items[0].qty")


@pytest.mark.parametrize(
    "text",
    [
        "lower(item.name) = 'o''brien'",
        "UPPER(item.name) = 'O''BRIEN'",
        "length(item.name) = 7",
        "length(item.tags) = 2",
        "length(item.items) = 3",
        "length(item.address) = 2",
        "trim('  ' || item.code || ' ') = '5'",
        "substr(item.name, 3) = 'Brien'",
        "substr(item.name, 1, 1) = 'O'",
        "substr(item.name, 0, 2) = 'O'",
        "substr(item.name, -5, 7) = 'O'",
        "substr(item.name, 99) = ''",
        "concat(item.code, '-', item.name) = '5-O''Brien'",
        "item.code || item.code = '55'",
        "starts_with(item.name, 'O')",
        "ends_with(item.name, 'n')",
        "NOT starts_with(item.name, 'o')",
        "contains(item.tags, 'a')",
        "contains(item.sizes, 2.50)",
        "contains(item.items, 'x')",
        "contains(item.name, 'Bri')",
        "NOT contains(item.tags, 'c')",
        "NOT contains(item.sizes, '1')",
        "contains(item.tags, 'a') = TRUE",
        "abs(item.price - 3) = 3",
        "round(item.rate) = 20",
        "round(item.rate, 1) = 20",
        "round(-2.5 + item.price) = -3",
        "floor(item.rate) = 19",
        "ceil(item.rate) = 20",
        "floor(-item.rate) = -20",
        "item.rate * 100 = 1999",
        "item.price + 0.1 + 0.2 = 0.3",
        "item.long * item.long = item.long * item.long",
        "item.long + 0.1 > item.long",
        "type(item.price) = 'N'",
        "type(item.tags) = 'SS'",
        "type(item.sizes) = 'NS'",
        "type(item.note) = 'NULL'",
        "type(item.absent) = 'MISSING'",
        "type(item.raw) = 'B'",
        "type(item.active) = 'BOOL'",
        "type(item.items) = 'L'",
        "type(item.address) = 'M'",
        "type(item.name) = 'S'",
        "coalesce(item.absent, item.note, item.code) = '5'",
        "coalesce(item.absent, 0) = 0",
        "coalesce(item.absent, item.note) IS MISSING",
        "lower(item.name) LIKE '%brien'",
        "lower(item.name) IN ('o''brien')",
        "length(item.name) BETWEEN 7 AND 7",
        "abs(-item.long) = 12345678901234567890123456789012345678",
    ],
)
def test_functions(text: str):
    """Each does what its summary says; numbers stay exact beyond DynamoDB's 38 digits."""
    assert holds(text)


@pytest.mark.parametrize(
    ("call", "absence"),
    [
        ("lower(item.absent)", "MISSING"),
        ("lower(item.note)", "NULL"),
        ("lower(item.price)", "neither"),
        ("item.price + item.absent", "MISSING"),
        ("item.price + item.note", "NULL"),
        ("item.price + item.code", "neither"),
        ("length(item.price)", "neither"),
        ("contains(item.price, 1)", "neither"),
        ("substr(item.name, 1.5)", "neither"),
        ("substr(item.name, 1, -1)", "neither"),
        ("round(item.rate, 1000)", "neither"),
        ("contains(item.absent, 1)", "MISSING"),
    ],
)
def test_a_function_without_a_value(call: str, absence: str):
    """Of missing it is missing, of NULL it is NULL; of a wrong type it is nothing, not even the same as itself."""
    assert not holds(f"{call} = 'x'") and not holds(f"{call} < 1") and holds(f"{call} <> 1")
    assert holds(f"{call} IS NULL") is (absence == "NULL")
    assert holds(f"{call} IS MISSING") is (absence != "NULL")
    assert holds(f"{call} = {call}") is (absence != "neither")


def test_a_change_by_its_images():
    """What changed at all, from NULL or missing too; an image that is not there has no attributes."""

    def changed(old: Any, new: Any) -> bool:
        texts = {name: None if image is None else encode_image(image) for name, image in
                 (("old_image", old), ("new_image", new))}  # fmt: skip
        return of_change("new_image.price <> old_image.price", **texts)

    assert (
        changed({"price": 1}, {"price": 2}) and changed({"price": None}, {"price": 1}) and changed({}, {"price": None})
    )
    assert changed(None, {"price": 1}) and changed({"price": 1}, None) and changed({"price": 1}, {"price": "1"})
    assert not changed({"price": 1}, {"price": 1}) and not changed(None, {}) and not changed({}, None)
    assert of_change("old_image.price IS MISSING AND NOT old_image.price IS NULL")


def test_action_and_actor():
    """An action by its name; an actor that is not known is missing, and NULL too."""
    assert of_change("action = 'INSERT' AND action <> 'MODIFY' AND action IN ('INSERT', 'REMOVE')")
    assert of_change("action NOT IN ('MODIFY')") and not of_change("'INSERT' = action", action="REMOVE")
    assert of_change("actor <> 'ttl' AND actor IS MISSING AND actor IS NULL AND NOT actor = 'ttl'")
    assert of_change("actor = 'ttl' AND actor IS NOT NULL AND actor IS NOT MISSING AND actor LIKE 't%'", actor="ttl")
    assert of_change("actor = new_image.name", new_image='{"name":"ann"}', actor="ann")


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("timestamp = '2020-10-26T08:13:20Z'", 1_603_700_000_000_000),
        ("timestamp = 1603700000", 1_603_700_000_999_999),
        ("timestamp > 1603700000", 1_603_700_001_000_000),
        ("timestamp >= 1603700000", 1_603_700_000_000_000),
        ("timestamp < 1603700000", 1_603_699_999_999_999),
        ("timestamp <= 1603700000", 1_603_700_000_999_999),
        ("timestamp > '2020-10-26 08:13:20'", 1_603_700_000_000_001),
        ("timestamp >= TIMESTAMP '2020-10-26'", 1_603_700_000_000_000),
        ("timestamp BETWEEN '2020-10-26' AND '2020-10-27'", 1_603_756_800_000_000),
        ("timestamp <> 1603700000", 1_603_700_001_000_000),
        ("timestamp IN (1603700000, '2020-10-27')", 1_603_756_800_000_000),
        ("'2020-10-26' < timestamp", 1_603_700_000_000_000),
        ("timestamp IN (TIMESTAMP '2020-10-27')", 1_603_756_800_000_000),
        ("timestamp < '-1s'", 1_603_700_000_000_000),
    ],
)
def test_the_time_of_a_change(text: str, micros: int):
    """Texts and datetimes by the microsecond; whole numbers by the second, as in the article's field."""
    assert of_change(text, effective=micros)
    assert not of_change(f"NOT ({text})", effective=micros)


def test_the_time_just_beside():
    """A second before and after, the instant itself outside of < and >."""
    assert not of_change("timestamp = 1603700000", effective=1_603_699_999_999_999)
    assert not of_change("timestamp = 1603700000", effective=1_603_700_001_000_000)
    assert not of_change("timestamp > 1603700000", effective=1_603_700_000_999_999)
    assert not of_change("timestamp < 1603700000", effective=1_603_700_000_000_000)
    assert not of_change("timestamp > '2020-10-26 08:13:20'", effective=1_603_700_000_000_000)


def test_a_time_means_the_zone_of_the_history():
    """Naive text is in tz, a datetime parameter is aware or naive as its caller had it."""
    text, moment = "timestamp = '2020-10-26 17:13:20'", 1_603_700_000_000_000
    row = ("{}", None, None, "INSERT", moment, None)
    assert parsed(text, Subject.CHANGE, ZoneInfo("Asia/Tokyo")).change(*row)
    assert not parsed(text, Subject.CHANGE).change(*row)
    assert parsed("timestamp = :t", Subject.CHANGE, t=datetime(2020, 10, 26, 8, 13, 20, tzinfo=UTC)).change(*row)
    assert parsed("timestamp IN :t", Subject.CHANGE, t=["2020-10-26T08:13:20Z", 5]).change(*row)


def test_paths_of_a_condition():
    """The images' paths that it asks for, as the images write them, whichever image and however deep inside."""
    condition = parsed("keys.id = 'x' OR lower(new_image.NAME) = old_image.items[0].qty AND NOT new_image.price IN (1)",
                       Subject.CHANGE)  # fmt: skip
    assert condition.paths == {("name",), ("items", 0, "qty"), ("price",)}
    assert (condition.subject, parsed("TRUE").paths) == (Subject.CHANGE, frozenset())


def test_images_are_read_only_where_asked():
    """What is false by its action alone decodes nothing: these images could not be read."""
    assert not of_change("action = 'MODIFY' AND new_image.price = 0", new_image="no JSON", old_image="no JSON")
    assert of_change("action = 'INSERT'", new_image="no JSON")


def test_a_condition_does_not_change():
    """It is immutable, and judges each row by itself."""
    condition = parsed("item.price = 0")
    with pytest.raises(AttributeError):
        condition.text = "x"
    item = decode_value(encode_image(ITEM))
    assert condition.holds("{}", item) and condition.holds("{}", item) and not condition.holds("{}", {"price": 1})
    assert condition.item("{}", '{"price":0}') and not condition.item("{}", '{"price":1}')


def test_names_are_asked_of_a_sample_first():
    """All images only for a name that the sample lacks; a name written exactly wins over one of another case."""
    names = Names({"price", "Name"}, {"rare", "name"})
    parse_where("item.price = 1 AND keys.ID = 'x'", None, Subject.ITEM, names, UTC)
    assert names.asked == [False]
    assert parse_where("item.rare = 1", None, Subject.ITEM, names, UTC).paths == {("rare",)}
    assert parse_where("item.name = 1", None, Subject.ITEM, names, UTC).paths == {("name",)}
    assert parse_where("item.PRICE = 1", None, Subject.ITEM, names, UTC).paths == {("price",)}
