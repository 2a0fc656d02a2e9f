"""Recorded Lambda events in files: JSON, JSON lines, gzip, and what Lambda itself keeps of failed batches."""

from __future__ import annotations

import gzip
import json
import sys
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

Event = dict[str, Any]


class EventsError(Exception):
    """A file that cannot be read, or holds something else than events; names file and line."""


def read_events(paths: Iterable[str]) -> Iterator[Event]:
    """The events in the files, in order; ``-`` is standard input.

    A file holds an event (``{"Records": […]}``), a list of them, or one a line; plain or gzip. Taken as well: the
    objects that Lambda writes to S3 for batches that failed (the event is text in ``payload``), and single stream
    records (as under ``failed/records/``).

    Raises:
        EventsError: see there; events before it have been given.
    """
    for path in paths:
        name = "standard input" if path == "-" else path
        try:
            if path == "-":
                yield from events_in(sys.stdin.buffer, name)
            else:
                with Path(path).open("rb") as stream:
                    yield from events_in(stream, name)
        except OSError as error:
            raise EventsError(f"{name}: cannot be read: {error.strerror or error}") from error
        except (EOFError, zlib.error) as error:
            raise EventsError(f"{name}: damaged gzip ({error}); take a whole copy of it") from error


def events_in(stream: BinaryIO, name: str) -> Iterator[Event]:
    """The events in one file, which errors call ``name``, as :func:`read_events`; the stream must have ``peek``."""
    lines = iter(_uncompressed(stream))
    first = next(lines, b"")
    try:
        found = json.loads(first)
    except ValueError:  # one JSON text over several lines
        yield from _events_of(_parse(first + b"".join(lines), name), name)
        return
    yield from _events_of(found, f"{name} line 1")
    for number, line in enumerate(lines, start=2):
        if line.strip():
            yield from _events_of(_parse(line, f"{name} line {number}"), f"{name} line {number}")


def _uncompressed(stream: BinaryIO) -> BinaryIO:
    start = cast(Any, stream).peek(2)[:2]
    return cast(BinaryIO, gzip.GzipFile(fileobj=stream)) if start == b"\x1f\x8b" else stream


def _parse(text: bytes | str, where: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise EventsError(f"{where}: no JSON: {error}") from error


def _events_of(found: Any, where: str) -> Iterator[Event]:
    """The events in a JSON value."""
    if isinstance(found, list):
        for number, one in enumerate(found, start=1):
            yield from _events_of(one, f"{where} entry {number}")
    elif isinstance(found, dict) and isinstance(found.get("payload"), str):
        yield from _events_of(_parse(found["payload"], f"{where} payload"), where)
    elif isinstance(found, dict) and isinstance(found.get("Records"), list):
        yield found
    elif isinstance(found, dict) and "dynamodb" in found:
        yield {"Records": [found]}
    else:
        raise EventsError(
            f'{where}: expected a Lambda event, {{"Records": […]}}; got {type(found).__name__}{_names(found)}'
        )


def _names(found: Any) -> str:
    return f" with {', '.join(sorted(found)[:5]) or 'nothing'}" if isinstance(found, dict) else ""
