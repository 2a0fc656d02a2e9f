"""What each change changed: the top-level attributes that differ between its images, found once when it is indexed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from histlib.paths import format_path

if TYPE_CHECKING:
    from histlib.queries import ItemCondition

#: The name of the column: paths, a line each; empty for the whole item, or where images do not show what changed.
CHANGED: Final = "changed"

#: Values stay the bytes they are: canonical text is equal where values are, to the last digit.
_decoder: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_NOTHING: Final = object()


def changed_column(rows: pa.Table) -> pa.DictionaryArray:
    """The column for rows with ``action``, ``new_image`` and ``old_image``."""
    codes: dict[tuple[str, ...], int] = {}
    columns = (rows.column(name).to_pylist() for name in ("action", "new_image", "old_image"))
    found = [codes.setdefault(_changed(*row), len(codes)) for row in zip(*columns, strict=True)]
    texts = ["\n".join(format_path((name,)) for name in names) for names in codes]
    return pa.DictionaryArray.from_arrays(pa.array(found, pa.int32()), pa.array(texts, pa.string()))


def _changed(action: str, new_image: str | None, old_image: str | None) -> tuple[str, ...]:
    if action != "MODIFY" or new_image is None or old_image is None:
        return ()
    try:
        new, old = _decoder.decode(new_image), _decoder.decode(old_image)
    except msgspec.DecodeError:  # an image that is no JSON is told of by whoever reads it
        return ()
    names = [name for name, value in new.items() if old.get(name, _NOTHING) != value]
    if new.keys() != old.keys():
        names += [name for name in old if name not in new]
    return tuple(sorted(names))


def changing(rows: pa.Table, condition: ItemCondition) -> Any:
    """A mask of the rows that may make a condition true or false: they change something that it asks for."""
    names = "|".join(re.escape(format_path((path[0],))) for path in sorted(condition.paths, key=str))
    whole = pc.or_(pc.not_equal(rows.column("action"), "MODIFY"), pc.equal(rows.column(CHANGED), ""))
    if not names:
        return whole
    return pc.or_(whole, pc.match_substring_regex(rows.column(CHANGED), f"(^|\n)({names})(\n|$)"))
