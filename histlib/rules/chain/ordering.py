"""Puts changes whose times are equal in order, by what each found and what it left. Pure; knows no changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any, Final

#: Stands for an end that is not known.
ANY: Final = object()

#: (what it found, what it left)
Edge = tuple[Hashable, Hashable]


def in_chain(edges: Sequence[Edge], start: Any = ANY, end: Any = ANY) -> tuple[list[int], bool]:
    """An order of the edges in which each begins where the one before ended, as far as there is one.

    ``start`` is what was there before them, ``end`` what came after. Where no such chain fits there are as few
    breaks as each part allows, parts in the order given. The same edges in the same order give the same answer.

    Returns:
        Positions in ``edges``, and whether what the last one left is certain: one unbroken chain, which ``start``
        or the edges themselves fix.
    """
    if len(edges) == 1:
        return [0], True
    parts = [_walk(edges, part, start, end) for part in _connected(edges)]
    first = next((part for part in parts if edges[part[0]][0] == start), None)
    others = [part for part in parts if part is not first]
    last = next((part for part in reversed(others) if edges[part[-1]][1] == end), None)
    middle = [part for part in others if part is not last]
    order = [at for part in (first, *middle, last) if part is not None for at in part]
    return order, _certain(edges, order, start, end)


def can_repeat(edges: Sequence[Edge], at: int) -> bool:
    """Whether an edge lies on a circle of the edges, so that it may well have been walked more than once."""
    goal, reached, todo = edges[at][0], set(), [edges[at][1]]
    while todo:
        node = todo.pop()
        if node == goal:
            return True
        if node not in reached:
            reached.add(node)
            todo += [left for found, left in edges if found == node]
    return False


def only_entry(edges: Iterable[Edge]) -> Any:
    """What must have been there before the edges, if they are one chain; ANY where that is not certain."""
    excess = _excess(edges)
    entries = [node for node, count in excess.items() if count > 0]
    return entries[0] if len(entries) == 1 and excess[entries[0]] == 1 else ANY


def _certain(edges: Sequence[Edge], order: Sequence[int], start: Any, end: Any) -> bool:
    broken = any(edges[left][1] != edges[right][0] for left, right in pairwise(order))
    first, last = edges[order[0]][0], edges[order[-1]][1]
    return not broken and (first != last or first == start or last == end)


def _connected(edges: Sequence[Edge]) -> list[list[int]]:
    """The edges by connected part, parts in the order of their first edges."""
    above: dict[Hashable, Hashable] = {}

    def top(node: Hashable) -> Hashable:
        while above.setdefault(node, node) != node:
            node = above[node]
        return node

    for found, left in edges:
        above[top(found)] = top(left)
    parts: dict[Hashable, list[int]] = {}
    for at, (found, _) in enumerate(edges):
        parts.setdefault(top(found), []).append(at)
    return list(parts.values())


def _walk(edges: Sequence[Edge], part: Sequence[int], start: Any, end: Any) -> list[int]:
    """One part as a trail: an Euler walk, over bridges where it takes more than one."""
    excess = _excess(edges[at] for at in part)
    entries = _times(excess, 1)
    exits = _times(excess, -1)
    if not entries:
        nodes = {node for at in part for node in edges[at]}
        root = next((node for node in (start, end) if node in nodes), edges[part[0]][0])
        return [at for at in _euler(edges, part, [], root) if at is not None]
    entries.sort(key=lambda node: node != start)
    exits.sort(key=lambda node: node == end)
    bridges = list(zip(exits, entries[1:], strict=False))
    return [at for at in _euler(edges, part, bridges, entries[0]) if at is not None]


def _excess(edges: Iterable[Edge]) -> Counter[Hashable]:
    """For each node how many more edges begin there than end."""
    excess: Counter[Hashable] = Counter()
    for found, left in edges:
        excess[found] += 1
        excess[left] -= 1
    return excess


def _times(excess: Counter[Hashable], sign: int) -> list[Hashable]:
    return [node for node, count in excess.items() for _ in range(max(0, sign * count))]


def _euler(edges: Sequence[Edge], part: Sequence[int], bridges: Sequence[Edge], root: Hashable) -> Iterator[int | None]:
    """Hierholzer's walk over all edges of the part and all bridges (None), from ``root``."""
    leaving: dict[Hashable, list[tuple[int | None, Hashable]]] = {}
    for found, left in reversed(bridges):
        leaving.setdefault(found, []).append((None, left))
    for at in reversed(part):
        leaving.setdefault(edges[at][0], []).append((at, edges[at][1]))
    walked: list[int | None] = []
    stack: list[tuple[int | None, Hashable]] = [(None, root)]
    while stack:
        if following := leaving.get(stack[-1][1]):
            stack.append(following.pop())
        else:
            walked.append(stack.pop()[0])
    return iter(walked[::-1][1:])
