"""Constants of a condition: numbers as written, and the values bound to ``:name``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from math import isfinite
from typing import Any, Final

from histlib.engines.where.names import listed
from histlib.engines.where.places import Place
from histlib.errors import ConditionNotValidError, ValueNotValidError
from histlib.values.image_json import MISSING, decode_value, encode_value
from histlib.values.numbers import number_from_text

_NULL_HINT: Final = "nothing is = NULL; write IS NULL (DynamoDB's NULL) or IS MISSING (no such attribute)"


class Params:
    """The values bound to ``:name``, and which of them were used."""

    def __init__(self, params: Mapping[str, Any] | None) -> None:
        if params is not None and not isinstance(params, Mapping):
            raise ConditionNotValidError(f"params is a dict like {{'name': value}}, got {params!r}", params)
        self._values = dict(params or {})
        self._used: set[str] = set()

    def value(self, name: str, place: Place) -> Any:
        """The value as the caller gave it.

        Raises:
            ConditionNotValidError: there is none of this name.
        """
        if name not in self._values:
            there = f"; params has {listed(self._values, name)}" if self._values else "; pass params={…}"
            raise place.refuse(f"no value for :{name}{there}")
        self._used.add(name)
        return self._values[name]

    def check_all_used(self, text: str) -> None:
        """Raises ConditionNotValidError where a value is bound to a name that the condition does not have."""
        unused = sorted(str(name) for name in self._values.keys() - self._used)
        if unused:
            names = ", ".join(f":{name}" for name in unused)
            raise Place(text, 0, len(text)).refuse(f"params has {names}, which the condition does not use")


def number(text: str, place: Place) -> Any:
    """The exact value of a number literal."""
    try:
        return number_from_text(text)
    except ValueNotValidError as error:
        known = "no number of DynamoDB's: at most 38 digits, between 1E-130 and 9.99E+125"
        raise place.refuse(known) from error


def constant(value: Any, place: Place) -> Any:
    """A parameter's value as a DynamoDB value, canonical.

    Raises:
        ConditionNotValidError: NULL, a time, or what DynamoDB does not have.
    """
    if value is None:
        raise place.refuse(_NULL_HINT)
    if value is MISSING:
        raise place.refuse("nothing is = MISSING; write IS MISSING")
    if isinstance(value, date | datetime):
        raise place.refuse("a datetime compares with `timestamp` only; for a time held as text pass that text")
    try:
        text = encode_value(value)
        text.encode()
        return decode_value(text)
    except ValueNotValidError as error:
        raise place.refuse(f"{error}{_hint(value)}") from error
    except RecursionError as error:
        raise place.refuse("this value is nested deeper than DynamoDB's 32 levels") from error
    except UnicodeEncodeError as error:
        raise place.refuse("this text has half a surrogate pair, which no DynamoDB string can have") from error


def members(value: Any, place: Place) -> list[Any]:
    """The members of a parameter that stands for the whole list of IN."""
    if isinstance(value, list | tuple | set | frozenset):
        return list(value)
    more = "" if isinstance(value, str | Mapping) or not isinstance(value, Iterable) else "; pass list(…) of it"
    raise place.refuse(f"IN expects a list, tuple or set, got {type(value).__name__}{more}")


def _hint(value: Any) -> str:
    if isinstance(value, float) and isfinite(value):
        return f"; write Decimal({str(value)!r}) or the number in the condition's text"
    return "; .item() gives its Python value" if hasattr(value, "dtype") else ""


def refuse_null(place: Place) -> Exception:
    """The error for a comparison with NULL."""
    return place.refuse(_NULL_HINT)
