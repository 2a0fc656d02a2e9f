"""Which key texts count as canonical: Trino's regular expressions against :func:`histlib.format.rows.is_canonical`."""

from __future__ import annotations

import threading
from decimal import Decimal

from histlib.engines.athena.statements.key_texts import CANONICAL
from histlib.engines.athena.statements.literals import literal
from histlib.engines.athena.statements.selects import KEY_FORM
from histlib.format.key_forms import key_form
from histlib.format.rows import is_canonical
from histlib.values.image_json import encode_image
from tests.support.athena.engines import Engine

VALUES = (
    "",
    "a",
    "it's",
    'a "quoted" \\ one',
    "two\nlines\r\t\x08\x0c",
    "\x00\x1f\x7f",
    "100% ?",
    "日本語",
    "👍🏽",
    "]}{[,:",
)
NUMBERS = (0, 1, -1, 10, Decimal("1.5"), Decimal("-0.001"), 10**37 + 1, Decimal("0." + "0" * 100 + "1"))
NAMES = ("id", "Id", "a", "ab", "a!", "日本", 'q"', "b\\")
OTHERS = (
    '{"id": "a"}',
    '{"b":1,"a":2}',
    '{"id":1.0}',
    '{"id":01}',
    '{"id":"\\u0062"}',
    '{"id":"a"}}',
    "{}",
    "{}x",
    '{"id":"\\u001F"}',
)


def canonical_keys() -> list[str]:
    """Texts, numbers and binary, one attribute or two, names that sort closely."""
    keys = [encode_image({name: value}) for name in NAMES for value in (*VALUES, *NUMBERS, b"\x00\xff")]
    keys += [encode_image({one: "a", other: 2}) for one in NAMES for other in NAMES if one != other]
    return [*keys, encode_image({"id": "k" * 2_048}), encode_image({"id": '"\\' * 1_000, "n": Decimal("1E-130")})]


def told(trino: Engine, expression: str, keys: list[str]) -> dict[int, str]:
    """What an expression over ``keys`` yields of each."""
    rows = ", ".join(f"({at}, {literal(key)})" for at, key in enumerate(keys))
    sql = f"SELECT at, {expression} FROM (VALUES {rows}) AS t (at, keys)"
    return {int(at): text for at, text in trino.select(sql, (), "default", threading.Event()).rows}


def test_a_key_has_the_form_that_it_has_elsewhere(trino: Engine):
    """Its attributes and their types, whatever stands in its values and names."""
    keys = [*canonical_keys(), '{"x:":","}', encode_image({"a": '":"', "b": b"\x00"})]
    assert list(told(trino, KEY_FORM, keys).values()) == list(map(key_form, keys))


def test_every_canonical_key_passes_and_others_do_not(trino: Engine):
    """Texts, numbers and binary, one attribute or two, names that sort closely."""
    keys = canonical_keys()
    assert all(map(is_canonical, keys))
    assert not any(map(is_canonical, OTHERS))
    verdicts = told(trino, CANONICAL, [*keys, *OTHERS])
    assert [key for at, key in enumerate(keys) if verdicts[at] != "true"] == []
    assert [key for at, key in enumerate(OTHERS, len(keys)) if verdicts[at] != "false"] == []
