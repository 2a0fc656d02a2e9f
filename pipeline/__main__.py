"""``python -m pipeline``: what is run from the clone.

Exit codes: 0 done; 1 not all delivered; 2 wrong request or input; 130 interrupted.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from pipeline import replay


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns its exit code."""
    options = build_parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except (replay.ReplayError, ValueError) as error:
        print(f"pipeline: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("pipeline: interrupted; what is written is whole, run it again to go on", file=sys.stderr)
        return 130


def build_parser() -> argparse.ArgumentParser:
    """The command line, as ``python -m pipeline --help`` shows it."""
    parser = _Parser(prog="python -m pipeline", description="The capture of a DynamoDB table's changes.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser("replay", help="recorded Lambda events through the recorder into a history on disk")
    command.set_defaults(run=replay.run)
    command.add_argument("events", nargs="+", metavar="EVENTS", help="JSON or JSON lines, also gzip; - for stdin")
    command.add_argument("--into", required=True, type=Path, metavar="DIR", help="the history's folder")
    command.add_argument("--delay", type=float, default=replay.DELAY, help="seconds to arrival (default %(default)s)")
    command.add_argument("--buffer-seconds", type=int, default=300, help="Firehose's buffer (default %(default)s)")
    command.add_argument("--buffer-mib", type=float, default=5, help="Firehose's buffer (default %(default)s)")
    command.add_argument("--redact", default="", metavar="PATHS", help="attribute paths never to store")
    return parser


if __name__ == "__main__":
    sys.exit(main())
