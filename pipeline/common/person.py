"""How the work speaks to a person and asks: given by the command, so that the work prints nothing by itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Person:
    """``say`` a line; ``warn`` of something loudly; ``agree`` raises NotAgreedError; ``pause`` waits some seconds."""

    say: Callable[[str], None]
    warn: Callable[[str], None]
    agree: Callable[[str], None]
    pause: Callable[[float], None]
