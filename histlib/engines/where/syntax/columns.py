"""What a name in a condition stands for: an image's path, or a field of the change."""

from __future__ import annotations

from enum import Enum
from typing import Any, Final

from sqlglot import exp

from histlib.engines.where import nodes
from histlib.engines.where.names import Names, attribute_name, key_name, written
from histlib.engines.where.places import Place
from histlib.engines.where.syntax.grammar import place_of

_PREFIXES: Final = {nodes.Subject.ITEM: ("keys", "item"), nodes.Subject.CHANGE: ("keys", "new_image", "old_image")}
_MEANT: Final = {
    nodes.Subject.ITEM: "an item has keys.x and item.x",
    nodes.Subject.CHANGE: "a change has keys.x, new_image.x, old_image.x, action, timestamp and actor",
}


class Field(Enum):
    """Fields of a change that compare with constants of their own kind only."""

    ACTION = "action"
    TIMESTAMP = "timestamp"


class Columns:
    """The names of one condition."""

    def __init__(self, text: str, subject: nodes.Subject, names: Names) -> None:
        self._text = text
        self._subject = subject
        self._names = names

    def field(self, node: exp.Expr) -> Field | None:
        """The field that a node names, if it names one."""
        while isinstance(node, exp.Paren):
            node = node.this
        if self._subject is not nodes.Subject.CHANGE or not isinstance(node, exp.Column) or len(node.parts) != 1:
            return None
        name = node.name.lower()
        return Field(name) if name in ("action", "timestamp") and not node.this.args.get("quoted") else None

    def operand(self, node: exp.Expr) -> nodes.Operand:
        """What a column, with its steps, stands for.

        Raises:
            ConditionNotValidError: no such prefix about this subject, or no such attribute.
        """
        steps, place = self._steps(node), place_of(node, self._text)
        prefix = str(steps[0]).lower()
        if len(steps) == 1:
            return self._bare(node, prefix, place)
        if prefix not in _PREFIXES[self._subject]:
            raise place.refuse(f"{_MEANT[self._subject]}; {self._instead(steps)}")
        name = steps[1]
        if isinstance(name, int):
            raise place.refuse(f"{prefix} is no list; expected {prefix}.x")
        if prefix == "keys":
            found = key_name(name, self._names, place)
        else:
            found = attribute_name(name, self._names, place.refuse)
        return nodes.ImagePath(prefix, (found, *steps[2:]))

    def _bare(self, node: exp.Expr, name: str, place: Place) -> nodes.Operand:
        quoted = isinstance(node, exp.Column) and bool(node.this.args.get("quoted"))
        field = self.field(node)
        if field is not None:
            kind = "INSERT, MODIFY or REMOVE" if field is Field.ACTION else "times"
            raise place.refuse(f"{name} compares with {kind} only")
        if self._subject is nodes.Subject.CHANGE and name == "actor" and not quoted:
            return nodes.Actor()
        if quoted:
            raise place.refuse('text is written in single quotes; double quotes are for names, like item."a name"')
        if name in _PREFIXES[self._subject]:
            raise place.refuse(f"{name} alone is the whole of it; write {name}.x for its attribute x")
        raise place.refuse(f"{_MEANT[self._subject]}; {self._instead([place.text[place.start : place.end]])}")

    def _instead(self, steps: list[str | int]) -> str:
        """What was probably meant."""
        first, own = str(steps[0]).lower(), _PREFIXES[self._subject]
        rest = "".join(f"[{step}]" if isinstance(step, int) else f".{written(step)}" for step in steps[1:])
        if first in ("item", "new_image", "old_image"):
            return f"write {own[1]}{rest}" if rest else f"write {own[1]}.x"
        if first in ("action", "timestamp", "actor"):
            return f"an item has no {first}; ask for changes to use it"
        return f"did you mean {own[1]}.{steps[0]}{rest}?"

    def _steps(self, node: exp.Expr) -> list[Any]:
        """Prefix, attribute, nested names and positions."""
        backwards: list[Any] = []
        while not isinstance(node, exp.Column):
            if isinstance(node, exp.Dot):
                backwards.append(self._name(node.expression))
            elif isinstance(node, exp.Bracket):
                backwards.append(self._position(node))
            else:
                raise place_of(node, self._text).refuse("expected a name like item.price here")
            node = node.this
        return [self._name(part) for part in node.parts] + backwards[::-1]

    def _name(self, node: Any) -> str:
        if isinstance(node, exp.Identifier) and isinstance(node.this, str):
            return node.this
        raise place_of(node, self._text).refuse('no plain name; write it in double quotes, like item."2nd"')

    def _position(self, node: exp.Expr) -> int:
        inside = node.expressions[0] if len(node.expressions) == 1 else None
        if isinstance(inside, exp.Literal) and inside.is_string:
            raise place_of(node, self._text).refuse("a list's position is a number; a map's attribute is written .x")
        if isinstance(inside, exp.Literal) and str(inside.this).isdecimal():
            return int(inside.this)
        raise place_of(node, self._text).refuse("expected a list's position, which counts from 0, like item.tags[0]")
