"""Windows of incremental exports: net changes, true only at a window's ends.

Pure. Of all that happened to an item within a window its export tells only the last write, and nothing where an item
came and went. All times are epoch µs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from histlib.format.streams import BACKFILL_PREFIX

#: The version of manifests that this reads.
FORMAT: Final = 1


class Window(msgspec.Struct, frozen=True):
    """What ``baseline/backfill-<id>.json`` says of a complete incremental export: ``start`` ≤ write < ``end``."""

    format: int
    id: str
    kind: str
    table: str
    start: int
    end: int
    items: int
    files: tuple[str, ...] = ()
    table_id: str | None = None

    @property
    def stream(self) -> str:
        """What its net changes have as their ``stream``."""
        return f"{BACKFILL_PREFIX}{self.id}"


def read_window(text: str) -> Window | None:
    """The window in a JSON text; None where it is a manifest of another kind, or none at all."""
    try:
        window = _decoder.decode(text)
    except ValueError:  # msgspec's errors are ValueErrors
        return None
    return window if window.format == FORMAT and window.kind == "incremental" and window.start < window.end else None


def joined(windows: Sequence[Window]) -> list[tuple[int, int]]:
    """(start, end) of each run of windows in which every one starts where the one before ends, or before."""
    runs: list[tuple[int, int]] = []
    for window in sorted(windows, key=lambda window: window.start):
        if runs and window.start <= runs[-1][1]:
            start, end = runs.pop()
            runs.append((start, max(end, window.end)))
        else:
            runs.append((window.start, window.end))
    return runs


def at_an_end(windows: Sequence[Window], moment: int) -> bool:
    """Whether a moment is the start or the end of a window."""
    return any(moment in (window.start, window.end) for window in windows)


_decoder: Final = msgspec.json.Decoder(Window)
