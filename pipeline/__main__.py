"""``python -m pipeline``: what is run from the clone.

Exit codes: 0 done; 1 done, but not every change is in the landing; 2 the request is wrong; 3 something cannot be read
or written; 130 interrupted.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from histlib.errors import RequestError, SourceError
from histlib.progress import progress
from pipeline.events import Event, EventsError, read_events
from pipeline.replay import DELAY, ReplayError, ReplayOptions, ReplayResult, replay


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns its exit code."""
    options = build_parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except (ReplayError, RequestError) as error:
        return _complain(str(error), 2)
    except (EventsError, SourceError) as error:
        return _complain(str(error), 3)
    except OSError as error:
        return _complain(f"{error.filename or options.into}: {error.strerror or error}", 3)
    except KeyboardInterrupt:
        return _complain("interrupted; what is written is whole, run it again to go on", 130)


def build_parser() -> argparse.ArgumentParser:
    """The command line, as ``python -m pipeline --help`` shows it."""
    parser = _Parser(prog="python -m pipeline", description="The capture of a DynamoDB table's changes.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser("replay", help="recorded Lambda events through the recorder into a history on disk")
    command.set_defaults(run=_replay)
    command.add_argument("events", nargs="+", metavar="EVENTS", help="JSON or JSON lines, also gzip; - for stdin")
    command.add_argument("--into", required=True, type=Path, metavar="DIR", help="the history's folder")
    command.add_argument("--delay", type=_at_least_0, default=DELAY, help="seconds to arrival (default %(default)s)")
    command.add_argument("--buffer-seconds", type=_at_least_0, default=300, help="Firehose's buffer (default 300)")
    command.add_argument("--buffer-mib", type=_at_least_0, default=5, help="Firehose's buffer (default 5)")
    command.add_argument("--redact", default="", metavar="PATHS", help="attribute paths never to store")
    command = commands.add_parser("view", help="make or refresh a view with typed rows for the Athena console")
    command.set_defaults(run=_view)
    command.add_argument("source", metavar="athena://DATABASE/TABLE", help="the history; also with ?workgroup=…")
    command.add_argument("--name", help="NAME or DATABASE.NAME (default: the table's, with _view)")
    command.add_argument(
        "--days", type=_at_least_1, metavar="N", help="only attributes of the last N days (default all)"
    )
    command.add_argument("--attributes", nargs="+", metavar="NAME", help="only these, and the key (default all)")
    command.add_argument("--dry-run", action="store_true", help="find the attributes, print the SQL, make nothing")
    command.add_argument("--profile", help="AWS profile")
    command.add_argument("--region", help="AWS Region")
    return parser


def _view(options: argparse.Namespace) -> int:
    from pipeline.view import ViewOptions, make_view, report

    names = tuple(options.attributes) if options.attributes else None
    wanted = ViewOptions(
        options.source, options.name, options.days, names, options.dry_run, options.profile, options.region
    )
    view = make_view(wanted)
    if options.dry_run:
        print(f"{view.sql};")
    print("\n".join(report(view)), file=sys.stderr if options.dry_run else sys.stdout)
    return 0


def _replay(options: argparse.Namespace) -> int:
    buffer_bytes = int(options.buffer_mib * (1 << 20))
    how = ReplayOptions(options.delay, buffer_bytes, options.buffer_seconds, options.redact)
    result = replay(_with_progress(options.events), options.into, how)
    _summarise(result, options.into)
    return 0 if result.whole else 1


def _summarise(result: ReplayResult, into: Path) -> None:
    there = f", {result.unchanged:,} there already" if result.unchanged else ""
    what = f"{_many(result.records, 'change')} in {_many(result.events, 'event')}"
    print(f"{what}: {_many(result.objects, 'new object')} in {into}/changes{there}")
    for view in ("NEW_IMAGE", "OLD_IMAGE", "KEYS_ONLY"):
        if count := result.views[view]:
            _warn(f"{_many(count, 'change')} of view {view}: without both images, states and gaps may not be known")
    if result.unconverted:
        _warn(f"{_many(result.unconverted, 'change')} could not be converted: kept in {into}/failed/records")
    for path in result.set_aside:
        _warn(f"a batch could not be delivered: kept in {path}; replay that file, then delete it")


def _with_progress(paths: list[str]) -> Iterator[Event]:
    with progress("replaying", len(paths), " files") as bar:
        for path in paths:
            yield from read_events([path])
            bar.update(1)


def _at_least_0(text: str) -> float:
    number = float(text)
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text}: expected a number from 0")
    return number


def _at_least_1(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text}: expected a whole number from 1")
    return number


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _warn(message: str) -> None:
    print(f"pipeline: {message}", file=sys.stderr)


def _complain(message: str, code: int) -> int:
    _warn(message)
    return code


if __name__ == "__main__":
    sys.exit(main())
