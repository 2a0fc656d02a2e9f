"""Landings of any size, as the recorder writes them: a shop's items of about 265 bytes, changing round and round.

Changes go round the items in a seeded order, so each item's old image is the new image before it.
"""

from __future__ import annotations

import gzip
import json
import multiprocessing
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path

STREAM = "arn:aws:dynamodb:eu-west-1:111122223333:table/bench/stream/2026-01-01T00:00:00.000"
START = 1_767_225_600
DAY = 86_400
FILE_CHANGES = 20_000


def key(item: int) -> str:
    """The key's text of an item."""
    return f"p{item:07d}"


def image(item: int, version: int) -> str:
    """The image of an item after so many changes: stock and time change each time, the price each fifth."""
    noise = blake2b(item.to_bytes(8, "big"), digest_size=20).hexdigest()
    return (
        f'{{"active":true,"category":"c{item % 40}","name":"Thing {noise} of the shop","on_sale":false,'
        f'"price":{item % 90 + version // 5}.25,"productId":"{key(item)}","stock":{(item * 7 + version * 13) % 5000},'
        f'"tags":{{"$SS":["eco","gift"]}},"updated_at":"2026-01-01T00:00:00Z+{version:06d}",'
        f'"updated_by":"checkout-{(item + version) % 50}"}}'
    )


def generate(  # noqa: PLR0913, PLR0917 — what a landing is like
    folder: Path,
    changes: int,
    items: int,
    days: int = 10,
    first_change: int = 0,
    begin: int = START,
    file_changes: int = FILE_CHANGES,
) -> None:
    """Write changes ``first_change`` … ``changes`` of a landing whose whole spans ``days`` from ``begin`` (epoch s)."""
    per_day = changes // days
    jobs = [
        (folder, start, min(start + file_changes, changes), items, per_day, begin)
        for start in range(first_change, changes, file_changes)
    ]
    with multiprocessing.Pool(2) as pool:
        for _ in pool.imap_unordered(_write_file, jobs):
            pass


def lines(start: int, stop: int, items: int, per_day: int, begin: int = START) -> Iterator[str]:
    """The lines of some changes; change n is of item (n × a prime) mod items, its n // items-th version."""
    table = STREAM.partition("/stream/")[0]
    for number in range(start, stop):
        item, version = number * 7_919 % items, number // items
        second = begin + number * DAY // per_day
        old = "null" if version == 0 else json.dumps(image(item, version - 1))
        yield (
            f'{{"format":1,"event_id":"{blake2b(number.to_bytes(8, "big"), digest_size=16).hexdigest()}",'
            f'"table":"{table}","stream":"{STREAM}","view":"NEW_AND_OLD_IMAGES",'
            f'"action":"{"INSERT" if version == 0 else "MODIFY"}","keys":"{{\\"productId\\":\\"{key(item)}\\"}}",'
            f'"new_image":{json.dumps(image(item, version))},"old_image":{old},"timestamp":{second},'
            f'"timestamp_utc":"{datetime.fromtimestamp(second, UTC):%Y-%m-%d %H:%M:%S}",'
            f'"timestamp_micros":{second}000000,"precision":"s","sequence_number":"{10**25 + number * 11:040d}",'
            f'"actor":null,"redaction":null,"size_bytes":560,"read_begin":null,"read_end":null}}\n'
        )


def _write_file(job: tuple[Path, int, int, int, int, int]) -> None:
    folder, start, stop, items, per_day, begin = job
    day = datetime.fromtimestamp(begin + start * DAY // per_day, UTC)
    path = folder / "changes" / f"{day:%Y/%m/%d}" / f"bench-1-{start:012d}.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(
        gzip.compress("".join(lines(start, stop, items, per_day, begin)).encode(), compresslevel=1, mtime=0)
    )
