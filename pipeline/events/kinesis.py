"""Changes as Kinesis Data Streams for DynamoDB writes them: without sequence number, view and account."""

from __future__ import annotations

import base64
import json
import re
from typing import Any, Final

from pipeline.common.errors import EventsError
from pipeline.events.json_values import parse
from pipeline.functions.recorder.images import NotConvertibleError
from pipeline.functions.recorder.record import SEQUENCE_DIGITS, Line, Record, convert
from pipeline.functions.recorder.redact import Redaction

#: It has both images, whatever a stream of the table shows.
_VIEW: Final = "NEW_AND_OLD_IMAGES"
_PARTITIONS: Final = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}
_TABLE: Final = re.compile(r"arn:[^:]+:dynamodb:(?P<region>[^:]+):\d*:table/(?P<name>.+)")
_ARN: Final = re.compile(r"arn:[^:]+:[^:]+:[^:]*:(?P<account>\d+):.+")


def is_kinesis(record: Any) -> bool:
    """Whether a record is such a change: a stream's names no table but by its ARN."""
    return isinstance(record, dict) and "dynamodb" in record and ("tableName" in record or "recordFormat" in record)


def unwrapped(record: Any) -> Any:
    """The change in a record of Kinesis: as Lambda, Pipes and ``aws kinesis get-records`` give it; else the record."""
    if not isinstance(record, dict) or "dynamodb" in record:
        return record
    inner = record.get("kinesis")
    data = inner.get("data") if isinstance(inner, dict) else record.get("data", record.get("Data"))
    found = _decoded(data) if isinstance(data, str) else None
    if not isinstance(found, dict) or "dynamodb" not in found:
        return record
    return {**({"eventSourceARN": arn} if (arn := record.get("eventSourceARN")) else {}), **found}


def table_of(record: Record, told: str | None) -> str | None:
    """The table's ARN: its account is that of the Kinesis stream (it must be the same), else that in ``told``, the ARN
    of a table of that name and Region; else empty, since no change tells it. None where it lacks name or Region."""
    region, name = record.get("awsRegion"), record.get("tableName")
    if not (isinstance(region, str) and region and isinstance(name, str) and name):
        return None
    known = _ARN.fullmatch(str(record.get("eventSourceARN")))
    place = _TABLE.fullmatch(told or "")
    if told and place and (place["region"], place["name"]) == (region, name) and not known:
        return told
    partition = next((one for start, one in _PARTITIONS.items() if region.startswith(start)), "aws")
    return f"arn:{partition}:dynamodb:{region}:{known['account'] if known else ''}:table/{name}"


def as_stream_record(record: Record, table: str | None) -> Record:
    """The change as a stream would tell it; the sequence number, 0, and the stream are none."""
    change = record.get("dynamodb")
    if isinstance(change, dict):
        change = {**change, "SequenceNumber": "0", "StreamViewType": _VIEW}
    return {**record, "eventSourceARN": f"{table}/stream/kinesis", "dynamodb": change}


def convert_kinesis(record: Record, table: str | None, redaction: Redaction) -> Line:
    """The line of a change: as :func:`convert`, but of no stream and without a number.

    Raises:
        NotConvertibleError: as there, or the change names no table.
    """
    if table is None:
        lacking = " and ".join(name for name in ("awsRegion", "tableName") if not record.get(name))
        raise NotConvertibleError(f"{lacking or 'tableName'} is missing")
    fields = json.loads(convert(as_stream_record(record, table), redaction).data)
    assert fields["sequence_number"] == "0" * SEQUENCE_DIGITS
    fields |= {"stream": None, "sequence_number": None}
    return Line(0, (json.dumps(fields, ensure_ascii=False, separators=(",", ":")) + "\n").encode())


def _decoded(data: str) -> Any:
    try:
        return parse(base64.b64decode(data, validate=True).decode(), "data")
    except (ValueError, EventsError):
        return None
