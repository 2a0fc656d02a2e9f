"""The functions of images (:mod:`histlib.engines.raw_sql.writing.duckdb_images`) as Trino's SQL: exact, where Trino's
own JSON would round.

A list or map that has a fraction, or a character that Trino writes in another way, is read from an image in which
fractions are whole numbers: ``12.50`` is ``112``, :data:`_POINT`, ``50``. No number of DynamoDB has so many zeros in a
row, so they come back as they were.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from histlib.engines.trino_text import Place, json_path, literal
from histlib.values.paths import Path

#: Stands for the point of a fraction: DynamoDB's numbers have 38 digits between 1E-130 and 9.99E+125.
_POINT: Final = f"1{'0' * 200}1"
#: Strings of a JSON text and what is between them; the escapes of a string and what is between them.
_TOKENS: Final = literal(r'"(?:[^"\\]|\\.)*"|[^"]+')
_ESCAPES: Final = literal(r"(?:\\u[dD][89aAbB]..\\u....)|\\u....|\\.|[^\\]+")
#: In what Trino writes: what may not stand so in the canonical text.
_REWRITTEN: Final = literal(r"[0-9][.][0-9]|\\u")


def function_sql(function: str, column: str, path: Path) -> str:
    """The SQL of a function (``histlib_text`` …) of a column with images; an error where that holds no JSON."""
    found = _by_place(column, path, _READINGS[function])
    return (
        f"CASE WHEN {column} IS NOT NULL AND json_size({column}, '$') IS NULL "
        f"THEN json_format(json_parse({column})) ELSE {found} END"
    )


def scalar_sql(text: str, path: Path) -> str:
    """The SQL of ``json_extract_scalar`` as Athena has it."""
    return f"json_extract_scalar({text}, {literal(json_path(path))})"


def json_at(column: str, path: Path) -> str:
    """SQL: the JSON of what an image has at a path, as Trino writes it anew; NULL where nothing is."""
    return _by_place(column, path, lambda place: place.json)


def is_there(column: str, path: Path) -> str:
    """SQL that is TRUE where an image has something at a path, null too."""
    return f"coalesce({_by_place(column, path, lambda place: f'{place.json} IS NOT NULL')}, FALSE)"


def _by_place(column: str, path: Path, reading: Callable[[Place], str]) -> str:
    """A reading of what is at a path, wherever image JSON has that: a map whose only name begins with ``$`` is in
    ``{"$M": …}``."""
    places = list(_places(column, path, 1, ()))
    if len(places) == 1:
        return reading(places[0][0])
    cases = (f"WHEN {' AND '.join(conditions)} THEN {reading(place)}" for place, conditions in places)
    return f"CASE {' '.join(cases)} END"


def _places(column: str, path: Path, at: int, conditions: tuple[str, ...]) -> Iterator[tuple[Place, tuple[str, ...]]]:
    for place, step in enumerate(path[at:], at):
        if isinstance(step, str) and step.startswith("$"):
            size = f"json_size({column}, {literal(json_path(path[:place]))})"
            inside = (*path[:place], "$M", *path[place:])
            yield from _places(column, inside, place + 2, (*conditions, f"{size} = 1"))
            yield from _places(column, path, place + 1, (*conditions, f"{size} > 1"))
            return
    yield Place(column, path), conditions


def _text(place: Place) -> str:
    return f"coalesce({place.scalar}, CASE WHEN {place.json} <> 'null' THEN {_exact(place)} END)"


def _value(place: Place) -> str:
    return (
        f"CASE WHEN {place.is_string} THEN 's' || {place.scalar} "
        f"WHEN {place.json} IN ('true', 'false') THEN 'b' || {place.json} "
        f"WHEN {place.scalar} IS NOT NULL THEN 'n' || {place.scalar} "
        f"WHEN {place.json} <> 'null' THEN 'j' || {_exact(place)} END"
    )


def _number(place: Place) -> str:
    """As :func:`histlib.values.numbers.order_text`."""
    whole, part = "split_part(replace(n, '-', ''), '.', 1)", "coalesce(split_part(n, '.', 2), '')"
    digits = f"regexp_replace({whole} || {part}, '^0+|0+$', '')"
    size = f"CASE WHEN {whole} <> '0' THEN length({whole}) - 1 ELSE -1 - length(regexp_extract({part}, '^0*')) END"
    text = (
        "CASE WHEN n = '0' THEN '1' "
        f"WHEN starts_with(n, '-') THEN '0' || lpad(CAST(9499 - ({size}) AS VARCHAR), 4, '0') || "
        f"translate({digits}, '0123456789', '9876543210') || '~' "
        f"ELSE '2' || lpad(CAST(500 + ({size}) AS VARCHAR), 4, '0') || {digits} END"
    )
    return f"CASE WHEN {place.is_number} THEN element_at(transform(ARRAY[{place.scalar}], n -> {text}), 1) END"


def _string(place: Place) -> str:
    return f"CASE WHEN {place.is_string} THEN {place.scalar} END"


def _exact(place: Place) -> str:
    """The canonical text of a list, set or map."""
    marked = _tokens(place.column, "t", f"regexp_replace(t, '([0-9]+)[.]', '1$1{_POINT}')")
    found = Place(marked, place.path).json
    escapes = _joined(_ESCAPES, "t", "e", f"CASE WHEN starts_with(e, '\\u') THEN {_unescaped('e')} ELSE e END")
    unmarked = f"regexp_replace(t, '1([0-9]+?){_POINT}', '$1.')"
    exact = _joined(_TOKENS, found, "t", f"CASE WHEN starts_with(t, '\"') THEN {escapes} ELSE {unmarked} END")
    return f"CASE WHEN regexp_like({place.json}, {_REWRITTEN}) THEN {exact} ELSE {place.json} END"


def _unescaped(escape: str) -> str:
    """A control character's escape as the canonical text has it; two halves of a character as that."""
    return (
        f"CASE WHEN length({escape}) = 12 THEN json_extract_scalar('[\"' || {escape} || '\"]', '$[0]') "
        f"ELSE lower({escape}) END"
    )


def _tokens(text: str, name: str, changed: str) -> str:
    return _joined(_TOKENS, text, name, f"CASE WHEN starts_with({name}, '\"') THEN {name} ELSE {changed} END")


def _joined(pattern: str, text: str, name: str, changed: str) -> str:
    return f"array_join(transform(regexp_extract_all({text}, {pattern}), {name} -> {changed}), '')"


_READINGS: Final[dict[str, Callable[[Place], str]]] = {
    "histlib_text": _text,
    "histlib_value": _value,
    "histlib_number": _number,
    "histlib_string": _string,
}
