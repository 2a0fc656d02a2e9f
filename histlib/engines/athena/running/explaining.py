"""Shows a statement before it runs: where a person who wants to know what is asked can read and paste it."""

from __future__ import annotations

import re
from typing import Final

from histlib import markup
from histlib.engines.athena.landing.objects import LandingDays
from histlib.engines.athena.running.costs import amount, dollars
from histlib.engines.athena.statements.statement import Statement
from histlib.progress import aside

#: A quoted name, or a text.
_QUOTED: Final = re.compile(r'"(?:[^"]|"")*"|\'(?:[^\']|\'\')*\'')
_KEPT: Final = "\n\t"


def explain(statement: Statement, landing: LandingDays, reuse_minutes: int = 0) -> None:
    """Show a statement, its days, the bytes that S3 lists for them, and what they cost at most.

    On standard error, in a notebook below its cell. ``reuse_minutes``: an earlier result may be so old.
    """
    about, sql = _about(statement, landing, reuse_minutes), pasteable(statement.text)
    lines = f'<div style="opacity:.7">{markup.escape(about)}</div>'
    page = f'{lines}<pre style="white-space:pre-wrap;margin:2px 0 8px">{markup.escape_lines(sql)}</pre>'
    aside(f"-- {about}\n{sql};\n", page)


def pasteable(sql: str) -> str:
    """SQL of the same meaning in which nothing is unprintable: such characters of texts are written as Trino's
    ``U&'\\001B'``, so that a terminal does not obey them; line breaks and tabs stay. In a name they are only shown."""
    return markup.printable(_QUOTED.sub(lambda found: _quoted(found[0]), sql), _KEPT)


def _quoted(text: str) -> str:
    if text[0] == '"' or all(map(_is_shown, text)):
        return text
    return " U&" + "".join(char if _is_shown(char) and char != "\\" else _escaped(char) for char in text)


def _is_shown(char: str) -> bool:
    return char.isprintable() or char in _KEPT


def _escaped(char: str) -> str:
    if char == "\\":
        return "\\\\"
    return f"\\{ord(char):04X}" if ord(char) <= 0xFFFF else f"\\+{ord(char):06X}"


def _about(statement: Statement, landing: LandingDays, reuse_minutes: int) -> str:
    first, last = statement.days
    size, objects = landing.bytes_between(first, last), landing.objects_between(first, last)
    days = first if first == last else f"{first} to {last}"
    parts = [
        f"Athena reads dateday {days}",
        f"{objects:,} {'object' if objects == 1 else 'objects'} of {size:,} bytes ({amount(size)}) by S3's listing",
        f"about ${dollars(size):.5f} at most",
    ]
    if reuse_minutes:
        parts.append(f"nothing if Athena has a result of the last {reuse_minutes:,} minutes")
    return " · ".join(parts)
