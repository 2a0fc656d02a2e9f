"""The commands of ``python -m pipeline``, one module each: ``add(commands)`` makes its parser and sets ``run``.

Exit codes: 0 done; 1 done, but not all is as it should be (says what); 2 the request is wrong; 3 something cannot be
read or written; 130 interrupted.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn

from histlib.errors import HistlibError, RequestError
from pipeline.backfill import command as backfill
from pipeline.baseline import command as baseline
from pipeline.common.arguments import warn
from pipeline.common.errors import EventsError, NotAgreedError
from pipeline.deploy import command as deploy
from pipeline.deploy import destroy_command as destroy
from pipeline.mend import quarantine_command as quarantine
from pipeline.mend import redrive_command as redrive
from pipeline.replay import command as replay
from pipeline.replay.replay import ReplayError
from pipeline.status import command as status
from pipeline.view import command as view

#: In the order in which they are needed.
COMMANDS = (deploy, status, baseline, backfill, redrive, quarantine, view, replay, destroy)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def build_parser() -> argparse.ArgumentParser:
    """The command line, as ``python -m pipeline --help`` shows it."""
    parser = _Parser(prog="python -m pipeline", description="The capture of a DynamoDB table's changes.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for module in COMMANDS:
        module.add(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns its exit code."""
    options = build_parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except (ReplayError, RequestError, NotAgreedError) as error:
        return _complain(str(error), 2)
    except (EventsError, HistlibError) as error:
        return _complain(str(error), 3)
    except OSError as error:
        return _complain(f"{error.filename or 'a file'}: {error.strerror or error}", 3)
    except KeyboardInterrupt as interruption:
        said = str(interruption) or "interrupted; what is written is whole, run it again to go on"
        return _complain(said, 130)


def _complain(message: str, code: int) -> int:
    warn(message)
    return code


def run() -> NoReturn:
    """For ``__main__``."""
    sys.exit(main())
