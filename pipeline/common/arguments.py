"""Arguments that several commands take, and how they speak."""

from __future__ import annotations

import argparse
import sys
import time

from pipeline.common.errors import NotAgreedError
from pipeline.common.person import Person


def add_place(parser: argparse.ArgumentParser, *, several: bool = False, required: bool = True) -> None:
    """Which deployment: ``--table``, ``--stack``, ``--profile``, ``--region``."""
    parser.add_argument(
        "--table",
        action="append" if several else "store",
        required=required,
        metavar="NAME",
        help="the DynamoDB table" + ("; give it once for each" if several else ""),
    )
    parser.add_argument("--stack", metavar="NAME", help="the CloudFormation stack (default: histlib-TABLE)")
    add_account(parser)


def add_account(parser: argparse.ArgumentParser) -> None:
    """``--profile`` and ``--region``."""
    parser.add_argument("--profile", help="AWS profile")
    parser.add_argument("--region", help="AWS Region")


def add_consent(parser: argparse.ArgumentParser) -> None:
    """``--dry-run`` and ``--yes``."""
    parser.add_argument("--dry-run", action="store_true", help="say exactly what would be done, and do nothing")
    parser.add_argument("--yes", action="store_true", help="do not ask")


def agree(question: str, *, yes: bool) -> None:
    """Ask a person, unless ``--yes`` was given.

    Raises:
        NotAgreedError: the answer is not yes, or there is nobody to ask.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise NotAgreedError(f"{question} Nobody can be asked here: nothing was done; give --yes to agree beforehand")
    if input(f"{question} [y/N] ").strip().lower() not in ("y", "yes"):
        raise NotAgreedError("nothing was done")


def at_least_0(text: str) -> float:
    """A finite number from 0."""
    number = float(text)
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text}: expected a number from 0")
    return number


def at_least_1(text: str) -> int:
    """A whole number from 1."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text}: expected a whole number from 1")
    return number


def person(*, yes: bool) -> Person:
    """Who watches: lines to stdout at once, what is grave to stderr."""
    return Person(
        lambda line: print(line, flush=True),
        lambda line: warn(f"!! {line.strip()}"),
        lambda question: agree(question, yes=yes),
        time.sleep,
    )


def warn(message: str) -> None:
    """Say it on stderr."""
    print(f"pipeline: {message}", file=sys.stderr)
