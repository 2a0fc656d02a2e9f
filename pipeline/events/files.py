"""Recorded stream events in files, in all the shapes in which they are kept or printed."""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

from histlib.format.stream_records import any_stream_records
from pipeline.common.errors import EventsError
from pipeline.events.json_values import parse, values_in
from pipeline.events.kinesis import unwrapped
from pipeline.events.spelling import may_hold_numbers, respell

Event = dict[str, Any]

#: What the event stands in: Lambda's on-failure objects (S3, other destinations), EventBridge's events.
_AROUND: Final = ("payload", "requestPayload", "detail")
_WANTED: Final = 'a Lambda event, {"Records": […]}, or stream records'


class PlacedEvent(Event):
    """An event that was read from a file; ``place`` names file, line and entry."""

    place: str = ""


def read_events(paths: Iterable[str], into: Path | None = None) -> Iterator[Event]:
    """The events in the files, in order; ``-`` is standard input, a folder all files below it, by path.

    A file is plain or gzip, and holds JSON values: one a line, over several lines, or one right after another. Each is
    an event (``{"Records": […]}``, also what ``aws dynamodbstreams get-records`` prints), a single stream record, a
    change as Kinesis Data Streams for DynamoDB writes it, a list of these, or what Lambda keeps of a failed batch
    (``payload``, ``requestPayload``) and EventBridge sends (``detail``), as text or as object. What lies ``into`` a
    folder that is written to is none of it.

    Raises:
        EventsError: see there; events before it have been given.
    """
    for path in paths:
        for name in files_of(path, into):
            try:
                if name == "-":
                    yield from events_in(sys.stdin.buffer, "standard input")
                else:
                    with Path(name).open("rb") as stream:
                        yield from events_in(stream, name)
            except OSError as error:
                raise EventsError(f"{name}: cannot be read: {error.strerror or error}") from error
            except (EOFError, zlib.error) as error:
                raise EventsError(f"{name}: damaged gzip ({error}); take a whole copy of it") from error


def files_of(path: str, into: Path | None = None) -> list[str]:
    """The file, or all files below the folder in order of their paths, without hidden ones (``_`` or ``.`` first) and
    those in a folder ``into`` below it.

    Raises:
        EventsError: a folder without files, or a history.
    """
    folder = Path(path)
    if path == "-" or not folder.is_dir():
        return [path]
    if is_history(folder):
        raise EventsError(
            f"{path} is a history, no stream records: nothing of it is to be replayed; ask it as it is, "
            f"--source {path} (what failed of it lies in {folder / 'failed' / 'records'} and {folder / 'aws'})"
        )
    written = into.resolve() if into and folder.resolve() in into.resolve().parents else None
    files = (file for file in folder.rglob("*") if file.is_file() and written not in file.resolve().parents)
    below = sorted(file.relative_to(folder) for file in files)
    found = [str(folder / file) for file in below if not any(part[0] in "_." for part in file.parts)]
    if not found:
        raise EventsError(f"{path}: no files in this folder; expected files with {_WANTED}")
    return found


def is_history(folder: Path) -> bool:
    """Whether a folder is a history as replay, or the pipeline, writes it: days below changes/, or nothing yet."""
    changes = folder / "changes"
    if not changes.is_dir():
        return False
    names = [entry.name for entry in changes.iterdir() if entry.name[0] not in "_."]
    first = next((path for path in sorted(changes.glob("*/*/*/*")) if path.is_file()), None)
    return all(len(name) == 4 and name.isdecimal() for name in names) and not (first and any_stream_records([first]))


def events_in(stream: BinaryIO, name: str) -> Iterator[Event]:
    """The events in one file, which errors call ``name``, as :func:`read_events`; the stream must have ``peek``."""
    for place, value, text in values_in(_uncompressed(stream), name):
        yield from _events_of(value, place, numbers=may_hold_numbers(text))


def _uncompressed(stream: BinaryIO) -> BinaryIO:
    start = cast(Any, stream).peek(2)[:2]
    return cast(BinaryIO, io.BufferedReader(gzip.GzipFile(fileobj=stream))) if start == b"\x1f\x8b" else stream


def _events_of(found: Any, place: str, *, numbers: bool) -> Iterator[Event]:
    """The events in a JSON value; ``numbers``: an N in it may be a number."""
    found, given = unwrapped(found), found
    numbers = numbers or found is not given
    if isinstance(found, list):
        for number, one in enumerate(found, start=1):
            yield from _events_of(one, f"{place} entry {number}", numbers=numbers)
    elif isinstance(found, dict) and isinstance(found.get("Records"), list):
        yield _placed(found, found["Records"], place, numbers=numbers)
    elif isinstance(found, dict) and "dynamodb" in found:
        yield _placed({}, [found], place, numbers=numbers)
    elif isinstance(found, dict) and (inside := next((name for name in _AROUND if found.get(name)), None)):
        inner = found[inside]
        if isinstance(inner, str):
            numbers, inner = may_hold_numbers(inner), parse(inner, f"{place} {inside}")
        yield from _events_of(inner, place, numbers=numbers)
    else:
        raise EventsError(f"{place}: expected {_WANTED}; got {type(found).__name__}{_names(found)}{_instead(found)}")


def _placed(around: Event, records: list[Any], place: str, *, numbers: bool) -> PlacedEvent:
    bare = list(map(unwrapped, records))
    for record, given in zip(bare, records, strict=True):
        respell(record, numbers=numbers or record is not given)
    event = PlacedEvent({**around, "Records": bare})
    event.place = place
    return event


def _names(found: Any) -> str:
    return f" with {', '.join(sorted(found)[:5]) or 'nothing'}" if isinstance(found, dict) else ""


def _instead(found: Any) -> str:
    """What other files of this project's, or DynamoDB's, are for."""
    if not isinstance(found, dict):
        return ""
    if "action" in found and "keys" in found:
        return ": a line of a history, which is asked as it is: --source with the folder above its days"
    if "Item" in found or ("Metadata" in found and "Keys" in found) or "dataFileS3Key" in found or "exportArn" in found:
        return ": of an export of DynamoDB, which is asked as it is: --source export:FOLDER"
    return ""
