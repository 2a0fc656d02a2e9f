"""Values: DynamoDB JSON ⇄ image JSON ⇄ Python, exact both ways for every DynamoDB type.

=======  =======================  ==============================
type     image JSON               Python
=======  =======================  ==============================
S        string                   str
N        number, all its digits   int where integral, else Decimal
B        ``{"$B": "base64"}``     bytes
SS       ``{"$SS": […]}``         frozenset of str
NS       ``{"$NS": […]}``         frozenset of int and Decimal
BS       ``{"$BS": […]}``         frozenset of bytes
BOOL     ``true``, ``false``      bool
NULL     ``null``                 None
L        array                    list
M        object                   dict
=======  =======================  ==============================

A nested M whose only name starts with ``$`` is wrapped as ``{"$M": {…}}``; an item never is. What is not
there at all is :data:`MISSING`. Image JSON is canonical: equal values have equal text, so equality of values
is equality of text (:func:`equal`).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any, Final, cast

import msgspec

from histlib.errors import ValueNotValidError
from histlib.values.numbers import encode_int, encode_number, fraction_from_text, number_from_text

Item = dict[str, Any]


class _Missing:
    """The type of :data:`MISSING`: false, equal only to itself, one object also after pickling."""

    _instance: _Missing | None = None

    def __new__(cls) -> _Missing:
        if cls._instance is None:
            cls._instance = super().__new__(cls)
        return cls._instance

    def __repr__(self) -> str:
        return "MISSING"

    def __bool__(self) -> bool:
        return False

    def __reduce__(self) -> str:
        return "MISSING"


#: What is not there: neither NULL (None) nor an empty string.
MISSING: Final = _Missing()


def encode_value(value: Any) -> str:
    """The canonical image JSON text of a Python value (inverse of :func:`decode_value`).

    Raises:
        ValueNotValidError: a type DynamoDB does not have (float included: its digits are not what was
            stored; pass Decimal), an empty or mixed set, a name that is no str.
    """
    encoder = _ENCODERS.get(type(value))
    return encoder(value) if encoder else _encode_other(value)


def encode_image(item: Mapping[str, Any]) -> str:
    """The canonical image JSON text of a whole item: as a nested M, but never wrapped in ``$M``.

    Raises:
        ValueNotValidError: no mapping, or as :func:`encode_value`.
    """
    if type(item) is not dict and not isinstance(item, Mapping):
        raise ValueNotValidError(f"{item!r} ({type(item).__name__}) is no item; expected a dict", item)
    members = sorted(f"{_encode_name(name)}:{encode_value(value)}" for name, value in item.items())
    return "{" + ",".join(members) + "}"


def decode_value(text: str) -> Any:
    """The Python value of an image JSON text.

    ``{"$N": "…"}`` is taken for a number too: spreadsheets would round a long one that is bare (see writers).

    Raises:
        ValueNotValidError: no JSON, or ``$`` objects that image JSON does not have.
    """
    value = _decode_json(text)
    return _unwrap(value) if '"$' in text else value


def decode_image(text: str) -> Item:
    """The item (dict) of an image JSON text; its top level is never a ``$`` object.

    Raises:
        ValueNotValidError: no JSON object.
    """
    item = _decode_json(text)
    if type(item) is not dict:
        raise ValueNotValidError(f"{text[:80]!r} is no image; expected a JSON object", text)
    if '"$' in text:
        for name, value in item.items():
            if type(value) is dict or type(value) is list:
                item[name] = _unwrap(value)
    return item


def with_json(value: Any) -> tuple[Any, str | None]:
    """A value and its image JSON text, as two cells of a table; None where it is MISSING."""
    return value, None if value is MISSING else encode_value(value)


def equal(left: Any, right: Any) -> bool:
    """Whether two values are the same to DynamoDB: by type, numbers by value, sets without order.

    NULL, missing and ``''`` differ; ``1`` and ``"1"`` differ; ``1`` and ``1.0`` are one number.
    """
    if left is MISSING or right is MISSING:
        return left is right
    return encode_value(left) == encode_value(right)


def from_dynamodb(attribute: Mapping[str, Any]) -> Any:
    """The Python value of one attribute in DynamoDB JSON, e.g. ``{"N": "1.50"}`` → ``Decimal("1.5")``.

    Binary may be base64 text (as in stream events of Lambda and in exports) or bytes (as boto3 gives it).

    Raises:
        ValueNotValidError: not exactly one known type, or a value that the type cannot have.
    """
    if not isinstance(attribute, Mapping) or len(attribute) != 1:
        raise ValueNotValidError(
            f"an attribute in DynamoDB JSON is one type and its value, got {attribute!r}", attribute
        )
    ((kind, value),) = attribute.items()
    reader = _READERS.get(kind)
    if reader is None:
        raise ValueNotValidError(f"{kind!r} is no DynamoDB type; expected one of {' '.join(_READERS)}", attribute)
    return reader(value)


def to_dynamodb(value: Any) -> dict[str, Any]:
    """The attribute in DynamoDB JSON of a Python value, binary as base64; inverse of :func:`from_dynamodb`."""
    if value is None:
        return {"NULL": True}
    match value:
        case bool():
            return {"BOOL": value}
        case str():
            return {"S": value}
        case int() | Decimal():
            return {"N": encode_number(value)}
        case bytes() | bytearray():
            return {"B": _base64(value)}
        case list() | tuple():
            return {"L": [to_dynamodb(member) for member in value]}
        case dict():
            return {"M": item_to_dynamodb(value)}
        case set() | frozenset():
            kind, members = _set_members(value)
            return {kind[1:]: [_set_text(member) for member in members]}
    raise _no_type(value)


def item_from_dynamodb(item: Mapping[str, Mapping[str, Any]]) -> Item:
    """The item (dict) of an attribute map in DynamoDB JSON.

    Raises:
        ValueNotValidError: no mapping, or as :func:`from_dynamodb`.
    """
    if not isinstance(item, Mapping):
        raise ValueNotValidError(f"{item!r} is no attribute map in DynamoDB JSON; expected an object", item)
    return {name: from_dynamodb(attribute) for name, attribute in item.items()}


def item_to_dynamodb(item: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The attribute map in DynamoDB JSON of an item."""
    if not isinstance(item, Mapping):
        raise ValueNotValidError(f"{item!r} ({type(item).__name__}) is no item; expected a dict", item)
    for name in item:
        if not isinstance(name, str):
            raise _no_name(name)
    return {name: to_dynamodb(value) for name, value in item.items()}


# --- Python → image JSON ---


def _no_type(value: Any) -> ValueNotValidError:
    hint = "; pass Decimal or int, a float does not keep its digits" if isinstance(value, float) else ""
    return ValueNotValidError(f"{value!r} ({type(value).__name__}) is no DynamoDB value{hint}", value)


def _no_name(name: Any) -> ValueNotValidError:
    return ValueNotValidError(f"an attribute name is a str, got {name!r}", name)


def _encode_name(name: Any) -> str:
    if not isinstance(name, str):
        raise _no_name(name)
    return encode_basestring(name)


def _encode_list(value: Iterable[Any]) -> str:
    return "[" + ",".join(map(encode_value, value)) + "]"


def _encode_map(value: Mapping[str, Any]) -> str:
    text = encode_image(value)
    return f'{{"$M":{text}}}' if len(value) == 1 and next(iter(value)).startswith("$") else text


def _base64(value: bytes | bytearray) -> str:
    return base64.b64encode(value).decode("ascii")


def _encode_set(value: frozenset[Any] | set[Any]) -> str:
    kind, members = _set_members(value)
    return f'{{"{kind}":[{",".join(members)}]}}'


def _set_members(value: frozenset[Any] | set[Any]) -> tuple[str, list[str]]:
    kinds = {_SET_KINDS.get(type(member), "") for member in value}
    if len(kinds) != 1 or "" in kinds:
        raise ValueNotValidError(
            f"a DynamoDB set has one or more members, all str, all numbers or all bytes; got {value!r}",
            value,
        )
    encode = _base64_text if kinds == {"$BS"} else encode_value
    return kinds.pop(), sorted({encode(member) for member in value})


def _base64_text(value: bytes | bytearray) -> str:
    return f'"{_base64(value)}"'


def _set_text(member: str) -> str:
    return cast(str, msgspec.json.decode(member)) if member.startswith('"') else member


_SET_KINDS: Final[dict[type, str]] = {
    str: "$SS",
    int: "$NS",
    Decimal: "$NS",
    bytes: "$BS",
    bytearray: "$BS",
}

_MEMBERS: Final[dict[str, set[type]]] = {"$SS": {str}, "$NS": {int, Decimal}}

_ENCODERS: Final[dict[type, Any]] = {
    str: encode_basestring,
    int: encode_int,
    Decimal: encode_number,
    bool: lambda value: "true" if value else "false",
    type(None): lambda value: "null",
    dict: _encode_map,
    list: _encode_list,
    tuple: _encode_list,
    set: _encode_set,
    frozenset: _encode_set,
    bytes: lambda value: f'{{"$B":"{_base64(value)}"}}',
    bytearray: lambda value: f'{{"$B":"{_base64(value)}"}}',
}


def _encode_other(value: Any) -> str:
    """Subclasses of the types above (str enums, OrderedDict, boto3's Binary)."""
    if hasattr(value, "value") and isinstance(value.value, bytes):
        return encode_value(value.value)
    for kind, encoder in _ENCODERS.items():
        if isinstance(value, kind):
            return cast(str, encoder(value))
    raise _no_type(value)


# --- image JSON → Python ---


_decoder = msgspec.json.Decoder(float_hook=fraction_from_text)


def _decode_json(text: str) -> Any:
    try:
        return _decoder.decode(text)
    except msgspec.DecodeError as error:
        raise ValueNotValidError(f"{text[:80]!r} is no image JSON: {error}", text) from error


def _unwrap(value: Any) -> Any:
    if type(value) is list:
        return [_unwrap(member) for member in value]
    if type(value) is not dict:
        return value
    if len(value) == 1:
        ((name, content),) = value.items()
        if name.startswith("$"):
            return _unwrap_special(name, content)
    return {name: _unwrap(member) for name, member in value.items()}


def _unwrap_special(name: str, content: Any) -> Any:
    try:
        match name:
            case "$M" if len(content) == 1 and next(iter(content.keys())).startswith("$"):
                return {member: _unwrap(value) for member, value in content.items()}
            case "$B":
                return _bytes(content)
            case "$BS" if type(content) is list and content:
                return frozenset(map(_bytes, content))
            case "$SS" | "$NS" if type(content) is list and content:
                members = content if name == "$SS" else list(map(_unwrap, content))
                if set(map(type, members)) <= _MEMBERS[name]:
                    return frozenset(members)
            case "$N":
                return number_from_text(content)
    except (AttributeError, TypeError) as error:
        raise ValueNotValidError(f"{{{name!r}: {content!r}}} is no image JSON", content) from error
    raise ValueNotValidError(
        f"{{{name!r}: {content!r}}} is no image JSON; expected $B and base64 text, $SS, $NS or $BS and a list of "
        "one or more, $N and a number's text, or $M and an object whose only name starts with $",
        content,
    )


def _bytes(value: str | bytes | bytearray) -> bytes:
    if isinstance(value, bytes | bytearray):
        return bytes(value)
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, TypeError, ValueError) as error:
        raise ValueNotValidError(f"{value!r} is no base64 text", value) from error


# --- DynamoDB JSON → Python ---


def _typed(kind: type, name: str) -> Any:
    def read(value: Any) -> Any:
        if not isinstance(value, kind):
            raise ValueNotValidError(f"{{{name!r}: {value!r}}}: expected {kind.__name__}", value)
        return value

    return read


def _read_number(value: Any) -> int | Decimal:
    return number_from_text(_typed(str, "N")(value))


def _read_null(value: Any) -> None:
    if value is not True:
        raise ValueNotValidError(f"{{'NULL': {value!r}}}: expected true", value)


def _read_list(members: Any) -> list[Any]:
    return [from_dynamodb(member) for member in _typed(list, "L")(members)]


def _read_set(read: Any, name: str) -> Any:
    def read_set(members: Any) -> frozenset[Any]:
        if not isinstance(members, list | tuple | set | frozenset) or not members:
            raise ValueNotValidError(f"{{{name!r}: {members!r}}}: expected a list of one or more", members)
        return frozenset(map(read, members))

    return read_set


_READERS: Final[dict[str, Any]] = {
    "S": _typed(str, "S"),
    "N": _read_number,
    "B": _bytes,
    "SS": _read_set(_typed(str, "SS"), "SS"),
    "NS": _read_set(_read_number, "NS"),
    "BS": _read_set(_bytes, "BS"),
    "M": item_from_dynamodb,
    "L": _read_list,
    "NULL": _read_null,
    "BOOL": _typed(bool, "BOOL"),
}
