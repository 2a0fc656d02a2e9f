"""What an undelivered object holds: changes as lines of the landing, and what keeps others from being some.

Three shapes: single stream records below ``failed/records/``, the whole batches that Lambda itself keeps below
``aws/lambda/``, and what Firehose could not deliver below its error prefix (lines that were converted already).
"""

from __future__ import annotations

import copy
import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from histlib.format.rows import NotARecordError, decode_line
from histlib.format.undelivered import content, firehose_lines
from pipeline.common.errors import EventsError
from pipeline.events.files import events_in
from pipeline.events.why_not import why_not
from pipeline.functions.recorder.images import NotConvertibleError
from pipeline.functions.recorder.record import convert, read_stamp
from pipeline.functions.recorder.redact import Redaction

#: Below this of a bucket Lambda keeps batches that it gave up; no prefix can be set.
LAMBDA: Final = "aws/lambda/"
#: What Lambda says of a batch, beside the batch.
_AROUND: Final = ("requestContext", "responseContext", "version", "timestamp", "DDBStreamBatchInfo")


@dataclass(frozen=True)
class Converted:
    """A change as a line of the landing with its newline; ``seconds``: its stamp, epoch s."""

    table: str
    seconds: int
    line: bytes


@dataclass(frozen=True)
class Content:
    """What an object holds.

    ``changes`` are all that can be written; ``problems`` tell by place and field why others cannot be, without any
    value of an item; ``tables`` are the ARNs that its records name; ``records`` the stream records in it.
    """

    changes: tuple[Converted, ...]
    problems: tuple[str, ...]
    tables: frozenset[str]
    records: tuple[Any, ...] = ()


def read_content(raw: bytes, table: str, redaction: Redaction) -> Content:
    """What an object holds; changes of another than ``table`` (ARN) are problems."""
    text = content(raw)
    if not text and raw:
        return _nothing("damaged gzip")
    try:
        lines = firehose_lines(text)
        if lines is not None:
            return _of_lines(lines, table)
        events = list(events_in(io.BufferedReader(io.BytesIO(text)), "it"))
    except EventsError as error:
        return _nothing(str(error))
    except ValueError:
        return _nothing("Firehose's error records in it are damaged")
    return _of_records([record for event in events for record in event["Records"]], table, redaction)


def redacted(raw: bytes, records: Iterable[Any], redaction: Redaction) -> bytes:
    """The object that Lambda kept, without what must not be stored: Lambda knows nothing of redaction."""
    kept = [redaction.apply_to_raw(record) for record in records if isinstance(record, dict)]
    try:
        outer = json.loads(content(raw))
    except ValueError:
        outer = None
    around = {name: outer[name] for name in _AROUND if name in outer} if isinstance(outer, dict) else {}
    told = {} if kept else {"removed": "what could not be read, and so not redacted"}
    return json.dumps({**around, **told, "payload": json.dumps({"Records": kept})}).encode()


def _nothing(problem: str) -> Content:
    return Content((), (problem,), frozenset())


def _of_lines(lines: list[bytes], table: str) -> Content:
    changes, problems, tables = [], [], set()
    for number, line in enumerate(lines, start=1):
        try:
            fields = decode_line(line)
        except NotARecordError as error:
            problems.append(f"line {number}: {field_at_fault(error)}")
            continue
        tables.add(fields["table"])
        if fields["table"] == table:
            changes.append(Converted(table, fields["timestamp"], line + b"\n"))
        else:
            problems.append(f"line {number}: {_foreign(fields['table'], table)}")
    return Content(tuple(changes), tuple(problems), frozenset(tables))


def _of_records(records: list[Any], table: str, redaction: Redaction) -> Content:
    changes, problems = [], []
    tables = {named for named in map(_table_of, records) if named}
    for number, record in enumerate(records, start=1):
        named = _table_of(record)
        if named and named != table:
            problems.append(f"change {number}: {_foreign(named, table)}")
            continue
        try:
            line = convert(record, with_rules_of(record, redaction))
        except NotConvertibleError as error:
            problems.append(f"change {number}: {why_not(record, str(error))}")
            continue
        seconds = read_stamp(record["dynamodb"]["ApproximateCreationDateTime"]).seconds
        changes.append(Converted(table, seconds, line.data))
    return Content(tuple(changes), tuple(problems), frozenset(tables), tuple(records))


def with_rules_of(record: Any, redaction: Redaction) -> Redaction:
    """The rules under a name that also tells of those by which the recorder had redacted the record before."""
    before = record.get("redaction") if isinstance(record, dict) else None
    if not isinstance(before, str) or before == redaction.id:
        return redaction
    both = copy.copy(redaction)
    both.id = f"{before}+{redaction.id}" if redaction.id else before
    return both


def _table_of(record: Any) -> str | None:
    arn = record.get("eventSourceARN") if isinstance(record, dict) else None
    table, _, stream = arn.partition("/stream/") if isinstance(arn, str) else ("", "", "")
    return table if stream else None


def _foreign(found: str, table: str) -> str:
    return f"it is of table {found}, this history of {table}"


def field_at_fault(error: NotARecordError) -> str:
    """The field that makes a line no record: msgspec tells types and names, our own errors values too."""
    safe = isinstance(error.__cause__, (msgspec.DecodeError, UnicodeDecodeError))
    return f"no record: {error if safe else f'{str(error).split()[0]} is not as it should be'}"
