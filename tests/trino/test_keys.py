"""Which key texts count as canonical: Trino's regular expressions against :func:`histlib.index.rows.is_canonical`."""

from __future__ import annotations

import threading
from decimal import Decimal

from athena.engines import Engine

from histlib.athena.key_texts import CANONICAL
from histlib.athena.literals import literal
from histlib.index.rows import is_canonical
from histlib.values import encode_image

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


def test_every_canonical_key_passes_and_others_do_not(trino: Engine):
    """Texts, numbers and binary, one attribute or two, names that sort closely."""
    keys = [encode_image({name: value}) for name in NAMES for value in (*VALUES, *NUMBERS, b"\x00\xff")]
    keys += [encode_image({one: "a", other: 2}) for one in NAMES for other in NAMES if one != other]
    keys += [encode_image({"id": "k" * 2_048}), encode_image({"id": '"\\' * 1_000, "n": Decimal("1E-130")})]
    assert all(map(is_canonical, keys))
    assert not any(map(is_canonical, OTHERS))
    rows = ", ".join(f"({at}, {literal(key)})" for at, key in enumerate([*keys, *OTHERS]))
    sql = f"SELECT at, {CANONICAL} FROM (VALUES {rows}) AS t (at, keys)"
    told = {int(at): verdict for at, verdict in trino.select(sql, (), "default", threading.Event()).rows}
    assert [key for at, key in enumerate(keys) if told[at] != "true"] == []
    assert [key for at, key in enumerate(OTHERS, len(keys)) if told[at] != "false"] == []
