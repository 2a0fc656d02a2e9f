"""``python -m pipeline quarantine``."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from datetime import UTC
from typing import TYPE_CHECKING, Any

from histlib.values.times import format_time
from pipeline.common.arguments import add_consent, add_place, agree
from pipeline.common.words import many

if TYPE_CHECKING:
    from pipeline.mend.quarantine import Aside


def add(commands: Any) -> None:
    """Its parser."""
    command = commands.add_parser("quarantine", help="set objects that cannot be read aside, as holes of known extent")
    command.set_defaults(run=_run)
    command.add_argument(
        "objects", nargs="+", metavar="OBJECT", help="key or s3:// address; without --table, that of a landing object"
    )
    add_place(command, required=False)
    command.add_argument("--force", action="store_true", help="give up what can be read as well")
    add_consent(command)


def _run(options: argparse.Namespace) -> int:
    from pipeline.common.aws import Aws
    from pipeline.common.deployment import read_deployment
    from pipeline.mend.quarantine import finish, locate, look, set_aside
    from pipeline.mend.redrive import history_of

    aws = Aws(options.profile, options.region)
    history = history_of(aws, read_deployment(aws, options.table, options.stack)) if options.table else None
    located = [locate(aws, text, history) for text in options.objects]
    looked = [(where, file, look(where, file, force=options.force)) for where, file in located]
    for _, file, aside in looked:
        print("\n".join(_told(aside)) if aside else f"{file}: is set aside already")
    left = [(where, aside) for where, _, aside in looked if aside is not None]
    if options.dry_run:
        return 0
    if left:
        agree(f"Set {many(len(left), 'object')} aside?", yes=options.yes)
    for where, file, aside in looked:
        if aside is None:
            finish(where, file)
        else:
            set_aside(where, aside)
            print(f"set aside: {file}")
    return 0


def _told(aside: Aside) -> Iterator[str]:
    """An object: what is wrong with it, what of it is kept, where it goes, which hole that makes."""
    yield f"{aside.file}: {aside.size:,} bytes, {'damaged' if aside.problems else 'readable'}"
    yield from (f"  {problem}" for problem in aside.problems)
    kept = f" kept in {', '.join(aside.kept)}" if aside.kept else " given up" if aside.readable else ""
    yield f"  {many(aside.readable, 'change')} can be read{':' if kept else ''}{kept}"
    yield f"  then to {aside.to}"
    yield f"  {_hole(aside)}"


def _hole(aside: Aside) -> str:
    if not aside.loses:
        return "no hole: nothing is lost"
    if aside.start is None or aside.end is None:
        return "a hole of unknown time: every answer will tell of it"
    start, end = (format_time(micros, UTC) for micros in (aside.start, aside.end))
    return f"a hole: changes of {start} to {end} may be missing, and answers will tell of it"
