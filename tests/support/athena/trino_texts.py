"""Trino's values and types as Athena's result files and its API have them."""

from __future__ import annotations

import base64
from typing import Any


def athena_type(column: dict[str, Any]) -> str:
    """The type of a result's column in Athena's names: lengths of varchar are not told, real is float."""
    raw = column["typeSignature"]["rawType"]
    return {"varchar": "varchar", "real": "float"}.get(raw) or str(column["type"]).replace(", ", ",")


def athena_text(value: Any, signature: dict[str, Any]) -> str | None:
    """A value as Athena's result CSV has it, None for NULL: ``[a, b]``, ``{x=1, y=null}``, bytes as ``68 69``."""
    if value is None:
        return None
    raw, arguments = signature["rawType"], signature["arguments"]
    match raw:
        case "boolean":
            return "true" if value else "false"
        case "varbinary":
            return base64.b64decode(value).hex(" ")
        case "array":
            return f"[{', '.join(_inner(one, arguments[0]['value']) for one in value)}]"
        case "map":
            of_key, of_value = (argument["value"] for argument in arguments)
            pairs = (f"{_inner(key, of_key)}={_inner(one, of_value)}" for key, one in value.items())
            return f"{{{', '.join(pairs)}}}"
        case "row":
            return f"{{{', '.join(_fields(value, arguments))}}}"
    return str(value)


def _inner(value: Any, signature: dict[str, Any]) -> str:
    text = athena_text(value, signature)
    return "null" if text is None else text


def _fields(values: list[Any], arguments: list[dict[str, Any]]) -> list[str]:
    """The fields of a row; those without a name are ``field0``, ``field1``, …"""
    texts = []
    for number, (value, argument) in enumerate(zip(values, arguments, strict=True)):
        name = (argument["value"].get("fieldName") or {}).get("name") or f"field{number}"
        texts.append(f"{name}={_inner(value, argument['value']['typeSignature'])}")
    return texts
