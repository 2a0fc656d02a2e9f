"""What the manifests of a DynamoDB export say (developer guide, "DynamoDB table export output format")."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from histlib.errors import SourceError
from histlib.values.times import to_micros

SUMMARY: Final = "manifest-summary.json"
FILES: Final = "manifest-files.json"
GZIP: Final = b"\x1f\x8b"


class Summary(msgspec.Struct, frozen=True, rename="camel"):
    """``manifest-summary.json``."""

    table_arn: str
    export_arn: str = ""
    table_id: str = ""
    export_type: str = "FULL_EXPORT"
    export_time: str | None = None
    export_from_time: str | None = None
    export_to_time: str | None = None
    output_format: str = "DYNAMODB_JSON"
    output_view: str | None = None
    item_count: int | None = None


class DataFile(msgspec.Struct, frozen=True, rename="camel"):
    """A line of ``manifest-files.json``."""

    item_count: int
    data_file_s3_key: str
    md5_checksum: str | None = None
    etag: str | None = None


@dataclass(frozen=True)
class Export:
    """One export: its folder and what its manifests say.

    ``damage``: why its list of files is not to be trusted. ``unlisted``: it has none; these are the files found, and
    their counts are nobody's.
    """

    folder: Path
    summary: Summary
    files: tuple[DataFile, ...] = ()
    damage: str = ""
    unlisted: bool = False

    @property
    def id(self) -> str:
        """The export's id, with which AWS names its folder."""
        return self.summary.export_arn.rpartition("/")[2] or self.folder.name

    @property
    def full(self) -> bool:
        """A full export, not one of a window."""
        return self.summary.export_type == "FULL_EXPORT"

    @property
    def view(self) -> str:
        """NEW_AND_OLD_IMAGES or NEW_IMAGE."""
        return "NEW_IMAGE" if (self.summary.output_view or "").startswith("NEW_IMAGE") else "NEW_AND_OLD_IMAGES"

    @property
    def window(self) -> tuple[int, int]:
        """Start and end (epoch µs); of a full export twice its time."""
        told = self.summary
        start, end = (told.export_time,) * 2 if self.full else (told.export_from_time, told.export_to_time)
        try:
            return _micros(start), _micros(end)
        except (TypeError, ValueError) as error:
            raise SourceError(f"{self.folder / SUMMARY}: no time in {start!r}, {end!r}", str(self.folder)) from error

    def path(self, file: DataFile) -> Path | None:
        """Where a data file lies on disk: as in S3, beside the manifests, or there unpacked; None where it does not."""
        inside = file.data_file_s3_key.rpartition("AWSDynamoDB/")[2]
        name = inside.rpartition("/")[2]
        places = (self.folder.parent / inside, *(place / name for place in data_folders(self.folder)))
        there = (path for packed in places for path in (packed, packed.with_name(packed.name.removesuffix(".gz"))))
        return next((path for path in there if ".." not in inside and path.is_file()), None)


def read_export(folder: Path) -> Export:
    """The export whose manifests lie in a folder.

    Raises:
        SourceError: no summary that can be read, in ION, or without its times.
    """
    try:
        summary = msgspec.json.decode((folder / SUMMARY).read_bytes(), type=Summary)
    except (OSError, msgspec.DecodeError) as error:
        raise SourceError(f"{folder / SUMMARY} cannot be read: {error}", str(folder)) from error
    if summary.output_format != "DYNAMODB_JSON":
        raise SourceError(
            f"export {folder.name} is in {summary.output_format}, expected DYNAMODB_JSON: export once more",
            str(folder),
        )
    try:
        lines = (folder / FILES).read_bytes().splitlines()
        files = tuple(msgspec.json.decode(line, type=DataFile) for line in lines if line.strip())
    except FileNotFoundError:
        return _unlisted(folder, summary)
    except (OSError, msgspec.DecodeError) as error:
        return Export(folder, summary, damage=f"cannot be read: {error}")
    return _checked(Export(folder, summary, files))


def data_folders(folder: Path) -> tuple[Path, ...]:
    """Where the data files of an export may lie, whose manifests lie in a folder."""
    return folder / "data", folder.parent / "data", folder


def data_files(folder: Path) -> list[Path]:
    """What may be data files right in a folder, packed or not."""
    found = (path for pattern in ("*.json.gz", "*.json") for path in folder.glob(pattern))
    return sorted(path for path in found if path.name not in (SUMMARY, FILES))


def _unlisted(folder: Path, summary: Summary) -> Export:
    """An export without its list of files: those that can be no other's, of a full one or beside its summary."""
    own = (folder / "data", folder) if summary.export_type == "FULL_EXPORT" else (folder,)
    found = next(filter(None, map(data_files, own)), [])
    if not found or summary.item_count is None:
        return Export(folder, summary, damage="missing, and which data files are of this export is not known")
    return _checked(Export(folder, summary, tuple(DataFile(0, path.name) for path in found), unlisted=True))


def _checked(export: Export) -> Export:
    folder, (start, end) = export.folder, export.window
    if not export.full and start >= end:
        raise SourceError(f"{folder / SUMMARY}: the window ends before it starts", str(folder))
    return export


def opened(path: Path) -> BinaryIO:
    """A data file's contents, packed or not."""
    with path.open("rb") as stream:
        packed = stream.read(2) == GZIP
    return gzip.open(path, "rb") if packed else path.open("rb")  # type: ignore[return-value]


def _micros(text: str | None) -> int:
    moment = datetime.fromisoformat(text or "")
    return to_micros(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
