"""Why a stream record is no change: each field, and what is wrong with it, never its value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from pipeline.functions.recorder.images import MALFORMED, NotConvertibleError, encode_value
from pipeline.functions.recorder.record import IMAGES, read_stamp, sequence_text

_ACTIONS: Final = ("INSERT", "MODIFY", "REMOVE")
_SHOWN: Final = ("NewImage", "OldImage")


class _Fault(NamedTuple):
    """``wrong`` with the value at ``field``; ``there``: whether there is one at all."""

    field: str
    wrong: str
    there: bool = True

    @property
    def said(self) -> str:
        return f"{self.field} {self.wrong}" if self.there else f"{self.field} is missing"


def why_not(record: Any, otherwise: str) -> str:
    """The first field found at fault; ``otherwise`` where each is well by itself."""
    return next((f"{fault.field} {fault.wrong}" for fault in _faults(record)), otherwise)


def reasons(record: Any, otherwise: str) -> list[str]:
    """Each field at fault, missing ones told from wrong ones; ``otherwise`` where each is well by itself."""
    return list(dict.fromkeys(fault.said for fault in _faults(record))) or [otherwise]


def _faults(record: Any) -> Iterator[_Fault]:
    if not isinstance(record, dict):
        yield _Fault("the record", "is no JSON object")
        return
    if not isinstance(record.get("eventID"), str):
        yield _Fault("eventID", "is no text", _has(record, "eventID"))
    if "/stream/" not in str(record.get("eventSourceARN")):
        yield _Fault("eventSourceARN", "is no stream's", _has(record, "eventSourceARN"))
    if record.get("eventName") not in _ACTIONS:
        yield _Fault("eventName", f"is none of {', '.join(_ACTIONS)}", _has(record, "eventName"))
    change = record.get("dynamodb")
    if not isinstance(change, dict):
        yield _Fault("dynamodb", "is no JSON object", _has(record, "dynamodb"))
        return
    yield from _faults_of_change(change)
    yield from _images_missing(record.get("eventName"), change)


def _has(members: dict[str, Any], name: str) -> bool:
    return members.get(name) is not None


def _faults_of_change(change: dict[str, Any]) -> Iterator[_Fault]:
    if sequence_text({"dynamodb": change}) is None:
        there = _has(change, "SequenceNumber")
        yield _Fault("dynamodb.SequenceNumber", "is no number of at most 40 digits", there)
    view = change.get("StreamViewType")
    if not isinstance(view, str) or view not in IMAGES:
        yield _Fault("dynamodb.StreamViewType", f"is none of {', '.join(IMAGES)}", _has(change, "StreamViewType"))
    try:
        read_stamp(change.get("ApproximateCreationDateTime", ""))
    except MALFORMED:
        there = _has(change, "ApproximateCreationDateTime")
        yield _Fault("dynamodb.ApproximateCreationDateTime", f"is no time{_hint(change)}", there)
    if not change.get("Keys"):
        yield _Fault("dynamodb.Keys", "is empty", _has(change, "Keys"))
    for name in ("Keys", *_SHOWN):
        if change.get(name) is not None:
            yield from _faults_of_value(f"dynamodb.{name}", {"M": change[name]})


def _hint(change: dict[str, Any]) -> str:
    """Of a stamp as text: what a time as text needs."""
    given = change.get("ApproximateCreationDateTime")
    dated = isinstance(given, str) and given[:4].isdecimal() and given[4:5] == "-"
    return " with its offset, like 2026-01-01T12:00:00Z or …+01:00" if dated else ""


def _images_missing(action: Any, change: dict[str, Any]) -> Iterator[_Fault]:
    view = change.get("StreamViewType")
    promised = IMAGES.get(view, {}) if isinstance(view, str) else {}
    for name, needed in zip(_SHOWN, promised.get(action, ()) if isinstance(action, str) else (), strict=False):
        if needed and change.get(name) is None:
            yield _Fault("an image that the stream's view promises is missing:", f"dynamodb.{name}")


def _faults_of_value(path: str, attribute: Any, *, named: bool = True) -> Iterator[_Fault]:
    """The deepest attribute at fault, by its path. Names in nested maps may be data, and are not told."""
    try:
        encode_value(attribute)
        return
    except MALFORMED as error:
        own = str(error) if isinstance(error, NotConvertibleError) else "no attribute as DynamoDB writes it"
    deeper = False
    for place, member in _members(attribute, named=named):
        for fault in _faults_of_value(f"{path}{place}", member, named=False):
            deeper = True
            yield fault
    if not deeper:
        yield _Fault(f"{path}:", own)


def _members(attribute: Any, *, named: bool) -> Iterator[tuple[str, Any]]:
    if not isinstance(attribute, dict):
        return
    if isinstance(attribute.get("M"), dict):
        yield from ((f".{name}" if named else ".…", member) for name, member in attribute["M"].items())
    if isinstance(attribute.get("L"), list):
        yield from ((f"[{at}]", member) for at, member in enumerate(attribute["L"]))
