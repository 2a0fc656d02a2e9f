"""``athena://database/table?workgroup=…&output=s3://…&catalog=…``: a table in Athena, and where it is asked."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final
from urllib.parse import parse_qsl, quote, unquote

from histlib.errors import RequestError
from histlib.stores.s3 import address as s3

_EXPECTED: Final = "athena://database/table?workgroup=…&output=s3://bucket/prefix&catalog=…"


@dataclass(frozen=True)
class Address:
    """A table of the Glue catalog, and how Athena is asked of it.

    ``output`` is where Athena puts results (``s3://bucket/prefix``, no ``/`` at its end); None: where the workgroup
    says. ``catalog`` is the data catalog's name.
    """

    database: str
    table: str
    workgroup: str = "primary"
    output: str | None = None
    catalog: str = "AwsDataCatalog"

    def __str__(self) -> str:
        """The address, without what is as by default."""
        given = {name: getattr(self, name) for name in _SETTINGS if getattr(self, name) != _DEFAULTS[name]}
        query = "&".join(f"{name}={quote(value, safe='/:')}" for name, value in given.items())
        path = f"{quote(self.database, safe='')}/{quote(self.table, safe='')}"
        return f"athena://{path}?{query}" if query else f"athena://{path}"


_DEFAULTS: Final = {field.name: field.default for field in fields(Address)}
_SETTINGS: Final = ("workgroup", "output", "catalog")


def parse_address(text: str) -> Address:
    """The address in a text; names are escaped as in URLs.

    Raises:
        RequestError: it names no table, or something that there is not, or the output is no place in S3.
    """
    path, _, query = text.removeprefix("athena://").partition("?")
    names = [unquote(name) for name in path.removesuffix("/").split("/")]
    if not text.startswith("athena://") or len(names) != 2 or not all(names):
        raise RequestError(f"{text!r} names no table; expected {_EXPECTED}", text)
    return Address(*names, **_settings(query, text))


def _settings(query: str, text: str) -> dict[str, str]:
    pairs = parse_qsl(query.replace("+", "%2B"), keep_blank_values=True)
    settings = dict(pairs)
    for name, value in pairs:
        if name not in _SETTINGS:
            raise RequestError(f"{text!r} has {name}=; expected only {', '.join(_SETTINGS)}, like {_EXPECTED}", name)
        if not value or value != settings[name]:
            raise RequestError(f"{text!r}: {name} is empty or given twice; expected {_EXPECTED}", name)
    if "output" in settings:
        settings["output"] = str(s3.parse_address(settings["output"])).rstrip("/")
    return settings
