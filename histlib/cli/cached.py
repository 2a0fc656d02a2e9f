"""``histlib cache``: what is kept in the cache folder, and how to be rid of it."""

from __future__ import annotations

import argparse
import sys
from typing import Final

from histlib.errors import RequestError
from histlib.stores.cache import cache_folder, cache_json, cache_text, choose, clear

_ALL: Final = object()


def add_cache(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument(
        "--clear",
        metavar="NAME",
        nargs="?",
        const=_ALL,
        help="remove this entry, or the one made from this source; without NAME all",
    )
    parser.add_argument("--yes", action="store_true", help="remove without asking")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def show_cache(options: argparse.Namespace) -> int:
    """List it, and remove what is asked for."""
    root = cache_folder()
    found = choose(root, None if options.clear is _ALL else options.clear)
    if options.clear is not None and found:
        _confirm(f"remove {', '.join(entry.name for entry in found)} from {root}", sure=options.yes)
        clear(root, found)
        print("removed", file=sys.stderr)
    print(cache_json(root, found) if options.json else cache_text(root, found))
    return 0


def _confirm(what: str, *, sure: bool) -> None:
    if sure:
        return
    if not sys.stdin.isatty():
        raise RequestError(f"{what}: nobody can be asked here; add --yes")
    print(f"{what}? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise RequestError("nothing was removed")
