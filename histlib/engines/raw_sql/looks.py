"""What a statement looks for in images: its dotted names, and the paths of json_extract_scalar."""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from histlib.engines.raw_sql.columns import IMAGES
from histlib.engines.raw_sql.names import json_path_of, unwrapped
from histlib.values.paths import Path, format_path, parse_path


@dataclass(frozen=True)
class Look:
    """A path in an image column. ``wrapped``: a nested ``{"$M": …}`` is its map, as to a dotted name."""

    column: str
    path: Path
    wrapped: bool


def looks_of(tree: exp.Query) -> dict[str, list[Look]]:
    """By the text of its path, where a checked tree looks for it; what is made by an expression is not told."""
    found: dict[str, dict[Look, None]] = {}
    for node in tree.find_all(exp.Anonymous, exp.JSONExtractScalar):
        look = _look(node)
        if look is not None:
            found.setdefault(format_path(look.path), {})[look] = None
    return {name: list(looks) for name, looks in found.items()}


def _look(node: exp.Expr) -> Look | None:
    if isinstance(node, exp.Anonymous):
        column, path = node.expressions
        return Look(column.name, parse_path(path.name), wrapped=True)
    assert isinstance(node, exp.JSONExtractScalar)
    column, steps = unwrapped(node.this), json_path_of(node)
    if not isinstance(column, exp.Column) or column.name not in IMAGES or isinstance(steps[0], int):
        return None
    return Look(column.name, steps, wrapped=False)
