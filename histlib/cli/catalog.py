"""``histlib histories``: which histories the Glue catalog knows."""

from __future__ import annotations

import argparse

import histlib
from histlib.cli.answers import export, show
from histlib.cli.arguments import add_export


def add_histories(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument("--profile", help="AWS profile")
    parser.add_argument("--region", help="AWS Region")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    add_export(parser)


def list_histories(options: argparse.Namespace) -> int:
    """List them."""
    from histlib.answers.frames import frame_json

    frame = histlib.histories(profile=options.profile, region=options.region)
    show(frame_json(frame) if options.json else repr(frame))
    export(frame, options)
    return 0
