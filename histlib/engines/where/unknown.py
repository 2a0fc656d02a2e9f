"""What a condition may be where some of what it asks for is not known: a test that is true there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from histlib.engines.where.nodes import (
    ActionIs,
    Actor,
    Always,
    And,
    IsMissing,
    Not,
    Or,
    Test,
    TimeIs,
    image_operands,
    uses,
)

#: Of a test that is no AND, OR or NOT: the test that is true where it cannot be told.
Unknown = Callable[[Test], Test]

#: The actions of which an image is of an item that was there.
_THERE: Final = {"new_image": ("INSERT", "MODIFY"), "old_image": ("MODIFY", "REMOVE")}


def may_be(test: Test, unknown: Unknown, *, true: bool = True) -> Test:
    """The test that is true where one is, or cannot be told to be otherwise."""
    match test:
        case Not(inner):
            return may_be(inner, unknown, true=not true)
        case And(tests) | Or(tests):
            kind = And if isinstance(test, And) == true else Or
            return kind(tuple(may_be(each, unknown, true=true) for each in tests))
    return Or((unknown(test), test if true else Not(test)))


def beyond_keys(test: Test) -> Test:
    """True where a key alone does not tell."""
    other = any(uses(test, kind) for kind in (Actor, ActionIs, TimeIs))
    return Always(other or bool(image_operands(test)))


def lacking(test: Test) -> Test:
    """True where an item has nothing at a path that is asked for."""
    missing = sorted((IsMissing(operand) for operand in image_operands(test)), key=repr)
    return Or((Always(False), *missing))


def untold(test: Test) -> Test:
    """True where a change does not show what is asked for of an item that was there: its view does not hold the image,
    it was dropped, or the item did not have it."""
    asked = sorted(image_operands(test), key=repr)
    return Or((Always(False), *(And((ActionIs(_THERE[one.prefix]), IsMissing(one))) for one in asked)))
