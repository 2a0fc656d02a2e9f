"""Answers: the history that is asked, and how what it says is printed, exported and warned of."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import histlib
from histlib.rules.caveats import Caveat

if TYPE_CHECKING:
    import pandas as pd


def history_of(options: argparse.Namespace) -> histlib.History:
    """The history that the switches name."""
    on_aws = {name: getattr(options, name) for name in ("profile", "region", "max_scan_bytes", "explain")}
    history = histlib.connect(options.source, tz=options.tz, **on_aws)
    options.history = history
    return history


def tell_cost(options: argparse.Namespace) -> None:
    """A line on standard error: what the history that was asked has asked Athena, if anything."""
    history: histlib.History | None = getattr(options, "history", None)
    if history is not None and history._opened.queries:
        from histlib.answers.athena_queries import spent

        print(f"histlib: {spent(history._opened.queries)}", file=sys.stderr)


def answer_frame(frame: pd.DataFrame, options: argparse.Namespace) -> int:
    """Print a table, write it where one asks for it, tell its caveats; returns the exit code."""
    from histlib.answers.frames import frame_json

    show(frame_json(frame) if options.json else repr(frame))
    export(frame, options)
    return warn(map(Caveat.from_json, frame.attrs["histlib"]["caveats"]), options)


def export(frame: pd.DataFrame, options: argparse.Namespace) -> None:
    """Write a table into the file of ``--csv``."""
    if options.csv:
        print(f"wrote {histlib.write(frame, options.csv)} ({len(frame):,} rows)", file=sys.stderr)


def report_json(report: Any) -> str:
    """One JSON object of a coverage report: what it says of itself, its ``spans`` and ``holes``."""
    from histlib.answers.frames import rows_json

    about = {"complete": report.complete, **report.holes.attrs["histlib"]}
    rows = f'"spans":{rows_json(report.spans)},"holes":{rows_json(report.holes)}'
    return f"{json.dumps(about, ensure_ascii=False)[:-1]}, {rows}}}"


def show(text: str) -> None:
    """Print; a reader that went away is no error, and caveats and exit code still count."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        leave_pipe()


def leave_pipe() -> None:
    """Write to nowhere, where nobody reads any longer."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def warn(caveats: Iterable[Caveat], options: argparse.Namespace) -> int:
    """Each caveat a line on standard error; returns the exit code."""
    said = [f"caveat {caveat!r}" for caveat in caveats]
    print(*said, sep="\n", end="\n" if said else "", file=sys.stderr)
    return 1 if said and options.strict else 0
