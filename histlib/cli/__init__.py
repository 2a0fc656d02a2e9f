"""The ``histlib`` command: a skin over :class:`histlib.History`, with no logic of its own.

    notebook    ``histlib notebook``
    cached      ``histlib cache``
    command     what a command is made of
    arguments   arguments that questions share, and how their texts are read
    answers     how answers are printed, exported and warned of
    questions   each question of a history: its arguments, how it is asked
    catalog     ``histlib histories``
    commands    all commands, and their parser

Exit codes: 0 answered; 1 with ``--strict``, answered with caveats; 2 the request is wrong; 3 the source cannot be
read; 130 interrupted.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence

from histlib.cli.answers import leave_pipe, tell_cost
from histlib.cli.commands import build_parser, parse
from histlib.cli.notebook import notebook_file
from histlib.errors import HistlibError, RequestError, SourceError
from histlib.markup import one_line

__all__ = ["build_parser", "main", "notebook_file"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    _speak_utf8()
    options = parse(sys.argv[1:] if arguments is None else arguments)
    try:
        code: int = options.run(options)
        sys.stdout.flush()
    except RequestError as error:
        return _complain(error, 2)
    except SourceError as error:
        return _complain(error, 3)
    except BrokenPipeError:
        leave_pipe()
        return 0
    except KeyboardInterrupt as interruption:
        return _complain(str(interruption) or "interrupted", 130)
    finally:
        tell_cost(options)
    return code


def _complain(what: HistlibError | str, code: int) -> int:
    lines = (line.strip() for line in str(what).splitlines())
    print(f"histlib: {one_line(' '.join(lines))}", file=sys.stderr)
    return code


def _speak_utf8() -> None:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
