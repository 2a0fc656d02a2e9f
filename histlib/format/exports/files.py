"""What the data files of an export hold, as checked rows of format 1, and the manifest of an export that is whole."""

from __future__ import annotations

import base64
import hashlib
from array import array
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from histlib.errors import RequestError
from histlib.format.exports.manifests import FILES, GZIP, DataFile, Export, opened
from histlib.format.exports.rows import Origin, Redaction, baseline_row, window_row

KeyDescription = Sequence[dict[str, str]]


class DamagedError(Exception):
    """A data file is not as its manifest says; the message says how."""


def read_rows(
    export: Export, file: DataFile, names: Sequence[str], redaction: Redaction | None = None, *, checked: bool = True
) -> Iterator[dict[str, Any]]:
    """The rows of a data file, whose key's attributes are ``names``. What came is good only once the end is reached.
    ``checked``: only of the very file that was exported.

    Raises:
        DamagedError: it is missing, another file than was exported, or has another number of items.
        LineNotValidError: a line in it is none.
        OSError, EOFError, zlib.error: it cannot be read or unpacked.
    """
    path = export.path(file)
    if path is None:
        raise DamagedError("missing")
    if checked:
        check_file(path, file)
    count = 0
    with opened(path) as lines:
        for line in filter(bytes.strip, lines):
            count += 1
            yield _row(export, line, names, redaction)
    if not export.unlisted and count != file.item_count:
        raise DamagedError(f"{count:,} items, the manifest says {file.item_count:,}")


class Keys:
    """The keys of an export's rows, over all its files: eight bytes each."""

    def __init__(self) -> None:
        self._hashes = array("q")

    def add(self, text: str) -> None:
        """Take in the key of a row."""
        self._hashes.append(hash(text))

    def check(self, export: Export, names: Sequence[str]) -> None:
        """That no two are equal.

        Raises:
            RequestError: items of a full export share theirs: ``names`` are not the whole key.
            DamagedError: so do changes of a window, which has one of an item.
        """
        count, hashes = len(self._hashes), sorted(self._hashes)
        shared = sum(one == other for one, other in pairwise(hashes))
        if shared and not export.full:
            raise DamagedError(f"{shared:,} of {count:,} changes are of an item that has another in this window")
        if shared:
            raise RequestError(
                f"export {export.id}: {shared:,} of {count:,} items share their {', '.join(names)} with another, so "
                "that is not the whole key; name it, like export:./folder?key=pk,sk",
                names,
            )


def unchecked(export: Export, file: DataFile) -> str:
    """Why nothing tells whether a data file that can be read is the one that was exported; empty where that is told."""
    path = export.path(file)
    if export.unlisted:
        return f"{FILES} is missing: of the data files found only the number of their items is checked"
    if path is not None and file.md5_checksum is not None and _is_unpacked(path, file):
        return "unpacked, so that its MD5 tells nothing: only the number of its items is checked"
    return ""


def manifest_name(export: Export) -> str:
    """Where the manifest of a whole export lies in a history."""
    return f"baseline/{'' if export.full else 'backfill-'}{export.id}.json"


def manifest(
    export: Export, items: int, files: Sequence[str], description: KeyDescription, redaction: str | None = None
) -> dict[str, Any]:
    """What to write of a whole export; ``files`` are those of the history that hold its rows."""
    start, end = export.window
    times = {"read_begin": start, "read_end": end} if export.full else {"start": start, "end": end}
    return {
        "format": 1,
        "id": export.id,
        "kind": "export" if export.full else "incremental",
        "table": export.summary.table_arn,
        "table_id": export.summary.table_id or None,
        **times,
        "items": items,
        "files": files,
        "redaction": redaction,
        "key_schema": [one for one in description if "KeyType" in one],
    }


def miscounted(export: Export, items: int) -> str:
    """How the items found in all files differ from what the manifest says; empty where they do not."""
    expected = export.summary.item_count
    if expected is None or expected == items:
        return ""
    return f"{items:,} items in its files, the manifest says {expected:,}"


def _row(export: Export, line: bytes, names: Sequence[str], redaction: Redaction | None) -> dict[str, Any]:
    table, (start, _) = export.summary.table_arn, export.window
    if export.full:
        return baseline_row(line, export.id, table, start, names)
    return window_row(line, Origin(export.id, table, export.view), names, redaction)


def check_file(path: Path, file: DataFile) -> None:
    """That a file is the one of the manifest: by its MD5 (of it, or of its contents), or by its ETag.

    Raises:
        DamagedError: it is not.
    """
    if file.md5_checksum is None:
        return
    with path.open("rb") as stream:
        found = hashlib.file_digest(stream, "md5").digest()
    etag = (file.etag or "").strip('"')
    if file.md5_checksum in _texts(found) or etag in (found.hex(), hashlib.md5(found).hexdigest() + "-1"):
        return
    with opened(path) as stream:
        if file.md5_checksum in _texts(hashlib.file_digest(stream, "md5").digest()):  # type: ignore[arg-type]
            return
    raise DamagedError(f"not the file that was exported: its MD5 is {_texts(found)[0]}, expected {file.md5_checksum}")


def _is_unpacked(path: Path, file: DataFile) -> bool:
    with path.open("rb") as stream:
        return file.data_file_s3_key.endswith(".gz") and stream.read(2) != GZIP


def _texts(digest: bytes) -> tuple[str, str]:
    return base64.b64encode(digest).decode(), digest.hex()
