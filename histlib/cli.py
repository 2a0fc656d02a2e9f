"""The ``histlib`` command: a skin over :class:`histlib.History`, with no logic of its own.

Exit codes: 0 answered; 1 with ``--strict``, answered with caveats; 2 the request is wrong; 3 the source cannot be
read; 130 interrupted.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import shutil
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

import histlib
from histlib.cache import cache_folder, cache_json, cache_text, choose, clear
from histlib.caveats import Caveat
from histlib.errors import HistlibError, RequestError, SourceError
from histlib.keys import Key, parse_key_text

if TYPE_CHECKING:
    import pandas as pd

_NOTEBOOK: Final = "incident_investigation.ipynb"
_ALL: Final = object()
_RELATIVE_TIME = re.compile(r"-(\d+[wdhms])+")


class _Parser(argparse.ArgumentParser):
    """Errors in one line, as everywhere."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    _speak_utf8()
    given = sys.argv[1:] if arguments is None else arguments
    options = _parse(given)
    try:
        code: int = options.run(options)
        sys.stdout.flush()
    except RequestError as error:
        return _complain(error, 2)
    except SourceError as error:
        return _complain(error, 3)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return _complain("interrupted", 130)
    return code


def _parse(given: Sequence[str]) -> argparse.Namespace:
    """The options; times may stand after switches too, which argparse alone does not take."""
    parser = build_parser()
    options, rest = parser.parse_known_args([_shielded(argument) for argument in given])
    for name in getattr(options, "times", ()):
        if rest and getattr(options, name) is None and not rest[0].startswith("-"):
            setattr(options, name, rest.pop(0))
    if rest:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    return options


def build_parser() -> argparse.ArgumentParser:
    """The command line, as ``histlib --help`` shows it."""
    parser = _Parser(prog="histlib", description="What was in this DynamoDB table at that moment?")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    state = commands.add_parser("state-at", help="what one item was at a time")
    state.set_defaults(run=_state_at, times=("time",))
    state.add_argument("key", metavar="KEY", help='p0001, productId=p0001, {"customerId":7,"orderId":"a"}')
    state.add_argument("time", metavar="TIME", nargs="?", help="2026-11-08T02:30, -2h, now (default)")
    state.add_argument("--change", metavar="EVENT_ID", help="the state right after this change, whatever the time")
    _add_common(state)

    timeline = commands.add_parser("timeline", help="what happened to one item, change by change")
    timeline.set_defaults(run=_timeline, times=("start", "end"))
    timeline.add_argument("key", metavar="KEY", help="as for state-at; of a key of two, one attribute is enough")
    timeline.add_argument("start", metavar="START", nargs="?", help="from this time on")
    timeline.add_argument("end", metavar="END", nargs="?", help="before this time; a date includes that day")
    timeline.add_argument("--path", metavar="PATH", action="append", help="only changes at this path; repeatable")
    _add_common(timeline)

    cache = commands.add_parser("cache", help="what the cache folder holds, and how to be rid of it")
    cache.set_defaults(run=_cache)
    cache.add_argument(
        "--clear",
        metavar="NAME",
        nargs="?",
        const=_ALL,
        help="remove this entry, or the one made from this source; all",
    )
    cache.add_argument("--yes", action="store_true", help="remove without asking")
    cache.add_argument("--json", action="store_true", help="print one JSON object")

    notebook = commands.add_parser("notebook", help="copy the incident-investigation notebook into a folder")
    notebook.set_defaults(run=_notebook)
    notebook.add_argument("folder", metavar="DIR", type=Path)
    return parser


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--source", help="folder, s3://bucket/prefix, sample:, or a name from histlib.toml; default: HISTLIB_SOURCE"
    )
    parser.add_argument("--profile", help="AWS profile, for sources on AWS")
    parser.add_argument("--region", help="AWS Region, for sources on AWS")
    parser.add_argument("--max-scan-bytes", metavar="N", type=int, help="bytes that may be read on AWS")
    parser.add_argument("--tz", default="UTC", help="IANA time zone of times in and out (default UTC)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--csv", metavar="FILE", type=_export, help="also write it to FILE (.csv, .parquet, .xlsx)")
    parser.add_argument("--strict", action="store_true", help="exit 1 if the answer carries any caveat")


def _state_at(options: argparse.Namespace) -> int:
    history, key = _ask(options)
    state = history.state_at(key, options.time or "now", change=options.change)
    print(state.as_json() if options.json else state)
    if options.csv:
        from histlib.frames import state_frame

        _write(state_frame(state), options.csv)
    return _warn(state.caveats, options)


def _timeline(options: argparse.Namespace) -> int:
    from histlib.frames import frame_json

    history, key = _ask(options)
    frame = history.timeline(key, options.start, options.end, paths=options.path)
    print(frame_json(frame) if options.json else frame)
    if options.csv:
        _write(frame, options.csv)
    caveats = [Caveat(caveat["name"], caveat["detail"]) for caveat in frame.attrs["histlib"]["caveats"]]
    return _warn(caveats, options)


def _cache(options: argparse.Namespace) -> int:
    root = cache_folder()
    found = choose(root, None if options.clear is _ALL else options.clear)
    if options.clear is not None and found:
        _confirm(f"remove {', '.join(entry.name for entry in found)} from {root}", options)
        clear(root, found)
        print("removed", file=sys.stderr)
    print(cache_json(root, found) if options.json else cache_text(root, found))
    return 0


def _confirm(what: str, options: argparse.Namespace) -> None:
    if options.yes:
        return
    if not sys.stdin.isatty():
        raise RequestError(f"{what}: nobody can be asked here; add --yes")
    print(f"{what}? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise RequestError("nothing was removed")


def _notebook(options: argparse.Namespace) -> int:
    target = options.folder / _NOTEBOOK
    if target.exists():
        raise RequestError(f"{target} is there already; remove it or name another folder", str(target))
    options.folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(notebook_file(), target)
    print(f"{target}\nopen it with: jupyter lab {target}")
    return 0


def notebook_file() -> Path:
    """The notebook as installed with the package, or in the clone."""
    package = Path(__file__).parent
    for folder in (package / "notebooks", package.parent / "notebooks"):
        if (folder / _NOTEBOOK).is_file():
            return folder / _NOTEBOOK
    raise SourceError(f"{_NOTEBOOK} is not in this installation; install histlib again", str(package))


def _export(text: str) -> Path:
    """A file that can be written, known before the question is asked."""
    from histlib.writers import WRITERS

    if Path(text).suffix not in WRITERS:
        raise argparse.ArgumentTypeError(f"{text}: expected {', '.join(WRITERS)}")
    return Path(text)


def _ask(options: argparse.Namespace) -> tuple[histlib.History, Key]:
    on_aws = {name: getattr(options, name) for name in ("profile", "region", "max_scan_bytes")}
    history = histlib.connect(options.source, tz=options.tz, **on_aws)
    return history, parse_key_text(options.key.removeprefix(" "), history.key_schema)


def _write(frame: pd.DataFrame, file: Path) -> None:
    print(f"wrote {histlib.write(frame, file)} ({len(frame):,} rows)", file=sys.stderr)


def _warn(caveats: Iterable[Caveat], options: argparse.Namespace) -> int:
    said = [f"caveat {caveat!r}" for caveat in caveats]
    print(*said, sep="\n", end="\n" if said else "", file=sys.stderr)
    return 1 if said and options.strict else 0


def _complain(what: HistlibError | str, code: int) -> int:
    print(f"histlib: {' '.join(str(what).split())}", file=sys.stderr)
    return code


def _shielded(argument: str) -> str:
    """``-2h`` is a time, not a switch: argparse takes what begins with a space as it is."""
    return f" {argument}" if _RELATIVE_TIME.fullmatch(argument) else argument


def _speak_utf8() -> None:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
