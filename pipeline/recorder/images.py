"""DynamoDB JSON → image JSON: canonical text that a person can read and that loses nothing.

The same rules as ``histlib.values``, written again since Lambda has nothing of histlib; shared test vectors bind both.
"""

import re
from decimal import Context, Decimal
from json.encoder import encode_basestring

_DIGITS = 38
_EXACT = Context(prec=_DIGITS)
_CANONICAL_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,37})(?:\.[0-9]{0,36}[1-9])?").fullmatch
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?").fullmatch


class NotConvertibleError(Exception):
    """A record that cannot become a line; the message names no value."""


def image(item):
    """The canonical image JSON text of an attribute map (an item, or a key)."""
    members = []
    for name, attribute in item.items():
        ((kind, value),) = attribute.items()
        if kind == "S":
            text = encode_basestring(value)
        elif kind == "N":
            text = number(value)
        else:
            text = _other(kind, value)
        members.append(f"{encode_basestring(name)}:{text}")
    members.sort()
    return "{" + ",".join(members) + "}"


def number(text):
    """The one text of a number: no exponent, no zeros at either end, no plus, and −0 is 0."""
    if _CANONICAL_NUMBER(text) and len(text) <= _DIGITS and text != "-0":
        return text
    if not _NUMBER(text):
        raise NotConvertibleError("an N is no number")
    decimal = Decimal(text)
    if decimal == 0:
        return "0"
    if len("".join(map(str, decimal.as_tuple().digits)).strip("0")) > _DIGITS:
        raise NotConvertibleError(f"an N has more than {_DIGITS} digits")
    if not -130 <= decimal.adjusted() <= 125:
        raise NotConvertibleError("an N is larger or smaller than DynamoDB's numbers")
    return f"{decimal.normalize(_EXACT):f}"


def value(attribute):
    """The canonical image JSON text of one attribute value."""
    ((kind, content),) = attribute.items()
    if kind == "S":
        return encode_basestring(content)
    return number(content) if kind == "N" else _other(kind, content)


def _other(kind, content):
    converter = _CONVERTERS.get(kind)
    if converter is None:
        raise NotConvertibleError("an attribute is of a type that is not known here")
    return converter(content)


def _map(content):
    text = image(content)
    return f'{{"$M":{text}}}' if len(content) == 1 and next(iter(content)).startswith("$") else text


def _boolean(content):
    if content is True or content is False:
        return "true" if content else "false"
    raise NotConvertibleError("a BOOL is neither true nor false")


def _null(content):
    if content is not True:
        raise NotConvertibleError("a NULL is not true")
    return "null"


def _set(kind, member):
    return lambda content: f'{{"{kind}":[{",".join(sorted(set(map(member, content))))}]}}'


_CONVERTERS = {
    "M": _map,
    "L": lambda content: f"[{','.join(map(value, content))}]",
    "BOOL": _boolean,
    "NULL": _null,
    "B": lambda content: f'{{"$B":{encode_basestring(content)}}}',
    "SS": _set("$SS", encode_basestring),
    "NS": _set("$NS", number),
    "BS": _set("$BS", encode_basestring),
}
