"""Keys by some of their attributes: a key's text is canonical, so what has an attribute has this text in it."""

from __future__ import annotations

from collections.abc import Sequence

from histlib.values import decode_image, encode_value

#: Attribute name and canonical text of its value.
Names = Sequence[tuple[str, str]]


def key_parts(names: Names) -> list[str]:
    """The texts that the text of each such key contains (others may, too)."""
    return [f"{encode_value(name)}:{value}" for name, value in names]


def has_values(keys: str, names: Names) -> bool:
    """Whether a key has these values."""
    values = decode_image(keys)
    return all(name in values and encode_value(values[name]) == value for name, value in names)
