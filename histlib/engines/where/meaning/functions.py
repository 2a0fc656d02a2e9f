"""The functions of a condition: one table, from which the parser checks and the documentation is made.

As in SQL, a function of something missing is missing and one of NULL is NULL (but for ``type`` and ``coalesce``);
one of a wrong type has no value, which is the same as nothing, not even as another no value.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Context, Decimal, DecimalException, Inexact, Overflow
from typing import Any, Final

from histlib.engines.where.meaning.sameness import NO_VALUE, kind, same
from histlib.values.image_json import MISSING

_FARTHEST: Final = 300
_EXACT = Context(prec=1_000, Emin=-5_000, Emax=5_000, traps=[Inexact, Overflow])


@dataclass(frozen=True, slots=True)
class Function:
    """A function of ``least`` to ``most`` arguments (None: any number).

    ``kinds``: what the arguments must be, of which the last goes for all further ones; empty: ``apply`` sees
    whatever there is, missing and NULL too. ``answers``: it gives TRUE or FALSE, so may stand as a test.
    """

    usage: str
    summary: str
    least: int
    most: int | None
    kinds: tuple[str, ...]
    apply: Callable[..., Any]
    answers: bool = False

    def __call__(self, arguments: list[Any]) -> Any:
        """The result for arguments of any kind."""
        if not self.kinds:
            return self.apply(*arguments)
        for absent in (MISSING, None, NO_VALUE):
            if any(argument is absent for argument in arguments):
                return absent
        for position, argument in enumerate(arguments):
            wanted = self.kinds[min(position, len(self.kinds) - 1)]
            if wanted != "any" and kind(argument) not in wanted.split():
                return NO_VALUE
        return self.apply(*arguments)


def _substr(text: str, start: Any, count: Any = None) -> Any:
    if start != int(start) or (count is not None and (count != int(count) or count < 0)):
        return NO_VALUE
    first = int(start) - 1
    last = len(text) if count is None else first + int(count)
    return text[max(first, 0) : max(last, 0)]


def _contains(container: Any, value: Any) -> Any:
    if type(container) is str:
        return type(value) is str and value in container
    return any(same(member, value) for member in container)


def _coalesce(*values: Any) -> Any:
    return next((value for value in values if kind(value) not in ("NULL", "MISSING")), MISSING)


def _exact(compute: Callable[[Decimal, Decimal], Decimal]) -> Callable[[Any, Any], Any]:
    def apply(left: Any, right: Any) -> Any:
        try:
            return compute(Decimal(left), Decimal(right))
        except DecimalException:
            return NO_VALUE

    return apply


def _to_places(value: Any, places: Any, rounding: str) -> Any:
    if places != int(places) or abs(places) > _FARTHEST:
        return NO_VALUE
    unit = Decimal((0, (1,), -int(places)))
    number = Decimal(value)
    exponent = number.as_tuple().exponent
    if isinstance(exponent, int) and exponent >= -int(places):
        return value
    return number.quantize(unit, rounding=rounding, context=Context(prec=1_000))


def _joined(*texts: str) -> str:
    return "".join(texts)


def _abs(value: Any) -> Any:
    return value.copy_abs() if isinstance(value, Decimal) else abs(value)  # abs() of a Decimal rounds it


def _floor(value: Any) -> Any:
    return _to_places(value, 0, ROUND_FLOOR)


def _ceil(value: Any) -> Any:
    return _to_places(value, 0, ROUND_CEILING)


def _round(value: Any, places: Any = 0) -> Any:
    return _to_places(value, places, ROUND_HALF_UP)


_SIZED: Final = "S L M SS NS BS"

#: Function name → what it is. Names are not case-sensitive.
FUNCTIONS: Final[dict[str, Function]] = {
    "lower": Function("lower(s)", "s in lower case", 1, 1, ("S",), str.lower),
    "upper": Function("upper(s)", "s in upper case", 1, 1, ("S",), str.upper),
    "length": Function("length(x)", "characters of a string, members of a list, set or map", 1, 1, (_SIZED,), len),
    "trim": Function("trim(s)", "s without spaces at its ends", 1, 1, ("S",), lambda text: text.strip(" ")),
    "substr": Function(
        "substr(s, start[, n])", "n characters of s from start, which counts from 1", 2, 3, ("S", "N"), _substr,
    ),
    "concat": Function("concat(s, …)", "the strings joined; also s || t", 1, None, ("S",), _joined),
    "starts_with": Function("starts_with(s, t)", "whether s begins with t", 2, 2, ("S",), str.startswith, True),
    "ends_with": Function("ends_with(s, t)", "whether s ends with t", 2, 2, ("S",), str.endswith, True),
    "contains": Function(
        "contains(x, y)", "whether list or set x has the member y, or string x the part y", 2, 2,
        ("S L SS NS BS", "any"), _contains, True,
    ),
    "abs": Function("abs(n)", "n without its sign", 1, 1, ("N",), _abs),
    "round": Function("round(n[, places])", "n rounded, halves away from zero", 1, 2, ("N",), _round),
    "floor": Function("floor(n)", "the whole number at or below n", 1, 1, ("N",), _floor),
    "ceil": Function("ceil(n)", "the whole number at or above n", 1, 1, ("N",), _ceil),
    "type": Function("type(x)", "S N B SS NS BS BOOL NULL L M, or MISSING", 1, 1, (), kind),
    "coalesce": Function("coalesce(x, y, …)", "the first that is neither missing nor NULL", 2, None, (), _coalesce),
}  # fmt: skip

#: Arithmetic, exact.
OPERATORS: Final[dict[str, Function]] = {
    "+": Function("m + n", "the sum", 2, 2, ("N",), _exact(_EXACT.add)),
    "-": Function("m - n", "the difference", 2, 2, ("N",), _exact(_EXACT.subtract)),
    "*": Function("m * n", "the product", 2, 2, ("N",), _exact(_EXACT.multiply)),
}


def function(name: str) -> Function:
    """The function or operator of a node's name."""
    return FUNCTIONS.get(name) or OPERATORS[name]
