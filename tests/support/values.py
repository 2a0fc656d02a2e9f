"""Hypothesis strategies for everything that DynamoDB can hold."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

#: Any text that UTF-8 can hold.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
names = st.one_of(texts, st.sampled_from(["$SS", "$M", "$N", "$B", "$x", "a.b", "a[0]", 'q"q', "", "A", "a"]))


@st.composite
def numbers(draw: st.DrawFn) -> int | Decimal:
    """Up to 38 digits, 1E-130 to 9.99E+125: int where integral, else Decimal, as histlib gives them."""
    digits = draw(st.integers(0, 10 ** draw(st.integers(1, 38)) - 1))
    number = Decimal(digits).scaleb(draw(st.integers(-130, 87))) * draw(st.sampled_from((1, -1)))
    if digits and not -130 <= number.adjusted() <= 125:
        number = Decimal(digits)
    return int(number) if number == number.to_integral_value() else number.normalize()


scalars: st.SearchStrategy[Any] = st.one_of(texts, numbers(), st.booleans(), st.none(), st.binary(max_size=8))
sets = st.one_of(
    st.frozensets(texts, min_size=1, max_size=4),
    st.frozensets(numbers(), min_size=1, max_size=4),
    st.frozensets(st.binary(max_size=5), min_size=1, max_size=4),
)
values = st.recursive(
    st.one_of(scalars, sets),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(names, inner, max_size=4)),
    max_leaves=12,
)
items = st.dictionaries(names, values, max_size=5)


def same(left: Any, right: Any) -> bool:
    """Equality that tells 1 from True, at any depth."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[name], right[name]) for name in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return type(left) is type(right) and left == right
