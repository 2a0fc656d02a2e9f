"""SQL conditions on items and changes: parsed, checked against what there is, and asked row by row or of an engine.

    condition = parse_where("item.price = 0 AND item.category = :c", {"c": "kitchen"}, Subject.ITEM, names, UTC)
    condition.item('{"id":"p1"}', '{"category":"kitchen","id":"p1","price":0}')  # True

A test is true or false, never an error: a value of another type than a literal's is false for ``=`` and ``<``, true
for ``<>``. Missing and NULL differ. See :mod:`histlib.engines.where.meaning.functions` for the functions.

places   where in a text something stands, and the error that points at it
names    names as people write them, and those nearest to one that is not there
nodes    the tree of a condition
meaning  what a test means for one item
unknown  what may hold where not all is known
syntax   text → tree
writing  tree → SQL
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any

from histlib.engines.where.meaning.evaluate import checker
from histlib.engines.where.meaning.wants import Want, wants_of
from histlib.engines.where.names import Names
from histlib.engines.where.nodes import (
    Actor,
    And,
    Compare,
    Constant,
    ImagePath,
    Not,
    Subject,
    Test,
    TimeIs,
    image_paths,
    uses,
)
from histlib.engines.where.unknown import Unknown, beyond_keys, lacking, may_be, untold
from histlib.engines.where.writing import duckdb, trino
from histlib.errors import ConditionNotValidError
from histlib.values.paths import Path

__all__ = ["Condition", "Names", "Subject", "Want", "parse_where"]


@dataclass(frozen=True, eq=False, slots=True)
class Condition:
    """A condition that was understood; asked of one row at a time or of an engine.

    ``paths``: the paths of images that it asks for, top-level names as the images write them; ``wants``: what types of
    value its parts look for.
    """

    text: str
    subject: Subject
    paths: frozenset[Path] = field(repr=False)
    wants: tuple[Want, ...] = field(repr=False)
    _test: Test = field(repr=False)
    _check: Callable[[list[Any]], bool] = field(repr=False)
    _possible: Callable[[list[Any]], bool] = field(repr=False)

    @property
    def uses_actor(self) -> bool:
        """Whether it asks for the actor."""
        return uses(self._test, Actor)

    @property
    def uses_time(self) -> bool:
        """Whether it asks for the time."""
        return uses(self._test, TimeIs)

    def item(self, keys: str, image: str | None) -> bool:
        """Whether it is true of an item, by its key and image texts; of no item it is not."""
        return image is not None and self._check([keys, image])

    def possible(self, keys: str) -> bool:
        """Whether it may be true of an item with this key text, whatever its image."""
        return self._possible([keys])

    @property
    def pinned(self) -> dict[str, Any]:
        """The attributes of keys that must have one value, with it."""
        return dict(_pins(self._test))

    @property
    def lacking(self) -> Condition:
        """Of an item: that it is true of it only if more was at a path that it asks for than the image has."""
        return self._where_not(lacking)

    @property
    def untold(self) -> Condition:
        """Of a change: that it is true of it only if an image had more of what it asks for."""
        return self._where_not(untold)

    def _where_not(self, unknown: Unknown) -> Condition:
        return _condition(self.text, self.subject, And((may_be(self._test, unknown), Not(self._test))))

    def holds(self, keys: str, item: dict[str, Any] | None) -> bool:
        """The same of a decoded item."""
        return item is not None and self._check([keys, item])

    def change(  # noqa: PLR0913, PLR0917 - the six fields of a change
        self, keys: str, new_image: str | None, old_image: str | None, action: str, effective: int, actor: str | None
    ) -> bool:
        """Whether it is true of a change, by its texts; ``effective`` is in epoch µs.

        In an image that is None, because there is none or it was not captured, all paths are missing.
        """
        return self._check([keys, new_image, old_image, action, effective, actor])

    def duckdb(self) -> tuple[str, dict[str, Any]]:
        """The same as DuckDB's SQL and its named parameters: TRUE and FALSE are certain, NULL means ask Python.

        About an item it reads the columns ``keys`` and ``image``; about a change ``keys``, ``new_image``,
        ``old_image``, ``action``, ``effective`` (epoch µs) and ``actor``.
        """
        return duckdb.sql_of(self._test, self.subject)

    def trino(self, **columns: str) -> str:
        """The same as Trino's SQL, with its values as literals: TRUE and FALSE are certain, NULL means ask Python.

        It reads the columns that :meth:`duckdb` does; a keyword gives SQL for one of another name
        (``image="next_old_image"``). It may be longer than the 262,144 bytes that Athena takes of a query: whoever
        builds that looks at ``len(text.encode())``.

        Raises:
            ValueError: a column that the subject does not have.
        """
        return trino.sql_of(self._test, self.subject, columns)


def parse_where(text: str, params: Mapping[str, Any] | None, subject: Subject, names: Names, tz: tzinfo) -> Condition:
    """The condition of a text; ``:name`` in it stands for a value in ``params``.

    Raises:
        ConditionNotValidError: no condition, or not about this subject; names that are not there, parameters
            missing or not used. The message points at the place.
    """
    if not isinstance(text, str):
        raise ConditionNotValidError(f'a condition is text like "item.price > 100", got {text!r}', text)
    from histlib.engines.where.syntax.parse import tree_of

    test = tree_of(text, params, subject, names, tz)
    return _condition(text, subject, test)


def _pins(test: Test) -> Iterator[tuple[str, Any]]:
    match test:
        case And(tests):
            for each in tests:
                yield from _pins(each)
        case Compare("=", ImagePath("keys", (str(name),)), Constant(value)):
            yield name, value


def _condition(text: str, subject: Subject, test: Test) -> Condition:
    possible = checker(may_be(test, beyond_keys))
    return Condition(text, subject, image_paths(test), wants_of(test), test, checker(test), possible)
