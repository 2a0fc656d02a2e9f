"""A world's history on disk, asked: each answer once, in a form that the laws can read."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

import histlib
from histlib.errors import HistlibError
from tests.laws.due import Judge
from tests.laws.history import History
from tests.laws.landing import put_world
from tests.laws.questions import Question, questions
from tests.laws.worlds import World


@dataclass
class Answer:
    """An answer: the caveats of the whole by name (a list: each should be there once), and its rows.

    ``told``: the object itself. ``error``: it was refused, and how.
    """

    told: Any = None
    caveats: list[tuple[str, str]] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)
    attested: bool = False
    heading: str = ""
    error: str = ""

    @cached_property
    def names(self) -> frozenset[str]:
        return frozenset(name for name, _ in self.caveats)

    def of(self, keys: str) -> list[dict[str, Any]]:
        """The rows of an item."""
        return [row for row in self.rows if row["keys"] == keys]


@dataclass
class Asked:
    """A world, its history (in ``folder``), and what was answered so far."""

    world: World
    seed: int
    history: histlib.History
    known: History
    judge: Judge
    folder: str
    wrong: set[Question] = field(default_factory=set)
    """The questions of which :mod:`tests.laws.oracle` found the answer to differ from the truth, said or unsaid."""
    _answers: dict[Question, Answer] = field(default_factory=dict)

    @cached_property
    def questions(self) -> list[Question]:
        return questions(self.world, self.seed)

    def of(self, *kinds: str) -> Iterator[tuple[Question, Answer]]:
        """The questions of these kinds and their answers, those refused left out."""
        for question in self.questions:
            if question.kind in kinds:
                answer = self.answer(question)
                if not answer.error:
                    yield question, answer

    def answer(self, question: Question) -> Answer:
        if question not in self._answers:
            self._answers[question] = _answer(self.world, self.history, question)
        return self._answers[question]

    def state(self, item: str, moment: int) -> Answer:
        """``state_at`` of one item; ``told`` is the ItemState."""
        return self.answer(Question("state_at", (moment,), items=(item,)))

    @property
    def refused(self) -> list[tuple[Question, Answer]]:
        """Of all that can be asked, what was refused, or crashed."""
        return [(one, self.answer(one)) for one in self.questions if self.answer(one).error]

    @property
    def answered(self) -> list[tuple[Question, Answer]]:
        """All that was asked so far, those refused left out."""
        return [(question, answer) for question, answer in self._answers.items() if not answer.error]

    @property
    def count(self) -> int:
        """How many answers were given."""
        return len(self._answers)

    def keys(self, item: str) -> str:
        return json.dumps(dict(sorted(self.world.keys[item].items())), separators=(",", ":"))


@contextmanager
def asked(world: World, seed: int) -> Iterator[Asked]:
    """A world's history on disk for a while."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "history"
        folder.mkdir()
        history = histlib.connect(put_world(world, folder), cache=Path(name) / "cache")
        known = History(world)
        yield Asked(world, seed, history, known, Judge(known), str(folder))


def micros(moment: Any) -> int | None:
    """Epoch µs of a time in an answer; None for NaT and None."""
    if moment is None or str(moment) == "NaT":
        return None
    return (moment - datetime.fromtimestamp(0, UTC)) // timedelta(microseconds=1)


def _answer(world: World, history: histlib.History, question: Question) -> Answer:
    try:
        told = question.ask(world, history)
    except HistlibError as error:
        return Answer(error=f"{type(error).__name__}: {error}")
    except Exception as error:  # noqa: BLE001 — a crash is a fault to report, not the end
        return Answer(error=f"CRASH {type(error).__name__}: {error}")
    if isinstance(told, pd.DataFrame):
        attrs = told.attrs["histlib"]
        rows = told.to_dict("records")
        return Answer(told, _pairs(attrs["caveats"]), rows, attrs["completeness"] == "attested", attrs["heading"])
    caveats = [(str(one), getattr(one, "detail", "")) for one in told.caveats]
    return Answer(told, caveats, attested=told.completeness == "attested")


def _pairs(caveats: list[dict[str, str]]) -> list[tuple[str, str]]:
    return [(one["name"], one["detail"]) for one in caveats]
