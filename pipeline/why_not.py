"""Why a stream record is no change: the field, and what is wrong with it, never its value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from pipeline.functions.recorder.images import MALFORMED, NotConvertibleError, encode_value
from pipeline.functions.recorder.record import read_stamp, sequence_text

_ACTIONS: Final = ("INSERT", "MODIFY", "REMOVE")
_VIEWS: Final = ("NEW_AND_OLD_IMAGES", "NEW_IMAGE", "OLD_IMAGE", "KEYS_ONLY")


def why_not(record: Any, otherwise: str) -> str:
    """The first field found at fault; ``otherwise`` where each is well by itself."""
    return next(_faults(record), otherwise)


def _faults(record: Any) -> Iterator[str]:
    if not isinstance(record, dict):
        yield "no JSON object"
        return
    if not isinstance(record.get("eventID"), str):
        yield "eventID is no text"
    if "/stream/" not in str(record.get("eventSourceARN")):
        yield "eventSourceARN is no stream's"
    if record.get("eventName") not in _ACTIONS:
        yield f"eventName is none of {', '.join(_ACTIONS)}"
    change = record.get("dynamodb")
    if not isinstance(change, dict):
        yield "dynamodb is no JSON object"
        return
    yield from _faults_of_change(change)


def _faults_of_change(change: dict[str, Any]) -> Iterator[str]:
    if sequence_text({"dynamodb": change}) is None:
        yield "dynamodb.SequenceNumber is no number of at most 40 digits"
    if change.get("StreamViewType") not in _VIEWS:
        yield f"dynamodb.StreamViewType is none of {', '.join(_VIEWS)}"
    try:
        read_stamp(change.get("ApproximateCreationDateTime", ""))
    except MALFORMED:
        yield "dynamodb.ApproximateCreationDateTime is no time"
    if not change.get("Keys"):
        yield "dynamodb.Keys is empty"
    for name in ("Keys", "NewImage", "OldImage"):
        if change.get(name) is not None:
            yield from _faults_of_value(f"dynamodb.{name}", {"M": change[name]})


def _faults_of_value(path: str, attribute: Any, *, named: bool = True) -> Iterator[str]:
    """The deepest attribute at fault, by its path. Names in nested maps may be data, and are not told."""
    try:
        encode_value(attribute)
        return
    except MALFORMED as error:
        own = str(error) if isinstance(error, NotConvertibleError) else "no attribute as DynamoDB writes it"
    for place, member in _members(attribute, named=named):
        yield from _faults_of_value(f"{path}{place}", member, named=False)
    yield f"{path}: {own}"


def _members(attribute: Any, *, named: bool) -> Iterator[tuple[str, Any]]:
    if not isinstance(attribute, dict):
        return
    if isinstance(attribute.get("M"), dict):
        yield from ((f".{name}" if named else ".…", member) for name, member in attribute["M"].items())
    if isinstance(attribute.get("L"), list):
        yield from ((f"[{at}]", member) for at, member in enumerate(attribute["L"]))
