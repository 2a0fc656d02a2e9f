"""The whole path while nothing goes wrong."""

from __future__ import annotations

from decimal import Decimal

from tests.whole.asking import prove_whole


def test_every_state_is_what_the_application_saw(rig):
    """Values of each type, writes of one second, writes that change nothing, UpdateItem that makes an item, deletes and
    later lives: each moment's state is what the application then saw, from a copy, from S3 and from Athena."""
    app = rig.app
    app.put("a", text="いますぐ寝る!!!", number=Decimal("1.10"), large=Decimal("9" * 38), no=None, yes=True, empty="")
    app.put("b", blob=b"\x00\xff", texts={"y", "x"}, numbers={1, Decimal("2.5")}, blobs={b"1", b"22"})
    rig.wait(7)
    app.update("c", nested={"$B": "no binary", "list": [1, None, {"deep": [[]]}]})
    app.put("a", text="いますぐ寝る!!!", number=Decimal("1.1"), large=Decimal("9" * 38), no=None, yes=True, empty="")
    app.put("b", blob=b"", texts={"x"})
    app.put("b", blob=b"again")
    app.delete("never there")
    rig.wait(3_000)
    app.delete("a")
    app.update("b", blob=b"again")
    rig.wait(3)
    app.put("a", text="back")
    rig.wait(3)
    app.delete("c")
    rig.wait(2_700)
    rig.attest()
    assert len(app.changes()) == 8 < len(app.seen)
    prove_whole(rig, everywhere=True)


def test_writes_over_midnight(rig):
    """Objects of several days, some with changes newer than their day, are one history."""
    for hour in range(6):
        for key in ("a", "b", "c"):
            rig.app.put(key, hour=hour)
        rig.wait(3_600)
        rig.attest()
    days = {key.split("changes/")[1][:10] for key in rig.objects("of/things/changes/")}
    assert days == {"2026/03/01", "2026/03/02"}
    prove_whole(rig, everywhere=True)
