"""The view for people in Athena's console, as SQL: images as typed rows, a field for each attribute.

Each field is taken from the image's text by the attribute's exact name. ``CAST(JSON AS ROW)`` would lower-case the
names in the JSON but not those declared, so that ``todoId`` is NULL, and fails where names differ in case only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from histlib.engines.athena.statements.literals import identifier, literal
from histlib.engines.trino_text import image as image_sql
from histlib.engines.trino_text import json_path
from histlib.format.record import COLUMNS
from pipeline.view.attributes import Attribute, coded, coded_name, uncoded

#: Image column → the part that its attributes are counted in.
IMAGES: Final = {"keys": "keys", "new_image": "image", "old_image": "image"}
#: What the article's table has, in its order; then come what the rows cannot show, and the record's other columns.
_ARTICLE: Final = ("action", "keys", "timestamp", "timestamp_utc", "new_image", "old_image")
#: Known in the SQL of every view made here.
MARK: Final = "not_shown"
_MOST_MEMBERS: Final = 250


@dataclass(frozen=True)
class Field:
    """A field of the rows: its name there, which is lower case and once only, and the attribute that it shows."""

    name: str
    attribute: Attribute

    @property
    def type(self) -> str:
        """Its Trino type."""
        return self.attribute.type

    def value(self, image: str) -> str:
        """Its value as SQL; NULL where the image has none, has DynamoDB's NULL, or one that the type cannot hold."""
        text = f"json_extract_scalar({identifier(image)}, {literal(json_path((self.attribute.name,)))})"
        if self.type != "varchar":
            return f"TRY_CAST(regexp_extract({text}, '^{_accepted(self.type)}$') AS {self.type})"
        if not self.attribute.nested:
            return text
        coded_path = literal(json_path((coded_name(self.attribute.name),)))
        nested = f"nullif(json_format(json_extract({_coded(image)}, {coded_path})), 'null')"
        return f"coalesce({text}, {uncoded(nested)})"

    @property
    def shown(self) -> str:
        """The regular expression of coded values that the field shows as they are."""
        if self.type in ("varchar", "boolean"):
            of = self.attribute
            kinds = {'"s': of.strings, '"n': of.numbers, "(true|false)$": of.booleans, r"[\[{]": of.nested}
            parts = [kind for kind, count in kinds.items() if count]
        else:
            parts = [f'"n{_accepted(self.type)}"$']
        return f"^({'|'.join(['null$', *parts])})"


def fields_of(attributes: Iterable[Attribute], part: str, keys: Iterable[str] = ()) -> list[Field]:
    """A field for each attribute of a part, those named in ``keys`` first, then as they were first seen.

    Names that are equal but for case are numbered from the second on, in that order.
    """
    first = set(keys)
    chosen = sorted((one for one in attributes if one.part == part), key=lambda one: one.name not in first)
    reserved = {_folded(one.name) for one in chosen}
    given: set[str] = set()
    fields = []
    for one in chosen:
        name, number = one.name.lower(), 1
        while _folded(name) in given or (number > 1 and _folded(name) in reserved):
            number += 1
            name = f"{one.name.lower()}_{number}"
        given.add(_folded(name))
        fields.append(Field(name, one))
    return fields


def view_statement(name: str, select: str) -> str:
    """The SQL that makes the view (its quoted name), or makes it anew."""
    return f"CREATE OR REPLACE VIEW {name} AS\n{select}"


def view_select(table: str, keys: Sequence[Field], image: Sequence[Field]) -> str:
    """What the view shows of a table (its quoted name)."""
    fields = {"keys": keys, "image": image}
    rows = {column: _row(column, fields[part]) for column, part in IMAGES.items()}
    columns = [rows.get(column, identifier(column)) for column in _ARTICLE]
    columns.append(f"{_not_shown(keys, image)} AS {MARK}")
    columns += [f"{identifier(column)} AS {identifier(f'{column}_json')}" for column in IMAGES]
    columns += [identifier(column) for column in COLUMNS if column not in _ARTICLE]
    given = {name: f"{image_sql(name)} AS {name}" for name, part in IMAGES.items() if part == "image"}
    named = [given.get(column, identifier(column)) for column in (*COLUMNS, "dateday")]
    inner = ",\n    ".join([*named, *(f"{coded(identifier(column))} AS {_coded(column)}" for column in IMAGES)])
    listed = ",\n  ".join([*columns, "dateday"])
    return f"SELECT\n  {listed}\nFROM (\n  SELECT\n    {inner}\n  FROM {table}\n)"


def _row(column: str, fields: Sequence[Field]) -> str:
    values = ",\n    ".join(field.value(column) for field in fields)
    types = ", ".join(f"{identifier(field.name)} {field.type}" for field in fields)
    return (
        f"IF({identifier(column)} IS NOT NULL, CAST(ROW(\n    {values}\n  ) AS ROW({types}))) AS {identifier(column)}"
    )


def _not_shown(keys: Sequence[Field], image: Sequence[Field]) -> str:
    """The names of the attributes in a row's images that its fields do not show as they are; ``''`` if none."""
    lists = [_unfit(column, keys if part == "keys" else image) for column, part in IMAGES.items()]
    return f"array_join({' || '.join(lists)}, ' ')"


def _unfit(column: str, fields: Sequence[Field]) -> str:
    shown = sorted({field.shown for field in fields})
    which = _array(str(shown.index(field.shown)) for field in fields)
    names = _array(literal(coded_name(field.attribute.name)) for field in fields)
    kinds = " ".join(
        f"WHEN {kind} THEN regexp_like(json_format(v), {literal(text)})" for kind, text in enumerate(shown)
    )
    values = f"CAST(json_parse({_coded(column)}) AS map(varchar, json))"
    fits = f"CASE element_at(MAP({names}, {which}), k) {kinds} ELSE FALSE END"
    unfit = f"map_filter({values}, (k, v) -> NOT {fits})"
    named = f"transform(map_keys({unfit}), k -> '{column}.' || from_utf8(from_base64(substr(k, 2))))"
    return f"coalesce({named}, ARRAY[])"


def _array(members: Iterable[str]) -> str:
    """An array; Trino takes at most 254 members in one pair of brackets."""
    listed = list(members)
    parts = [listed[at : at + _MOST_MEMBERS] for at in range(0, len(listed), _MOST_MEMBERS)]
    return " || ".join(f"ARRAY[{', '.join(part)}]" for part in parts)


def _coded(column: str) -> str:
    return identifier(f"{column}_coded")


def _accepted(kind: str) -> str:
    """The regular expression of all texts that a type holds exactly; Trino rounds what has more digits."""
    if kind == "boolean":
        return "(true|false)"
    if kind == "bigint":
        return "-{0,1}[0-9]{1,18}"
    scale = int(kind.removeprefix("decimal(38,").rstrip(")"))
    whole = f"[0-9]{{1,{38 - scale}}}" if scale < 38 else "0"
    return f"-{{0,1}}{whole}([.][0-9]{{1,{scale}}}){{0,1}}" if scale else f"-{{0,1}}{whole}"


def _folded(name: str) -> str:
    return name.upper().lower()
