"""Stream records as tools print them → as Lambda gives them. Only the spelling changes, never a value."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pipeline.events.json_values import Literal

_DATED: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d.*", re.DOTALL)
#: Also after texts, in a set of both.
_NUMBERS: Final = re.compile(r'"N"\s*:\s*[-0-9]|"NS"\s*:\s*\[(?:\s*"[^"]*"\s*,)*\s*[-0-9]')
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND: Final = 1_000_000


def may_hold_numbers(text: str) -> bool:
    """Whether in a JSON text any N or NS may hold JSON numbers; most hold none, and looking for them takes long."""
    return _NUMBERS.search(text) is not None


def respell(record: Any, *, numbers: bool = True) -> None:
    """Change, in place: a stamp as ISO text with its offset, no ``eventSource``, and ``numbers`` that stand as JSON
    numbers."""
    change = record.get("dynamodb") if isinstance(record, dict) else None
    if not isinstance(change, dict):
        return
    if record.get("eventSource") is None:
        record["eventSource"] = "aws:dynamodb"
    stamp = change.get("ApproximateCreationDateTime")
    if isinstance(stamp, str) and _DATED.fullmatch(stamp):
        change["ApproximateCreationDateTime"] = _seconds(stamp)
    if not numbers:
        return
    with suppress(RecursionError):  # then it is none that could be converted either
        for name in ("Keys", "NewImage", "OldImage"):
            _respell_value({"M": change.get(name)})


def _seconds(text: str) -> int | str:
    """Epoch seconds, as fine as the text tells; the text again where it is no instant."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    if moment.tzinfo is None:
        return text
    seconds, micros = divmod((moment - _EPOCH) // timedelta(microseconds=1), _SECOND)
    return f"{seconds}.{micros:06}" if micros else seconds


def _respell_value(attribute: Any) -> None:
    if type(attribute) is not dict:
        return
    for kind, value in attribute.items():
        if kind == "N" and _is_number(value):
            attribute[kind] = _text(value)
        elif kind == "NS" and type(value) is list:
            attribute[kind] = [_text(member) if _is_number(member) else member for member in value]
        elif kind == "M" and type(value) is dict:
            for member in value.values():
                _respell_value(member)
        elif kind == "L" and type(value) is list:
            for member in value:
                _respell_value(member)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, Literal)) and not isinstance(value, bool)


def _text(value: int | Literal) -> str:
    return value.text if isinstance(value, Literal) else str(value)
