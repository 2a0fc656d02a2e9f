"""``make demo``: the bundled incident, from stream events through the real recorder to answers, CSV and notebook."""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import histlib
from histlib import samples
from histlib.cli import notebook_file
from pipeline.cli import main as pipeline_main

if TYPE_CHECKING:
    from collections.abc import Iterator

_SETTINGS: Final = """\
# Made by the demo: lets `histlib ... --source products` work in this folder.
[history.products]
source = "./history"
actor_attribute = "updated_by"
"""


def main(arguments: list[str]) -> int:
    """Run the demo into a folder (default ``out``); returns the exit code."""
    out = Path(arguments[0] if arguments else "out").resolve()
    started = time.monotonic()
    for part in ("events", "history"):
        shutil.rmtree(out / part, ignore_errors=True)
    out.mkdir(parents=True, exist_ok=True)
    os.chdir(out)
    capture()
    timeline_file = investigate()
    page = run_notebook()
    say("Done", f"in {time.monotonic() - started:.0f} s. What there is now, in {out}:")
    for file, what in (
        (page, "the investigation as a page: open it in a browser"),
        (timeline_file, "the item's timeline, for a spreadsheet or histlib.read()"),
        ("affected.csv", "who else was hit, from when to when, likewise"),
        ("changes.csv", "all changes of those ten minutes, likewise"),
        ("history/", "the history: what the pipeline would have put into S3"),
        ("histlib.toml", "names that history, so that --source products works here"),
    ):
        print(f"  {file!s:<30} {what}")
    say("Try next", "")
    for command in next_commands(Path(sys.executable).parent, out):
        print(f"  {command}")
    return 0


def capture() -> None:
    """Stream events through the real Lambda handler into a history on disk."""
    story = samples.story("products")
    say("The incident", story.text)
    files = samples.write_events("products", Path("events"))
    say("Capture", "the table's stream events go through the Lambda's own handler into a history on disk:")
    command = ["replay", *map(str, files), "--into", "history"]
    print(f"$ python -m pipeline replay events/*.gz --into history  # {len(files)} files")
    if code := pipeline_main(command):
        raise SystemExit(code)
    Path("histlib.toml").write_text(_SETTINGS, encoding="utf-8")


def investigate() -> Path:
    """The story's questions, with their answers as anyone would see them."""
    story = samples.story("products")
    history = histlib.connect("products")
    key = dict(story.key)
    ask(f"What was {key} at {story.ask['during']}, two minutes into the release?")
    print(history.state_at(key, story.ask["during"]))
    ask("And before it?")
    print(history.state_at(key, story.ask["before"]))
    gap = dict(story.keys["gap"])
    ask(f"What was {gap} at {story.ask['gap']}? One change of it was lost on the way, and the answer says so:")
    print(history.state_at(gap, story.ask["gap"]))
    ask(f"What happened to {key} around that night?")
    timeline = history.timeline(key, "2026-11-07", "2026-11-09")
    print(timeline)
    return histlib.write(timeline, "timeline.csv")


def run_notebook() -> Path:
    """Executes the notebook on the new history, as a person would, and writes it as a page."""
    import nbformat
    from nbclient import NotebookClient
    from nbconvert import HTMLExporter
    from traitlets.config import Config

    say("Notebook", "executing incident_investigation.ipynb on that history …")
    notebook = nbformat.read(notebook_file(), as_version=4)  # type: ignore[no-untyped-call]
    os.environ["HISTLIB_SOURCE"] = "products"
    quiet = {"KernelManager": {"transport": "ipc"}} if os.name == "posix" else {}
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": "."}}, config=Config(quiet)).execute()
    exporter = HTMLExporter(  # type: ignore[no-untyped-call]
        mathjax_url="", require_js_url="", jquery_url="", mermaid_js_url="", embed_images=True
    )
    page = Path("incident_investigation.html")
    page.write_text(exporter.from_notebook_node(notebook)[0], encoding="utf-8")
    return page


def next_commands(binaries: Path, out: Path) -> Iterator[str]:
    command = os.path.relpath(binaries / "histlib", Path.cwd())
    yield f"cd {os.path.relpath(out, out.parent)}"
    yield f"{command} state-at p0417 2026-11-08T06:00 --source products"
    yield f"{command} timeline p0363 2026-11-08 2026-11-08 --source products   # the item with the lost change"
    yield f"{command} state-at t0001 '2020-10-26 12:00' --source sample:todo --tz Asia/Tokyo"
    yield "make lab                                    # in the clone: the notebook, live"


def say(title: str, text: str) -> None:
    print(f"\n\033[1m{title}\033[0m {text}" if sys.stdout.isatty() else f"\n{title}: {text}", flush=True)


def ask(question: str) -> None:
    say("?", f"{question}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
