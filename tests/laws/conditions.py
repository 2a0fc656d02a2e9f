"""Conditions as a question has them, and as plain Python of the same meaning."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tests.laws.worlds import Image, World

Holds = Callable[[Mapping[str, Any], Mapping[str, Any]], bool]


@dataclass(frozen=True)
class Condition:
    """``text`` with ``{}`` where ``item`` or ``new_image`` stands; ``names``: the attributes that it names.

    ``by_key``: what it demands of the key, whatever the image.
    """

    text: str
    of: Holds
    names: frozenset[str] = frozenset()
    by_key: Callable[[Mapping[str, Any]], bool] = lambda keys: True

    @property
    def on_item(self) -> str:
        return self.text.replace("{}", "item")

    @property
    def on_change(self) -> str:
        return self.text.replace("{}", "new_image")

    def holds(self, keys: Mapping[str, Any], image: Image) -> bool:
        """Of no item it does not hold."""
        return image is not None and self.of(keys, image)

    def may_be_redacted(self, names: frozenset[str]) -> bool:
        return bool(self.names & names)


def _of(name: str, test: Callable[[Any], bool]) -> Holds:
    return lambda keys, image: test(image.get(name, MISSING))


MISSING: Final = object()

_ON_IMAGES: Final = (
    Condition("{}.v = 1", _of("v", lambda v: v == 1), frozenset({"v"})),
    Condition("{}.v = 2", _of("v", lambda v: v == 2), frozenset({"v"})),
    Condition("{}.v IS MISSING", _of("v", lambda v: v is MISSING), frozenset({"v"})),
    Condition("{}.v <> 1", _of("v", lambda v: v != 1), frozenset({"v"})),
    Condition("{}.v IN (1, 9)", _of("v", lambda v: v in (1, 9)), frozenset({"v"})),
    Condition("{}.secret = 's'", _of("secret", lambda v: v == "s"), frozenset({"secret"})),
    Condition("{}.secret IS MISSING", _of("secret", lambda v: v is MISSING), frozenset({"secret"})),
    Condition(
        "{}.w = 'x' OR {}.v = 2", lambda _, image: image.get("w") == "x" or image.get("v") == 2, frozenset({"v", "w"})
    ),
)


def conditions(world: World) -> tuple[Condition, ...]:
    """On images alone, on the key alone (both texts are equal to the key's partition or whole), and on both."""
    name, value = next(iter(next(iter(world.keys.values())).items()))

    def by_key(keys: Mapping[str, Any]) -> bool:
        return bool(keys[name] == value)

    key = Condition(f"keys.{name} = '{value}'", lambda keys, _: by_key(keys), by_key=by_key)
    both = Condition(
        f"keys.{name} = '{value}' AND {{}}.v = 1",
        lambda keys, image: by_key(keys) and image.get("v") == 1,
        frozenset({"v"}),
        by_key,
    )
    return (*_ON_IMAGES, key, both)


def key_condition(world: World, item: str) -> str:
    """The condition that names one item by its key, or all under its partition."""
    return " AND ".join(f"keys.{name} = '{value}'" for name, value in world.keys[item].items())
