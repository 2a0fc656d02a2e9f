"""Images of every type at awkward paths, and how an engine's word on what is at a path differs from another's."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import histlib
from histlib.engines.queries import Parts
from histlib.values.paths import format_path, parse_path

#: What one attribute may hold: every type, alone and deep, names that look like positions, types and wrappings.
VALUES: list[Any] = [
    "text", "true", '"', "", 1, Decimal("-0.5"), True, None, b"x", frozenset({"a"}), frozenset({1}), frozenset({b"x"}),
    [], [1, [2]], {}, {"a": [{"b": 1}], "0": "x", "M": 1, "$M": 2}, {"$M": 1}, {"$SS": ["x"]}, {"$x": {"$y": {"z": 1}}},
    {"$SS": 1, "a.b": 2, 'q"\\': 3}, {"$M": {"n": 1}, "$B": "x"}, [frozenset({"x"}), {"$N": "1"}],
]  # fmt: skip
IMAGES = [{"id": str(at), "v": value} for at, value in enumerate(VALUES)]
PATHS = (
    "id", "v", "v.a", "v.a[0]", "v[0]", "v[1]", "v[1][0]", 'v."0"', "v.M", "v.$M", "v.$M.n", "v.$SS", "v.$x", "v.$x.$y",
    'v."a.b"', "v[5].x", "w.x", 'v."q\\"\\\\"',
)  # fmt: skip


def parts_unlike(one: histlib.History, other: histlib.History) -> list[tuple[str, Any, Any]]:
    """The paths of which two engines tell different parts."""
    found = []
    for path in PATHS:
        said = [
            sorted(history._opened.source.fetch(Parts(parse_path(path), exact=True)).to_pylist(), key=repr)
            for history in (one, other)
        ]
        if said[0] != said[1]:
            found.append((format_path(parse_path(path)), *said))
    return found
