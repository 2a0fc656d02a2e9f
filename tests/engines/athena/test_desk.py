"""A person at the desk with an Athena history: what was asked and what it cost, statements shown before they run, the
command line, the cache, the notebook."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys

import nbformat
import pytest
from nbclient import NotebookClient

import histlib
from histlib import cli
from histlib import opening as sources
from histlib.answers.athena_queries import QUERY_COLUMNS
from histlib.cli import notebook_file
from histlib.engines.athena.running.explaining import pasteable
from histlib.engines.athena.statements.literals import identifier, literal
from histlib.errors import RequestError
from tests.support.athena.histories import put_history
from tests.support.places import ROOT

TIME = "2020-10-27T01:50"
DTYPES = ["datetime64[us, Asia/Tokyo]", "str", "float64", "int64", "float64", "bool", "str", "str"]


@pytest.fixture
def todo(athena, monkeypatch, tmp_path):
    """The address of a sample in Athena; the cache is a new one."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return put_history(sources._sample_folder("todo", tmp_path / "samples"), database="shop", table="todo")


def test_queries_are_listed(athena, todo):
    """Each that Athena has got, with its id, bytes and money; the heading sums them up."""
    history = histlib.connect(todo, tz="Asia/Tokyo")
    history.state_at("t2222", TIME)
    found = history.queries
    assert [*found.columns] == [*QUERY_COLUMNS]
    assert [str(dtype) for dtype in found.dtypes] == DTYPES
    assert found["id"].tolist() == [query.id for query in athena.standin.queries]
    assert set(found["state"]) == {"SUCCEEDED"}
    assert (found["scanned"] > 0).all()
    assert found["cost"].tolist() == [0.00005] * len(found)
    assert '"t2222"' in found["sql"].iloc[-1]
    assert found["started"].is_monotonic_increasing
    assert f"{len(found)} queries of Athena" in repr(found)
    assert "0.00005" in repr(found)
    assert "0.00005" in found._repr_html_()


def test_a_local_history_asks_nothing():
    """The same columns and dtypes, no rows."""
    found = histlib.connect("sample:todo", tz="Asia/Tokyo").queries
    assert (len(found), [str(dtype) for dtype in found.dtypes]) == (0, DTYPES)
    assert "0 queries of Athena" in repr(found)


def test_statements_are_shown_before_they_run(athena, todo, tmp_path, capsys):
    """Each as it can be pasted, with its days and bytes, also one that is refused; answers stay the same."""
    plain = histlib.connect(todo, cache=tmp_path / "one").state_at("t2222", TIME)
    capsys.readouterr()
    history = histlib.connect(todo, cache=tmp_path / "two", explain=True)
    assert history.state_at("t2222", TIME) == plain
    said = capsys.readouterr()
    assert said.out == ""
    shown = re.findall(r"^-- Athena reads dateday (\S+).*?(\d+) objects? of ([\d,]+) bytes.*\n(.*);$", said.err, re.M)
    assert [sql for *_, sql in shown] == history.queries["sql"].tolist()
    assert all(f"'{day}'" in sql and int(size.replace(",", "")) > 0 for day, _, size, sql in shown)
    with pytest.raises(RequestError, match="over the limit of 1"):
        histlib.connect(todo, cache=tmp_path / "three", explain=True, max_scan_bytes=1)
    assert "SELECT" in capsys.readouterr().err


@pytest.mark.parametrize("source", ["sample:", "s3://histories/things", str(ROOT)])
def test_explain_is_for_athena_only(source):
    """Elsewhere there are no statements: said, not passed over."""
    with pytest.raises(RequestError, match="explain: only an athena:// source"):
        histlib.connect(source, explain=True)


@pytest.mark.parametrize("limit", ["1GB", True, -1, 1.5])
def test_a_limit_is_a_number_of_bytes(todo, limit):
    """Anything else is refused, as for S3."""
    with pytest.raises(RequestError, match="expected a number of bytes"):
        histlib.connect(todo, max_scan_bytes=limit)


def test_what_is_shown_cannot_rule_a_terminal():
    """Control characters in a text become an escape of the same meaning; all else stays as it is."""
    plain = f"SELECT {identifier('it' + chr(39) + 's')} WHERE a = {literal('O' + chr(39) + 'B %?' + chr(10) + '日本')}"
    assert pasteable(plain) == plain
    odd = pasteable(f"WHERE a IN ({literal(chr(27) + '[31m' + chr(92) + chr(39))}, {literal(chr(0xE0001))})")
    assert odd == r"WHERE a IN ( U&'\001B[31m\\''',  U&'\+0E0001')"
    assert pasteable(identifier("\x1b")) == '"\\u001b"'


def test_a_command_says_what_it_cost(todo, capsys):
    """On standard error, so that standard output stays JSON; a local one says nothing of it."""
    assert cli.main(["state-at", "t2222", TIME, "--source", todo, "--json", "--region", "eu-west-1"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["status"] == "present"
    assert re.fullmatch(r"histlib: \d+ queries of Athena · .* scanned · about \$0\.000\d\n", said.err)
    assert cli.main(["state-at", "t2222", TIME, "--source", "sample:todo"]) == 0
    assert "Athena" not in capsys.readouterr().err


def test_an_interrupted_command(athena, todo):
    """Exit code 130; the query is stopped, what was billed is said, and standard output is empty."""
    histlib.connect(todo)
    with athena.standin.faults.hold("keys IN (") as hold:
        process = subprocess.Popen(
            [sys.executable, "-m", "histlib", "state-at", "t2222", TIME, "--source", todo],
            env=dict(os.environ), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert hold.started.wait(60)
        process.send_signal(signal.SIGINT)
        out, said = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    last = athena.standin.queries[-1]
    assert last.state == "CANCELLED"
    assert f"the query {last.id} was stopped in Athena" in said
    assert "billed" in said


def test_the_cache_is_listed_and_cleared(todo, capsys):
    """What is kept of an Athena history is an entry, named by where it lies."""
    histlib.connect(todo)
    assert cli.main(["cache", "--json"]) == 0
    (entry,) = json.loads(capsys.readouterr().out)["entries"]
    assert (entry["name"].partition("/")[0], entry["source"]) == ("athena", "s3://histories/things")
    assert cli.main(["cache", "--clear", entry["name"], "--yes", "--json"]) == 0
    capsys.readouterr()
    assert cli.main(["cache", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["entries"] == []


def test_the_notebook_runs_unchanged(todo, tmp_path, monkeypatch):
    """All of it, from Athena; its last cell shows the queries."""
    monkeypatch.setenv("HISTLIB_SOURCE", todo)
    notebook = nbformat.read(notebook_file(), as_version=4)
    first = next(cell for cell in notebook.cells if cell.cell_type == "code")
    values = {"KEY": "t2222", "TIME": TIME, "WINDOW": ("2020-10-26", "2020-10-27"), "PATH": "title", "WHERE": None}
    first.source += "".join(f"\n{name} = {value!r}" for name, value in values.items())
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    page = notebook.cells[-1]["outputs"][-1]["data"]["text/html"]
    assert "queries of Athena" in page
    assert "SUCCEEDED" in page
