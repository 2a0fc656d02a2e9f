"""The command: answers on stdout, caveats and errors on stderr, exit codes that scripts can use."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import histlib
from histlib import cli
from tests.support.history.landings import put, record


@pytest.fixture(autouse=True)
def apart(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HISTLIB_SOURCE", raising=False)
    monkeypatch.delenv("COLUMNS", raising=False)


def run(*words: str, capsys) -> tuple[int, str, str]:
    try:
        code = cli.main(words)
    except SystemExit as stop:
        code = int(stop.code or 0)
    said = capsys.readouterr()
    return code, said.out, said.err


def test_state_at(capsys):
    """Text for people, one JSON object for programs; a clean answer is quiet on stderr."""
    question = ("state-at", "t2222", "2020-10-27T01:50", "--source", "sample:todo")
    code, out, err = run(*question, capsys=capsys)
    assert (code, err) == (0, "")
    assert "iPhone 12 Pro Maxを予約する" in out
    code, out, err = run(*question, "--json", capsys=capsys)
    answer = json.loads(out)
    assert {"status", "item", "evidence", "since", "until", "completeness", "caveats", "change"} <= answer.keys()
    assert answer["item"]["title"] == "iPhone 12 Pro Maxを予約する"


@pytest.mark.parametrize("key", ["t2222", "todoId=t2222", '{"todoId":"t2222"}'])
def test_keys(key, capsys):
    """A bare value, name=value, or JSON."""
    code, out, _ = run("state-at", key, "2020-10-27T01:50", "--source", "sample:todo", capsys=capsys)
    assert (code, 'todoId="t2222"' in out) == (0, True)


def test_caveats_are_on_stderr_and_strict_counts_them(capsys):
    """With --strict any caveat is exit code 1; without it the answer is still 0."""
    question = ("state-at", "p0363", "2026-11-08T08:00", "--source", "sample:")
    code, _, err = run(*question, capsys=capsys)
    assert (code, err.startswith("caveat gap: ")) == (0, True)
    assert run(*question, "--strict", capsys=capsys)[0] == 1
    clean = ("state-at", "p0417", "2026-11-08T08:00", "--source", "sample:", "--strict")
    assert run(*clean, capsys=capsys)[0] == 0


def test_relative_times_are_no_switches(capsys):
    """-2h is a time."""
    code, out, _ = run("state-at", "t2222", "-2h", "--source", "sample:todo", capsys=capsys)
    assert (code, "present" in out) == (0, True)


def test_timeline(capsys, tmp_path):
    """A table for people, JSON with its caveats for programs, a file that reads back."""
    question = ("timeline", "t2222", "--source", "sample:todo", "--tz", "Asia/Tokyo")
    code, out, err = run(*question, "--csv", "t.csv", capsys=capsys)
    assert code == 0
    assert "2020-10-27 10:58:10+09:00" in out
    assert "wrote t.csv" in err
    assert histlib.read("t.csv").equals(histlib.connect("sample:todo", tz="Asia/Tokyo").timeline("t2222"))
    code, out, _ = run(*question, "2020-10-27", "2020-10-27", "--path", "memo", "--json", capsys=capsys)
    answer = json.loads(out)
    assert [(row["path"], row["after"]) for row in answer["rows"]] == [("memo", "Apple Storeオンラインで予約する")]
    assert answer["table"] == "todo-sample-table"
    assert [caveat["name"] for caveat in answer["caveats"]] == ["not_settled"]


def test_a_state_can_be_exported(capsys):
    """--csv of a state is one row that reads back."""
    assert (
        run("state-at", "t0001", "2020-10-26T03:00", "--source", "sample:todo", "--csv", "s.csv", capsys=capsys)[0] == 0
    )
    (row,) = histlib.read("s.csv").to_dict("records")
    assert (row["status"], row["item"], row["keys.todoId"]) == ("deleted", histlib.MISSING, "t0001")


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("state-at", "x"), 2, "no source given"),
        (("state-at", "x", "--source", "nowhere"), 2, "neither a folder here nor a name"),
        (("state-at", "x", "--source", "./nowhere"), 3, "is no history"),
        (("state-at", "x", "--source", "gs://bucket/x"), 2, "no source of kind gs:"),
        (("state-at", "x", "--source", "s3://"), 2, "names no bucket"),
        (("cache", "--clear", "nothing"), 2, "has no 'nothing'"),
        (("state-at", "x", "--source", "sample:none"), 2, "is no sample; expected one of sample:products"),
        (("state-at", "x", "02:28", "--source", "sample:"), 2, "the day is missing"),
        (("state-at", '{"x":1}', "--source", "sample:"), 2, "productId (string)"),
        (("timeline", "p0417", "--path", "nothing", "--source", "sample:"), 2, "has an attribute 'nothing'; there are"),
        (("timeline", "p0417", "2026-11-09", "2026-11-08T00:00", "--source", "sample:"), 2, "is not before end"),
        (("timeline", "p0417", "--csv", "x.doc", "--source", "sample:"), 2, "expected .csv"),
        (("state-at", "x", "--source", "sample:", "--profile", "p"), 2, "only a source on AWS"),
        (("state-at", "x", "--source", "sample:", "--max-scan-bytes", "5"), 2, "max_scan_bytes: only a source on AWS"),
        (("state-at",), 2, "required: KEY"),
        (("nonsense",), 2, "invalid choice"),
        (("state-at", "x", "now", "extra", "--source", "sample:"), 2, "unrecognized arguments: extra"),
        (("state-at", "x", "--source", "sample:", "--sorce", "y"), 2, "unrecognized arguments: --sorce y"),
        ((), 2, "required: COMMAND"),
        (("state-at", "x", "--source", "sample:", "--tz", "Mars"), 2, "no time zone"),
    ],
)
def test_errors_are_one_line_with_what_to_do(words, code, says, capsys):
    """2: the request is wrong; 3: the source cannot be read; never a traceback."""
    got, out, err = run(*words, capsys=capsys)
    assert (got, out) == (code, "")
    assert says in err
    assert err.count("\n") == 1


def test_the_notebook_is_copied_once(capsys, tmp_path):
    """histlib notebook DIR puts it there, and never over one that is there."""
    assert run("notebook", "desk", capsys=capsys)[0] == 0
    assert json.loads((tmp_path / "desk/incident_investigation.ipynb").read_text(encoding="utf-8"))["cells"]
    code, _, err = run("notebook", "desk", capsys=capsys)
    assert (code, "is there already" in err) == (2, True)


def test_utf8_whatever_the_console(tmp_path):
    """An ASCII console gets UTF-8 all the same; python -m histlib is the same command."""
    put(tmp_path, [record(0, new_image={"id": "a", "text": "お米 🫖"})])
    command = [sys.executable, "-m", "histlib", "state-at", "a", "2026-01-01T12:00", "--source", str(tmp_path)]
    here = {"PYTHONPATH": str(Path(histlib.__file__).parent.parent)}
    environment = {
        **here,
        "PATH": "",
        "LC_ALL": "C",
        "PYTHONIOENCODING": "ascii",
        "PYTHONUTF8": "0",
        "HOME": str(tmp_path),
    }
    done = subprocess.run(command, capture_output=True, env=environment, check=False)
    assert (done.returncode, "お米 🫖" in done.stdout.decode("utf-8")) == (0, True), done.stderr


def test_a_closed_pipe_is_no_error(tmp_path):
    """histlib … | head ends quietly."""
    put(tmp_path, [record(n) for n in range(500)])
    command = f"{sys.executable} -m histlib timeline a --json --source {tmp_path} | head -c 10"
    here = {**os.environ, "PYTHONPATH": str(Path(histlib.__file__).parent.parent)}
    done = subprocess.run(command, shell=True, capture_output=True, env=here, check=False)
    assert (done.stdout, done.stderr) == (b'{"heading"', b"")
