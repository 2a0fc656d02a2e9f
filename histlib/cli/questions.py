"""The questions of a history: for each its arguments, how it is asked, and a row in the table at the end."""

from __future__ import annotations

import argparse
from typing import Any, Final

from histlib import MISSING
from histlib.cli import arguments
from histlib.cli.answers import answer_frame, export, history_of, report_json, show, warn
from histlib.cli.arguments import keys_of, params_of, value_of
from histlib.cli.command import Command
from histlib.values.keys import KeyText

Parser = argparse.ArgumentParser
Options = argparse.Namespace

_OF_ITEMS = "item.price = 0 AND item.category = :c"
_OF_CHANGES = "new_image.price = 0 AND actor <> 'alice'"


def _add_state_at(parser: Parser) -> None:
    arguments.add_key(parser)
    arguments.add_time(parser)
    parser.add_argument("--change", metavar="EVENT_ID", help="the state right after this change, whatever the time")


def _state_at(options: Options) -> int:
    state = history_of(options).state_at(KeyText(options.key), options.time or "now", change=options.change)
    show(state.as_json() if options.json else repr(state))
    if options.csv:
        from histlib.answers.frames import state_frame

        export(state_frame(state), options)
    return warn(state.caveats, options)


def _add_since(parser: Parser) -> None:
    arguments.add_key(parser)
    parser.add_argument("path", metavar="PATH", help="price, address.zip, items[3].qty")
    arguments.add_time(parser)
    arguments.add_value(parser)


def _since(options: Options) -> int:
    value: dict[str, Any] = {"value": MISSING} if options.missing else {}
    if options.value is not None:
        value = {"value": value_of(options.value)}
    answer = history_of(options).since(KeyText(options.key), options.path, time=options.time or "now", **value)
    show(answer.as_json() if options.json else repr(answer))
    if options.csv:
        from histlib.answers.frames import since_frame

        export(since_frame(answer), options)
    return warn(answer.caveats, options)


def _add_timeline(parser: Parser) -> None:
    arguments.add_key(parser, "; of a key of two, one attribute is enough")
    arguments.add_range(parser, required=False)
    arguments.add_path(parser, "only changes at this path")


def _timeline(options: Options) -> int:
    frame = history_of(options).timeline(KeyText(options.key), options.start, options.end, paths=options.path)
    return answer_frame(frame, options)


def _add_blame(parser: Parser) -> None:
    arguments.add_key(parser)
    arguments.add_time(parser)
    arguments.add_path(parser, "only this path")


def _blame(options: Options) -> int:
    frame = history_of(options).blame(KeyText(options.key), options.time or "now", paths=options.path)
    return answer_frame(frame, options)


def _add_affected(parser: Parser) -> None:
    arguments.add_range(parser, required=True)
    arguments.add_where(parser, _OF_ITEMS, required=True)
    _add_column(parser)


def _affected(options: Options) -> int:
    frame = history_of(options).affected(
        options.where,
        options.start,
        options.end or "now",
        params=params_of(options.param),
        columns=options.column or (),
    )
    return answer_frame(frame, options)


def _add_snapshot_at(parser: Parser) -> None:
    arguments.add_time(parser, required=True)
    arguments.add_keys(parser)
    arguments.add_where(parser, _OF_ITEMS)
    _add_column(parser)


def _snapshot_at(options: Options) -> int:
    frame = history_of(options).snapshot_at(
        options.time,
        keys=keys_of(options.key),
        where=options.where,
        params=params_of(options.param),
        columns=options.column or (),
    )
    return answer_frame(frame, options)


def _add_diff(parser: Parser) -> None:
    arguments.add_time(parser, "time1", required=True)
    arguments.add_time(parser, "time2")
    arguments.add_keys(parser)
    arguments.add_where(parser, _OF_ITEMS)


def _diff(options: Options) -> int:
    frame = history_of(options).diff(
        options.time1,
        options.time2 or "now",
        key=keys_of(options.key),
        where=options.where,
        params=params_of(options.param),
    )
    return answer_frame(frame, options)


def _add_changes(parser: Parser) -> None:
    arguments.add_range(parser, required=True)
    arguments.add_keys(parser)
    arguments.add_where(parser, _OF_CHANGES)
    arguments.add_path(parser, "only changes at or below this path")
    parser.add_argument(
        "--limit", metavar="N", type=int, default=10_000, help="more changes are an error (default 10000)"
    )


def _changes(options: Options) -> int:
    frame = history_of(options).changes(
        options.start,
        options.end or "now",
        keys=keys_of(options.key),
        where=options.where,
        params=params_of(options.param),
        paths=options.path,
        limit=options.limit,
    )
    return answer_frame(frame, options)


def _add_activity(parser: Parser) -> None:
    arguments.add_range(parser, required=True)
    parser.add_argument("--by", metavar="PERIOD", default="1min", help="30s, 1min (default), 2h, 1d")
    arguments.add_where(parser, _OF_CHANGES)


def _activity(options: Options) -> int:
    frame = history_of(options).activity(
        options.start, options.end or "now", by=options.by, where=options.where, params=params_of(options.param)
    )
    return answer_frame(frame, options)


def _add_coverage(parser: Parser) -> None:
    arguments.add_range(parser, required=False)


def _coverage(options: Options) -> int:
    history: Any = history_of(options)
    report = history.coverage(options.start, options.end)
    show(report_json(report) if options.json else repr(report))
    export(report.holes, options)
    return warn(report.caveats, options)


def _add_sql(parser: Parser) -> None:
    parser.add_argument("text", metavar="TEXT", help="one SELECT over the raw lines, in Athena's SQL; any table name")
    arguments.add_params(parser)


def _sql(options: Options) -> int:
    return answer_frame(history_of(options).sql(options.text, params_of(options.param)), options)


def _add_column(parser: Parser) -> None:
    parser.add_argument(
        "--column", metavar="PATH", action="append", help="show the value at this path, too; repeatable"
    )


#: In the order in which an incident needs them.
QUESTIONS: Final = (
    Command(
        "state-at", "what one item was at a time", "p0417 2026-11-08T02:30",
        _add_state_at, _state_at, ("time",),
    ),
    Command(
        "since", "since when a value of an item is what it is", "p0417 price 2026-11-08T02:30",
        _add_since, _since, ("time",),
    ),
    Command(
        "timeline", "what happened to one item, change by change", "p0417 2026-11-08 --path price",
        _add_timeline, _timeline, ("start", "end"),
    ),
    Command(
        "blame", "which change set each value of an item", "p0417 2026-11-08T02:30",
        _add_blame, _blame, ("time",),
    ),
    Command(
        "affected", "which items a condition held of, from when to when",
        "2026-11-08T02:00 2026-11-08T06:00 --where 'item.price = 0 AND item.category = :c' --param c=kitchen",
        _add_affected, _affected, ("end",),
    ),
    Command(
        "snapshot-at", "all items at a time", "2026-11-08T02:30 --where 'item.price = 0' --column name",
        _add_snapshot_at, _snapshot_at,
    ),
    Command(
        "diff", "what differs between two times", "2026-11-08T02:27 2026-11-08T02:30 --where 'item.stock > 100'",
        _add_diff, _diff, ("time2",),
    ),
    Command(
        "changes", "each change in a time", "2026-11-08T02:28 2026-11-08T02:30 --path price",
        _add_changes, _changes, ("end",),
    ),
    Command(
        "activity", "how many changes of what kind, by minute", "2026-11-08T02:00 2026-11-08T03:00 --by 10min",
        _add_activity, _activity, ("end",),
    ),
    Command(
        "coverage", "whether anything of a time was lost", "2026-11-08 2026-11-08",
        _add_coverage, _coverage, ("start", "end"),
    ),
    Command(
        "sql", "SQL over the raw lines", "\"SELECT action, count(*) AS changes FROM history GROUP BY action\"",
        _add_sql, _sql,
    ),
)  # fmt: skip
