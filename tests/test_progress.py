"""Progress is for people who wait: nobody else sees it."""

from __future__ import annotations

import io
import sys
import time

from histlib import progress


class Terminal(io.StringIO):
    """A terminal's standard error."""

    def isatty(self) -> bool:
        return True


def shown(monkeypatch, stream: io.StringIO, pause: float = 0.0) -> str:
    monkeypatch.setattr(sys, "stderr", stream)
    with progress.progress("reading", 4, " files") as bar:
        for _ in range(4):
            time.sleep(pause)
            bar.update(1)
    return stream.getvalue()


def test_a_log_sees_no_bar(monkeypatch):
    """Where standard error is no terminal, nothing is written, however long it takes."""
    monkeypatch.setattr(progress, "DELAY", 0.0)
    assert shown(monkeypatch, io.StringIO()) == ""


def test_a_terminal_sees_a_bar_only_when_it_takes_long(monkeypatch):
    """Quick work shows nothing; long work shows what is being done and how far."""
    assert shown(monkeypatch, Terminal()) == ""
    monkeypatch.setattr(progress, "DELAY", 0.1)
    assert "reading" in shown(monkeypatch, Terminal(), pause=0.12)
