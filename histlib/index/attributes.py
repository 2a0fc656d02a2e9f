"""The names of the attributes that the images of a history have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, Final

import msgspec
import pyarrow as pa

from histlib.index.parallel import THREADS, ordered_map
from histlib.index.segments import HASH_BITS, SegmentReader
from histlib.progress import progress

_PARTS: Final = 256
#: About so many rows make a sample.
_SAMPLE_ROWS: Final = 8_192
_decoder: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


def attributes(readers: Sequence[SegmentReader], *, exact: bool) -> pa.Table:
    """Column ``name``: the top-level attributes of all images, or of a sample of the items."""
    jobs = [(reader, *part) for part in (_all_parts() if exact else _sample(readers)) for reader in readers]
    names: set[str] = set()
    with progress("looking for attributes", len(jobs), " parts") as bar:
        for found in ordered_map(lambda job: _names(*job), jobs, THREADS):
            names |= found
            bar.update(1)
    return pa.table({"name": pa.array(sorted(names), pa.string())})


def _all_parts() -> list[tuple[int, int]]:
    """Ranges of hashes that are all of them."""
    step = (1 << HASH_BITS) // _PARTS
    return [(at * step, (at + 1) * step - 1) for at in range(_PARTS)]


def _sample(readers: Sequence[SegmentReader]) -> list[tuple[int, int]]:
    """A range of hashes with about so many rows as make a sample: items are spread over the hashes at random."""
    rows = sum(reader.segment.rows for reader in readers)
    return [(0, (1 << HASH_BITS) * min(_SAMPLE_ROWS, rows) // max(1, rows) - 1)]


def _names(reader: SegmentReader, low: int, high: int) -> set[str]:
    table = reader.between(low, high, ["key_hash", "new_image", "old_image"])
    names: set[str] = set()
    for image in _images(table):
        with suppress(msgspec.DecodeError):  # an image that is no JSON has no attributes; who reads it is told
            names.update(_decoder.decode(image))
    return names


def _images(table: pa.Table) -> Iterator[Any]:
    for name in ("new_image", "old_image"):
        yield from (image for image in table.column(name).to_pylist() if image is not None)
