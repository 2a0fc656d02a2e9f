"""The notebook runs from top to bottom, on the sample and on other sources, without the internet."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pandas as pd
import pytest
from nbclient import NotebookClient

import histlib
from histlib import charts
from histlib.cli import notebook_file

VEGA, SVG = "application/vnd.vegalite.v5+json", "image/svg+xml"


def execute(folder: Path, **parameters: object) -> list[dict]:
    """Run the notebook in a folder with other parameters in its first cell; returns all outputs' data."""
    notebook = nbformat.read(notebook_file(), as_version=4)
    first = next(cell for cell in notebook.cells if cell.cell_type == "code")
    first.source += "".join(f"\n{name} = {value!r}" for name, value in parameters.items())
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}}).execute()
    return [output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", [])]


def test_it_runs_on_the_sample(tmp_path, monkeypatch):
    """State, timeline, charts and export are there; charts come as Vega-Lite and as a picture, and fetch nothing."""
    monkeypatch.delenv("HISTLIB_SOURCE", raising=False)
    outputs = execute(tmp_path)
    assert "products · account 111122223333 · eu-west-1 · sample:" in outputs[0]["text/plain"]
    page = "".join(output.get("text/html", "") for output in outputs)
    assert "price-service@2.14.0" in page
    assert "was 0 after the release" in page
    drawn = [output for output in outputs if VEGA in output]
    assert len(drawn) == 2
    assert all(output[SVG].startswith("<svg") and "href=" not in output[SVG] for output in drawn)
    assert outputs[-1]["text/plain"] == "True"
    assert len(histlib.read(tmp_path / "timeline.csv")) > 5


def test_it_runs_on_another_source(tmp_path, monkeypatch):
    """HISTLIB_SOURCE and the first cell are all that changes; an attribute that is no number is no trouble."""
    monkeypatch.setenv("HISTLIB_SOURCE", "sample:todo")
    window = ("2020-10-26", "2020-10-27")
    outputs = execute(tmp_path, KEY="t2222", TIME="2020-10-27T01:50", WINDOW=window, PATH="title", TZ="Asia/Tokyo")
    assert "todo-sample-table" in outputs[0]["text/plain"]
    assert len([output for output in outputs if VEGA in output]) == 2


@pytest.mark.parametrize("window", [("2026-11-08", "2026-11-09"), ("2026-11-01", "2026-11-01")])
def test_charts_of_any_timeline(window):
    """A timeline with a missing change, and an empty one, draw without error."""
    timeline = histlib.connect("sample:").timeline("p0363", *window)
    for chart in (charts.timeline_chart(timeline), charts.value_chart(timeline, "price")):
        values = pd.DataFrame(next(iter(chart.to_dict()["datasets"].values())))
        assert ("missing change" in set(values.get("action", []))) == bool(len(timeline))
