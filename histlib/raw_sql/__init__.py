"""``sql()``: a tested subset of Athena's SQL (Trino's), read-only because nothing else gets through.

parse        the text as a tree: one SELECT, of allowed parts only
grammar      which parts, functions and types are allowed
names        tables, columns and dotted names (``new_image.title``) of the tree, and what they mean
families     of what family (text, number, …) each part is
compare      comparisons with dotted names: by type, exact, never an error
statement    a statement that was checked, and its text for an engine
columns      the columns of the table
looks        what of images a statement looks for
images       values in image JSON, as functions that an engine calls

There is one table, the history: whatever ``table``, ``database.table`` or ``"database"."table"`` a statement
names (and that is no name of its WITH), is the history that was opened.
"""

from __future__ import annotations

from histlib.raw_sql.names import Lookup
from histlib.raw_sql.statement import Scan, Statement, check

__all__ = ["Lookup", "Scan", "Statement", "check"]
