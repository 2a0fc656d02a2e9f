"""What a command is made of."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Command:
    """A command: what it is for, an example, its arguments, how it is run.

    ``times``: positional arguments that may be left out, and may stand after switches. ``question``: it is asked of a
    history, and takes the switches of all that are.
    """

    name: str
    help: str
    example: str
    add: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]
    times: tuple[str, ...] = ()
    question: bool = True
