"""HTML and one-line text for people: every value escaped, readable on light and dark grounds."""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Sequence
from itertools import accumulate

_CARD = (
    "border:1px solid rgba(128,128,128,.35);border-radius:6px;padding:10px 14px;margin:4px 0;"
    "display:inline-block;min-width:26em;max-width:100%;font-size:13px;line-height:1.45"
)
_CELL = (
    "text-align:left;vertical-align:top;padding:2px 10px 2px 0;white-space:pre-wrap;"
    "overflow-wrap:break-word;max-width:36em"
)
_QUIET = "opacity:.7"
_WARN = "border-left:3px solid #d98200;padding:1px 8px;margin-top:4px"
_COLOURS = {"present": "#2e7d32", "deleted": "#c62828", "absent": "#616161", "unknown": "#d98200"}


def one_line(text: str) -> str:
    """The text with line breaks and control characters shown, so that it cannot break a line or a table."""
    return printable(text)


def printable(text: str, kept: str = "") -> str:
    """The text with control characters shown, but for those that are to stay."""
    return "".join(char if char.isprintable() or char in kept else _shown(char) for char in text)


def text_table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table, columns aligned to the left; wide characters count for two."""
    widths = [max(map(width, column)) for column in zip(names, *rows, strict=True)]
    return [
        "  ".join(cell + " " * (wide - width(cell)) for cell, wide in zip(row, widths, strict=True)).rstrip()
        for row in (names, *rows)
    ]


def card(
    title: str, status: str, lines: Sequence[str], rows: Sequence[tuple[str, str]], warnings: Sequence[str]
) -> str:
    """A card: a title, a status in its colour, name and value rows, quiet lines, warnings."""
    colour = _COLOURS.get(status, "inherit")
    head = f'<div><b>{escape(title)}</b></div><div style="color:{colour};font-weight:600">{escape(status)}</div>'
    body = "".join(_row([name, value]) for name, value in rows)
    table_ = f'<table style="border-collapse:collapse;margin:6px 0">{body}</table>' if rows else ""
    return f'<div style="{_CARD}">{head}{table_}{_quiet(lines)}{_warnings(warnings)}</div>'


def table(heading: Sequence[str], names: Sequence[str], rows: Sequence[Sequence[str]], footing: Sequence[str]) -> str:
    """A table with lines above and below; lines that begin with ``caveat`` stand out."""
    warnings = [line for line in footing if line.startswith("caveat ")]
    quiet = [line for line in footing if line not in warnings]
    head = "".join(f'<th style="{_CELL}">{escape(name)}</th>' for name in names)
    body = "".join(map(_row, rows)) or f'<tr><td style="{_CELL}">(no rows)</td></tr>'
    lines = "".join(f"<div><b>{escape(line)}</b></div>" for line in heading)
    return (
        f'<div style="font-size:13px">{lines}<table style="border-collapse:collapse"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table>{_quiet(quiet)}{_warnings(warnings)}</div>"
    )


def escape(text: str) -> str:
    """Text that is safe inside HTML, in attributes too."""
    return html.escape(one_line(text), quote=True)


def escape_lines(text: str) -> str:
    """As :func:`escape`, for ``<pre>``: line breaks and tabs stay."""
    return html.escape(printable(text, "\n\t"), quote=True)


def _row(cells: Sequence[str]) -> str:
    return "<tr>" + "".join(f'<td style="{_CELL}">{escape(cell)}</td>' for cell in cells) + "</tr>"


def _quiet(lines: Sequence[str]) -> str:
    return "".join(f'<div style="{_QUIET}">{escape(line)}</div>' for line in lines)


def _warnings(lines: Sequence[str]) -> str:
    return "".join(f'<div style="{_WARN}">{escape(line)}</div>' for line in lines)


def width(text: str) -> int:
    """Columns that a text takes in a terminal: wide characters two, marks on others none."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def shortened(text: str, limit: int) -> str:
    """A text within a number of columns, with ``…`` where it was cut."""
    if len(text) * 2 <= limit or width(text) <= limit:
        return text
    ends = accumulate(map(_columns, text))
    return text[: sum(end < limit for end in ends)] + "…"


def _columns(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me"):
        return 0
    return 1 + (unicodedata.east_asian_width(char) in "WF")


def _shown(char: str) -> str:
    return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(char, f"\\u{ord(char):04x}")


def plural(count: int, what: str) -> str:
    """A number of things: ``1 item``, ``2 items``."""
    return f"{count:,} {what}{'s'[: count != 1]}"
