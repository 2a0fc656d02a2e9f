"""The tree of a condition: our own few nodes, immutable; whatever SQL has beyond them is refused.

An operand is a value about one row: a constant, what an image has at a path, the actor, or a function's result.
A test is true or false of one row, never anything between.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from histlib.values.paths import Path


class Subject(Enum):
    """What a condition is about: an item as it was, or one change."""

    ITEM = "item"
    CHANGE = "change"


class Wild(Enum):
    """The wildcards of LIKE."""

    ANY = "%"
    ONE = "_"


@dataclass(frozen=True, slots=True)
class Constant:
    """A literal or parameter: any DynamoDB value but NULL."""

    value: Any


@dataclass(frozen=True, slots=True)
class ImagePath:
    """What ``keys``, ``item``, ``new_image`` or ``old_image`` has at a path of one step or more."""

    prefix: str
    path: Path


@dataclass(frozen=True, slots=True)
class Actor:
    """Who made the change: a string, or missing."""


@dataclass(frozen=True, slots=True)
class Call:
    """A function or arithmetic operator and its arguments; see :mod:`histlib.engines.where.meaning.functions`."""

    name: str
    arguments: tuple[Operand, ...]


Operand = Constant | ImagePath | Actor | Call


@dataclass(frozen=True, slots=True)
class Always:
    """TRUE or FALSE of every row."""

    value: bool


@dataclass(frozen=True, slots=True)
class And:
    """All of the tests."""

    tests: tuple[Test, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """One of the tests, or more."""

    tests: tuple[Test, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The test is false."""

    test: Test


@dataclass(frozen=True, slots=True)
class Compare:
    """``=``, ``<``, ``<=``, ``>`` or ``>=``; a constant, if any, stands right."""

    operator: str
    left: Operand
    right: Operand


@dataclass(frozen=True, slots=True)
class Among:
    """IN: the operand is one of these values."""

    operand: Operand
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Like:
    """A string that consists of the pieces: text and wildcards."""

    operand: Operand
    pieces: tuple[str | Wild, ...]
    ignore_case: bool = False


@dataclass(frozen=True, slots=True)
class IsMissing:
    """There is nothing."""

    operand: Operand


@dataclass(frozen=True, slots=True)
class IsNull:
    """It is DynamoDB's NULL; for the actor, which has no NULL: not known."""

    operand: Operand


@dataclass(frozen=True, slots=True)
class IsTrue:
    """A function of yes or no that stands as a test."""

    operand: Operand


@dataclass(frozen=True, slots=True)
class ActionIs:
    """The change's action is one of these."""

    actions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TimeIs:
    """The change's effective time, epoch µs, or ``in_seconds`` its whole seconds, against a number."""

    operator: str
    value: int
    in_seconds: bool = False


Test = Always | And | Or | Not | Compare | Among | Like | IsMissing | IsNull | IsTrue | ActionIs | TimeIs


def image_operands(test: Any) -> frozenset[ImagePath]:
    """What a tree asks of images, at whatever depth."""
    if isinstance(test, ImagePath):
        return frozenset() if test.prefix == "keys" else frozenset({test})
    if isinstance(test, tuple):
        return frozenset().union(*map(image_operands, test))
    if hasattr(test, "__dataclass_fields__"):
        return image_operands(tuple(getattr(test, name) for name in test.__dataclass_fields__))
    return frozenset()


def image_paths(test: Any) -> frozenset[Path]:
    """The paths of the images that a tree asks for."""
    return frozenset(operand.path for operand in image_operands(test))


def uses(test: Any, kind: type) -> bool:
    """Whether a tree has a node of a kind, at whatever depth."""
    if isinstance(test, kind):
        return True
    if isinstance(test, tuple):
        return any(uses(part, kind) for part in test)
    return hasattr(test, "__dataclass_fields__") and any(
        uses(getattr(test, name), kind) for name in test.__dataclass_fields__
    )
