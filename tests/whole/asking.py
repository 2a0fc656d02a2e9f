"""What histlib answers of the rig's landing, beside what the application saw."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import histlib
from histlib.history import History
from histlib.values.image_json import encode_image
from tests.support.athena.aws import OUTPUT
from tests.support.athena.histories import WORKGROUP, make_table
from tests.whole.app import App, Seen
from tests.whole.rig import BUCKET, PREFIX, Rig

#: What a state carries where more than one write fell into its second: no doubt about that second's end.
HARMLESS = {"same_second"}


def embedded(rig: Rig) -> History:
    """The landing copied from S3 (into a cache of its own) and read here."""
    return histlib.connect(f"s3://{BUCKET}/{PREFIX}".rstrip("/"), cache=tempfile.mkdtemp(dir=rig.scratch))


def in_folder(rig: Rig) -> History:
    """The landing in a folder, as ``aws s3 sync`` would copy it; Lambda's own failures stand beside the history."""
    folder = Path(tempfile.mkdtemp(dir=rig.scratch))
    for key in rig.objects(""):
        path = folder / key.removeprefix(PREFIX)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(rig.read(key))
    return histlib.connect(folder)


def on_athena(rig: Rig) -> History:
    """The landing read by Athena."""
    make_table(BUCKET, PREFIX, "whole", "things")
    source = f"athena://whole/things?workgroup={WORKGROUP}&output={OUTPUT}"
    return histlib.connect(source, cache=tempfile.mkdtemp(dir=rig.scratch))


def moments(app: App) -> list[tuple[str, int]]:
    """Each item with the seconds in which it was changed, just before the first, and a minute after the last."""
    asked = set()
    for one in app.changes():
        asked |= {(one.key, one.second + later) for later in (-1, 0, 1, 60)}
    return sorted(asked)


def wrong(history: History, app: App, asked: Iterable[tuple[str, int]] | None = None) -> list[Any]:
    """Answers that are not what the application saw, and do not say that they may not be."""
    found = []
    for key, second in moments(app) if asked is None else asked:
        state = ask(history, key, second)
        doubted = state.status == "unknown" or set(state.caveats) - HARMLESS
        if state.item != app.state_at(key, second) and not doubted:
            found.append((key, second, state))
    return found


def unsure(history: History, app: App, asked: Iterable[tuple[str, int]] | None = None) -> list[Any]:
    """Answers that are not what the application saw, or not attested, or carry a doubt; ``same_second`` where two
    writes of a second changed the item, and only there, is none."""
    found = []
    for key, second in moments(app) if asked is None else asked:
        state = ask(history, key, second)
        here = [one for one in app.changes() if (one.key, one.second) == (key, second)]
        caveats = {"same_second"} if len(here) > 1 else set()
        item = app.state_at(key, second)
        status = "present" if item is not None else "deleted" if _ever(app, key, second) else "absent"
        said = (state.status, state.item, set(state.caveats), state.completeness)
        if said != (status, item, caveats, "attested"):
            found.append((key, second, said, (status, item, caveats)))
    return found


def ask(history: History, key: str, second: int) -> Any:
    """The state of an item at the end of a second."""
    return history.state_at(key, time_text(second))


def lost_or_twice(history: History, changes: Iterable[Seen]) -> tuple[Counter[Any], Counter[Any]]:
    """What of the application's changes is not among the history's, and what is there that it did not make."""
    changes = list(changes)
    start, end = min(one.second for one in changes), max(one.second for one in changes) + 1
    frame = history.changes(time_text(start), time_text(end), limit=100_000)
    have = Counter(
        (row["keys.id"], int(row["time"].timestamp()), None if row["action"] == "REMOVE" else row["new_image_json"])
        for row in frame.to_dict("records")
    )
    made = Counter((one.key, one.second, _json(one.item)) for one in changes)
    return made - have, have - made


def _ever(app: App, key: str, second: int) -> bool:
    return any(one.key == key and one.second <= second and one.item is not None for one in app.seen)


def _json(item: Any) -> Any:
    return encode_image(item) if item is not None else None


def time_text(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).isoformat()


def prove_whole(rig: Rig, *, everywhere: bool = False) -> None:
    """Nothing is lost, nothing there twice, each state is what the application saw, and attested: in a copy, and, if
    asked for, ``everywhere``: a few in S3 and on Athena too."""
    few = sample(moments(rig.app))
    for history, asked in [(in_folder(rig), None), *((one(rig), few) for one in (embedded, on_athena) if everywhere)]:
        assert lost_or_twice(history, rig.app.changes()) == (Counter(), Counter())
        assert unsure(history, rig.app, asked) == []


def sample(asked: list[tuple[str, int]], count: int = 6) -> list[tuple[str, int]]:
    """A few of them, evenly from all."""
    return asked[:: max(1, len(asked) // count)]


def prove_withheld(rig: Rig, since: float) -> None:
    """Nothing from ``since`` on (epoch s) is attested by now, and no answer is wrong without saying that it may be."""
    history = in_folder(rig)
    assert history.captured_through.timestamp() < since
    assert wrong(history, rig.app) == []
