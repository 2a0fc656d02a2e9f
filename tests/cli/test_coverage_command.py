"""``histlib coverage``: what the library reports of a time, printed, as JSON and as a file of what is missing."""

from __future__ import annotations

import json

import pandas as pd
import pytest

import histlib
from histlib import cli
from histlib.answers.frames import rows_json


@pytest.fixture(autouse=True)
def apart(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HISTLIB_SOURCE", raising=False)
    monkeypatch.setenv("COLUMNS", "100")


@pytest.mark.parametrize("span", [[], ["2026-11-08", "2026-11-08"], ["2026-11-08", "2026-11-12"], ["2026-10-01"]])
def test_coverage(span, capsys):
    """Printed as the library shows it; --json has its verdict, spans and holes; --csv the holes; caveats are on stderr,
    and make exit code 1 under --strict."""
    report = histlib.connect("sample:").coverage(*span)
    caveats = [f"caveat {caveat!r}" for caveat in report.caveats]
    assert report.complete == (not caveats)
    words = ["coverage", *span, "--source", "sample:"]
    code = cli.main([*words, "--csv", "holes.csv", "--strict"])
    said = capsys.readouterr()
    assert (code, said.out) == (bool(caveats), f"{report!r}\n")
    assert said.err.splitlines() == [f"wrote holes.csv ({len(report.holes):,} rows)", *caveats]
    pd.testing.assert_frame_equal(histlib.read("holes.csv"), report.holes)
    assert cli.main([*words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["complete"], told["completeness"]) == (report.complete, report.completeness)
    assert told["spans"] == json.loads(rows_json(report.spans))
    assert told["holes"] == json.loads(rows_json(report.holes))
    assert [caveat["name"] for caveat in told["caveats"]] == [str(caveat) for caveat in report.caveats]


def test_times_after_switches(capsys):
    """A range may stand after switches, as everywhere."""
    words = ["--source", "sample:", "2026-11-08", "2026-11-12"]
    assert cli.main(["coverage", *words]) == 0
    assert capsys.readouterr().out == f"{histlib.connect('sample:').coverage('2026-11-08', '2026-11-12')!r}\n"
