"""Which attributes the images of a history have, and what type all values of each share: one query on Athena.

An image is *coded* first: each text in it becomes ``"s…"`` (its JSON, base64), each number ``"n…"`` (its digits).
Trino's JSON functions render these as they are; fractions would become doubles, and some letters escapes.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from histlib.engines.athena.statements.statement import Statement
from histlib.values.image_json import encode_value

#: Digits that every bigint can have, and that a decimal can have.
_BIGINT_DIGITS: Final = 18
_DECIMAL_DIGITS: Final = 38

_COUNTS: Final = ("images", "first_seen", "strings", "numbers", "booleans", "nested", "whole_digits", "fraction_digits")


@dataclass(frozen=True)
class Attribute:
    """An attribute as seen: in how many images, and how many of its values are a text, a number, a boolean or nested.

    ``part``: ``keys`` or ``image``. ``first_seen``: of the oldest change with it, epoch µs. ``whole_digits`` and
    ``fraction_digits``: the most before and after the point that any of its numbers has.
    """

    part: str
    name: str
    images: int
    first_seen: int
    strings: int = 0
    numbers: int = 0
    booleans: int = 0
    nested: int = 0
    whole_digits: int = 0
    fraction_digits: int = 0

    @property
    def type(self) -> str:
        """The Trino type that holds all values seen exactly; ``varchar`` where they share none."""
        if self.numbers and not (self.strings or self.booleans or self.nested):
            if not self.fraction_digits and self.whole_digits <= _BIGINT_DIGITS:
                return "bigint"
            if self.whole_digits + self.fraction_digits <= _DECIMAL_DIGITS:
                return f"decimal({_DECIMAL_DIGITS},{self.fraction_digits})"
        only_booleans = self.booleans and not (self.strings or self.numbers or self.nested)
        return "boolean" if only_booleans else "varchar"


def attributes_statement(table: str, first: str, last: str) -> Statement:
    """The query for the attributes in datedays ``first`` to ``last`` of a table (its quoted name)."""
    columns = pa.schema(
        [
            pa.field("part", pa.string()),
            pa.field("name", pa.string()),
            *(pa.field(name, pa.int64()) for name in _COUNTS),
        ]
    )
    sql = f"""SELECT part, name,
  count(*) AS images,
  min(timestamp_micros) AS first_seen,
  count_if(value LIKE '"s%') AS strings,
  count_if(value LIKE '"n%') AS numbers,
  count_if(value IN ('true', 'false')) AS booleans,
  count_if(substr(value, 1, 1) IN ('{{', '[')) AS nested,
  coalesce(max(length(regexp_extract(value, '^"n-{{0,1}}0*([0-9]*)', 1))), 0) AS whole_digits,
  coalesce(max(length(regexp_extract(value, '^"n[^.]*[.]([0-9]+)"$', 1))), 0) AS fraction_digits
FROM (
  SELECT part, name, json_format(json) AS value, timestamp_micros
  FROM {table}
  CROSS JOIN UNNEST(ARRAY['keys', 'image', 'image'], ARRAY["keys", new_image, old_image]) AS i(part, image)
  CROSS JOIN UNNEST(CAST(json_parse({coded("image")}) AS map(varchar, json))) AS a(name, json)
  WHERE dateday BETWEEN ? AND ?
)
GROUP BY part, name"""
    return Statement(sql, columns, (first, last), (first, last))


def attributes_of(rows: Iterable[Mapping[str, Any]]) -> list[Attribute]:
    """The attributes in the rows that the query yields, in the order in which they were first seen."""
    found = [Attribute(**{**row, "name": decoded_name(row["name"])}) for row in rows]
    return sorted(found, key=lambda one: (one.first_seen, one.name))


def coded(image: str) -> str:
    """The SQL that codes an image."""
    return (
        f"""regexp_replace({image}, '"([^"\\\\]*(\\\\.[^"\\\\]*)*)"|(-{{0,1}}[0-9][0-9.]*)', """
        """x -> '"' || coalesce('s' || to_base64(to_utf8(x[1])), 'n' || x[3]) || '"')"""
    )


def uncoded(value: str) -> str:
    """The SQL that brings the JSON text of a coded value back, byte by byte."""
    return (
        f"""regexp_replace({value}, '"(s([A-Za-z0-9+/=]*)|n([-0-9.]+))"', """
        """x -> coalesce('"' || from_utf8(from_base64(x[2])) || '"', x[3]))"""
    )


def coded_name(name: str) -> str:
    """The name of an attribute in a coded image."""
    return "s" + base64.b64encode(_escaped(name).encode()).decode()


def decoded_name(name: str) -> str:
    """The attribute's name of a coded one."""
    text: str = json.loads(f'"{base64.b64decode(name[1:]).decode()}"')
    return text


def _escaped(name: str) -> str:
    """A name as canonical image JSON writes it, without its quotes."""
    return encode_value(name)[1:-1]
