"""The notebook runs from top to bottom, on the sample and on other sources, without the internet."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbclient import NotebookClient

import histlib
from histlib.cli import notebook_file

VEGA, SVG = "application/vnd.vegalite.v5+json", "image/svg+xml"


def execute(folder: Path, **parameters: object) -> list[dict]:
    """Run the notebook in a folder with other parameters in its first cell; returns what was printed and shown."""
    notebook = nbformat.read(notebook_file(), as_version=4)
    first = next(cell for cell in notebook.cells if cell.cell_type == "code")
    first.source += "".join(f"\n{name} = {value!r}" for name, value in parameters.items())
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    told = [output for output in outputs if output.get("name") != "stderr"]  # there are progress bars, at times
    return [output.get("data", {"text/plain": output.get("text", "")}) for output in told]


def text_of(outputs: list[dict]) -> str:
    return "".join(output.get("text/html", output.get("text/plain", "")) for output in outputs)


def test_it_runs_on_the_sample(tmp_path, monkeypatch):
    """All questions are answered and exported; charts come as Vega-Lite and as a picture, and fetch nothing."""
    monkeypatch.delenv("HISTLIB_SOURCE", raising=False)
    outputs = execute(tmp_path)
    assert "products · account 111122223333 · eu-west-1 · sample:" in outputs[0]["text/plain"]
    page = text_of(outputs)
    assert "coverage of products from 2026-11-07 00:00:00+00:00 to 2026-11-10 00:00:00+00:00" in page
    assert "price-service@2.14.0" in page
    assert "was 0 after the release" in page
    assert "127 items where item.category = &#x27;kitchen&#x27; AND item.price = 0, 127 periods" in page
    assert "ended by price-repair" in page
    assert "130 changes in products" in page
    assert "127 items differ between 2026-11-08 02:23:24+00:00 and 2026-11-08 02:33:24+00:00" in page
    drawn = [output for output in outputs if VEGA in output]
    assert len(drawn) == 5
    assert all(output[SVG].startswith("<svg") and "href=" not in output[SVG] for output in drawn)
    rows = {name: len(histlib.read(tmp_path / f"{name}.csv")) for name in ("timeline", "affected", "changes")}
    assert rows == {"timeline": 13, "affected": 127, "changes": 130}


def test_the_export_says_that_it_reads_back(tmp_path, monkeypatch):
    """The last cell's lines are what histlib.read gives back, for each file; in another zone, too."""
    monkeypatch.delenv("HISTLIB_SOURCE", raising=False)
    outputs = execute(tmp_path, TZ="Asia/Tokyo", TIME="2026-11-08T11:30", WINDOW=("2026-11-08", "2026-11-08T16:00"))
    printed = "".join(output["text/plain"] for output in outputs if "read back" in output.get("text/plain", ""))
    assert printed.count("read back the same: True") == 3
    assert "False" not in printed


def test_it_runs_on_a_composite_key(tmp_path, monkeypatch):
    """The first cell is all that changes; an attribute that is no number, or not there, is no trouble."""
    monkeypatch.setenv("HISTLIB_SOURCE", "sample:orders")
    outputs = execute(
        tmp_path,
        KEY=("c-0106", 900163),
        TIME="2026-11-06T10:00",
        WINDOW=("2026-11-05", "2026-11-08"),
        PATH="address.zip",
        WHERE="item.customerId = 'c-0106' AND item.address.zip IS MISSING",
    )
    assert "6 items where" in text_of(outputs)
    assert len([output for output in outputs if VEGA in output]) == 5
    assert len(histlib.read(tmp_path / "affected.csv")) == 6


def test_without_where_it_asks_no_table_wide_condition(tmp_path, monkeypatch):
    """What is wrong is not known yet: the rest is answered, and what to set is said in place of the answers."""
    monkeypatch.setenv("HISTLIB_SOURCE", "sample:todo")
    window = ("2020-10-26", "2020-10-27")
    outputs = execute(
        tmp_path, KEY="t2222", TIME="2020-10-27T01:50", WINDOW=window, PATH="title", TZ="Asia/Tokyo", WHERE=None
    )
    assert "todo-sample-table" in outputs[0]["text/plain"]
    assert len([output for output in outputs if "set `WHERE`" in output.get("text/markdown", "")]) == 4
    assert len([output for output in outputs if VEGA in output]) == 3
    assert sorted(file.name for file in tmp_path.glob("*.csv")) == ["changes.csv", "timeline.csv"]


def test_it_runs_where_nothing_is_to_be_found(tmp_path, monkeypatch):
    """An item that never was, a condition that never held, a time that is now: empty answers, no error."""
    monkeypatch.setenv("HISTLIB_SOURCE", "sample:todo")
    outputs = execute(
        tmp_path, KEY="t9999", TIME="now", WINDOW=("-2h", "now"), PATH="title", WHERE="item.title = 'nobody wrote this'"
    )
    assert "0 items where" in text_of(outputs)
    assert len([output for output in outputs if VEGA in output]) == 5
