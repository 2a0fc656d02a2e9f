"""Every error that histlib raises on purpose.

    HistlibError
    ├── RequestError            the question is wrong            (CLI exit 2)
    │   ├── KeyNotValidError    a key that this table cannot have
    │   ├── TimeNotValidError   a time or range that is none, or is ambiguous
    │   ├── PathNotValidError   a path that cannot be parsed, or that nothing has
    │   ├── ValueNotValidError  a value or a text that DynamoDB could not hold
    │   └── ConditionNotValidError  a SQL condition that cannot be understood, or that names what is not there
    └── SourceError             the history cannot be read       (CLI exit 3)
        ├── NotAHistoryError    nothing there, or something else
        └── MixedTablesError    more than one table in one place

The message says what was got, what was expected and what to do next; ``value`` is what was got.
"""

from __future__ import annotations

import errno
from typing import Any, Final

#: Why there is no room, and what helps.
_NO_ROOM: Final = {
    errno.ENOSPC: ("no space left", "free some there"),
    errno.EDQUOT: ("the disk quota is used up", "free some of it"),
    errno.EFBIG: ("a file may not be so large (see `ulimit -f`)", "raise that limit, with `ulimit -f unlimited`"),
}


class HistlibError(Exception):
    """Base of all errors of histlib; ``value`` carries what was refused."""

    def __init__(self, message: str, value: Any = None) -> None:
        super().__init__(message)
        self.value = value


class RequestError(HistlibError):
    """The question itself cannot be answered as put."""


class KeyNotValidError(RequestError):
    """A key with the wrong attribute names or types for this table."""


class TimeNotValidError(RequestError):
    """A time that is none, has no zone it could be in, or means two moments."""


class PathNotValidError(RequestError):
    """A path that cannot be parsed, or that no image of the answer has."""


class ValueNotValidError(RequestError):
    """A value, or a text of one, that DynamoDB could not hold."""


class ConditionNotValidError(RequestError):
    """A SQL condition that cannot be understood; the message points at the place."""


class SourceError(HistlibError):
    """The history cannot be read from its source."""


class NotAHistoryError(SourceError):
    """The place holds no history (nothing, or something else)."""


class MixedTablesError(SourceError):
    """The place holds the changes of more than one table."""


def no_room(error: OSError) -> str | None:
    """Why a file cannot be written for want of room, and what helps; None where it is something else."""
    number = error.errno
    if number is None and "No space left" in str(error):  # libraries that give only a text
        number = errno.ENOSPC
    why, help_ = _NO_ROOM.get(number or 0, (None, None))
    return why and f"{why}: {help_}, or name another place with connect(cache=…)"
