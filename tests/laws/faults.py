"""What breaks a law: which law, in which question, and what is missing or too much."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tests.laws.questions import Question


@dataclass(frozen=True)
class Fault:
    """``law``: its short name; ``names``: caveats; ``detail``: what a person needs to see it."""

    law: str
    question: Question
    names: tuple[str, ...]
    detail: str = ""

    @property
    def kind(self) -> tuple[str, str, tuple[str, ...]]:
        """By which faults are grouped."""
        return self.law, self.question.kind, self.names

    def __str__(self) -> str:
        return f"{self.law}: {self.question}: {' '.join(self.names)} {self.detail}"


def lacking(law: str, question: Question, needed: Iterable[str], told: Iterable[str], detail: str) -> list[Fault]:
    """A fault where some of the names that are needed are not told."""
    names = tuple(sorted({*needed} - {*told}))
    return [Fault(law, question, names, detail)] if names else []
