"""Redaction: attributes that must never be stored are dropped before anything is.

``REDACT`` holds paths separated by commas or white space, written as in histlib: ``email, address.zip items[3].qty``.
A name with a dot, comma, bracket, quote or space is quoted as in JSON: ``"a name".x``. Attributes of the key stay.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterator
from json.encoder import encode_basestring
from typing import Any, Final

from .images import MALFORMED, Attribute, Image, encode_value

_Path = tuple[str | int, ...]

_NAME: Final = r"""[^\s,.\[\]"'\x00-\x1f]+"""
_STEP: Final = re.compile(
    rf'\[(?P<index>[0-9]+)\]|(?P<dot>\.?)(?:(?P<quoted>"(?:[^"\\]|\\.)*")|(?P<plain>{_NAME}))', re.DOTALL
)
_BETWEEN: Final = re.compile(r"[\s,]*")
#: The fields of a stream record, and of ``dynamodb`` in it, that hold no attribute but the key's.
_HARMLESS: Final = {
    "record": ("eventID", "eventName", "eventVersion", "eventSource", "awsRegion", "eventSourceARN", "userIdentity"),
    "change": ("ApproximateCreationDateTime", "Keys", "SequenceNumber", "SizeBytes", "StreamViewType"),
}


class Redaction:
    """The rules of ``REDACT``; ``rules`` are their texts, ``id`` names them in each record (None without rules).

    Raises:
        ValueError: something that is no path; says where.
    """

    def __init__(self, text: str = "") -> None:
        paths = list(_parse(text))
        self.rules = tuple(sorted(set(map(_format, paths))))
        self.id = hashlib.sha256("\n".join(self.rules).encode()).hexdigest()[:12] if self.rules else None
        self._tree: dict[str | int, Any] = {}
        for path in paths:
            _plant(self._tree, path)

    def apply(self, image: Image, keys: Collection[str]) -> Image:
        """The image without what the rules name; the given one stays as it is. Raises one of ``images.MALFORMED``."""
        return _prune(image, {name: below for name, below in self._tree.items() if name not in keys})

    def apply_to_raw(self, record: dict[str, Any]) -> dict[str, Any]:
        """A record that cannot be converted, without anything that the rules could mean.

        What cannot be understood could hide what must not be stored: only fields that a stream record has are kept,
        and of an attribute that a rule names a part of, only one that is whole.
        """
        if not self.id:
            return record
        kept: dict[str, Any] = {name: record[name] for name in _HARMLESS["record"] if name in record}
        change = record.get("dynamodb")
        if isinstance(change, dict):
            kept["dynamodb"] = {name: change[name] for name in _HARMLESS["change"] if name in change}
            for field in ("NewImage", "OldImage"):
                if isinstance(change.get(field), dict):
                    kept["dynamodb"][field] = self._apply_to_what_is_whole(change[field], _key_names(record))
        return {**kept, "redaction": self.id}

    def named_keys(self, record: dict[str, Any]) -> list[str]:
        """The attributes of the record's key that rules name, in vain."""
        return sorted(name for name in _key_names(record) if name in self._tree)

    def _apply_to_what_is_whole(self, image: dict[str, Any], keys: Collection[str]) -> dict[str, Any]:
        kept = {}
        for name, attribute in image.items():
            if name not in self._tree:
                kept[name] = attribute
                continue
            try:
                kept.update(self.apply({name: attribute}, keys))
            except MALFORMED:
                continue
        return kept


def _key_names(record: dict[str, Any]) -> Collection[str]:
    change = record.get("dynamodb")
    keys = change.get("Keys") if isinstance(change, dict) else None
    return keys if isinstance(keys, dict) else ()


def _prune(image: Image, tree: dict[str | int, Any]) -> Image:
    kept = {}
    for name, attribute in image.items():
        if name not in tree:
            kept[name] = attribute
        elif tree[name] is not None:
            kept[name] = _prune_value(attribute, tree[name])
    return kept


def _prune_value(attribute: Attribute, tree: dict[str | int, Any]) -> Attribute:
    encode_value(attribute)  # only what is understood may be kept in part
    ((kind, value),) = attribute.items()
    if kind == "M":
        return {"M": _prune(value, tree)}
    if kind == "L":
        return {"L": [_prune_value(member, tree[at]) if at in tree else member for at, member in enumerate(value)]}
    return attribute


def _plant(tree: dict[str | int, Any], path: _Path) -> None:
    """Add a path to the tree of rules; None means that all from there on is dropped."""
    *above, last = path
    for step in above:
        below = tree.setdefault(step, {})
        if below is None:
            return
        tree = below
    tree[last] = None


def _parse(text: str) -> Iterator[_Path]:
    position = _skip(text, 0)
    while position < len(text):
        path, end = _parse_path(text, position)
        if isinstance(path[-1], int):
            raise ValueError(
                f"REDACT: {text[position:end]!r} names a member of a list, and without it the others would move up; "
                "name an attribute in it, or the whole list"
            )
        yield path
        position = _skip(text, end)


def _parse_path(text: str, start: int) -> tuple[_Path, int]:
    """The path that starts there, and where it ends."""
    steps: list[str | int] = []
    position = start
    while (match := _STEP.match(text, position)) and _fits(match, first=not steps):
        steps.append(_step(match))
        position = match.end()
    if not steps or (position < len(text) and _skip(text, position) == position):
        raise ValueError(
            f"REDACT: no path at character {position + 1} ({text[position:][:20]!r}); "
            'expected like email, address.zip, items[3].qty or "a name".x'
        )
    return tuple(steps), position


def _fits(match: re.Match[str], *, first: bool) -> bool:
    """A path begins with a name; further names follow a dot."""
    return not first if match["index"] else (match["dot"] == "") == first


def _skip(text: str, position: int) -> int:
    match = _BETWEEN.match(text, position)
    return match.end() if match else position


def _step(match: re.Match[str]) -> str | int:
    if match["index"]:
        return int(match["index"])
    return match["plain"] or str(json.loads(match["quoted"], strict=False))


def _format(path: _Path) -> str:
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{_name(step)}" for step in path)
    return text.removeprefix(".")


def _name(name: str) -> str:
    return name if re.fullmatch(_NAME, name) else str(encode_basestring(name))
