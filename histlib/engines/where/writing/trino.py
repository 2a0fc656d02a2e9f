"""A condition's tree as Trino's SQL, three-valued on purpose: TRUE and FALSE are certain, NULL means "ask Python".

What Trino's JSON does is in :mod:`histlib.engines.trino_text`, and what follows: a scalar is known exactly, a list, set
or map where it has no fraction and no rare character. Doubles round alike in order, so two numbers whose doubles differ
are in that order. What image JSON wraps (``{"$SS": …}``) is an object to Trino: paths into that are not followed.
Values stand as literals, since Athena takes ``?`` in WHERE only and these conditions also stand in SELECT lists.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from histlib.engines.trino_text import Place, literal
from histlib.engines.where import nodes
from histlib.engines.where.nodes import Subject, Wild
from histlib.engines.where.writing.parts import MOST_VALUES, UNSURE, TestWriter, inside, joined, member
from histlib.values.image_json import encode_value

#: The columns that a condition may read, as they are called.
COLUMNS: Final[dict[Subject, tuple[str, ...]]] = {
    Subject.ITEM: ("keys", "image"),
    Subject.CHANGE: ("keys", "new_image", "old_image", "action", "effective", "actor"),
}
#: Strings of canonical text, and what stands between them.
_TOKENS: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[^"]+')
_FRACTION_INSIDE: Final = "[0-9][.][0-9]"


def sql_of(test: nodes.Test, subject: Subject, columns: Mapping[str, str]) -> str:
    """The SQL of a condition's tree over these columns: name in :data:`COLUMNS` → SQL; those left out by their names.

    Raises:
        ValueError: a column that the subject does not have.
    """
    if unknown := sorted(set(columns) - set(COLUMNS[subject])):
        raise ValueError(f"no column {', '.join(unknown)}; expected some of {', '.join(COLUMNS[subject])}")
    writer = _Writer({name: name for name in COLUMNS[subject]} | dict(columns))
    sql = writer.whole(test)
    cases = [f"WHEN {writer.column('item')} IS NULL THEN FALSE"] if subject is Subject.ITEM else []
    cases += [f"WHEN {image} IS NOT NULL AND json_size({image}, '$') IS NULL THEN NULL" for image in writer.read]
    return f"CASE {' '.join(cases)} ELSE {sql} END" if cases else sql


class _Writer(TestWriter):
    """Writes tests. ``read``: the columns of images that they look into, of which Trino alone would not say that one is
    no JSON."""

    def __init__(self, columns: Mapping[str, str]) -> None:
        self._columns = columns
        self.read: dict[str, None] = {}

    def column(self, name: str) -> str:
        return self._columns["image" if name == "item" else name]

    def write(self, value: Any) -> str:
        return literal(value) if isinstance(value, str) else str(value)

    def has_part(self, text: str, part: str) -> str:
        return f"strpos({text}, {literal(part)}) > 0"

    def of_image(self, test: nodes.Like | nodes.IsMissing | nodes.IsNull) -> str:
        if (place := self._place(test.operand)) is None:
            return UNSURE
        match test:
            case nodes.IsMissing():
                return f"({place.json} IS NULL)"
            case nodes.IsNull():
                return f"COALESCE({place.json} = 'null', FALSE)"
            case nodes.Like(_, pieces, False):
                return _of_string(place, self.matches(place.scalar, pieces))
        return UNSURE

    # --- comparisons ---

    def equal(self, operand: nodes.ImagePath, value: Any) -> str:
        place, text = self._place(operand), encode_value(value)
        if place is not None and _is_rendered(text):
            return f"COALESCE({place.json} = {literal(text)}, FALSE)"
        if place is not None and isinstance(value, Decimal):
            return f"CASE WHEN {place.scalar} = {literal(text)} THEN NOT {place.is_string} ELSE FALSE END"
        if place is not None and type(value) is str:
            return _of_string(place, f"{place.scalar} = {literal(value)}")
        return self._unsure_if_in_text(operand, member(operand, text))

    def order(self, operator: str, operand: nodes.ImagePath, value: Any) -> str:
        place = self._place(operand)
        if place is None:
            return UNSURE
        match value:
            case str():
                return _of_string(place, f"{place.scalar} {operator} {literal(value)}")
            case bytes():
                return f"CASE WHEN {_is_binary(place)} THEN NULL ELSE FALSE END"
            case int() | Decimal() if type(value) is not bool:
                told = _numbers(operator, _double(place), f"DOUBLE '{float(value)!r}'")
                equal = f"WHEN {place.scalar} = {literal(encode_value(value))} THEN {_at_equal(operator)}"
                return f"CASE WHEN {place.is_number} THEN CASE {told} {equal} END ELSE FALSE END"
        return UNSURE

    def two_paths(self, operator: str, left: nodes.ImagePath, right: nodes.ImagePath) -> str:
        one, other = self._place(left), self._place(right)
        if one is None or other is None:
            return UNSURE
        first, second = one.json, other.json
        if operator == "=":
            return (
                f"CASE WHEN {first} IS DISTINCT FROM {second} THEN FALSE "
                f"WHEN {first} IS NULL OR NOT regexp_like({first}, '{_FRACTION_INSIDE}') THEN TRUE "
                f"ELSE {one.scalar} = {other.scalar} END"
            )
        numbers = f"CASE {_numbers(operator, _double(one), _double(other))} "
        numbers += f"WHEN {one.scalar} = {other.scalar} THEN {_at_equal(operator)} END"
        return (
            f"CASE WHEN {one.is_number} AND {other.is_number} THEN {numbers} "
            f"WHEN {one.is_string} AND {other.is_string} THEN {one.scalar} {operator} {other.scalar} "
            f"WHEN {_is_binary(one)} AND {_is_binary(other)} THEN NULL ELSE FALSE END"
        )

    def among(self, operand: nodes.Operand, values: tuple[Any, ...]) -> str:
        if isinstance(operand, nodes.Actor):
            texts = [value for value in values if type(value) is str]
            return f"COALESCE({self.column('actor')} IN ({_listed(texts)}), FALSE)" if texts else "FALSE"
        if not isinstance(operand, nodes.ImagePath) or (place := self._place(operand)) is None:
            return UNSURE
        texts = [encode_value(value) for value in values]
        rendered = [text for text in texts if _is_rendered(text)]
        fractions = [text for value, text in zip(values, texts, strict=True) if isinstance(value, Decimal)]
        other = [value for value, text in zip(values, texts, strict=True)
                 if not _is_rendered(text) and not isinstance(value, Decimal)]  # fmt: skip
        tests = [f"COALESCE({place.json} IN ({_listed(rendered)}), FALSE)"] if rendered else []
        if fractions:
            tests += [f"CASE WHEN {place.scalar} IN ({_listed(fractions)}) THEN NOT {place.is_string} ELSE FALSE END"]
        tests += [self.equal(operand, value) for value in other] if len(other) <= MOST_VALUES else [UNSURE]
        return joined(" OR ", tests) if tests else "FALSE"

    def answer(self, operand: nodes.Operand) -> str:
        match operand:
            case nodes.ImagePath() if (place := self._place(operand)) is not None:
                return f"COALESCE({place.json} = 'true', FALSE)"
            case nodes.Call("starts_with", (path, nodes.Constant(str(value)))):
                return self.test(nodes.Like(path, (value, Wild.ANY)))
            case nodes.Call("ends_with", (path, nodes.Constant(str(value)))):
                return self.test(nodes.Like(path, (Wild.ANY, value)))
            case nodes.Call("contains", (nodes.ImagePath() as path, nodes.Constant(value))):
                return self._contains(path, value)
        return UNSURE

    def _contains(self, operand: nodes.ImagePath, value: Any) -> str:
        text = encode_value(value)
        part = text[1:-1] if type(value) is str else inside(text)
        unsure = self._unsure_if_in_text(operand, part)
        if type(value) is not str or (place := self._place(operand)) is None:
            return unsure
        return f"CASE WHEN {place.is_string} THEN strpos({place.scalar}, {literal(value)}) > 0 ELSE {unsure} END"

    # --- parts ---

    def _place(self, operand: nodes.Operand) -> Place | None:
        """Where an operand is; None where Trino may go elsewhere than histlib."""
        if not isinstance(operand, nodes.ImagePath):
            return None
        column = self.column(operand.prefix)
        self.read[column] = None
        wrapped = any(isinstance(step, str) and step.startswith("$") for step in operand.path[1:])
        return None if wrapped else Place(column, operand.path)

    def _unsure_if_in_text(self, operand: nodes.ImagePath, text: str) -> str:
        return f"CASE WHEN strpos({self.column(operand.prefix)}, {literal(text)}) > 0 THEN NULL ELSE FALSE END"


def _numbers(operator: str, left: str, right: str) -> str:
    """The branches of a CASE for numbers whose doubles differ."""
    strict = operator.rstrip("=")
    other = {"<": ">", ">": "<"}[strict]
    return f"WHEN {left} {strict} {right} THEN TRUE WHEN {left} {other} {right} THEN FALSE"


def _at_equal(operator: str) -> str:
    return "TRUE" if operator.endswith("=") else "FALSE"


def _double(place: Place) -> str:
    return f"TRY_CAST({place.scalar} AS DOUBLE)"


def _of_string(place: Place, test: str) -> str:
    return f"CASE WHEN {place.is_string} THEN {test} ELSE FALSE END"


def _is_binary(place: Place) -> str:
    return f"""starts_with({place.json}, '{{"$B":')"""


def _listed(texts: Any) -> str:
    return ", ".join(map(literal, texts))


def _is_rendered(text: str) -> bool:
    """Whether Trino writes a value of this canonical text, and only it, just so."""
    if any(character > "\uffff" for character in text):
        return False
    tokens = _TOKENS.findall(text)
    return not any("\\u" in token if token.startswith('"') else "." in token for token in tokens)
