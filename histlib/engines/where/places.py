"""Where in a condition's text something is wrong: every refusal points at its place."""

from __future__ import annotations

from dataclasses import dataclass

from histlib.errors import ConditionNotValidError

_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Place:
    """Characters ``start`` to ``end`` (exclusive) of a condition's text."""

    text: str
    start: int
    end: int

    def refuse(self, message: str) -> ConditionNotValidError:
        """The error for what stands here; ``message`` says what was expected."""
        found = self.text[self.start : self.end] or self.text[self.start :]
        shown = found if len(found) <= _SHOWN else found[: _SHOWN - 1] + "…"
        where = f"at character {self.start + 1} ({shown!r})" if found.strip() else "at its end"
        return ConditionNotValidError(f"the condition, {where}: {message}", self.text)
