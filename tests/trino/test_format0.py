"""The article's own table (OpenX's SerDe, structs) on real Trino, through the source as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

import histlib
from histlib.errors import SourceError
from tests.support.athena.aws import Aws
from tests.support.athena.old_histories import BEFORE_MEMO, BUCKET, WITH_MEMO, declare
from tests.support.cases.article_questions import MADE, MADE_KEYS, article, connected, made, unlike
from tests.support.history.article_lines import old_line, put_old

TODO = "struct<todoid:string>"


@pytest.fixture
def asked(athena: Aws) -> None:
    """Athena's protocol on the loopback, Trino behind it; the article's bucket."""
    athena.bucket(BUCKET)


@pytest.mark.usefixtures("asked")
def test_the_article_before_and_after_memo(tmp_path: Path):
    """``memo`` is not seen, which is said, until the table is made anew; then all is as from the files."""
    folder = article(tmp_path / "dynamodb_item")
    before = connected(folder, BEFORE_MEMO, TODO, tmp_path / "cache")
    state = before.state_at("t2222")
    assert "memo" not in state.item
    assert "does not declare" in next(one.detail for one in state.caveats if one == "old_format")
    declare(WITH_MEMO)
    after = histlib.connect(before._opened.name, cache=tmp_path / "cache")
    assert unlike(folder, after, few=True) == []


@pytest.mark.usefixtures("asked")
def test_a_bigger_history(tmp_path: Path):
    """Sets, long numbers, nested values, awkward texts, retries: the items, one by one and all at once."""
    folder = made(tmp_path / "dynamodb_item", days=2)
    history, files = connected(folder, MADE, MADE_KEYS, tmp_path / "cache"), histlib.connect(folder)
    for time in ("2020-10-26 03:00", "2020-10-27 23:00"):
        one, other = (each.snapshot_at(time) for each in (files, history))
        assert list(one["item_json"]) == list(other["item_json"])
        assert list(one["status"]) == list(other["status"])
    for key in files.snapshot_at("2020-10-27 23:00")["keys.id"][:3]:
        one, other = (each.timeline(key) for each in (files, history))
        assert [list(one[name]) for name in one] == [list(other[name]) for name in one]
        assert history.state_at(key).item == files.state_at(key).item


@pytest.mark.usefixtures("asked")
def test_declared_numbers(tmp_path: Path):
    """A decimal and a double become the texts that the lines have, as far as their types can."""
    folder = made(tmp_path / "dynamodb_item", days=1)
    declared = MADE.replace("price:string", "price:decimal(38,0)").replace("qty:string", "qty:double")
    history = connected(folder, declared, MADE_KEYS, tmp_path / "cache")
    at = "2020-10-26 04:00"
    assert list(history.snapshot_at(at)["item_json"]) == list(histlib.connect(folder).snapshot_at(at)["item_json"])


@pytest.mark.usefixtures("asked")
def test_what_the_serde_leaves_out_is_told(tmp_path: Path):
    """Of two objects in one line it shows one, and of a text as much as its type holds: each answer says so."""
    folder = tmp_path / "dynamodb_item"
    lines = [
        old_line("INSERT", {"todoid": key}, (None, {"todoid": key, "title": "abcdef"}), 1_603_679_304) for key in "abc"
    ]
    put_old(folder, lines[0].strip() + lines[1] + lines[2])
    frame = connected(folder, "struct<todoid:string,title:varchar(3)>", TODO, tmp_path / "cache").snapshot_at(
        "2020-10-26 03:00"
    )
    assert list(frame["item"]) == [{"todoid": "a", "title": "abc"}, {"todoid": "c", "title": "abc"}]
    (told,) = [one["detail"] for one in frame.attrs["histlib"]["caveats"] if one["name"] == "old_format"]
    assert "of objects in one line" in told
    assert told.endswith("cut or missing: new_image.title varchar(3), old_image.title varchar(3)")


@pytest.mark.usefixtures("asked")
def test_a_malformed_line_that_the_serde_skips_is_named(tmp_path: Path):
    """``ignore.malformed.json`` makes it a row of nulls: whatever it said, nobody answers without it."""
    folder = tmp_path / "dynamodb_item"
    good = old_line("INSERT", {"todoid": "a"}, (None, {"todoid": "a"}), 1_603_679_304)
    put_old(folder, good + '{"action": "MODI\n' + good)
    with pytest.raises(SourceError, match="2020/10/26/02/stream-1-2020-10-26.* has a line"):
        connected(folder, WITH_MEMO, TODO, tmp_path / "cache", ignore__malformed__json="true").state_at("a")
