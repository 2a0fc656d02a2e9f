"""What of the landing cannot be read, by file and line: never more of it than a person would read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec

#: Problems of one file that are told one by one.
MOST: Final = 100

#: First and last stamp of some changes, epoch µs.
Stamps = tuple[int, int]


class Problem(msgspec.Struct, frozen=True):
    """Something in a landing file that cannot be read; ``line`` None: the file as a whole, or from there on."""

    file: str
    line: int | None
    detail: str
    first: int | None = None
    last: int | None = None
    """First and last stamp (epoch µs) of the changes read from a damaged file, which may be as damaged."""


@dataclass
class Problems:
    """Problems as they are found, those of one file at most :data:`MOST` and the number of the rest."""

    by_file: dict[str, list[Problem]] = field(default_factory=dict)
    more: dict[str, int] = field(default_factory=dict)
    unread: set[str] = field(default_factory=set)
    """Files that could not even be opened, and may be later."""

    def add(self, file: str, line: int | None, detail: str) -> None:
        """Take in one."""
        found = self.by_file.setdefault(file, [])
        if line is None or len(found) < MOST:
            found.append(Problem(file, line, detail))
        else:
            self.more[file] = self.more.get(file, 0) + 1

    def add_unread(self, file: str, error: OSError) -> None:
        """Take in a file that cannot be opened or read."""
        self.unread.add(file)
        self.add(file, None, f"cannot be read: {error.strerror or error}")

    def add_all(self, others: Problems) -> None:
        """Take in those of another piece of work."""
        for problem in (one for found in others.by_file.values() for one in found):
            self.add(problem.file, problem.line, problem.detail)
        for file, count in others.more.items():
            self.more[file] = self.more.get(file, 0) + count

    def told(self, readable: Mapping[str, Stamps]) -> Iterator[Problem]:
        """By file and line; a single one for a file that was read but is not ``readable``."""
        for file in sorted(self.by_file):
            found = sorted(self.by_file[file], key=_position)
            if file not in readable and file not in self.unread:
                where = f"line {found[0].line}: " if found[0].line is not None else ""
                yield Problem(file, None, f"no line of it is a change: {where}{found[0].detail}")
                continue
            yield from (_stamped(problem, readable.get(file)) for problem in found)
            if file in self.more:
                yield Problem(file, None, f"{self.more[file]:,} more lines like these")


def files_of(problems: Iterable[Problem]) -> set[str]:
    """The files that have problems."""
    return {problem.file for problem in problems}


def _stamped(problem: Problem, stamps: Stamps | None) -> Problem:
    return (
        problem if problem.line is not None or stamps is None else Problem(problem.file, None, problem.detail, *stamps)
    )


def _position(problem: Problem) -> float:
    return float("inf") if problem.line is None else problem.line
