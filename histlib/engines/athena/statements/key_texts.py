"""SQL that is true of key texts by which no question finds the item: those not in canonical image JSON.

It errs only on one side: a canonical text always passes (see :func:`histlib.format.rows.is_canonical`). There is no
``?`` in it, since that stands for a parameter.
"""

from __future__ import annotations

from typing import Final

from histlib.engines.athena.statements.literals import literal

_STRING: Final = r'"([^"\\\x00-\x1f]|\\(["\\bfnrt]|u00[01][0-9a-f]))*"'
_NUMBER: Final = r"-{0,1}(0|[1-9][0-9]*)(\.[0-9]*[1-9]){0,1}"
#: Other values (binary, and what no table has as a key) are not looked at.
_OTHER: Final = r"[\[{tfn][^\n]*"
_MEMBER: Final = f"{_STRING}:({_STRING}|{_NUMBER}|{_OTHER})"
_WHOLE: Final = rf"^\{{{_MEMBER}(,{_MEMBER})*\}}$"
_SIMPLE: Final = rf'({_STRING}|{_NUMBER}|\{{"\$B":"[^"]*"\}})'
_FIRST: Final = rf"^\{{({_STRING}:)"
_BEFORE: Final = rf"^\{{{_STRING}:{_SIMPLE},"
_SECOND: Final = f"{_BEFORE}({_STRING}:)"

#: Most keys at a glance: one attribute, a text without escapes or a whole number.
_USUAL: Final = r'^\{"[^"\\\x00-\x1f]*":("[^"\\\x00-\x1f]*"|-{0,1}[1-9][0-9]*|0)\}$'

#: True of a text that may be canonical; NULL of NULL.
CANONICAL: Final = (
    f"(regexp_like(keys, {literal(_USUAL)}) OR regexp_like(keys, {literal(_WHOLE)}) AND "
    f"coalesce(regexp_extract(keys, {literal(_FIRST)}, 1) < "
    f"regexp_extract(keys, {literal(_SECOND)}, {1 + _BEFORE.count('(')}), TRUE))"
)
