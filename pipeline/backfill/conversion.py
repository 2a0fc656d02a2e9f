"""A finished export into the history: fetched, checked whole, and only then written; its manifest last."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import msgspec

from histlib.errors import SourceError
from histlib.format.exports.files import DamagedError, Keys, manifest, manifest_name, miscounted, read_rows
from histlib.format.exports.manifests import FILES, SUMMARY, Export, read_export
from histlib.format.exports.rows import LineNotValidError
from histlib.values.times import from_micros
from pipeline.backfill.exports import Description, export_id
from pipeline.backfill.plan import Table
from pipeline.backfill.target import Target
from pipeline.backfill.windows import Window
from pipeline.common.aws import MISSING, RefusedError
from pipeline.common.landing import Bucket, Landing

#: Uncompressed bytes of one object of the landing.
OBJECT_BYTES: Final = 64 << 20


class ExportError(SourceError):
    """An export's files are not what was asked for, or not as its manifest says."""


@dataclass(frozen=True)
class Converted:
    """What an export has become: net changes, and the names of the objects that hold them."""

    items: int
    files: tuple[str, ...]


def convert(table: Table, target: Target, window: Window, description: Description) -> Converted:
    """Write the rows of an export into the history.

    What a run left of it before is replaced whole. Until the manifest is there the window does not count.

    Raises:
        ExportError: the export is damaged, or another one; nothing of it is written.
        HistlibError: S3 cannot be read or written.
    """
    with TemporaryDirectory(prefix="histlib-") as scratch:
        try:
            export = _fetch(target.exports, target.summary_key(export_id(description)), Path(scratch))
            _check(export, table, window)
            made = _Objects(export.id, Path(scratch) / "made")
            rows = _write_rows(made, export, table, target)
        except RefusedError as error:
            if error.code not in MISSING:
                raise
            raise ExportError(f"export {export_id(description)}: {error}", export_id(description)) from error
        except (DamagedError, LineNotValidError, SourceError, OSError, EOFError, zlib.error) as error:
            raise ExportError(f"export {export_id(description)}: {error}", export_id(description)) from error
        with Landing(target.place) as landing:
            for name in made.names:
                landing.put(name, made.path(name).read_bytes())
        told = manifest(export, rows, made.names, table.key_schema, target.redaction.id)
        target.place.put(manifest_name(export), msgspec.json.encode(told))
        return Converted(rows, tuple(made.names))


def clear(exports: Bucket, summary: str) -> None:
    """Take an export's objects away; its summary last, so that a run in between is seen to be unfinished."""
    folder = summary.removesuffix(SUMMARY)
    above = folder.removesuffix("/").rpartition("/")[0]
    for key in _data_keys(exports.get(folder + FILES) or b""):
        if key.startswith(f"{above}/"):
            exports.remove(key)
    for key in list(exports.names(folder)):
        if key not in (summary, folder + FILES):
            exports.remove(key)
    exports.remove(folder + FILES)
    exports.remove(summary)


def _fetch(exports: Bucket, summary: str, scratch: Path) -> Export:
    """The export on disk, laid out as in S3."""
    above, folder = summary.removesuffix(f"/{SUMMARY}").rsplit("/", 1)
    local = scratch / "AWSDynamoDB" / folder
    for name in (SUMMARY, FILES):
        exports.download(f"{above}/{folder}/{name}", local / name)
    export = read_export(local)
    if export.damage:
        raise DamagedError(f"{FILES} {export.damage}")
    for file in export.files:
        inside = file.data_file_s3_key.rpartition("AWSDynamoDB/")[2]
        if ".." in inside:
            raise DamagedError(f"{FILES} names {file.data_file_s3_key}")
        exports.download(file.data_file_s3_key, local.parent / inside)
    return export


def _check(export: Export, table: Table, window: Window) -> None:
    told = (export.full, export.window, export.summary.table_arn, export.view)
    wanted = (False, window, table.arn, "NEW_AND_OLD_IMAGES")
    if told != wanted:
        raise DamagedError(f"{SUMMARY} tells of {told}, expected {wanted} (full, window in µs, table, view)")


def _write_rows(made: _Objects, export: Export, table: Table, target: Target) -> int:
    names, keys = tuple(one["AttributeName"] for one in table.key_schema), Keys()
    for file in export.files:
        for row in read_rows(export, file, names, target.redaction):
            keys.add(row["keys"])
            made.add(row)
    keys.check(export, names)
    made.flush()
    if difference := miscounted(export, made.rows):
        raise DamagedError(difference)
    return made.rows


@dataclass
class _Objects:
    """Rows of one export as objects of the landing, by the day of the event, in a folder of this machine."""

    id: str
    folder: Path
    names: list[str] = field(default_factory=list)
    rows: int = 0
    _days: dict[str, list[bytes]] = field(default_factory=dict, repr=False)
    _size: int = 0

    def add(self, row: dict[str, Any]) -> None:
        day = f"{from_micros(row['timestamp_micros'], UTC):%Y/%m/%d}"
        line = msgspec.json.encode(row) + b"\n"
        self._days.setdefault(day, []).append(line)
        self.rows += 1
        self._size += len(line)
        if self._size >= OBJECT_BYTES:
            self.flush()

    def flush(self) -> None:
        for day, lines in sorted(self._days.items()):
            name = f"changes/{day}/backfill-{self.id}-{len(self.names):04}.gz"
            self.path(name).parent.mkdir(parents=True, exist_ok=True)
            self.path(name).write_bytes(gzip.compress(b"".join(lines), compresslevel=6, mtime=0))
            self.names.append(name)
        self._days, self._size = {}, 0

    def path(self, name: str) -> Path:
        return self.folder / name


def _data_keys(files: bytes) -> Iterator[str]:
    for line in filter(bytes.strip, files.splitlines()):
        yield str(json.loads(line)["dataFileS3Key"])
