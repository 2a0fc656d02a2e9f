"""``histlib.toml``: named histories, searched for in this folder and upwards.

[history.products]
source = "./history"
profile = "prod-readonly"
region = "eu-west-1"
actor_attribute = "updated_by"

[history.orders]
source = "athena://shop/orders_history?workgroup=analysts&output=s3://shop-query-results/histlib"
profile = "prod-readonly"
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

from histlib.errors import RequestError, SourceError

FILE_NAME: Final = "histlib.toml"


@dataclass(frozen=True)
class Connection:
    """What a name in ``histlib.toml`` stands for; a relative folder is relative to that file."""

    source: str
    profile: str | None = None
    region: str | None = None
    actor_attribute: str | None = None


def find_connection(name: str, start: Path | None = None) -> Connection | None:
    """The named connection, or None where no ``histlib.toml`` upwards of ``start`` has it.

    Raises:
        SourceError: the file is no TOML.
        RequestError: the entry has settings that there are not, or lacks ``source``.
    """
    file = find_file(start)
    if file is None:
        return None
    try:
        entries = tomllib.loads(file.read_text(encoding="utf-8")).get("history", {})
    except tomllib.TOMLDecodeError as error:
        raise SourceError(f"{file} is no TOML: {error}", str(file)) from error
    return _connection(name, entries[name], file) if name in entries else None


def find_file(start: Path | None = None) -> Path | None:
    """The nearest ``histlib.toml`` in ``start`` (default: the current folder) or above it."""
    folder = (start or Path.cwd()).resolve()
    return next((file for at in (folder, *folder.parents) if (file := at / FILE_NAME).is_file()), None)


def _connection(name: str, entry: Any, file: Path) -> Connection:
    allowed = {field.name for field in fields(Connection)}
    where = f"[history.{name}] in {file}"
    if not isinstance(entry, dict) or not all(isinstance(value, str) for value in entry.values()):
        raise RequestError(f"{where} must be a table of texts", name)
    if unknown := sorted(entry.keys() - allowed):
        raise RequestError(f"{where} has {', '.join(unknown)}; expected only {', '.join(sorted(allowed))}", name)
    if "source" not in entry:
        raise RequestError(f'{where} lacks source, e.g. source = "./history"', name)
    scheme, colon, place = entry["source"].rpartition(":")
    if (not colon or scheme == "export") and not Path(place).is_absolute():
        entry = {**entry, "source": f"{scheme}{colon}{file.parent / place}"}
    return Connection(**entry)
