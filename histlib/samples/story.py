"""What a bundled incident is about: the facts that the demo, the README, the notebook and the tests quote."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

Key = Mapping[str, Any]


def fixed(**values: Any) -> Mapping[str, Any]:
    """A mapping that nobody can change."""
    return MappingProxyType(values)


@dataclass(frozen=True, slots=True)
class Story:
    """The facts of one bundled incident. All times are ISO text in UTC; keys are plain Python values.

    ``key`` is the item that the story is told of, ``incident`` the minute in which it went wrong, ``ask`` the
    times worth asking by name, ``keys`` the other items worth a look, ``affected`` the condition that finds
    all items hit, ``numbers`` what is true (counted in the whole truth, the lost change included).
    """

    name: str
    title: str
    text: str
    region: str
    table: str
    stream: str
    key: Key
    start: str
    end: str
    incident: str
    affected: str
    ask: Mapping[str, str]
    actor_attribute: str | None = None
    category: str | None = None
    keys: Mapping[str, Key] = field(default_factory=fixed)
    numbers: Mapping[str, int] = field(default_factory=fixed)
