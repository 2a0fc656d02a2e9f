"""The shape of the package: imports go down only, heavy libraries come late, and public names are these."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import histlib

PACKAGE = Path(histlib.__file__).parent

#: From the bottom up: a module imports only from rows above its own, or its own package.
LAYERS = [
    ["errors", "edition"],
    ["numbers"],
    ["values"],
    ["paths", "times", "format0", "trails"],
    ["periods"],
    ["keys"],
    ["key_forms"],
    ["aws"],
    ["record", "caveats", "progress", "markup", "net_windows", "masks"],
    ["trino_json"],
    ["display", "images", "raw_sql", "locking", "cache", "kept"],
    ["loose", "queries"],
    ["chain", "coverage", "diff"],
    ["baselines", "reach"],
    ["doubt"],
    ["reconstruct", "timelines", "coverage_rows"],
    ["stretches", "snapshots", "differences"],
    ["affected", "lineage"],
    ["results"],
    ["since"],
    ["frames"],
    ["writers", "charts", "coverage_report"],
    ["where"],
    ["shapes"],
    ["samples", "index", "export_manifests", "export_rows"],
    ["export_files"],
    ["exports", "engine"],
    ["small_facts"],
    ["embedded", "s3"],
    ["athena"],
    ["config"],
    ["sources"],
    ["facts", "attribute_names"],
    ["asking"],
    ["item_questions", "table_questions", "change_questions", "coverage_question", "sql_question"],
    ["value_questions"],
    ["history"],
    ["__init__"],
    ["cli"],
    ["__main__"],
]
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}


def part(path: Path) -> str:
    """The module or package right below histlib that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    """What a file imports of histlib, in functions and for typing too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[1] if "." in alias.name else "__init__" for alias in node.names
                      if alias.name.split(".")[0] == "histlib"}  # fmt: skip
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "histlib":
            inside = (node.module or "").split(".")[1:]
            found |= (
                {inside[0]} if inside else {alias.name if alias.name in RANK else "__init__" for alias in node.names}
            )
    return found


def test_imports_go_down_only():
    """No module knows of one above it, not even for typing; none is left out of the order."""
    upward = []
    for path in sorted(PACKAGE.rglob("*.py")):
        own = part(path)
        assert own in RANK, f"{own} has no place in LAYERS"
        upward += [(own, other) for other in imports(path) if other != own and RANK[other] >= RANK[own]]
    assert upward == []


def test_importing_histlib_loads_nothing_heavy():
    """boto3, DuckDB, pandas, pyarrow and sqlglot come when they are needed."""
    heavy = ("boto3", "duckdb", "pandas", "pyarrow", "numpy", "sqlglot")
    code = f"import histlib, histlib.where, sys; print([n for n in {heavy} if n in sys.modules])"
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
