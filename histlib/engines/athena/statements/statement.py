"""A statement for Athena: its SQL, the values for its ``?``, and what it yields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from histlib.engines.athena.statements.literals import literal

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Statement:
    """A SELECT. ``?`` stand in WHERE clauses only (an Athena limit) and are bound in order; without parameters, a ``?``
    is one of a text or a name.

    ``columns``: names and Arrow types of what comes back, in order (string, int64, bool); None: as Athena says, for a
    statement that a person wrote.
    ``days``: first and last dateday (``yyyy/MM/dd``) that it reads; ``among``: of these it reads only those listed.
    """

    sql: str
    columns: pa.Schema | None
    parameters: tuple[str | int, ...] = ()
    days: tuple[str, str] = ("", "")
    among: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The SQL with its values in place, to paste into Athena's console."""
        if not self.parameters:
            return self.sql
        parts = self.sql.split("?")
        assert len(parts) == len(self.parameters) + 1, "a ? that is no parameter"
        values = [*map(literal, self.parameters), ""]
        return "".join(part + value for part, value in zip(parts, values, strict=True))
