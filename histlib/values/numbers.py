"""Numbers of DynamoDB: 38 digits between 1E-130 and 9.99E+125, exact, each with one text."""

from __future__ import annotations

import re
from decimal import Context, Decimal, InvalidOperation
from typing import Final

from histlib.errors import ValueNotValidError

_DIGITS: Final = 38
_EXACT = Context(prec=_DIGITS)
_CANONICAL_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,37})(?:\.\d{0,36}[1-9])?", re.ASCII)
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)


def canonical_number(text: str) -> str:
    """The one text of a DynamoDB number: no exponent, no zeros at either end, no plus, −0 is 0.

    Raises:
        ValueNotValidError: not a number, more than 38 digits, or outside 1E-130 … 9.99E+125
            (DynamoDB developer guide, "Naming rules and data types").
    """
    if _CANONICAL_NUMBER.fullmatch(text) and len(text) <= _DIGITS and text != "-0":
        return text
    if not _NUMBER.fullmatch(text):
        raise ValueNotValidError(f"{text!r} is no DynamoDB number; expected e.g. 12.5", text)
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise ValueNotValidError(f"{text!r} is no DynamoDB number: exponent too large", text) from error
    if number == 0:
        return "0"
    digits = Decimal(number).as_tuple().digits
    significant = len("".join(map(str, digits)).strip("0"))
    if significant > _DIGITS or not -130 <= number.adjusted() <= 125:
        raise ValueNotValidError(
            f"{text!r} is no DynamoDB number: {significant} digits and magnitude 1E{number.adjusted()}; "
            "expected at most 38 digits between 1E-130 and 9.99E+125",
            text,
        )
    return f"{number.normalize(_EXACT):f}"


def number_from_text(text: str) -> int | Decimal:
    """int where integral, else Decimal; raises as :func:`canonical_number`."""
    canonical = canonical_number(text)
    return Decimal(canonical) if "." in canonical else int(canonical)


def fraction_from_text(text: str) -> int | Decimal:
    """The same for JSON with a point or exponent; short canonical fractions, nearly all, need no second look."""
    if len(text) > _DIGITS or text[-1] == "0" or "e" in text or "E" in text:
        return number_from_text(text)
    return Decimal(text)


def encode_number(value: int | Decimal) -> str:
    """The one text of a number; raises as :func:`canonical_number`."""
    if isinstance(value, int):
        return encode_int(value)
    return canonical_number(str(value))


def encode_int(value: int) -> str:
    """The same for a whole number, without the way over Decimal where it is short."""
    try:
        text = int.__repr__(value)
    except ValueError as error:  # more digits than Python prints
        raise ValueNotValidError("a whole number is outside DynamoDB's numbers: over 9.99E+125", value) from error
    return text if len(text) <= _DIGITS else canonical_number(text)


def order_text(text: str) -> str:
    """A text for a canonical number that sorts, by its characters, as the numbers do."""
    number = Decimal(text)
    if number == 0:
        return "1"
    digits = "".join(map(str, number.as_tuple().digits)).rstrip("0")
    size = number.adjusted() + 500
    if number > 0:
        return f"2{size:04}{digits}"
    mirrored = "".join(str(9 - int(digit)) for digit in digits)
    return f"0{9_999 - size:04}{mirrored}~"
