"""What the name of a change's stream tells: the article's format, a baseline, a window of an export."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

#: Stands for the stream of changes in format 0, which do not say theirs.
STREAM: Final = "format0:"
#: The same of a table in Athena, which shows of the files only what it declares; what may be cut or rounded follows.
_DECLARED: Final = "format0:declared"
_TEXT_ONLY: Final = "written in the article's format: numbers and sets had become text"
#: Before an export's id, where rows name their stream.
BACKFILL_PREFIX: Final = "backfill:"
#: Before a baseline's id, where rows name their stream.
BASELINE_PREFIX: Final = "baseline:"


def is_old_format(stream: str | None) -> bool:
    """Whether changes of this stream are in format 0."""
    return stream is not None and stream.startswith(STREAM)


def declared_stream(narrow: Iterable[str]) -> str:
    """The stream of changes that a table in Athena shows; ``narrow``: what it declares so, like ``price double``."""
    return " ".join([_DECLARED, ", ".join(narrow)]).strip()


def not_shown(stream: str | None) -> str:
    """What changes of this stream may have lost by the way they were read, in a person's words; empty if nothing."""
    if stream is None or not stream.startswith(_DECLARED):
        return ""
    told = (
        "attributes that the table does not declare are not seen, null ones look missing, names are in lower case, "
        "others are read as the types declared; of objects in one line, or names equal but for case, one is seen"
    )
    narrow = stream.removeprefix(_DECLARED).strip()
    return told + (f"; declared narrower than text, and so perhaps rounded, cut or missing: {narrow}" if narrow else "")


def told_of(stream: str | None) -> str:
    """The detail of the caveat ``old_format`` for changes of this stream."""
    return "; ".join(filter(None, [_TEXT_ONLY, not_shown(stream)]))


def is_net(stream: str | None) -> bool:
    """Whether the changes of this stream are net changes of an export's window."""
    return stream is not None and stream.startswith(BACKFILL_PREFIX)


def lane(stream: str | None) -> str | None:
    """What a stream's changes are a part of: all windows are one, since where they join nothing is missing."""
    return BACKFILL_PREFIX if is_net(stream) else stream
