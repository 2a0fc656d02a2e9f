"""Doubt has one home: no module but it makes a caveat, or decides by a caveat's name."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import histlib
from histlib.rules.caveats import MEANINGS, Caveat
from histlib.rules.chain.chain import Link
from histlib.rules.doubt import completeness, told

PACKAGE = Path(histlib.__file__).parent
#: The home of doubt, and the vocabulary.
HOMES = {"rules/doubt.py", "rules/caveats.py"}
#: Texts that are names of something else: how one change follows another, and the column of a query.
OTHERWISE = {
    ("rules/chain/chain.py", Link.GAP.value),
    ("engines/bulk/fold.py", "gap"),
    ("questions/tables.py", "gap"),
}


def modules() -> Iterator[tuple[str, ast.AST]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        if name not in HOMES:
            yield name, ast.parse(path.read_text(encoding="utf-8"))


def test_no_other_module_makes_a_caveat():
    """Statuses and columns are made elsewhere: what may be wrong with them is decided in one place only."""
    calls = [(name, node) for name, tree in modules() for node in ast.walk(tree) if isinstance(node, ast.Call)]
    called = [(name, node.lineno, node.func) for name, node in calls]
    made = [f"{name}:{line}" for name, line, what in called if getattr(what, "id", "") == Caveat.__name__]
    assert made == []


def test_no_other_module_names_a_caveat():
    """Not as a text of its own, to compare with or to pass on; texts that mean something else are listed."""
    named = {
        (name, node.value)
        for name, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and node.value in MEANINGS
    }
    assert named == OTHERWISE


def test_each_caveat_is_told_once_with_all_that_is_known_of_it():
    """However many parts of an answer carry it; in the vocabulary's order."""
    found = told([Caveat("not_settled", "on 1 row"), Caveat("gap", "x")], [Caveat("not_settled", "on 1 row; y")], ())
    assert [repr(one) for one in found] == ["gap: x", "not_settled: on 1 row; on 1 row; y"]


def test_what_keeps_an_answer_from_attested():
    """What is not proven by attestations, and each caveat by which more may have changed; none that is only about what
    an image holds."""
    spared = {name for name in MEANINGS if completeness([name], proven=True) == "attested"}
    assert spared == {"same_second", "chain_unproven", "redacted", "conflict", "old_format", "unknown_keys"}
    assert completeness([], proven=False) == "observed"
