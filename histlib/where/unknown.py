"""What a condition may be where some of what it asks for is not known: a test that is true there."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from histlib.where.nodes import (
    ActionIs,
    Actor,
    Always,
    And,
    ImagePath,
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


def unseen(keys: Sequence[str]) -> Unknown:
    """True where a change does not show an image that is asked for though the item was there: the attributes of keys,
    which every item has, are missing in it."""
    there = {"new_image": ("INSERT", "MODIFY"), "old_image": ("MODIFY", "REMOVE")}

    def of(test: Test) -> Test:
        prefixes = sorted({operand.prefix for operand in image_operands(test)} & there.keys())
        blind = [
            And((ActionIs(there[prefix]), *(IsMissing(ImagePath(prefix, (key,))) for key in keys)))
            for prefix in prefixes
        ]
        return Or((Always(False), *blind))

    return of
