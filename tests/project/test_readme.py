"""Every command and example in README.md does what the README shows.

Blocks marked ``console`` hold ``$ histlib …`` commands with their output, blocks marked ``pycon`` a Python session.
With ``REGENERATE=1`` in the environment, the outputs of the commands are written anew instead.
"""

from __future__ import annotations

import doctest
import os
import re
import shlex

import pytest

from histlib import cli
from histlib.answers import coverage as coverage_report
from histlib.answers import differences, frames, timelines
from histlib.answers.athena_queries import QUERY_COLUMNS
from histlib.engines.where.meaning.functions import FUNCTIONS
from histlib.rules import hits as affected
from histlib.rules import lineage
from histlib.rules.caveats import MEANINGS
from tests.support.places import ROOT

README = ROOT / "README.md"
_BLOCK = re.compile(r"```(?P<kind>\w+)\n(?P<body>.*?)```", re.DOTALL)


def blocks(kind: str) -> list[str]:
    return [match["body"] for match in _BLOCK.finditer(README.read_text(encoding="utf-8")) if match["kind"] == kind]


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A folder of its own, so that no example writes into the clone."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HISTLIB_SOURCE", raising=False)
    monkeypatch.setenv("HISTLIB_SOURCE", "sample:")
    monkeypatch.setenv("COLUMNS", "160")


def run(command: str, capsys: pytest.CaptureFixture[str]) -> str:
    words = shlex.split(command)
    assert words[0] == "histlib", command
    code = cli.main(words[1:])
    said = capsys.readouterr()
    return said.out + (said.err if code or "--strict" in words else "")


def test_commands_print_what_the_readme_shows(elsewhere, capsys):
    """Each ``$ histlib`` command of the README runs, and prints what stands below it."""
    text = README.read_text(encoding="utf-8")
    shown, ran = text, 0
    for body in blocks("console"):
        made = ""
        for part in re.split(r"^(?=\$ )", body, flags=re.MULTILINE)[1:]:
            command = part.splitlines()[0].removeprefix("$ ")
            made += f"$ {command}\n{run(command, capsys)}"
            ran += 1
        shown = shown.replace(f"```console\n{body}```", f"```console\n{made}```")
    assert ran >= 3
    if os.environ.get("REGENERATE"):
        README.write_text(shown, encoding="utf-8")
    assert shown == text


def test_python_sessions_go_as_the_readme_shows(elsewhere):
    """The Python sessions of the README, one after the other, give what stands there."""
    names: dict[str, object] = {}
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    for number, body in enumerate(blocks("pycon")):
        test = doctest.DocTestParser().get_doctest(body, names, f"session {number}", str(README), 0)
        assert test.examples
        runner.run(test, clear_globs=False)
        names = test.globs
    assert runner.summarize(verbose=False).failed == 0


@pytest.mark.parametrize(
    "columns",
    [
        timelines.COLUMNS,
        timelines.CHANGE_COLUMNS,
        frames.STATE_COLUMNS,
        frames.ACTIVITY_COLUMNS,
        affected.COLUMNS,
        lineage.COLUMNS,
        differences.COLUMNS,
        coverage_report.COLUMNS,
        QUERY_COLUMNS,
    ],
)
def test_columns_are_documented(columns):
    """The README names each column of a result table, with the words of the code."""
    text = README.read_text(encoding="utf-8")
    for name, meaning in columns.items():
        assert f"| `{name}` | {meaning} |" in text


def test_functions_and_caveats_are_documented():
    """The README names each function of conditions and each caveat, with the words of the code."""
    text = README.read_text(encoding="utf-8")
    for function in FUNCTIONS.values():
        assert f"| `{function.usage}` | {function.summary} |" in text
    for name, meaning in MEANINGS.items():
        assert f"| `{name}` | {meaning} |" in text
