"""What is the same of a condition's SQL for each engine: which test is written how, and some parts."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from json.encoder import encode_basestring
from typing import Any, Final

from histlib.engines.where import nodes
from histlib.engines.where.nodes import Wild

#: What is left to Python.
UNSURE: Final = "CAST(NULL AS BOOLEAN)"
#: Of more tests, or more values to be compared one by one, nothing is decided by SQL.
MOST_TESTS: Final = 300
MOST_VALUES: Final = 50
_SECOND: Final = 1_000_000


class TestWriter(ABC):
    """Writes tests as SQL; an engine's own says how it writes values and columns, and looks into images."""

    def whole(self, test: nodes.Test) -> str:
        """The SQL of a condition's tree."""
        return self.test(test) if count(test) <= MOST_TESTS else UNSURE

    def test(self, test: nodes.Test) -> str:
        """The SQL of a test."""
        match test:
            case nodes.Always(value):
                return "TRUE" if value else "FALSE"
            case nodes.And(tests):
                return joined(" AND ", [self.test(each) for each in tests])
            case nodes.Or(tests):
                return joined(" OR ", [self.test(each) for each in tests])
            case nodes.Not(inner):
                return f"(NOT {self.test(inner)})"
            case nodes.ActionIs(actions):
                listed = ", ".join(map(self.write, actions))
                return f"({self.column('action')} IN ({listed}))" if actions else "FALSE"
            case nodes.TimeIs():
                return time_sql(test, self.column("effective"), self.write)
            case nodes.IsTrue(operand):
                return self.answer(operand)
            case nodes.Compare(operator, left, right):
                return self._compare(operator, left, right)
            case nodes.Among(operand, values):
                return self.among(operand, values)
            case nodes.IsMissing(nodes.Actor()) | nodes.IsNull(nodes.Actor()):
                return f"({self.column('actor')} IS NULL)"
            case nodes.Like(nodes.Actor(), pieces, False):
                return f"COALESCE({self.matches(self.column('actor'), pieces)}, FALSE)"
            case nodes.Like() | nodes.IsMissing() | nodes.IsNull():
                return self.of_image(test)
        return UNSURE

    def _compare(self, operator: str, left: nodes.Operand, right: nodes.Operand) -> str:
        match left, right:
            case nodes.ImagePath(), nodes.Constant(value):
                return self.equal(left, value) if operator == "=" else self.order(operator, left, value)
            case nodes.Actor(), nodes.Constant(value):
                actor = self.column("actor")
                return f"COALESCE({actor} {operator} {self.write(value)}, FALSE)" if type(value) is str else "FALSE"
            case nodes.ImagePath(), nodes.ImagePath():
                return self.two_paths(operator, left, right)
        return UNSURE

    def matches(self, text: str, pieces: tuple[str | Wild, ...]) -> str:
        """The SQL of LIKE: what is simple without a pattern."""
        match pieces:
            case ():
                return f"{text} = ''"
            case (str(whole),):
                return f"{text} = {self.write(whole)}"
            case (Wild.ANY,):
                return f"{text} IS NOT NULL"
            case (str(start), Wild.ANY):
                return f"starts_with({text}, {self.write(start)})"
            case (Wild.ANY, str(part), Wild.ANY):
                return self.has_part(text, part)
        return f"{text} LIKE {self.write(pattern(pieces))} ESCAPE '\\'"

    @abstractmethod
    def write(self, value: Any) -> str:
        """A value: text or number."""

    @abstractmethod
    def column(self, name: str) -> str:
        """A column, or the image that a prefix of names means."""

    @abstractmethod
    def has_part(self, text: str, part: str) -> str:
        """Whether a text (SQL) has a part."""

    @abstractmethod
    def of_image(self, test: nodes.Like | nodes.IsMissing | nodes.IsNull) -> str:
        """A test of one path in an image."""

    @abstractmethod
    def equal(self, operand: nodes.ImagePath, value: Any) -> str:
        """Whether a path has a value."""

    @abstractmethod
    def order(self, operator: str, operand: nodes.ImagePath, value: Any) -> str:
        """How a path's value is ordered to another."""

    @abstractmethod
    def two_paths(self, operator: str, left: nodes.ImagePath, right: nodes.ImagePath) -> str:
        """A comparison of two paths."""

    @abstractmethod
    def among(self, operand: nodes.Operand, values: tuple[Any, ...]) -> str:
        """IN."""

    @abstractmethod
    def answer(self, operand: nodes.Operand) -> str:
        """Whether an operand is true."""


def joined(word: str, parts: list[str]) -> str:
    """Joined as a balanced tree: engines count the levels of a long chain."""
    if len(parts) == 1:
        return parts[0]
    middle = len(parts) // 2
    return f"({joined(word, parts[:middle])}{word}{joined(word, parts[middle:])})"


def count(test: nodes.Test) -> int:
    """How many tests are joined in a tree."""
    match test:
        case nodes.And(tests) | nodes.Or(tests):
            return sum(map(count, tests))
        case nodes.Not(inner):
            return count(inner)
    return 1


def pattern(pieces: tuple[str | Wild, ...]) -> str:
    """The pattern of LIKE, escaped by a backslash."""
    return "".join(piece.value if isinstance(piece, Wild) else re.sub(r"([%_\\])", r"\\\1", piece) for piece in pieces)


def inside(text: str) -> str:
    """Of a member's image JSON what must stand in a list's or a set's: in a set, binary is bare."""
    return text.removeprefix('{"$B":').removesuffix("}") if text.startswith('{"$B":') else text


def member(operand: nodes.ImagePath, text: str) -> str:
    """What an image's canonical text must have somewhere for a value of this canonical text to be at the path."""
    last = operand.path[-1]
    return text if isinstance(last, int) else f"{encode_basestring(last)}:{text}"


def time_sql(test: nodes.TimeIs, column: str, write: Callable[[int], str]) -> str:
    """The comparison of a column of epoch µs; ``write`` gives a number's text."""
    first, operator = test.value, test.operator
    if not test.in_seconds:
        return f"({column} {operator} {write(first)})"
    first, after = first * _SECOND, (first + 1) * _SECOND
    if operator == "=":
        return f"({column} >= {write(first)} AND {column} < {write(after)})"
    bound = after if operator in ("<=", ">") else first
    return f"({column} {'<' if '<' in operator else '>='} {write(bound)})"
