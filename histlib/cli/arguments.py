"""Arguments that questions share, and how their texts are read."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from histlib.errors import RequestError, ValueNotValidError
from histlib.values.image_json import decode_value, encode_value
from histlib.values.keys import KeyText

_VALUE = 'image JSON (12.50, "12.50", true, {"$SS":["a"]}), else the text itself'

#: Switches that say which history is asked, and how: they may stand before the command too.
SOURCE_SWITCHES: Final[dict[str, dict[str, Any]]] = {
    "--source": {
        "help": "folder, s3://bucket/prefix, athena://database/table, export:FOLDER, sample:, or a name from "
        "histlib.toml; default: HISTLIB_SOURCE"
    },
    "--profile": {"help": "AWS profile, for sources on AWS"},
    "--region": {"help": "AWS Region, for sources on AWS"},
    "--max-scan-bytes": {"metavar": "N", "type": int, "help": "bytes that may be read on AWS"},
    "--explain": {
        "action": "store_true",
        "help": "show each SQL statement before Athena runs it, and what it costs",
    },
    "--tz": {"default": "UTC", "help": "IANA time zone of times in and out (default UTC)"},
}


def add_key(parser: argparse.ArgumentParser, more: str = "") -> None:
    """``KEY``: one item."""
    parser.add_argument("key", metavar="KEY", help='p0001, productId=p0001, {"customerId":7,"orderId":"a"}' + more)


def add_keys(parser: argparse.ArgumentParser) -> None:
    """``--key``: some items."""
    parser.add_argument(
        "--key", metavar="KEY", action="append", help="only this item, or all under this partition key; repeatable"
    )


def add_path(parser: argparse.ArgumentParser, what: str) -> None:
    """``--path``: parts of an item."""
    parser.add_argument("--path", metavar="PATH", action="append", help=f"{what}; repeatable")


def add_time(parser: argparse.ArgumentParser, name: str = "time", *, required: bool = False) -> None:
    """``TIME``: one moment."""
    said = "2026-11-08T02:30, -2h" + ("" if required else ", now (default)")
    parser.add_argument(name, metavar=name.upper(), nargs=None if required else "?", help=said)


def add_range(parser: argparse.ArgumentParser, *, required: bool) -> None:
    """``START END``: a time from and to."""
    parser.add_argument(
        "start", metavar="START", nargs=None if required else "?", help="from this time on: 2026-11-08T02:00, -2h"
    )
    parser.add_argument(
        "end", metavar="END", nargs="?", help="before this time; a date includes that day; default: now"
    )


def add_where(parser: argparse.ArgumentParser, example: str, *, required: bool = False) -> None:
    """``--where`` and the values in it."""
    parser.add_argument("--where", metavar="SQL", required=required, help=f"a condition: {example}")
    add_params(parser)


def add_params(parser: argparse.ArgumentParser) -> None:
    """``--param``: values of ``:name``."""
    parser.add_argument(
        "--param", metavar="NAME=VALUE", action="append", help=f"the value of :NAME: {_VALUE}; repeatable"
    )


def add_value(parser: argparse.ArgumentParser) -> None:
    """``--value`` or ``--missing``: what a path held."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--value", metavar="VALUE", help=f"since when it is this: {_VALUE}; default: what it is then")
    which.add_argument("--missing", action="store_true", help="since when nothing is there")


def add_common(parser: argparse.ArgumentParser) -> None:
    """What every question takes."""
    source = parser.add_argument_group("the history")
    for switch, what in SOURCE_SWITCHES.items():
        source.add_argument(switch, **what)
    answer = parser.add_argument_group("the answer")
    answer.add_argument("--json", action="store_true", help="print one JSON object")
    add_export(answer)
    answer.add_argument("--strict", action="store_true", help="exit 1 if the answer carries any caveat")


def add_export(parser: Any) -> None:
    """``--csv``: a file to write the answer to, of a parser or a group."""
    parser.add_argument("--csv", metavar="FILE", type=_export, help="also write it to FILE (.csv, .parquet, .xlsx)")


def keys_of(texts: Sequence[str] | None) -> list[KeyText] | None:
    """The keys of ``--key``; None where none is given."""
    return None if texts is None else list(map(KeyText, texts))


def params_of(texts: Sequence[str] | None) -> dict[str, Any] | None:
    """The values of ``--param``; None where none is given.

    Raises:
        RequestError: not NAME=VALUE, or a name twice.
    """
    if texts is None:
        return None
    found: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise RequestError(f"--param {text!r}: expected NAME=VALUE, such as category=kitchen", text)
        if name in found:
            raise RequestError(f"--param {name} is given twice; a list is one value: {name}='[1,2]'", text)
        found[name] = value_of(value)
    return found


def value_of(text: str) -> Any:
    """A value as image JSON; a text that is no JSON at all is that text.

    Raises:
        ValueNotValidError: JSON that is no value of DynamoDB's, such as a number of 40 digits.
    """
    try:
        value = decode_value(text)
        encode_value(value)
    except ValueNotValidError:
        if _is_json(text):
            raise
        return text
    return value


def _is_json(text: str) -> bool:
    try:
        json.loads(text, parse_int=str, parse_float=str, parse_constant=_no_constant)
    except ValueError:
        return False
    return True


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _export(text: str) -> Path:
    """A file that can be written, known before the question is asked."""
    from histlib.answers.writers import WRITERS

    if Path(text).suffix not in WRITERS:
        raise argparse.ArgumentTypeError(f"{text}: expected {', '.join(WRITERS)}")
    return Path(text)
