"""Every command and example in README.md and docs/ does what the page shows, and tables are those of the code.

Blocks marked ``console`` hold ``$ histlib …`` commands with their output, blocks marked ``pycon`` a Python session.
What follows a comment like ``<!-- columns of … -->`` is made from the code. With ``REGENERATE=1`` in the environment,
outputs and what is made from the code are written anew instead.
"""

from __future__ import annotations

import doctest
import os
import re
import shlex
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

import pytest

from histlib import cli
from histlib.engines.where.meaning.functions import FUNCTIONS
from histlib.rules.caveats import MEANINGS
from tests.support.places import HELP, ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_BLOCK = re.compile(r"```(?P<kind>\w+)\n(?P<body>.*?)```", re.DOTALL)
#: What is made from the code: the comment that says so, and all up to the next empty line.
_MADE = re.compile(r"<!-- (?P<what>[^\n]*) -->\n(?P<body>(?:(?!\n\n).)*\n)", re.DOTALL)
_HELP = re.compile(r"<!-- help of (?P<name>[a-z-]+) -->\n```text\n(?P<body>.*?)```\n", re.DOTALL)
_LINK = re.compile(r"\]\((?P<target>[^)\s]+)\)")


def pages(kind: str) -> list[Path]:
    """Those that have such a block."""
    return [page for page in PAGES if f"```{kind}\n" in page.read_text(encoding="utf-8")]


def hold(page: Path, shown: str) -> None:
    """A page is as it should be, or is written so."""
    text = page.read_text(encoding="utf-8")
    if os.environ.get("REGENERATE"):
        page.write_text(shown, encoding="utf-8")
    assert shown == text


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A folder of its own, so that no example writes into the clone."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HISTLIB_SOURCE", "sample:")
    monkeypatch.setenv("COLUMNS", "160")


def run(command: str, capsys: pytest.CaptureFixture[str]) -> str:
    words = shlex.split(command)
    assert words[0] == "histlib", command
    code = cli.main(words[1:])
    said = capsys.readouterr()
    return said.out + (said.err if code or "--strict" in words else "")


@pytest.mark.parametrize("page", pages("console"), ids=lambda page: page.stem)
def test_commands_print_what_a_page_shows(page, elsewhere, capsys):
    """Each ``$ histlib`` command runs, and prints what stands below it."""

    def made(block: re.Match[str]) -> str:
        if block["kind"] != "console":
            return block[0]
        commands = re.findall(r"^\$ (.*)$", block["body"], re.MULTILINE)
        assert commands
        return f"```console\n{''.join(f'$ {one}{chr(10)}{run(one, capsys)}' for one in commands)}```"

    hold(page, _BLOCK.sub(made, page.read_text(encoding="utf-8")))


@pytest.mark.parametrize("page", pages("pycon"), ids=lambda page: page.stem)
def test_python_sessions_go_as_a_page_shows(page, elsewhere):
    """The Python sessions of a page, one after the other, give what stands there."""
    names: dict[str, object] = {}
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    bodies = [block["body"] for block in _BLOCK.finditer(page.read_text(encoding="utf-8")) if block["kind"] == "pycon"]
    for number, body in enumerate(bodies):
        test = doctest.DocTestParser().get_doctest(body, names, f"session {number}", str(page), 0)
        assert test.examples
        runner.run(test, clear_globs=False)
        names = test.globs
    assert runner.summarize(verbose=False).failed == 0


def table(head: tuple[str, str], rows: Mapping[str, str]) -> str:
    lines = [f"| {head[0]} | {head[1]} |", "|---|---|", *(f"| `{name}` | {what} |" for name, what in rows.items())]
    return "\n".join(lines) + "\n"


def made_of(what: str) -> str:
    """The table that a comment names."""
    if what == "functions":
        return table(("function", "gives"), {one.usage: one.summary for one in FUNCTIONS.values()})
    if what == "caveats":
        return table(("caveat", "meaning"), MEANINGS)
    module, _, name = what.removeprefix("columns of ").rpartition(".")
    return table(("column", "holds"), getattr(import_module(module), name))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_tables_and_help_are_those_of_the_code(page):
    """Columns, functions, caveats and the help of commands stand on the pages in the words of the code."""
    text = page.read_text(encoding="utf-8")

    def made(found: re.Match[str]) -> str:
        return (
            found[0] if found["what"].startswith("help of ") else f"<!-- {found['what']} -->\n{made_of(found['what'])}"
        )

    def helped(found: re.Match[str]) -> str:
        said = (HELP / f"{found['name']}.txt").read_text(encoding="utf-8").rstrip("\n")
        return f"<!-- help of {found['name']} -->\n```text\n{said}\n```\n"

    hold(page, _HELP.sub(helped, _MADE.sub(made, text)))


def test_every_table_of_the_code_and_every_command_stands_on_a_page():
    """Nothing that an answer can hold is left out."""
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    wanted = {"functions", "caveats", *(f"help of {file.stem}" for file in HELP.glob("*.txt"))}
    for module in ("timelines", "frames", "differences", "coverage", "athena_queries"):
        names = vars(import_module(f"histlib.answers.{module}"))
        wanted |= {f"columns of histlib.answers.{module}.{name}" for name in names if name.endswith("COLUMNS")}
    wanted |= {"columns of histlib.rules.hits.COLUMNS", "columns of histlib.rules.lineage.COLUMNS"}
    assert (
        wanted
        - {found["what"] for found in _MADE.finditer(text)}
        - {f"help of {m['name']}" for m in _HELP.finditer(text)}
        == set()
    )


@pytest.mark.parametrize("page", [*PAGES, ROOT / "SECURITY.md"], ids=lambda page: page.stem)
def test_links_lead_somewhere(page):
    """Each link within the clone names a file, and a heading of it where it names one."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in _LINK.findall(text):
        if target.startswith("https://"):
            continue
        path, _, heading = target.partition("#")
        place = page.parent / path if path else page
        assert place.exists(), target
        assert not heading or heading in headings(place), target


def headings(page: Path) -> set[str]:
    """The anchors that a page's headings get."""
    found = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in found}


def test_the_readme_is_short():
    """What it is, and where to go next: about 150 lines."""
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 165
