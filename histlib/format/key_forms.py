"""Forms of keys: the names and types of a key's attributes, and which of them the changes of one history may have.

Pure. A table has one key; one made anew may have another, and its changes are those of another stream.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from histlib.errors import MixedTablesError, ValueNotValidError
from histlib.format.streams import is_old_format
from histlib.values.image_json import encode_value
from histlib.values.keys import infer_schema

_STRING: Final = r'"([^"\\]|\\.)*"'
_KINDS: Final = {"S": _STRING, "N": r"-{0,1}[0-9.]+", "B": r'\{"\$B":"[^"]*"\}'}
#: One attribute of a key's canonical text, for Python, RE2 and Java alike, and without ``?``, a parameter in SQL …
ATTRIBUTE: Final = rf'({_STRING}:)((")([^"\\]|\\.)*"|(\{{)"\$B":"[^"]*"\}}|-{{0,1}}[0-9.]+)'
#: … and its groups that make up its form: the name, and how a value of the type begins.
PARTS: Final = (1, 4, 6)
#: What a key's text is then, like ``{"pk":","sk":}``.
FORM: Final = rf'^\{{{_STRING}:["{{]{{0,1}}(,{_STRING}:["{{]{{0,1}})*\}}$'

_BACK: Final = "".join(f"\\{part}" for part in PARTS)


def key_form(keys: str) -> str:
    """A text that all keys (canonical texts) with the same attributes of the same types have in common; empty for what
    no key can be."""
    form = re.sub(ATTRIBUTE, _BACK, keys)
    return form if re.search(FORM, form) else ""


def form_pattern(keys: str) -> str:
    """A pattern of the keys of the same form as this one (none, where it is no key)."""
    try:
        types = infer_schema(keys).types
    except ValueNotValidError:
        return r"^\b\B$"
    return r"^\{" + ",".join(f"{re.escape(encode_value(name))}:{_KINDS[kind]}" for name, kind in types.items()) + r"\}$"


def alike(one: tuple[str | None, str], other: tuple[str | None, str]) -> bool:
    """Whether two keys, each with its stream, may be of one table: format 0 tells no types."""
    types, others = (infer_schema(keys).types for _, keys in (one, other))
    untold = is_old_format(one[0]) or is_old_format(other[0])
    return types.keys() == others.keys() and (untold or types == others)


def check_tables(found: Iterable[str | None]) -> None:
    """Whether changes may be of one table, by the tables (ARNs) that they name; format 0 names none.

    Raises:
        MixedTablesError: they name several.
    """
    tables = sorted({one for one in found if one})
    if len(tables) > 1:
        raise MixedTablesError(
            f"changes of {len(tables)} tables in one place: {', '.join(tables)}; keep each table's history in its own "
            "folder or prefix",
            tables,
        )


def check_forms(found: Iterable[tuple[str | None, str]]) -> None:
    """Whether changes may be of one table: each a stream and a key of it, one of each form that it has.

    Raises:
        MixedTablesError: different keys within a stream, or with no stream that tells them apart; names them.
        ValueNotValidError: what no key can be.
    """
    by_stream: dict[str | None, list[tuple[str | None, str]]] = {}
    for one in found:
        known = by_stream.setdefault(one[0], [])
        if not any(alike(one, other) for other in known):
            known.append(one)
    for stream, several in by_stream.items():
        if len(several) > 1:
            raise _mixed(several, f"in one stream, {stream}" if _is_stream(stream) else "that no stream tells apart")
    told = [one for stream, (one,) in by_stream.items() if _is_stream(stream)]
    loose = [one for stream, (one,) in by_stream.items() if not _is_stream(stream)]
    untold = [one for one in loose if not any(alike(one, other) for other in told)]
    others = [one for one in untold if not alike(one, untold[0])]
    if others:
        raise _mixed([untold[0], *others], "that no stream tells apart")


def check_read(
    found: Sequence[tuple[str | None, str]], known: Sequence[tuple[str | None, str]], *, streams: bool
) -> None:
    """Whether changes that are read only now may be of the table that those known before are of; ``streams``: those
    found have theirs.

    Raises:
        MixedTablesError: as :func:`check_forms`, or a key of which nothing was known.
    """
    if streams:
        check_forms([*known, *found])
    forms = {key_form(keys) for _, keys in known}
    others = [one for one in found if key_form(one[1]) not in forms]
    if others:
        raise _mixed([known[0], others[0]], "that no stream tells apart")


def _is_stream(stream: str | None) -> bool:
    """Whether it is DynamoDB's own name of a stream, which is of one table as it was once made."""
    return stream is not None and stream.startswith("arn:")


def _mixed(several: Sequence[tuple[str | None, str]], where: str) -> MixedTablesError:
    keys = sorted(text for _, text in several)
    named = "; ".join(f"{infer_schema(text).described}, like {text}" for text in keys)
    return MixedTablesError(
        f"changes with {len(keys)} different keys {where}: {named}. They are of different tables: keep each table's "
        "history in its own folder or prefix",
        keys,
    )
