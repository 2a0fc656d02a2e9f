"""Format 0: images as the article's Lambda wrote them, and the one text in which they compare with others.

That Lambda wrote plain JSON and turned what JSON lacks into text by Python's ``str()``: a number ``1`` became
``"1"``, a set ``"{'b', 'a'}"`` (in any order, another one each time), a set of numbers ``"{Decimal('1')}"``. What a
text was before is lost, so images of different formats are equal when both become the same text here.
"""

from __future__ import annotations

import ast
import re
from decimal import Decimal
from typing import Any, Final

from histlib.errors import ValueNotValidError
from histlib.values.image_json import MISSING, decode_image, encode_image, encode_value
from histlib.values.numbers import canonical_number, encode_number

#: Parts of texts that may not be as :func:`to_format0` gives them; of some that are, too.
_SUSPECT: Final = ('"$', '"{', '"b', '"Binary(', "E+", "E-")
_NUMBER: Final = re.compile(r'":-?\d|\[-?\d|["}\]el],-?\d')
_EXPONENT: Final = re.compile(r"-?\d(?:\.\d+)?E[+-]?\d{1,3}", re.ASCII)
_STRING: Final = r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\""
_BYTES: Final = rf"b(?:{_STRING})"
_MEMBER: Final = rf"(?:{_STRING}|{_BYTES}|Decimal\('[^'\\]*'\)|Binary\((?:{_BYTES})\))"
_SET: Final = re.compile(rf"\{{{_MEMBER}(?:, {_MEMBER})*\}}", re.DOTALL)
_ONE_MEMBER: Final = re.compile(_MEMBER, re.DOTALL)
_BINARY: Final = re.compile(rf"{_BYTES}|Binary\((?:{_BYTES})\)", re.DOTALL)


def to_format0(image: str) -> str:
    """The canonical image JSON text of an image of any format as format 0 has it, members of sets sorted.

    Equal items give equal text, whichever format each was stored in; the reverse does not hold (1 and "1").
    Texts of format 0 themselves are brought to it, too.
    """
    if not any(map(image.__contains__, _SUSPECT)) and not _NUMBER.search(image):
        return image
    return encode_image({name: value_to_format0(value) for name, value in decode_image(image).items()})


def same_as_old_format(left: str | None, right: str | None) -> bool:
    """Whether two images (None: no item) are the same as far as format 0 tells them apart."""
    if left is None or right is None:
        return left is right
    return left == right or to_format0(left) == to_format0(right)


def same_value_as_old_format(left: Any, right: Any) -> bool:
    """The same of two values of images (or MISSING)."""
    if left is MISSING or right is MISSING:
        return left is right
    return encode_value(value_to_format0(left)) == encode_value(value_to_format0(right))


def value_to_format0(value: Any) -> Any:
    """A Python value of an image as format 0 has it: only str, bool, None, lists and dicts."""
    match value:
        case bool() | None:
            return value
        case str():
            return _canonical_text(value)
        case int() | Decimal():
            return encode_number(value)
        case bytes():
            return repr(value)
        case frozenset():
            return _set_text(value)
        case list():
            return [value_to_format0(member) for member in value]
    return {name: value_to_format0(member) for name, member in value.items()}


def _canonical_text(text: str) -> str:
    """Texts that may have been a set, a binary, or a number with an exponent, each in one form."""
    try:
        if text.startswith("{") and _SET.fullmatch(text):
            return _set_text({_literal(member) for member in _ONE_MEMBER.findall(text)})
        if text.startswith(("b'", 'b"', "Binary(")) and _BINARY.fullmatch(text):
            return repr(_literal(text))
        return canonical_number(text) if _EXPONENT.fullmatch(text) else text
    except (ValueError, SyntaxError, ValueNotValidError):  # it only looked like one
        return text


def _set_text(members: Any) -> str:
    return "{" + ", ".join(sorted(map(_member_text, members))) + "}"


def _member_text(member: Any) -> str:
    if isinstance(member, int | Decimal):
        return f"Decimal('{encode_number(member)}')"
    return f"Binary({member!r})" if isinstance(member, bytes) else repr(member)


def _literal(text: str) -> Any:
    if text.startswith("Decimal("):
        return Decimal(canonical_number(text[9:-2]))
    return ast.literal_eval(text.removeprefix("Binary(").removesuffix(")") if text.startswith("Binary(") else text)
