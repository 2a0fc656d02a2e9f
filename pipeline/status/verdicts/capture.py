"""The verdicts of the stack, the table and its stream. Pure: facts in, a check out."""

from __future__ import annotations

from typing import Final

from pipeline.status.checks import Check, Commands, Unanswered, Verdict, unknown
from pipeline.status.seen.facts import Facts
from pipeline.status.seen.resources import Mapping

_VIEW: Final = "NEW_AND_OLD_IMAGES"

_STACK: Final = {"expected": ["CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"]}
_TABLE: Final = {"expected": ["ACTIVE", "UPDATING"]}
_STREAM: Final = {"expected": _VIEW}


def stack(facts: Facts, commands: Commands) -> Check:
    """Of CloudFormation's stack."""
    found = facts.stack
    if isinstance(found, Unanswered):
        return unknown("stack", found, _STACK)
    if found is None:
        gone = Check("stack", Verdict.BAD, None, "is gone", _STACK)
        return gone.advise("The stack was deleted while this looked: deploy it again.", commands.pipeline("deploy"))
    said = Check("stack", _of_stack(found.status), found.status, found.status, _STACK, {"reason": found.reason})
    why = f" ({found.reason})" if found.reason else ""
    if found.status.endswith("_IN_PROGRESS"):
        return said.advise(
            f"The stack is being changed{why}: look again when that is done.", commands.pipeline("status")
        )
    if found.status == "UPDATE_ROLLBACK_COMPLETE":
        return said.advise(
            f"The last deploy failed and was undone{why}: mend it, then deploy again.", commands.pipeline("deploy")
        )
    return said.advise(f"The stack is not whole{why}: mend it, then deploy again.", commands.pipeline("deploy"))


def table(facts: Facts, commands: Commands) -> Check:
    """Of the DynamoDB table."""
    found = facts.table
    if isinstance(found, Unanswered):
        return unknown("table", found, _TABLE)
    if found is None:
        gone = Check("table", Verdict.BAD, None, "is not there", _TABLE)
        return gone.advise(
            "The table was deleted: its history stays and can be asked, but nothing more is captured; if it was made "
            "anew, deploy for its new stream.",
            commands.pipeline("deploy"),
        )
    good = found.status in _TABLE["expected"]
    seen = {"table_id": found.table_id}
    said = Check(
        "table",
        Verdict.OK if good else Verdict.WARN,
        found.status,
        f"{found.status}, id {found.table_id or 'not known'}",
        _TABLE,
        seen,
    )
    return said.advise(
        f"DynamoDB says that the table is {found.status}: look again when it is ACTIVE.", commands.pipeline("status")
    )


def stream(facts: Facts, commands: Commands) -> Check:
    """Of the table's stream: it is on, has both images, and is the one that is read."""
    found, mapping = facts.table, facts.mapping
    if isinstance(found, Unanswered):
        return unknown("stream", found, _STREAM)
    read = mapping.stream if isinstance(mapping, Mapping) else facts.deployment.stream_arn
    newest, on = (found.stream, found.stream_on) if found else ("", False)
    seen = {"stream": newest or None, "read_stream": read}
    deploy = commands.pipeline("deploy")
    if not on:
        off = Check("stream", Verdict.BAD, None, "is off", _STREAM, seen)
        return off.advise(
            "No change of the table is captured while its stream is off: deploy again turns it on.", deploy
        )
    view = found.view if found else ""
    if newest != read:
        other = Check("stream", Verdict.BAD, view, "is not the one that is read", _STREAM, seen)
        label = newest.rpartition("/stream/")[2]
        return other.advise(f"The table has a new stream ({label}), which nothing reads: deploy again for it.", deploy)
    said = Check(
        "stream", Verdict.OK if view == _VIEW else Verdict.WARN, view, f"on, {view}, read by the mapping", _STREAM, seen
    )
    return said.advise(f"Without both images lost changes cannot be noticed: make a stream with {_VIEW}.", deploy)


def _of_stack(status: str) -> Verdict:
    if status in _STACK["expected"]:
        return Verdict.OK
    changing = status.endswith("_IN_PROGRESS") and not status.startswith("DELETE")
    return Verdict.WARN if changing or status == "UPDATE_ROLLBACK_COMPLETE" else Verdict.BAD
