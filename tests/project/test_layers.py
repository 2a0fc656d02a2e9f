"""The shape of the package: imports go down only, heavy libraries come late, and public names are these."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import histlib
import pipeline

PACKAGE = Path(histlib.__file__).parent
ROOT = PACKAGE.parent

#: A line of the map in a package's docstring: the name of a module or folder in it, and what it is.
ENTRY = re.compile(r"^ {0,4}(\w+)  +\S", re.MULTILINE)
MOST_ENTRIES, DEEPEST = 16, 4


def modules() -> dict[tuple[str, ...], ast.Module]:
    """Every file of both packages by its dotted name, in parts; a folder's own file ends in ``__init__``."""
    files = [*PACKAGE.rglob("*.py"), *Path(pipeline.__file__).parent.rglob("*.py")]
    return {
        path.relative_to(ROOT).with_suffix("").parts: ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted(files)
    }


MODULES = modules()
#: What runs in Lambda has maps of its own, from the handler down.
LAMBDA = ("pipeline", "functions")
FOLDERS = sorted(name[:-1] for name in MODULES if name[-1] == "__init__" and name[:2] != LAMBDA)


def imports(name: tuple[str, ...]) -> set[tuple[str, ...]]:
    """What a file imports of these packages, in functions and for typing too."""
    found = set()
    for node in ast.walk(MODULES[name]):
        if isinstance(node, ast.Import):
            found |= {module_of(tuple(alias.name.split("."))) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            near = name[: -node.level] if node.level else ()
            within = (*near, *(node.module.split(".") if node.module else ()))
            found |= {module_of((*within, alias.name)) for alias in node.names}
    return {one for one in found if one} - {name}


def module_of(dotted: tuple[str, ...]) -> tuple[str, ...]:
    """The file that a dotted name is in; empty: none of these packages."""
    for parts in (dotted, dotted[:-1]):
        for name in (parts, (*parts, "__init__")):
            if name in MODULES:
                return name
    return ()


IMPORTS = {name: imports(name) for name in MODULES}


def entries(folder: tuple[str, ...]) -> list[str]:
    """What the map in a folder's docstring names, in its order."""
    return ENTRY.findall(ast.get_docstring(MODULES[(*folder, "__init__")]) or "")


def uses(folder: tuple[str, ...]) -> set[tuple[str, str]]:
    """(one, other): something in one entry of a folder imports something in another one."""
    depth = len(folder)
    pairs = {(one, other) for one in IMPORTS for other in IMPORTS[one] if one[:depth] == other[:depth] == folder}
    return {(one[depth], other[depth]) for one, other in pairs if one[depth] != other[depth]}


@pytest.mark.parametrize("folder", FOLDERS, ids=".".join)
def test_a_folder_has_a_map_and_imports_go_up_in_it(folder):
    """The map names each entry once, in an order in which each uses only those above it, not even for typing others;
    there are not many, and no folder lies deep."""
    there = {name[len(folder)] for name in MODULES if name[: len(folder)] == folder} - {"__init__", "__main__"}
    order = entries(folder)
    assert sorted(order) == sorted(there)
    assert len(there) <= MOST_ENTRIES
    assert len(folder) <= DEEPEST
    place = {name: at for at, name in enumerate(order)}
    pairs = {pair for pair in uses(folder) if not {"__init__", "__main__"} & set(pair)}
    assert sorted((one, other) for one, other in pairs if place[other] >= place[one]) == []


@pytest.mark.parametrize("folder", FOLDERS, ids=".".join)
def test_what_a_folder_offers_is_not_what_its_entries_take(folder):
    """An entry that imports its own folder is none that the folder imports, directly or by way of others."""
    pairs = uses(folder)
    reached, todo = set(), ["__init__"]
    while todo:
        one = todo.pop()
        todo += [other for it, other in pairs if it == one and other not in reached]
        reached |= {other for it, other in pairs if it == one}
    assert "__init__" not in reached


def test_the_library_knows_nothing_of_the_pipeline_nor_lambda_of_the_library():
    """histlib stands alone, and so does what runs in Lambda."""
    tops = {(name[0], other[0]) for name in IMPORTS for other in IMPORTS[name]}
    assert tops == {("histlib", "histlib"), ("pipeline", "pipeline"), ("pipeline", "histlib")}
    assert {other[:2] for name in IMPORTS if name[:2] == LAMBDA for other in IMPORTS[name]} == {LAMBDA}


def test_one_source_does_not_reach_into_the_other():
    """What both need lies beside them."""
    sources = {"folder", "athena"}
    assert [pair for pair in uses(("histlib", "engines")) if set(pair) == sources] == []


def test_importing_histlib_loads_nothing_heavy():
    """boto3, DuckDB, pandas, pyarrow and sqlglot come when they are needed."""
    heavy = ("boto3", "duckdb", "pandas", "pyarrow", "numpy", "sqlglot")
    code = f"import histlib, histlib.engines.where, sys; print([n for n in {heavy} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_public_names():
    """One flat list, each with a docstring."""
    assert histlib.__all__ == [
        "MISSING", "Caveat", "ConditionNotValidError", "HistlibError", "History", "ItemState", "KeyNotValidError",
        "MixedTablesError", "NotAHistoryError", "PathNotValidError", "RequestError", "SourceError", "TimeNotValidError",
        "ValueNotValidError", "connect", "histories", "read", "state_at", "timeline", "write",
    ]  # fmt: skip
    public = {name for name in vars(histlib) if not name.startswith("_") and not inspect.ismodule(vars(histlib)[name])}
    assert public - {"annotations"} == set(histlib.__all__)
    assert all(inspect.getdoc(getattr(histlib, name)) for name in histlib.__all__)


def test_every_module_and_public_function_says_what_it_is():
    """A docstring on each module, and on each public class and function of it."""
    bare = []
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        nodes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef | ast.FunctionDef)]
        public = [node for node in tree.body if node in nodes and not node.name.startswith("_")]
        bare += [f"{path.name}:{node.name}" for node in public if not ast.get_docstring(node)]
        bare += [] if ast.get_docstring(tree) else [path.name]
    assert bare == []
