"""The names that the images of a history have: of attributes, and of what is below a path."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, Final

import msgspec
import pyarrow as pa

from histlib.engines.bulk.arrays import THREADS, ordered_map
from histlib.engines.bulk.inputs import HASH_BITS
from histlib.engines.bulk.parts import PARTS, parts_at
from histlib.engines.folder.index.segments import SegmentReader
from histlib.progress import progress
from histlib.values.paths import Path

_PARTS: Final = 256
#: About so many rows make a sample.
_SAMPLE_ROWS: Final = 8_192
_decoder: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


def attributes(readers: Sequence[SegmentReader], *, exact: bool) -> pa.Table:
    """Column ``name``: the top-level attributes of all images, or of a sample of the items."""
    names = _found(readers, _names, exact=exact)
    return pa.table({"name": pa.array(sorted(names), pa.string())})


def parts(readers: Sequence[SegmentReader], path: Path, *, exact: bool) -> pa.Table:
    """Columns ``kind`` and ``name``: the parts (:mod:`histlib.engines.shapes`) that all images, or those of a sample of
    the items, have at a path."""
    found = _found(readers, lambda image: parts_at(image, path), exact=exact)
    return pa.Table.from_pylist([{"kind": kind, "name": name} for kind, name in found], schema=PARTS)


def _found(readers: Sequence[SegmentReader], read: Callable[[str], Any], *, exact: bool) -> set[Any]:
    """What is read in the images."""
    jobs = [(reader, *part) for part in (_all_parts() if exact else _sample(readers)) for reader in readers]
    found: set[Any] = set()
    with progress("looking for attributes", len(jobs), " parts") as bar:
        for some in ordered_map(lambda job: _read(*job, read), jobs, THREADS):
            found |= some
            bar.update(1)
    return found


def _all_parts() -> list[tuple[int, int]]:
    """Ranges of hashes that are all of them."""
    step = (1 << HASH_BITS) // _PARTS
    return [(at * step, (at + 1) * step - 1) for at in range(_PARTS)]


def _sample(readers: Sequence[SegmentReader]) -> list[tuple[int, int]]:
    """A range of hashes with about so many rows as make a sample: items are spread over the hashes at random."""
    rows = sum(reader.segment.rows for reader in readers)
    return [(0, (1 << HASH_BITS) * min(_SAMPLE_ROWS, rows) // max(1, rows) - 1)]


def _read(reader: SegmentReader, low: int, high: int, read: Callable[[str], Any]) -> set[Any]:
    found: set[Any] = set()
    for image in _images(reader.between(low, high, ["key_hash", "new_image", "old_image"])):
        found.update(read(image))
    return found


def _names(image: str) -> dict[str, Any]:
    with suppress(msgspec.DecodeError):  # an image that is no JSON has no attributes; who reads it is told
        return _decoder.decode(image)
    return {}


def _images(table: pa.Table) -> Iterator[Any]:
    for name in ("new_image", "old_image"):
        yield from (image for image in table.column(name).to_pylist() if image is not None)
