"""A condition's tree as DuckDB's SQL, three-valued on purpose: TRUE and FALSE are certain, NULL means "ask Python".

What DuckDB's JSON does, as measured, and what follows. It reads a whole number of any length as its digits, so those
compare as text; a fraction as a double, so two fractions whose doubles differ, differ, and are in that order, while
equal doubles mean equal fractions only where both have at most 15 digits (else: NULL). It renders a string as the
canonical text does, control characters aside. What image JSON wraps (``{"$SS": …}``) is an object to it: paths
into that are not followed here. Extraction takes 0.17 µs of a 250-byte image, no more than a search for a text in it.
Literals and names stand in parameters only.
"""

from __future__ import annotations

import re
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any, Final

from histlib.engines.where import nodes
from histlib.engines.where.nodes import Subject, Wild
from histlib.engines.where.writing.parts import MOST_VALUES, UNSURE, TestWriter, inside, joined, member
from histlib.values.image_json import encode_value
from histlib.values.paths import Path

_SURE_DIGITS: Final = 15
_CONTROL: Final = re.compile(r"[\x00-\x1f]")
_LONG_NUMBER: Final = "[0-9.]{17}"
_FRACTION_INSIDE: Final = '^([0-9]|[^"].*[0-9])[.eE]'  # of a rendered value other than a string


def sql_of(test: nodes.Test, subject: Subject) -> tuple[str, dict[str, Any]]:
    """The SQL of a condition's tree and its named parameters."""
    writer = _Writer()
    sql = writer.whole(test)
    if subject is Subject.ITEM:
        sql = f"CASE WHEN image IS NULL THEN FALSE ELSE {sql} END"
    used = set(re.findall(r"\$(p\d+)", sql))
    return sql, {name: value for name, value in writer.params.items() if name in used}


class _Writer(TestWriter):
    """Writes tests, gathering the parameters."""

    def __init__(self) -> None:
        self.params: dict[str, Any] = {}
        self._names: dict[tuple[type, Any], str] = {}

    def write(self, value: Any) -> str:
        """As a parameter."""
        key = (type(value), value)
        if key not in self._names:
            self._names[key] = f"p{len(self._names)}"
            self.params[self._names[key]] = list(value) if isinstance(value, tuple) else value
        return f"${self._names[key]}"

    def column(self, name: str) -> str:
        return "image" if name == "item" else name

    def has_part(self, text: str, part: str) -> str:
        return f"contains({text}, {self.write(part)})"

    def matches(self, text: str, pieces: tuple[str | Wild, ...]) -> str:
        match pieces:
            case (Wild.ANY, str(end)):
                return f"ends_with({text}, {self.write(end)})"
        return super().matches(text, pieces)

    def of_image(self, test: nodes.Like | nodes.IsMissing | nodes.IsNull) -> str:
        if not isinstance(test.operand, nodes.ImagePath) or (pointer := self._pointer(test.operand)) is None:
            return UNSURE
        match test:
            case nodes.IsMissing():
                return f"({_json(pointer)} IS NULL)"
            case nodes.IsNull():
                return f"COALESCE({_json(pointer)} = 'null', FALSE)"
            case nodes.Like(_, pieces, False):
                return self._string(self.matches(_decoded(pointer), pieces), pointer)
        return UNSURE

    # --- comparisons ---

    def equal(self, operand: nodes.ImagePath, value: Any) -> str:
        pointer = self._pointer(operand)
        if pointer is not None and _has_sure_text(value):
            return f"COALESCE({_json(pointer)} = {self.write(encode_value(value))}, FALSE)"
        if pointer is not None and isinstance(value, Decimal):
            return self._fractions(operand, pointer, [value])
        return self._unsure_if_in_text(operand, member(operand, encode_value(value)))

    def order(self, operator: str, operand: nodes.ImagePath, value: Any) -> str:
        pointer = self._pointer(operand)
        if pointer is None or type(value) not in (str, int, Decimal):
            return UNSURE
        if type(value) is str:
            return self._string(f"{_decoded(pointer)} {operator} {self.write(value)}", pointer)
        double, number = _double(pointer), self.write(float(value))
        at_equal = "TRUE" if "=" in operator else "FALSE"
        if type(value) is int:
            text = self.write(encode_value(value))
            equal = f"CASE WHEN {_json(pointer)} = {text} THEN {at_equal} END"
        else:
            equal = self._at_equal_doubles(operand, [value], at_equal)
        wide = operator.rstrip("=") + "="
        inner = f"CASE WHEN {double} = {number} THEN {equal} ELSE TRUE END"
        return f"CASE WHEN {double} {wide} {number} THEN {inner} ELSE FALSE END"

    def _fractions(self, operand: nodes.ImagePath, pointer: tuple[str, str], values: list[Decimal]) -> str:
        """Whether the path has one of these fractions."""
        doubles = self.write(tuple(map(float, values)))
        equal = self._at_equal_doubles(operand, values, "TRUE")
        return f"CASE WHEN list_contains({doubles}, {_double(pointer)}) THEN {equal} ELSE FALSE END"

    def _at_equal_doubles(self, operand: nodes.ImagePath, values: list[Decimal], certain: str) -> str:
        """What to say of a fraction where its double is that of one of the values."""
        if any(len(value.as_tuple().digits) > _SURE_DIGITS for value in values):
            return "NULL"
        return f"CASE WHEN {self._has_long_number(operand)} THEN NULL ELSE {certain} END"

    def _has_long_number(self, operand: nodes.ImagePath) -> str:
        """Whether a number here could have more than 15 digits and a point."""
        last = operand.path[-1]
        name = "" if isinstance(last, int) else f"{re.escape(encode_basestring(last))}:-?"
        return f"regexp_matches({self.column(operand.prefix)}, {self.write(name + _LONG_NUMBER)})"

    def two_paths(self, operator: str, left: nodes.ImagePath, right: nodes.ImagePath) -> str:
        pointers = self._pointer(left), self._pointer(right)
        if pointers[0] is None or pointers[1] is None:
            return UNSURE
        first, second = _json(pointers[0]), _json(pointers[1])
        if operator != "=":
            return _two_numbers(operator, _double(pointers[0]), _double(pointers[1]), first, second)
        number = f"regexp_matches({first}, '^[-0-9]')"
        long = f"{self._has_long_number(left)} OR {self._has_long_number(right)}"
        columns = dict.fromkeys((self.column(left.prefix), self.column(right.prefix)))
        inside = " OR ".join(f"regexp_matches({column}, {self.write(_LONG_NUMBER)})" for column in columns)
        return (
            f"CASE WHEN {first} IS DISTINCT FROM {second} THEN FALSE "
            f"WHEN {first} IS NULL OR NOT regexp_matches({first}, '{_FRACTION_INSIDE}') THEN TRUE "
            f"WHEN {number} THEN CASE WHEN {long} THEN NULL ELSE TRUE END "
            f"WHEN {inside} THEN NULL ELSE TRUE END"
        )

    def among(self, operand: nodes.Operand, values: tuple[Any, ...]) -> str:
        if isinstance(operand, nodes.Actor):
            return self._listed("actor", [value for value in values if type(value) is str])
        if not isinstance(operand, nodes.ImagePath):
            return UNSURE
        pointer = self._pointer(operand)
        if pointer is None:
            return UNSURE
        fractions = [value for value in values if isinstance(value, Decimal)]
        other = [value for value in values if not isinstance(value, Decimal) and not _has_sure_text(value)]
        tests = [self._listed(_json(pointer), [encode_value(value) for value in values if _has_sure_text(value)])]
        tests += [self._fractions(operand, pointer, fractions)] if fractions else []
        tests += [self.equal(operand, value) for value in other] if len(other) <= MOST_VALUES else [UNSURE]
        return joined(" OR ", tests)

    def _listed(self, text: str, values: list[str]) -> str:
        return f"COALESCE(list_contains({self.write(tuple(values))}, {text}), FALSE)" if values else "FALSE"

    def answer(self, operand: nodes.Operand) -> str:
        match operand:
            case nodes.Call("starts_with", (nodes.ImagePath() as path, nodes.Constant(str(value)))):
                return self.test(nodes.Like(path, (value, Wild.ANY)))
            case nodes.Call("ends_with", (nodes.ImagePath() as path, nodes.Constant(str(value)))):
                return self.test(nodes.Like(path, (Wild.ANY, value)))
            case nodes.Call("contains", (nodes.ImagePath() as path, nodes.Constant(value))):
                text = encode_value(value)
                return self._unsure_if_in_text(path, text[1:-1] if type(value) is str else inside(text))
        return UNSURE

    # --- parts ---

    def _string(self, test: str, pointer: tuple[str, str]) -> str:
        """A test of the decoded text, true of strings only: DuckDB decodes ``"5"`` and ``5`` alike."""
        return f"CASE WHEN {test} THEN json_type({pointer[0]}, {pointer[1]}) = 'VARCHAR' ELSE FALSE END"

    def _unsure_if_in_text(self, operand: nodes.ImagePath, text: str) -> str:
        return f"CASE WHEN contains({self.column(operand.prefix)}, {self.write(text)}) THEN NULL ELSE FALSE END"

    def _pointer(self, operand: nodes.ImagePath) -> tuple[str, str] | None:
        """The column and the parameter of the path in it; None where DuckDB may go elsewhere than histlib."""
        path = _duckdb_path(operand.path)
        return None if path is None else (self.column(operand.prefix), self.write(path))


def _duckdb_path(path: Path) -> str | None:
    """A JSON pointer, or where it could take a name for a position, a ``$`` path."""
    names = [step for step in path if isinstance(step, str)]
    if any(isinstance(step, str) and step.startswith("$") for step in path[1:]):
        return None
    if len(names) == len(path) and not any(step.isdigit() or step == "-" for step in names[1:]):
        return "".join("/" + name.replace("~", "~0").replace("/", "~1") for name in names)
    if any(not name or re.search(r'["\\]|[\x00-\x1f]', name) for name in names):
        return None
    return "$" + "".join(f"[{step}]" if isinstance(step, int) else f'."{step}"' for step in path)


def _json(pointer: tuple[str, str]) -> str:
    return f"CAST(json_extract({pointer[0]}, {pointer[1]}) AS VARCHAR)"


def _decoded(pointer: tuple[str, str]) -> str:
    return f"json_extract_string({pointer[0]}, {pointer[1]})"


def _double(pointer: tuple[str, str]) -> str:
    return f"TRY_CAST({_json(pointer)} AS DOUBLE)"


def _two_numbers(operator: str, left: str, right: str, left_json: str, right_json: str) -> str:
    strict = operator.rstrip("=")
    other = {"<": ">", ">": "<"}[strict]
    return (
        f"CASE WHEN {left} {strict} {right} THEN TRUE WHEN {left} {other} {right} THEN FALSE "
        f"WHEN {left_json} IS NULL OR {right_json} IS NULL THEN FALSE END"
    )


def _has_sure_text(value: Any) -> bool:
    """Whether DuckDB renders the value, and only it, as its canonical text."""
    return type(value) in (int, bool) or (type(value) is str and not _CONTROL.search(value))
