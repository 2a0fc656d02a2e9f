"""A stream that was off, a table made anew: no state crosses from one side to the other without saying so."""

from __future__ import annotations

from tests.whole.asking import ask, in_folder, moments, on_athena, unsure, wrong
from tests.whole.harm import finish, write
from tests.whole.rig import Rig


def before(rig: Rig, boundary: int, keys: str) -> list[tuple[str, int]]:
    """What may be asked of the time before; of ``keys``, changed on the other side too, not after their last change on
    this one: that a change is missing before the next is told of their last state too."""
    last = {key: max(one.second for one in rig.app.seen if one.key == key and one.second < boundary) for key in keys}
    return [(key, at) for key, at in moments(rig.app) if at < min(boundary - 90, last.get(key, boundary))]


def go_on(rig: Rig, stream_arn: str, keys: str) -> None:
    """Deploy for the new stream, and write to some of the items."""
    rig.clock.sleep(5)
    rig.capture(stream_arn)
    rig.wait(3_600)
    rig.attest()
    rig.clock.sleep(60)
    write(rig, 2, keys=keys)
    finish(rig)


def test_a_stream_that_is_disabled_and_enabled_again(rig):
    """What changed while it was off is not known. Items without a change since are told with ``outside_coverage``;
    a change of an item anchors it again."""
    write(rig, 3)
    finish(rig)
    rig.app.disable_stream()
    rig.clock.sleep(30)
    boundary = int(rig.clock.seconds)
    rig.app.put("a", unseen=1)
    rig.app.delete("b")
    rig.app.put("z", unseen=2)
    rig.clock.sleep(30)
    go_on(rig, rig.app.enable_stream(), "ae")
    now = int(rig.clock.seconds) - 1_500
    for history in (in_folder(rig), on_athena(rig)):
        assert "outside_coverage" in ask(history, "b", now).caveats
        assert "outside_coverage" in ask(history, "c", now).caveats
        assert ask(history, "z", now).status == "unknown"
    history = in_folder(rig)
    assert wrong(history, rig.app) == []
    assert unsure(history, rig.app, before(rig, boundary, "a")) == []
    assert unsure(history, rig.app, [("a", now), ("e", now)]) == []


def test_a_table_that_is_deleted_and_made_again_under_its_name(rig):
    """Its items are gone without a record of it: no state of the earlier table is one of the later."""
    write(rig, 3)
    finish(rig)
    boundary = int(rig.clock.seconds)
    rig.clock.sleep(5)
    rig.app.drop()
    assert not rig.attest()["healthy"]
    rig.clock.sleep(60)
    go_on(rig, rig.app.create(), "ae")
    now = int(rig.clock.seconds) - 1_500
    for history in (in_folder(rig), on_athena(rig)):
        assert "outside_coverage" in ask(history, "b", now).caveats
    history = in_folder(rig)
    assert wrong(history, rig.app) == []
    assert unsure(history, rig.app, before(rig, boundary, "a")) == []
    assert unsure(history, rig.app, [("a", now), ("e", now)]) == []
