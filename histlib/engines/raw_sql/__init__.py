"""``sql()``: a tested subset of Athena's SQL (Trino's), read-only because nothing else gets through.

grammar      which parts, functions and types are allowed
parse        the text as a tree: one SELECT, of allowed parts only
columns      the columns of the table
names        tables, columns and dotted names (``new_image.title``) of the tree, and what they mean
families     of what family (text, number, …) each part is
compare      comparisons with dotted names: by type, exact, never an error
looks        what of images a statement looks for
params       the values of a statement, bound
days         which days of the landing a statement asks for
statement    a statement that was checked
writing      its text for an engine

There is one table, the history: whatever ``table``, ``database.table`` or ``"database"."table"`` a statement
names (and that is no name of its WITH), is the history that was opened.
"""

from __future__ import annotations

from histlib.engines.raw_sql.names import Lookup
from histlib.engines.raw_sql.statement import Scan, Statement, check

__all__ = ["Lookup", "Scan", "Statement", "check"]
