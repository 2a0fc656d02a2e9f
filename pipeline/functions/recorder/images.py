"""DynamoDB JSON → image JSON: canonical text that a person can read and that loses nothing.

The same rules as in histlib, written again since Lambda has nothing of histlib; shared test vectors bind both.
"""

from __future__ import annotations

import re
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable
from decimal import Context, Decimal
from json.encoder import encode_basestring
from typing import Any, Final

Attribute = dict[str, Any]
Image = dict[str, Attribute]

_DIGITS: Final = 38
_EXACT: Final = Context(prec=_DIGITS)
_is_canonical = re.compile(r"-?(?:0|[1-9][0-9]{0,37})(?:\.[0-9]{0,36}[1-9])?").fullmatch
_is_number = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?").fullmatch


class NotConvertibleError(ValueError):
    """A record that is no change as DynamoDB writes it; the message names no value of an item."""


#: What code here may raise on a record of another shape.
MALFORMED: Final = (ValueError, TypeError, AttributeError, LookupError, ArithmeticError, RecursionError)


def encode_image(image: Image) -> str:
    """The canonical image JSON text of an item or key in DynamoDB JSON; raises one of :data:`MALFORMED`."""
    members = []
    for name, attribute in image.items():
        ((kind, value),) = attribute.items()
        members.append(f"{encode_basestring(name)}:{_ENCODERS[kind](value)}")
    members.sort()  # a name's text ends in the one quote that is not escaped, so members sort as names do
    return "{" + ",".join(members) + "}"


def encode_value(attribute: Attribute) -> str:
    """The canonical image JSON text of one attribute, ``{"N": "1.50"}`` → ``1.5``; raises one of :data:`MALFORMED`."""
    ((kind, value),) = attribute.items()
    return _ENCODERS[kind](value)


def encode_number(text: str) -> str:
    """The one text of a number: no exponent, no plus, no zeros at either end, −0 is 0; all of its digits.

    Raises:
        NotConvertibleError: no number that DynamoDB could hold.
        ArithmeticError: an exponent beyond all bounds.
    """
    if _is_canonical(text) and len(text) <= _DIGITS and text != "-0":
        return text
    if not _is_number(text):
        raise NotConvertibleError("an N is no number")
    number = Decimal(text)
    if not number:
        return "0"
    digits = len("".join(map(str, number.as_tuple().digits)).strip("0"))
    if digits > _DIGITS or not -130 <= number.adjusted() <= 125:
        raise NotConvertibleError("an N is outside DynamoDB's numbers: 38 digits, 1E-130 to 9.99E+125")
    return f"{number.normalize(_EXACT):f}"


def _encode_binary(text: str) -> str:
    return f'"{b2a_base64(a2b_base64(text, strict_mode=True), newline=False).decode()}"'


def _encode_boolean(value: bool) -> str:
    if value is True or value is False:
        return "true" if value else "false"
    raise NotConvertibleError("a BOOL is neither true nor false")


def _encode_null(value: bool) -> str:
    if value is not True:
        raise NotConvertibleError("a NULL is not true")
    return "null"


def _encode_list(members: list[Attribute]) -> str:
    return "[" + ",".join(map(encode_value, _a_list(members))) + "]"


def _encode_map(image: Image) -> str:
    text = encode_image(image)
    return f'{{"$M":{text}}}' if len(image) == 1 and text.startswith('{"$') else text


def _set_encoder(name: str, encode: Callable[[str], str]) -> Callable[[list[str]], str]:
    def encode_set(members: list[str]) -> str:
        texts = sorted({encode(member) for member in _a_list(members)})
        if not texts:
            raise NotConvertibleError("a set is empty")
        return f'{{"{name}":[{",".join(texts)}]}}'

    return encode_set


def _a_list(members: list[Any]) -> list[Any]:
    if type(members) is not list:
        raise NotConvertibleError("a list or set is none")
    return members


_ENCODERS: Final[dict[str, Callable[[Any], str]]] = {
    "S": encode_basestring,
    "N": encode_number,
    "B": lambda text: f'{{"$B":{_encode_binary(text)}}}',
    "BOOL": _encode_boolean,
    "NULL": _encode_null,
    "L": _encode_list,
    "M": _encode_map,
    "SS": _set_encoder("$SS", encode_basestring),
    "NS": _set_encoder("$NS", encode_number),
    "BS": _set_encoder("$BS", _encode_binary),
}
