"""The commands, and their parser."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final, NoReturn

from histlib.cli.arguments import SOURCE_SWITCHES, add_common
from histlib.cli.cached import add_cache, show_cache
from histlib.cli.catalog import add_histories, list_histories
from histlib.cli.command import Command
from histlib.cli.notebook import add_notebook, copy_notebook
from histlib.cli.questions import QUESTIONS

_RELATIVE_TIME: Final = re.compile(r"-(\d+[wdhms])+")
_SHIELD: Final = "\0"


#: Each command of ``histlib``.
COMMANDS: Final = (
    *QUESTIONS,
    Command(
        "histories",
        "which histories the Glue catalog knows",
        "--profile prod --region eu-west-1",
        add_histories,
        list_histories,
        question=False,
    ),
    Command(
        "notebook",
        "copy the incident-investigation notebook into a folder",
        "incident",
        add_notebook,
        copy_notebook,
        question=False,
    ),
    Command(
        "cache",
        "what the cache folder holds, and how to be rid of it",
        "--json",
        add_cache,
        show_cache,
        question=False,
    ),
)


class _Parser(argparse.ArgumentParser):
    """Errors in one line, as everywhere."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message.replace(_SHIELD, '')}; see {self.prog} --help\n")


class _Version(argparse.Action):
    """Looked up only when it is asked for; a clone that is not installed has none."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        try:
            print(f"histlib {version('histlib')}")
        except PackageNotFoundError:
            parser.exit(2, "histlib is not installed: this is a clone; pip install -e . makes it an installation\n")
        parser.exit()


def build_parser() -> argparse.ArgumentParser:
    """The command line, as ``histlib --help`` shows it."""
    width = max(len(command.name) for command in COMMANDS)
    listed = "\n".join(f"  {command.name:<{width}}  {command.help}" for command in COMMANDS)
    parser = _Parser(
        prog="histlib",
        usage="histlib COMMAND …",
        description="What was in this DynamoDB table at that moment?",
        epilog=f"commands:\n{listed}\n\nhistlib COMMAND --help shows its arguments and an example.\n"
        "Switches of the history (--source …) may stand before COMMAND as well.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show which histlib this is, and exit")
    commands = parser.add_subparsers(prog="histlib", required=True, metavar="COMMAND", help=argparse.SUPPRESS)
    for command in COMMANDS:
        _add_command(commands, command)
    return parser


def parse(given: Sequence[str]) -> argparse.Namespace:
    """The options; times may stand after switches too, and switches of the source before the command, which argparse
    alone does not take."""
    parser = build_parser()
    options, rest = parser.parse_known_args([_shielded(argument) for argument in _command_first(given)])
    for name in getattr(options, "times", ()):
        if rest and getattr(options, name) is None and not rest[0].startswith("-"):
            setattr(options, name, rest.pop(0))
    if rest:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    return argparse.Namespace(**{name: _unshielded(value) for name, value in vars(options).items()})


def _command_first(given: Sequence[str]) -> list[str]:
    """The arguments with those switches of the source that come before the command behind it, each in one piece."""
    rest, before = list(given), []
    while rest and (switch := rest[0].partition("=")[0]) in SOURCE_SWITCHES:
        before.append(rest.pop(0))
        if before[-1] == switch and "action" not in SOURCE_SWITCHES[switch] and rest:
            before[-1] += f"={rest.pop(0)}"
    return [rest[0], *before, *rest[1:]] if rest else []


def _add_command(commands: Any, command: Command) -> None:
    example = f"example:\n  histlib {command.name} {command.example}"
    parser = commands.add_parser(
        command.name,
        description=f"{command.help[0].upper()}{command.help[1:]}.",
        epilog=f"{example} --source sample:" if command.question else example,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(run=command.run, times=command.times)
    command.add(parser)
    if command.question:
        add_common(parser)


def _shielded(argument: str) -> str:
    """``-2h`` is a time, not a switch: argparse takes what begins with another character as it is."""
    return f"{_SHIELD}{argument}" if _RELATIVE_TIME.fullmatch(argument) else argument


def _unshielded(value: Any) -> Any:
    if isinstance(value, list):
        return [_unshielded(one) for one in value]
    return value.removeprefix(_SHIELD) if isinstance(value, str) else value
