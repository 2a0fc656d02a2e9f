"""The report for a terminal: what is wrong first and explained, then all that is well, a line each."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any, Final

from pipeline.common.words import duration
from pipeline.status.checks import BY_SEVERITY, Check, Verdict
from pipeline.status.report import Report

#: Columns: of all, of a verdict, of a name.
_WIDTH: Final = 80
_VERDICT: Final = 9
_NAME: Final = 20
#: ANSI colours of verdicts: readable on light and on dark.
_COLOURS: Final = {Verdict.OK: "32", Verdict.WARN: "33", Verdict.BAD: "1;31", Verdict.UNKNOWN: "35"}


def as_text(report: Report, *, colour: bool = False) -> str:
    """Lines of at most 80 columns, but for commands, which are there to be copied."""
    worst = next(one for one in BY_SEVERITY if report.count(one) or one is Verdict.OK)
    first = [report.headline] if len(report.headline) <= _WIDTH else report.headlines
    deployment = report.deployment
    place = f"table {deployment.table_name}, stack {deployment.stack}, {report.region}"
    place += f", dashboard {deployment.dashboard} in CloudWatch" if deployment.dashboard else ""
    lines = [*(_coloured(line, worst, colour) for line in first), *textwrap.wrap(place, _WIDTH)]
    for verdict in BY_SEVERITY[:-1]:
        for check in report.checks:
            if check.verdict is verdict:
                lines += ["", *_explained(check, colour)]
    lines += [""] + [
        line for check in report.checks if check.verdict is Verdict.OK for line in _line(check, "", colour)
    ]
    return "\n".join(lines)


def _line(check: Check, limits: str, colour: bool) -> list[str]:
    """The verdict, the name, the value and its limits; these on a line of their own where they do not fit."""
    head = f"{check.verdict:<{_VERDICT}}{check.name.replace('_', ' '):<{_NAME}}"
    space = _WIDTH - len(head)
    said = [check.shown, *([f"({limits})"] if limits else [])]
    said = [" ".join(said)] if len(" ".join(said)) <= space else said
    first, *more = [line for part in said for line in textwrap.wrap(part, space, break_on_hyphens=False)]
    verdict = _coloured(str(check.verdict), check.verdict, colour)
    return [verdict + head[len(check.verdict) :] + first, *(" " * len(head) + line for line in more)]


def _explained(check: Check, colour: bool) -> list[str]:
    """The line with the threshold, what it means, and what to run."""
    indent = " " * _VERDICT
    meaning = textwrap.wrap(check.meaning, _WIDTH - len(indent), break_long_words=False, break_on_hyphens=False)
    command = [f"{indent}$ {check.command}"] if check.command else []
    return [*_line(check, _limits(check.threshold), colour), *(indent + line for line in meaning), *command]


def _limits(threshold: Mapping[str, Any]) -> str:
    """``warn above 1 h, bad above 12 h``, or ``expected Enabled``."""
    if expected := threshold.get("expected"):
        return f"expected {expected if isinstance(expected, str) else ' or '.join(expected)}"
    in_seconds = threshold.get("unit") == "seconds"
    said: dict[str, list[str]] = {"warn": [], "bad": []}
    for word, reasons in said.items():
        if (limit := threshold.get(f"{word}_above")) is not None:
            reasons.append(f"above {duration(limit) if in_seconds else limit}")
        if reason := threshold.get(f"{word}_if"):
            reasons.append(f"if {reason}")
    return ", ".join(f"{word} {' or '.join(reasons)}" for word, reasons in said.items() if reasons)


def _coloured(text: str, verdict: Verdict, colour: bool) -> str:
    return f"\033[{_COLOURS[verdict]}m{text}\033[0m" if colour else text
