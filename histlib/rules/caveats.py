"""Caveats: the named reasons why an answer may differ from the truth. One vocabulary for every answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

#: Name → what it means, in a person's words.
MEANINGS: Final[dict[str, str]] = {
    "same_second": "stream times have whole seconds, and the item changed in this very second",
    "gap": "a change is missing here: an old image is not the image before it",
    "chain_unproven": "that nothing is missing here cannot be checked: images are absent, or redacted unlike",
    "redacted": "attributes were dropped before anything was stored",
    "conflict": "two deliveries of one change differ",
    "not_settled": "changes up to this time may not have landed yet",
    "outside_coverage": "the capture is not known to have been whole over this time",
    "net_change": "inside an export window: true only at its ends",
    "old_format": "written in the article's format: numbers and sets had become text",
    "unreadable_files": "damaged files may hold changes of this time",
    "unknown_keys": "items that never changed may be missing: there is no complete baseline",
}


class Caveat(str):
    """A caveat's name (equal to the plain text), with ``detail``: what it rests on here."""

    __slots__ = ("detail",)
    detail: str

    def __new__(cls, name: str, detail: str = "") -> Caveat:
        caveat = super().__new__(cls, name)
        caveat.detail = detail or MEANINGS[name]
        return caveat

    def __repr__(self) -> str:
        return f"{self!s}: {self.detail}"

    def as_json(self) -> dict[str, str]:
        """``{"name", "detail"}``."""
        return {"name": str(self), "detail": self.detail}

    @classmethod
    def from_json(cls, said: Mapping[str, str]) -> Caveat:
        """The one that :meth:`as_json` gave."""
        return cls(said["name"], said["detail"])

    def __reduce__(self) -> tuple[type[Caveat], tuple[str, str]]:
        return Caveat, (str(self), self.detail)


def in_order(caveats: Iterable[Caveat]) -> tuple[Caveat, ...]:
    """Each caveat once, in the vocabulary's order; of two with one name the first detail stays."""
    by_name: dict[str, Caveat] = {}
    for caveat in caveats:
        by_name.setdefault(str(caveat), caveat)
    return tuple(by_name[name] for name in MEANINGS if name in by_name)


def to_cell(caveats: Iterable[str]) -> str:
    """The text of a ``caveats`` cell: names, space-separated, in the vocabulary's order."""
    names = set(map(str, caveats))
    if not names:
        return ""
    return " ".join(name for name in MEANINGS if name in names)
