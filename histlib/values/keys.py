"""Keys: which item is meant, as people write it and as the record holds it (canonical image JSON text)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from histlib.errors import KeyNotValidError, ValueNotValidError
from histlib.values.article_text import value_to_format0
from histlib.values.image_json import decode_image, encode_image, encode_value, from_dynamodb
from histlib.values.numbers import number_from_text

_TYPE_NAMES: Final = {"S": "string", "N": "number", "B": "binary", "": "of a type not known"}
#: What begins like ``name=value``; base64 ends in ``=``, too.
_NAMED: Final = re.compile(r"([^\W\d][\w.-]*)=(?!=*$)")


@dataclass(frozen=True)
class KeySchema:
    """The key attributes of a table.

    ``types`` maps each name to ``S``, ``N`` or ``B``, or to nothing where no item was ever seen; the partition key is
    first where ``ordered``. Stream records do not say which of two attributes is the partition key; an attestation or
    a sample does. ``as_text``: format 0 had turned every key to text, so numbers are taken for theirs.
    """

    types: Mapping[str, str]
    ordered: bool = False
    as_text: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.types)

    @property
    def described(self) -> str:
        """Its attributes in words."""
        return ", ".join(f"{name} ({_TYPE_NAMES[kind]})" for name, kind in self.types.items())

    def __str__(self) -> str:
        known = len(self.types) == 1 or self.ordered
        return self.described if known else f"{self.described}, in which order is not known"


class KeyText(str):
    """A key as a text on a command line; see :func:`parse_key_text`."""

    __slots__ = ()


@dataclass(frozen=True)
class Key:
    """A key in full, or one attribute of a key of two (``complete`` false)."""

    values: Mapping[str, Any]
    complete: bool

    @property
    def text(self) -> str:
        """The canonical image JSON text, as in the record's ``keys``."""
        return encode_image(self.values)


def infer_schema(keys: str, description: Sequence[Mapping[str, str]] = ()) -> KeySchema:
    """The key schema of a record's ``keys`` text; ``description`` is DynamoDB's own KeySchema where known.

    Raises:
        ValueNotValidError: no key can be so.
    """
    try:
        types = {name: _type_of(value) for name, value in decode_image(keys).items()}
    except ValueNotValidError as error:
        raise ValueNotValidError(f"a change has the keys {keys[:200]}: {error}", keys) from error
    order = [entry["AttributeName"] for entry in sorted(description, key=lambda entry: entry["KeyType"])]
    if set(order) == set(types):
        return KeySchema({name: types[name] for name in order}, ordered=True)
    return KeySchema(types, ordered=len(types) == 1)


def schema_of(description: Sequence[Mapping[str, str]]) -> KeySchema:
    """The key schema in DynamoDB's own KeySchema, of a table of which no item was ever seen."""
    names = [entry["AttributeName"] for entry in sorted(description, key=lambda entry: entry["KeyType"])]
    return KeySchema(dict.fromkeys(names, ""), ordered=True)


def parse_keys(key: Any, schemas: Sequence[KeySchema]) -> tuple[Key, ...]:
    """What a caller may mean where a table made anew has had several keys, the latest first: a key, or a part of one,
    of each that has all attributes named. Bare values and tuples name none: they are the latest one's.

    Raises:
        KeyNotValidError: as :func:`parse_key`, by each of them.
    """
    found, refused = [], []
    for schema in schemas:
        try:
            if _names_attributes(key, schema):
                found.append(parse_key(key, schema))
        except KeyNotValidError as error:
            refused.append(error)
    if found or not refused:
        return tuple(found) or (parse_key(key, schemas[0]),)
    if len(refused) == 1:
        raise refused[0]
    raise KeyNotValidError("; ".join(map(str, refused)), key)


def parse_key(key: Any, schema: KeySchema) -> Key:
    """The key that a caller means: a dict, a bare value, a tuple (partition key, sort key), or a :class:`KeyText`.

    A dict in DynamoDB JSON (``{"id": {"S": "x"}}``) is taken too. One attribute of two gives an
    incomplete key.

    Raises:
        KeyNotValidError: names or types that this table's key does not have.
    """
    if isinstance(key, KeyText):
        return parse_key_text(str(key), schema)
    if isinstance(key, Mapping):
        return _from_mapping(key, schema)
    if isinstance(key, tuple | list):
        return _from_sequence(key, schema)
    if len(schema.types) == 2 and not schema.ordered:
        raise _refused(key, schema, "which attribute the value is of is not known; write a dict")
    return _from_mapping({schema.names[0]: key}, schema)


def parse_key_text(text: str, schema: KeySchema) -> Key:
    """The key that a text on a command line means: JSON, ``name=value[,name=value]``, or a bare value.

    Bare values take the type of the table's key; binary is base64.

    Raises:
        KeyNotValidError: as :func:`parse_key`.
    """
    if text.lstrip().startswith("{"):
        try:
            return parse_key(decode_image(text), schema)
        except ValueNotValidError as error:
            raise _refused(text, schema, str(error)) from error
    named = _split_named(text, schema)
    if not named and len(schema.types) == 2 and not schema.ordered:
        raise _refused(text, schema, "write name=value, or both as name=value,name=value")
    pairs = named or {schema.names[0]: text}
    values = {name: _from_text(value, schema.types[name], schema) for name, value in pairs.items()}
    return _from_mapping(values, schema)


def key_from_format0(text: str, schemas: Sequence[KeySchema]) -> str:
    """The key text of an item whose key format 0 had turned to text; as it is where no schema fits, or one as it is."""
    try:
        values = decode_image(text)
        named = [schema for schema in schemas if schema.types.keys() == values.keys()]
        if len(named) > 1 and any(schema.types == infer_schema(text).types for schema in named):
            return text
        return encode_image({name: _from_text(value, named[0].types[name], named[0]) for name, value in values.items()})
    except (IndexError, KeyNotValidError, ValueNotValidError, AttributeError):
        return text


def _names_attributes(key: Any, schema: KeySchema) -> bool:
    """Whether it says of which attributes its values are."""
    if isinstance(key, KeyText):
        return key.lstrip().startswith("{") or bool(_split_named(str(key), schema))
    return isinstance(key, Mapping)


def _from_mapping(key: Mapping[str, Any], schema: KeySchema) -> Key:
    if not key or not set(key) <= set(schema.types):
        raise _refused(dict(key), schema, f"got {', '.join(map(repr, key)) or 'no attribute'}")
    values = {name: _checked(key[name], name, schema) for name in schema.names if name in key}
    return Key(values, complete=len(values) == len(schema.types))


def _from_sequence(key: Sequence[Any], schema: KeySchema) -> Key:
    if len(key) != len(schema.types):
        raise _refused(key, schema, f"got {len(key)} values")
    if not schema.ordered:
        raise _refused(key, schema, "which of the two is the partition key is not known; write a dict")
    return _from_mapping(dict(zip(schema.names, key, strict=True)), schema)


def _checked(value: Any, name: str, schema: KeySchema) -> Any:
    expected = schema.types[name]
    try:
        if isinstance(value, Mapping) and set(value) <= ({expected} if expected else _TYPE_NAMES.keys()):
            value = from_dynamodb(value)
        if schema.as_text and isinstance(value, int | Decimal) and not isinstance(value, bool):
            value = value_to_format0(value)
        got = _type_of(value)
        encode_value(value).encode()
    except UnicodeEncodeError as error:
        raise _refused(value, schema, f"{name} holds half a surrogate pair, which is no text") from error
    except ValueNotValidError as error:
        raise _refused(value, schema, str(error)) from error
    if expected and got != expected:
        raise _refused(
            value,
            schema,
            f"{name} is a {_TYPE_NAMES[expected]}, got {value!r} ({type(value).__name__})",
        )
    if value in ("", b""):
        raise _refused(value, schema, f"{name} is empty, which DynamoDB allows in no key")
    return bytes(value) if got == "B" else value


def _type_of(value: Any) -> str:
    match value:
        case str():
            return "S"
        case bool() | None:
            pass
        case int() | Decimal():
            return "N"
        case bytes() | bytearray():
            return "B"
    hint = "; write int or Decimal" if isinstance(value, float) else ""
    raise ValueNotValidError(f"{value!r} ({type(value).__name__}) cannot be in a key{hint}", value)


def _split_named(text: str, schema: KeySchema) -> dict[str, str]:
    """``a=1,b=2`` → {"a": "1", "b": "2"}; nothing where the text does not begin with a name.

    Only a comma before another name of the key separates, so values may hold commas and equals signs.

    Raises:
        KeyNotValidError: a name twice, in other case than the key's, or not of the key: what was meant is not sure.
    """
    names = "|".join(re.escape(name) for name in schema.names)
    starts = list(re.finditer(rf"(?:^|,)({names})=", text))
    found = [start[1] for start in starts]
    if len(set(found)) < len(found):
        raise _refused(text, schema, "a name stands twice; write JSON")
    if not starts or starts[0].start() != 0:
        if re.match(rf"({names})=", text, re.IGNORECASE):
            raise _refused(text, schema, "the name differs in case; if it is part of the value, write JSON")
        if other := _NAMED.match(text):
            own = f"{schema.names[0]}={text}"
            raise _refused(text, schema, f"it has no {other[1]!r}; if that is part of the value, write {own}, or JSON")
        return {}
    ends = [start.start() for start in starts[1:]] + [len(text)]
    values = {start[1]: text[start.end() : end] for start, end in zip(starts, ends, strict=True)}
    _check_rest(text, schema, values)
    return values


def _check_rest(text: str, schema: KeySchema, values: Mapping[str, str]) -> None:
    """Where a name of the key is missing, ``,other=`` in a value was probably meant for it.

    Raises:
        KeyNotValidError: there is one.
    """
    if set(values) == set(schema.names):
        return
    for part in ",".join(values.values()).split(",")[1:]:
        if other := _NAMED.match(part):
            raise _refused(text, schema, f"it has no {other[1]!r}; if that is part of the value, write JSON")


def _from_text(text: str, kind: str, schema: KeySchema) -> Any:
    try:
        match kind:
            case "N":
                return number_from_text(text.strip())
            case "B":
                return from_dynamodb({"B": text})
    except ValueNotValidError as error:
        raise _refused(text, schema, str(error)) from error
    return text


def _refused(key: Any, schema: KeySchema, why: str) -> KeyNotValidError:
    return KeyNotValidError(f"{key!r} is no key of this table, whose key is {schema}: {why}", key)
