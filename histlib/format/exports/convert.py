"""DynamoDB exports, full and incremental, as a history folder of format 1.

An export is ``AWSDynamoDB/<id>/`` with ``manifest-summary.json`` and ``manifest-files.json``; its data files lie below
``<id>/data/`` (full) or ``data/`` (incremental). A full one becomes a baseline: its time is exact to a minute, which is
what changes near a baseline are given anyhow, so it counts as read at its ``exportTime``. An incremental one becomes a
window of net changes. Each is complete or has no manifest: what is damaged is a hole.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from itertools import islice, pairwise
from pathlib import Path
from typing import Any, Final

import msgspec

from histlib.errors import MixedTablesError, NotAHistoryError, RequestError, SourceError, no_room
from histlib.format.exports.files import DamagedError, Keys, manifest, manifest_name, miscounted, read_rows, unchecked
from histlib.format.exports.manifests import FILES, SUMMARY, DataFile, Export, data_files, opened, read_export
from histlib.format.exports.rows import LineNotValidError, key_names, kind_of
from histlib.format.folders import CHANGES, FAILED
from histlib.progress import progress
from histlib.values.times import from_micros

#: Below this of a converted folder lies what of the exports is missing.
HOLES: Final = f"{FAILED}/exports/"

KeyDescription = tuple[dict[str, str], ...]


def find(place: Path) -> list[Export]:
    """The exports in a folder, at any depth, in order of time.

    Raises:
        NotAHistoryError: there are none.
        MixedTablesError: of more than one table.
        SourceError: a manifest that cannot be read, an export in ION, windows that overlap.
    """
    folders = [place] if (place / SUMMARY).is_file() else sorted(path.parent for path in place.rglob(SUMMARY))
    if not folders:
        raise NotAHistoryError(
            f"{place} holds no finished export: {_what_is_there(place)}; copy the export's folder whole, like "
            f"aws s3 sync s3://BUCKET/PREFIX/AWSDynamoDB {place / 'AWSDynamoDB'}",
            str(place),
        )
    by_id = {export.id: export for export in map(read_export, folders)}
    found = sorted(by_id.values(), key=lambda export: (export.window, export.id))
    tables = {(export.summary.table_arn, export.summary.table_id) for export in found}
    if len(tables) > 1:
        named = ", ".join(sorted(f"{arn} ({table_id})" for arn, table_id in tables))
        raise MixedTablesError(f"exports of {len(tables)} tables below {place}: {named}; name the folder of one", named)
    _check_windows([export for export in found if not export.full])
    return found


def _what_is_there(place: Path) -> str:
    """What of an export a folder without a summary has, in words."""
    if not place.is_dir():
        return "there is no such folder"
    missing = f"no {SUMMARY} there or below, which tells the table, and the time or the window"
    files = [path for folder in (place, *filter(Path.is_dir, place.rglob("*"))) for path in data_files(folder)]
    if not files:
        started = "; it was started (_started), and did not end" if next(place.rglob("_started"), None) else ""
        return f"{missing}, and no data file{started}"
    return f"{missing}; there are {len(files):,} data files ({files[0].relative_to(place)}: {_first_line(files[0])})"


def _first_line(path: Path) -> str:
    """What a data file seems to hold."""
    try:
        with opened(path) as lines:
            return kind_of(next(filter(bytes.strip, lines), b""))
    except (OSError, EOFError, zlib.error) as error:
        return f"cannot be read, {error}"


def key_schema(exports: Sequence[Export], given: Sequence[str]) -> KeyDescription:
    """The table's key as DynamoDB describes it; without ``KeyType`` where it has two attributes in unknown order.

    Raises:
        MixedTablesError: incremental exports tell different keys.
        RequestError: neither ``given`` nor told by an incremental export, or the two contradict.
    """
    by_names = {names: export for export in exports if not export.full for names in islice(_told_names(export), 1)}
    if len(by_names) > 1:
        named = "; ".join(f"{', '.join(names)} (export {export.id})" for names, export in by_names.items())
        raise MixedTablesError(
            f"exports with {len(by_names)} different keys: {named}. They are of different tables: "
            "name the folder of one",
            list(by_names),
        )
    told = next(iter(by_names), ())
    if given and told and set(given) != set(told):
        raise RequestError(f"key={','.join(given)}: these exports have the key {', '.join(told)}", given)
    names = tuple(given) or told
    if not 1 <= len(names) <= 2:
        raise RequestError(
            "a full export does not say which attributes are the table's key: name them, partition key first, "
            "like export:./folder?key=pk,sk (or put an incremental export of the table beside it)",
            given,
        )
    if given or len(names) == 1:
        return tuple(
            {"AttributeName": name, "KeyType": kind} for name, kind in zip(names, ("HASH", "RANGE"), strict=False)
        )
    return tuple({"AttributeName": name} for name in names)


def cache_name(exports: Sequence[Export], description: KeyDescription) -> str:
    """A name that changes with the exports, their files and the key; the cache adds the edition of the code."""
    digest = hashlib.blake2b(digest_size=10)
    digest.update(msgspec.json.encode(description))
    for export in exports:
        digest.update(msgspec.json.encode([str(export.folder), export.summary, export.files, export.damage]))
        digest.update(repr([_stamp(export.path(file)) for file in export.files]).encode())
    return f"{exports[0].summary.table_arn.rpartition('/')[2]}-{digest.hexdigest()}"


def convert(exports: Sequence[Export], description: KeyDescription, folder: Path) -> None:
    """Write the history of these exports into a folder that is new.

    Raises:
        SourceError: nothing of them can be read.
        RequestError: the key is not the table's.
        OSError: no room in the folder.
    """
    (folder / CHANGES).mkdir(parents=True)
    names = tuple(one["AttributeName"] for one in description)
    damages: list[str] = []
    whole: list[Export] = []
    with progress("converting exports", sum(len(export.files) for export in exports), " files") as bar:
        for export in exports:
            if not export.full and any(other.window == export.window for other in whole):
                continue  # the same window, exported once more
            written = _Conversion(export, names, folder, bar)
            written.run()
            damages += written.damages
            if not written.damages:
                whole.append(export)
                told = manifest(export, written.items, written.written, description)
                _write(folder / manifest_name(export), told)
    if not whole and not any((folder / CHANGES).rglob("*.gz")):
        raise SourceError(f"nothing to answer from: {damages[0]}")


def hole(raw: bytes) -> dict[str, Any]:
    """A row of :class:`histlib.engines.queries.Holes` from what :func:`convert` wrote."""
    return dict(msgspec.json.decode(raw))


@dataclass
class _Conversion:
    """One export on its way into the folder."""

    export: Export
    names: tuple[str, ...]
    folder: Path
    bar: Any
    written: list[str] = field(default_factory=list)
    items: int = 0
    keys: Keys = field(default_factory=Keys)
    damages: list[str] = field(default_factory=list)
    holes: int = 0

    def run(self) -> None:
        if self.export.damage:
            self._damaged(str(self.export.folder / FILES), self.export.damage)
        for number, file in enumerate(self.export.files):
            self.bar.update(1)
            try:
                self._convert(file, number)
            except (DamagedError, LineNotValidError, OSError, EOFError, zlib.error) as error:
                if isinstance(error, OSError) and no_room(error):
                    raise  # nothing is wrong with the export: the copy has no room
                self._damaged(file.data_file_s3_key, str(error))
        try:
            self.keys.check(self.export, self.names)
        except DamagedError as error:
            self._damaged(FILES, str(error))
        if not self.damages and (difference := miscounted(self.export, self.items)):
            self._damaged(SUMMARY, difference)
        if self.damages and self.export.full:  # half a baseline is none
            for name in self.written:
                (self.folder / name).unlink()

    def _convert(self, file: DataFile, number: int) -> None:
        day = from_micros(self.export.window[0], UTC).strftime("%Y/%m/%d")
        target = self.folder / CHANGES / day / f"{self.export.id}-{number:05}.gz"
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            why = unchecked(self.export, file)
            rows = self._write_rows(file, target, checked=not why)
            if why:
                self._hole(file.data_file_s3_key, why)
        except BaseException:
            target.unlink(missing_ok=True)
            raise
        if rows:
            self.written.append(target.relative_to(self.folder).as_posix())
            self.items += rows
        else:
            target.unlink()

    def _write_rows(self, file: DataFile, target: Path, *, checked: bool) -> int:
        count = 0
        with gzip.open(target, "wb", compresslevel=1) as out:
            for row in read_rows(self.export, file, self.names, checked=checked):
                out.write(msgspec.json.encode(row) + b"\n")
                self.keys.add(row["keys"])
                count += 1
        return count

    def _damaged(self, file: str, reason: str) -> None:
        self.damages.append(f"export {self.export.id}: {file}: {reason}")
        self._hole(file, f"{reason}; export {self.export.id} is not complete")

    def _hole(self, file: str, detail: str) -> None:
        self.holes += 1
        start, end = self.export.window
        row = {
            "kind": "unreadable",
            "start": start,
            "end": end if self.export.full else end - 1,
            "detail": detail,
            "file": file,
            "line": None,
            "keys": None,
        }
        _write(self.folder / f"{HOLES}{self.export.id}-{self.holes:05}.json", row)


def _check_windows(exports: Sequence[Export]) -> None:
    """Windows that overlap in part do not add up: net changes of one are not those of the other."""
    for one, other in pairwise(exports):
        if other.window != one.window and other.window[0] < one.window[1]:
            raise SourceError(
                f"the exports {one.id} and {other.id} overlap: leave one out, windows must follow one another",
                (one.id, other.id),
            )


def _told_names(export: Export) -> Iterator[tuple[str, ...]]:
    """The names of the key's attributes in the first line of each data file that can be read."""
    for path in filter(None, map(export.path, export.files)):
        try:
            with opened(path) as lines:
                first = next((line for line in lines if line.strip()), None)
            if first is not None:
                yield key_names(first)
        except (LineNotValidError, OSError, EOFError, zlib.error):
            continue


def _stamp(path: Path | None) -> tuple[int, int] | None:
    if path is None:
        return None
    found = os.stat(path)  # noqa: PTH116
    return found.st_size, found.st_mtime_ns


def _write(path: Path, row: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.encode(row))
