"""The parts of images, read from their texts."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

import pyarrow as pa

from histlib.engines.raw_sql.writing.duckdb_images import value_json
from histlib.engines.shapes import Part, parts_of
from histlib.errors import ValueNotValidError
from histlib.values.image_json import decode_value
from histlib.values.paths import Path

#: Columns of what is below a path.
PARTS: Final = pa.schema([("kind", pa.string()), ("name", pa.string())])


def parts_at(image: str, path: Path) -> set[Part]:
    """The parts of what an image's text has at a path; none where it is no JSON, of which who reads it is told."""
    with suppress(ValueError, ValueNotValidError):
        raw = value_json(image, path)
        return set() if raw is None else set(parts_of(decode_value(raw)))
    return set()
