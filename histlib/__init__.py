"""histlib: what was in this DynamoDB table at that moment?

    import histlib

    history = histlib.connect("sample:")
    history.state_at("p0421", "2026-11-08T02:30")
    history.timeline("p0421")

``state_at`` and ``timeline`` of the module ask the default history, named by ``HISTLIB_SOURCE``.

Each room below uses only those that stand above it here:

errors     the tree of errors
progress   how long work shows itself
markup     HTML and text for people
values     values, keys, paths and times
format     what a history holds, as bytes and rows
stores     where bytes lie
rules      what was, how we know, and what may be wrong with that
samples    bundled incidents
engines    what answers queries: a folder, Athena
opening    the text of a source → the source, open
answers    what questions return
questions  what a history can be asked
history    History and connect
cli        the command line
"""

from __future__ import annotations

from functools import cache as _cache
from importlib import import_module as _import_module
from pathlib import Path as _Path
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from histlib.answers.state import ItemState
from histlib.errors import (
    ConditionNotValidError,
    HistlibError,
    KeyNotValidError,
    MixedTablesError,
    NotAHistoryError,
    PathNotValidError,
    RequestError,
    SourceError,
    TimeNotValidError,
    ValueNotValidError,
)
from histlib.history import History, connect
from histlib.opening import default_source as _default_source
from histlib.rules.caveats import Caveat
from histlib.values.image_json import MISSING

if _TYPE_CHECKING:
    import pandas as _pd

    from histlib.answers.frames import ResultFrame as _ResultFrame

__all__ = [
    "MISSING",
    "Caveat",
    "ConditionNotValidError",
    "HistlibError",
    "History",
    "ItemState",
    "KeyNotValidError",
    "MixedTablesError",
    "NotAHistoryError",
    "PathNotValidError",
    "RequestError",
    "SourceError",
    "TimeNotValidError",
    "ValueNotValidError",
    "connect",
    "histories",
    "read",
    "state_at",
    "timeline",
    "write",
]


def state_at(key: _Any, time: _Any = "now", *, change: str | None = None) -> ItemState:
    """:meth:`History.state_at` of the default history."""
    return _connected(_default_source()).state_at(key, time, change=change)


def timeline(key: _Any, start: _Any = None, end: _Any = None, *, paths: _Any = None) -> _ResultFrame:
    """:meth:`History.timeline` of the default history."""
    return _connected(_default_source()).timeline(key, start, end, paths=paths)


def histories(*, profile: str | None = None, region: str | None = None, session: _Any = None) -> _ResultFrame:
    """The histories in the Glue catalog of an account and Region; see :mod:`histlib.questions.histories`."""
    from histlib.questions import histories as catalog

    return catalog.histories(profile=profile, region=region, session=session)


def write(frame: _pd.DataFrame, file: str | _Path) -> _Path:
    """Write a result table to ``.csv`` or ``.parquet``, exactly; see :mod:`histlib.answers.writers`."""
    from histlib.answers import writers

    return writers.write(frame, file)


def read(file: str | _Path) -> _ResultFrame:
    """Read back what :func:`write` wrote: every value, caveat and time identical; see
    :mod:`histlib.answers.writers`."""
    from histlib.answers import writers

    return writers.read(file)


@_cache
def _connected(source: str) -> History:
    return connect(source)


def __getattr__(name: str) -> _Any:
    if name == "charts":  # which loads Altair, and so comes late
        return _import_module("histlib.answers.charts")
    raise AttributeError(f"module 'histlib' has no attribute {name!r}")
