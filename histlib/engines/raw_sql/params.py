"""Parameters: ``:name`` in a text, a Python value for it; bound by the engine, never pasted."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from typing import Any

from sqlglot import exp

from histlib.errors import RequestError

_EXPECTED = "expected str, bool, int, float, Decimal, datetime, date or None"


def bind(tree: exp.Query, params: Mapping[str, Any] | None, tz: tzinfo) -> dict[str, Any]:
    """Give each parameter of the tree its type, in place; the values to bind.

    Raises:
        RequestError: one without a value, a value without one, or a value of no type that SQL has.
    """
    params = {} if params is None else params
    if not isinstance(params, Mapping):
        raise RequestError(f"params is {type(params).__name__}; expected a dict like {{'name': value}}", params)
    used = {node.name for node in tree.find_all(exp.Placeholder)}
    if missing := sorted(used - params.keys()):
        raise RequestError(f"no value for {', '.join(f':{name}' for name in missing)}; give params={{…}}", missing)
    if unused := sorted(map(str, params.keys() - used)):
        raise RequestError(f"the text has no {', '.join(f':{name}' for name in unused)}", unused)
    bound = {name: _value(name, params[name], tz) for name in used}
    for node in list(tree.find_all(exp.Placeholder)):
        value, kind = bound[node.name]
        node.replace(exp.Null() if value is None else exp.cast(exp.Placeholder(this=node.name), kind))
    return {name: value for name, (value, _) in bound.items() if value is not None}


def _value(name: str, value: Any, tz: tzinfo) -> tuple[Any, str]:
    """What the engine gets, and its SQL type."""
    match value:
        case None:
            return None, ""
        case bool():
            return value, "BOOLEAN"
        case int() if abs(value) < 1 << 63:
            return int(value), "BIGINT"
        case int() if abs(value) < 10**38:
            return int(value), "DECIMAL(38, 0)"
        case float() if math.isfinite(value):
            return float(value), "DOUBLE"
        case Decimal() if (scale := _scale(value)) is not None:
            return Decimal(value), f"DECIMAL(38, {scale})"
        case str():
            return str(value), "VARCHAR"
        case datetime():
            aware = value if value.tzinfo else value.replace(tzinfo=tz)
            return aware.astimezone(UTC).replace(tzinfo=None), "TIMESTAMP"
        case date():
            return value, "DATE"
    raise RequestError(f":{name} is {value!r} ({type(value).__name__}); {_EXPECTED}", value)


def _scale(value: Decimal) -> int | None:
    """Its fraction digits; None where it has more than 38 digits."""
    if not value.is_finite():
        return None
    scale = max(0, -int(value.as_tuple().exponent))
    return scale if scale <= 38 and value.adjusted() < 38 - scale else None
