"""Each command asks the question of the library that it is named for, and says what the library answers."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

import histlib
from histlib import cli
from histlib.answers import frames
from histlib.cli.arguments import params_of, value_of
from histlib.cli.commands import COMMANDS
from tests.support.history.landings import put, record
from tests.support.places import HELP

NIGHT = ("2026-11-08T02:00", "2026-11-08T03:00")

#: Words of a command, and the same question of the library.
QUESTIONS = {
    "timeline p0363 2026-11-08 2026-11-08 --path price --path stock": lambda h: h.timeline(
        "p0363", "2026-11-08", "2026-11-08", paths=["price", "stock"]
    ),
    "blame p0363 2026-11-08T08:00 --path price": lambda h: h.blame("p0363", "2026-11-08T08:00", paths=["price"]),
    "affected 2026-11-08T02:00 2026-11-08T03:00 --where 'item.price = 0 AND item.category = :c' --param c=kitchen"
    " --column name --column price": lambda h: h.affected(
        "item.price = 0 AND item.category = :c", *NIGHT, params={"c": "kitchen"}, columns=["name", "price"]
    ),
    "snapshot-at 2026-11-08T02:30 --where 'item.price = 0' --column name": lambda h: h.snapshot_at(
        "2026-11-08T02:30", where="item.price = 0", columns=["name"]
    ),
    "snapshot-at 2026-11-08T08:00 --key p0363 --key productId=nothing": lambda h: h.snapshot_at(
        "2026-11-08T08:00", keys=["p0363", "nothing"]
    ),
    "diff 2026-11-08T02:27 2026-11-08T02:30 --where 'item.stock > :n' --param n=100": lambda h: h.diff(
        "2026-11-08T02:27", "2026-11-08T02:30", where="item.stock > :n", params={"n": 100}
    ),
    "diff 2026-11-08T02:27 2026-11-08T02:30 --key p0417": lambda h: h.diff(
        "2026-11-08T02:27", "2026-11-08T02:30", key="p0417"
    ),
    "changes 2026-11-08T02:00 2026-11-08T03:00 --path price --where 'new_image.price = 0'": lambda h: h.changes(
        *NIGHT, paths=["price"], where="new_image.price = 0"
    ),
    "changes 2026-11-08T02:00 2026-11-08T03:00 --key p0417 --limit 2": lambda h: h.changes(*NIGHT, keys=["p0417"]),
    "activity 2026-11-08T02:00 2026-11-08T03:00 --by 10min --where \"action = 'MODIFY'\"": lambda h: h.activity(
        *NIGHT, by="10min", where="action = 'MODIFY'"
    ),
    "sql 'SELECT action, count(*) AS n FROM h WHERE keys.productid = :k GROUP BY action' --param k=p0417": lambda h: (
        h.sql("SELECT action, count(*) AS n FROM h WHERE keys.productid = :k GROUP BY action", {"k": "p0417"})
    ),
}


@pytest.fixture(autouse=True)
def apart(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HISTLIB_SOURCE", "sample:")
    monkeypatch.setenv("COLUMNS", "100")


@pytest.fixture(scope="module")
def history():
    return histlib.connect("sample:")


def run(words: str | list[str], capsys) -> tuple[int, str, str]:
    try:
        code = cli.main(shlex.split(words) if isinstance(words, str) else words)
    except SystemExit as stop:
        code = int(stop.code or 0)
    said = capsys.readouterr()
    return code, said.out, said.err


def plain_rows(frame: pd.DataFrame) -> list[dict]:
    """The rows as JSON has them, told cell by cell."""
    rows = []
    for cells in frame.to_dict("records"):
        row = {}
        for name, cell in cells.items():
            if name.endswith("_json"):
                continue
            if f"{name}_json" in cells:
                if cell is not histlib.MISSING:
                    row[name] = json.loads(cells[f"{name}_json"], parse_float=Decimal)
            elif name == "keys":
                row[name] = json.loads(cell)
            elif isinstance(cell, list):
                row[name] = cell
            else:
                row[name] = None if pd.isna(cell) else cell.isoformat() if isinstance(cell, pd.Timestamp) else cell
        rows.append(row)
    return rows


@pytest.mark.parametrize("words", QUESTIONS)
def test_a_command_answers_what_the_library_does(words, history, capsys):
    """Printed as the library shows it; --json has the same rows and caveats, --csv reads back equal; caveats are on
    stderr, and make exit code 1 under --strict."""
    answer = QUESTIONS[words](history)
    caveats = [f"caveat {said['name']}: {said['detail']}" for said in answer.attrs["histlib"]["caveats"]]
    code, out, err = run(f"{words} --csv answer.csv --strict", capsys)
    assert out == f"{answer!r}\n"
    assert err.splitlines() == [f"wrote answer.csv ({len(answer):,} rows)", *caveats]
    assert code == bool(caveats)
    pd.testing.assert_frame_equal(histlib.read("answer.csv"), answer)
    assert histlib.read("answer.csv").attrs == answer.attrs
    code, out, err = run(f"{words} --json", capsys)
    told = json.loads(out, parse_float=Decimal)
    assert (code, told.pop("rows")) == (0, plain_rows(answer))
    assert told == answer.attrs["histlib"]
    assert err.splitlines() == caveats
    assert len(answer)


def test_some_of_these_answers_have_caveats_and_some_have_none(history):
    """Both sides of --strict are asked above."""
    assert {bool(ask(history).attrs["histlib"]["caveats"]) for ask in QUESTIONS.values()} == {True, False}


@pytest.mark.parametrize(
    ("words", "ask"),
    [
        ("since p0417 price 2026-11-08T02:30", {}),
        ("since p0417 price 2026-11-08T02:30 --value 26.50", {"value": Decimal("26.5")}),
        ("since p0417 name 2026-11-08T02:30 --value 'no such name'", {"value": "no such name"}),
        ("since p0417 sale_price 2026-11-08T02:30 --value null", {"value": None}),
        ("since p0003 sale_price 2026-11-08T02:30 --missing", {"value": histlib.MISSING}),
        ("since p0363 price 2026-11-08T08:00", {}),
    ],
)
def test_since(words, ask, history, capsys):
    """Since when a value is what it is: as text, as JSON that tells NULL from missing, and as one row."""
    _, key, path, time = shlex.split(words)[:4]
    answer = history.since(key, path, time=time, **ask)
    code, out, err = run(f"{words} --csv since.csv --strict", capsys)
    assert (code, out) == (bool(answer.caveats), f"{answer!r}\n")
    assert err.splitlines()[1:] == [f"caveat {caveat!r}" for caveat in answer.caveats]
    told = json.loads(run(f"{words} --json", capsys)[1], parse_float=Decimal)
    assert ("value" in told, "before" in told) == (
        answer.value is not histlib.MISSING,
        answer.before is not histlib.MISSING,
    )
    (row,) = (frame := histlib.read("since.csv")).to_dict("records")
    assert list(frame.columns) == ["keys", "keys.productId", *frames.SINCE_COLUMNS]
    pd.testing.assert_frame_equal(frame, frames.since_frame(answer))
    assert (row["keys.productId"], row["path"], row["status"]) == (key, path, answer.status)
    assert (row["value"], row["before"]) == (answer.value, answer.before)
    for name in ("since", "until", "from_latest"):
        moment = getattr(answer, name)
        assert pd.isna(row[name]) if moment is None else row[name] == moment
        assert told[name] == (moment and moment.isoformat())
    for change, by, event in ((answer.change, "set_by", "set_event"), (answer.ended_by, "ended_by", "ended_event")):
        assert pd.isna(row[event]) if change is None else (row[event], row[by]) == (change.event_id, change.actor)
    assert row["caveats"].split() == list(answer.caveats)


def test_times_after_switches_and_relative_times(history, capsys):
    """A time may stand after switches; -2h is a time, and as a value it is that text."""
    code, out, _ = run("affected --where 'item.price = 0' 2026-11-08T02:00 2026-11-08T03:00", capsys)
    assert (code, out) == (0, f"{history.affected('item.price = 0', *NIGHT)!r}\n")
    code, out, _ = run("affected 2026-11-08T02:00 --where 'item.price = 0' 2026-11-08T03:00", capsys)
    assert (code, out) == (0, f"{history.affected('item.price = 0', *NIGHT)!r}\n")
    code, out, _ = run("since p0417 --value -2h price -1w", capsys)
    assert (code, 'price = "-2h": never' in out) == (0, True)
    code, out, _ = run("changes -2h --json", capsys)
    assert (code, json.loads(out)["rows"]) == (0, [])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("kitchen", "kitchen"),
        ("12.50", Decimal("12.5")),
        ("12345678901234567890123456789012345678", 12345678901234567890123456789012345678),
        ("0.1234567890123456789012345678901234567", Decimal("0.1234567890123456789012345678901234567")),
        ('"12.50"', "12.50"),
        ("true", True),
        ("null", None),
        ('{"$SS":["b","a"]}', frozenset({"a", "b"})),
        ("[1,2]", [1, 2]),
        ("007", "007"),
        ("NaN", "NaN"),
        ("2026-11-08", "2026-11-08"),
        ("a=b", "a=b"),
        (" kitchen ", " kitchen "),
        ("", ""),
    ],
)
def test_values_on_the_command_line(text, value):
    """Image JSON where it is that, numbers exact and never floats; else the text itself."""
    got = value_of(text)
    assert (got, type(got)) == (value, type(value))
    assert params_of([f"c={text}"]) == {"c": value}


@pytest.mark.parametrize("text", ["1234567890123456789012345678901234567890", "1e400", '{"$SS":[]}', '{"$B":"?"}'])
def test_json_that_dynamodb_cannot_hold_is_no_text(text):
    """A number too long does not silently become a text, which would equal nothing."""
    with pytest.raises(histlib.ValueNotValidError):
        value_of(text)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("affected 2026-11-08", "required: --where"),
        ("affected --where 'item.price = 0'", "required: START"),
        ("affected 02:28 --where 'item.price = 0'", "the day is missing"),
        ("affected 2026-11-08 --where 'item.price = 0\n AND item.prise = 0'", "at character 21 ('item.prise')"),
        ("affected 2026-11-08 --where 'new_image.price = 0'", "write item.price"),
        ("affected 2026-11-08 --where 'item.price = :c'", "no value for :c"),
        ("affected 2026-11-08 --where 'item.price = 0' --param c", "expected NAME=VALUE"),
        ("affected 2026-11-08 --where 'item.price = 0' --param c=1", ":c, which the condition does not use"),
        ("affected 2026-11-08 --where 'item.price IN :c' --param c=1 --param c=2", "c is given twice"),
        ("snapshot-at", "required: TIME"),
        ("snapshot-at 2026-11-08 --param c=1", "params without where"),
        ("snapshot-at 2026-11-08 --column 'x['", "is no path"),
        ("snapshot-at 2026-11-08 --key '{\"x\":1}'", "productId (string)"),
        ("state-at id=p0417", "whose key is productId (string): it has no 'id'; if that is part of the value, write"),
        ("changes 2026-11-01", "more than limit=10,000"),
        ("changes 2026-11-08T02:00 2026-11-08T03:00 --key p0417 --limit 1", "2 changes, more than limit=1"),
        ("changes 2026-11-08 --limit many", "invalid int value"),
        ("changes 2026-11-08 --path nothing", "no image has an attribute 'nothing'"),
        ("activity 2026-11-08 --by 1week", "is no period"),
        ("diff 2026-11-08 2999-01-01", "in the future"),
        ("since p0417 price --value 0 --missing", "not allowed with argument --value"),
        ("since p0417 nothing", "nothing"),
        ("blame", "required: KEY"),
        ("sql 'DROP TABLE h'", "expected one SELECT"),
        ("sql", "required: TEXT"),
        ("sql 'SELECT 1 AS a' --strickt", "unrecognized arguments: --strickt"),
        ("sql 'SELECT 1 AS a' --stric", "unrecognized arguments: --stric"),
    ],
)
def test_errors_are_one_line(words, says, capsys):
    """Whatever is wrong: exit code 2, nothing on stdout, one line on stderr that says what."""
    code, out, err = run(words, capsys)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert says in err
    assert err.startswith("histlib")


@pytest.mark.parametrize("words", ["state-at p0417", "since p0417 price", "timeline p0417"])
def test_an_answer_is_shown_though_its_file_cannot_be_written(words, capsys):
    """What was found out is not lost for want of a folder."""
    code, out, err = run(f"{words} --csv nowhere/answer.csv", capsys)
    assert (code, "p0417" in out, err) == (2, True, err.splitlines()[0] + "\n")
    assert "there is no folder nowhere" in err


def test_a_diff_of_items_that_are_not_known_says_so(capsys):
    """No difference between two states that the history cannot tell is no answer without a caveat."""
    code, out, err = run("diff 2026-11-08T02:27 2026-11-08T02:30 --key nothing --strict", capsys)
    assert (code, "(no rows)" in out) == (1, True)
    assert "caveat unknown_keys: of 1 known item the state is unknown" in err


@pytest.mark.parametrize("name", ["", *(command.name for command in COMMANDS)])
def test_help_is_as_recorded(name, capsys):
    """Help texts are looked at when they change: REGENERATE=1 writes them. White space is argparse's own, and differs
    between Pythons."""
    code, out, _ = run([*([name] if name else []), "--help"], capsys)
    file = HELP / f"{name or 'histlib'}.txt"
    if os.environ.get("REGENERATE"):
        file.write_text(out, encoding="utf-8")
    assert (code, out.split()) == (0, file.read_text(encoding="utf-8").split())


@pytest.mark.parametrize(
    "words",
    [
        "--source sample: state-at p0417 2026-11-08T02:30 --tz Europe/Paris",
        "--source=sample: --tz Europe/Paris state-at p0417 2026-11-08T02:30",
        "--tz Europe/Paris state-at p0417 --source sample: 2026-11-08T02:30",
        "--source nowhere --tz Asia/Tokyo state-at p0417 2026-11-08T02:30 --source sample: --tz Europe/Paris",
    ],
)
def test_switches_of_the_source_stand_before_the_command_or_behind(words, capsys):
    """The answer is the same; of a switch that is given twice the last one counts, as everywhere behind it."""
    behind = ["state-at", "p0417", "2026-11-08T02:30", "--source", "sample:", "--tz", "Europe/Paris"]
    assert run(words.split(), capsys) == run(behind, capsys)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("--source sample:", "the following arguments are required: COMMAND"),
        ("--source", "the following arguments are required: COMMAND"),
        ("--source sample: notebook folder", "unrecognized arguments: --source=sample:"),
        ("--json state-at p0417", "unrecognized arguments: --json"),
    ],
)
def test_what_stands_before_the_command_in_vain(words, says, capsys):
    """Without a command, before one that asks no history, and what says nothing of the source: refused."""
    with pytest.raises(SystemExit) as stopped:
        cli.main(words.split())
    assert stopped.value.code == 2
    assert says in capsys.readouterr().err


def test_no_help_text_is_left_over():
    """Each recorded text is of a command that there is."""
    assert {file.stem for file in HELP.iterdir()} == {"histlib", *(command.name for command in COMMANDS)}


@pytest.mark.parametrize(
    "name", [command.name for command in COMMANDS if command.name not in ("coverage", "histories")]
)
def test_examples_run(name, capsys, monkeypatch):
    """The example in each command's help is a command that answers, without any other setting."""
    monkeypatch.delenv("HISTLIB_SOURCE")
    (example,) = re.findall(r"^  histlib (.*)$", run([name, "--help"], capsys)[1], flags=re.MULTILINE)
    code, out, err = run(example, capsys)
    assert (code, bool(out), "(no rows)" in out) == (0, True, False), err


def test_interrupted(capsys):
    """Ctrl-C ends a question at once, with exit code 130 and one line."""
    slow = "SELECT count(*) AS n FROM a, a b, a c WHERE length(concat(a.keys, b.event_id, c.event_id)) = 1"
    timer = threading.Timer(1, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    code, out, err = run(["sql", slow], capsys)
    timer.join()
    assert (code, out, err) == (130, "", "histlib: interrupted\n")


def test_caveats_and_files_are_there_though_nobody_reads(tmp_path):
    """histlib … --strict | head: what was asked for beside the text is done all the same."""
    images = [{"id": "a", "n": n} for n in range(500)]
    changes = [
        record(n, new_image=image, old_image=images[n - 2 if n == 400 else n - 1]) for n, image in enumerate(images)
    ]
    put(tmp_path / "history", changes)
    command = (
        f"{sys.executable} -m histlib timeline a 2026-01-01 --source {tmp_path}/history --csv t.csv --json --strict"
        " | head -c 10; exit ${PIPESTATUS[0]}"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(histlib.__file__).parent.parent)}
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, env=environment, check=False)
    assert (done.stdout, done.returncode) == ('{"heading"', 1)
    assert done.stderr.splitlines()[0].startswith("wrote t.csv")
    assert done.stderr.splitlines()[1].startswith("caveat gap: ")
    assert len(histlib.read("t.csv")) >= 499
