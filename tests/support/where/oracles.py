"""Random items and changes for random conditions."""

from __future__ import annotations

from typing import Any, Final

from hypothesis import strategies as st

from histlib.values.image_json import encode_image
from tests.support.where.cases import items, keys
from tests.support.where.verdicts import text_of

#: Prefixes of names in conditions, by how often they are drawn.
ITEM: Final = ("item", "item", "item", "keys")
CHANGE: Final = ("new_image", "new_image", "old_image", "keys")

images = st.one_of(items, items, items, st.none())
changes = st.fixed_dictionaries(
    {
        "keys": keys, "new": images, "old": images, "action": st.sampled_from(["INSERT", "MODIFY", "REMOVE"]),
        "effective": st.integers(0, 4_999_999), "actor": st.one_of(st.none(), st.sampled_from(["ttl", "a", "abc"])),
    }
)  # fmt: skip


def columns(change: dict[str, Any]) -> tuple[Any, ...]:
    """A change's row, of ``CHANGE_COLUMNS``."""
    return (
        encode_image(change["keys"]), text_of(change["new"]), text_of(change["old"]),
        change["action"], change["effective"], change["actor"],
    )  # fmt: skip
