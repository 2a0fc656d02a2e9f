"""Names that nothing has are refused with what there is, or told on the answer; on Athena the same as on a folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import histlib
from histlib.answers.frames import frame_json, since_frame
from histlib.engines.queries import Attributes, Parts
from tests.support.athena.answers import on_athena
from tests.support.cases.names import IMAGES, parts_unlike
from tests.support.history.landings import put, record
from tests.support.tables import assert_same

#: A history on both engines, of days → images of items that are inserted then.
Both = Callable[..., list[histlib.History]]


@pytest.fixture
def both(tmp_path: Path, athena: Any) -> Both:
    """Puts records into a folder, and opens it as that and through Athena."""

    def opened(records: list[dict[str, Any]]) -> list[histlib.History]:
        for number, one in enumerate(records):
            put(tmp_path / "h", [one], one["timestamp_utc"][:10].replace("-", "/"), f"{number}.gz")
        folder = histlib.connect(tmp_path / "h")
        return [folder, on_athena(tmp_path / "h", folder, tmp_path / "cache")]

    return opened


def born(number: int, image: dict[str, Any] | None, *, day: int = 1, **fields: Any) -> dict[str, Any]:
    """An INSERT of an item, ``id`` in its image or ``i<number>``."""
    item = (image or {}).get("id", f"i{number}")
    stamp = f"2026-01-0{day} 12:00:00"
    return record(
        number, item, action="INSERT", new_image=image, old_image=None, timestamp_utc=stamp,
        seconds=1_767_268_800 + (day - 1) * 86_400 + number, **fields,
    )  # fmt: skip


def notices(frame: Any) -> list[str]:
    """What is told on an answer, but for what all of ``sql`` say."""
    told = frame.attrs["histlib"].get("notices", [])
    return [one for one in told if "raw lines" not in one]


@pytest.mark.parametrize(
    ("query", "unseen"),
    [
        ("SELECT new_image.m.x FROM h WHERE action = 'REMOVE'", []),
        ("SELECT new_image.m.x FROM h WHERE new_image.id = 'no'", []),
        ("SELECT new_image.m.x, new_image.m.z FROM h LIMIT 0", ["m.z"]),
        ("SELECT new_image.m.y FROM h WHERE dateday = '2026/01/02'", []),
        ("SELECT new_image.m.x FROM h WHERE dateday = '2026/01/02'", ["m.x"]),
        ("SELECT new_image.m.y FROM h WHERE dateday IN ('2026/01/01', '2026/01/03')", ["m.y"]),
        ("SELECT new_image.m.x, old_image.m.x AS y FROM h WHERE dateday > '2026/01/01'", ["m.x"]),
        (
            "SELECT new_image.m.y FROM h WHERE dateday = '2026/01/01' "
            "UNION SELECT keys FROM h WHERE dateday = '2026/01/03'",
            ["m.y"],
        ),
        ("SELECT json_extract_scalar(new_image, '$.m.z') FROM h", ["m.z"]),
        ("SELECT json_extract_scalar(new_image, '$.m.x') FROM h WHERE action = 'REMOVE'", []),
    ],
)
def test_sql_tells_what_no_image_of_the_days_has(both, query, unseen):
    """Of all images of the days that are wanted, whichever rows the answer needed and wherever the name stands."""
    images = [{"id": "a", "m": {"x": 1}}, {"id": "b", "m": {"y": 1}}, {"id": "c"}]
    for history in both([born(at, image, day=at + 1) for at, image in enumerate(images)]):
        assert notices(history.sql(query)) == [f"no image that was read has {name}" for name in unseen]


SHOP = [
    {"id": "a", "price": 1, "address": {"zip": "1", "street": "x"}, "items": [{"qty": 1}, {"qty": 2}], "Size": 1},
    {"id": "b", "price": 2, "tags": frozenset({"red", "blue"}), "size": 2, "mixed": ["x"], "odd": {"$x": {"y": 1}}},
    {"id": "c", "price": 3, "mixed": "text", "tags": ["red"], "size cm": 3},
]
RANGE = ("2026-01-01", "2026-01-09")
#: A question with a path, by name: of ``columns``, ``paths`` and ``where``.
OF_COLUMNS: dict[str, Callable[[histlib.History, str], Any]] = {
    "snapshot_at": lambda h, path: h.snapshot_at("2026-01-08", columns=path),
    "snapshot_at of keys": lambda h, path: h.snapshot_at("2026-01-08", keys=["c"], columns=[path]),
    "snapshot_at of nothing": lambda h, path: h.snapshot_at("2026-01-08", where="item.price = 9", columns=path),
    "affected": lambda h, path: h.affected("item.price > 0", *RANGE, columns=path),
    "affected by nothing": lambda h, path: h.affected("item.price = 9", *RANGE, columns=path),
}
OF_PATHS: dict[str, Callable[[histlib.History, str], Any]] = {
    "changes": lambda h, path: h.changes(*RANGE, paths=path),
    "changes of a key": lambda h, path: h.changes(*RANGE, keys="c", paths=[path, path]),
    "timeline": lambda h, path: h.timeline("a", paths=path),
    "timeline in a range": lambda h, path: h.timeline("a", "2026-01-05", "2026-01-06", paths=path),
    "blame": lambda h, path: h.blame("a", "2026-01-08", paths=path),
    "since": lambda h, path: since_frame(h.since("a", path, time="2026-01-08")),
}
OF_WHERE: dict[str, Callable[[histlib.History, str, Any], Any]] = {
    "snapshot_at": lambda h, test, p: h.snapshot_at("2026-01-08", where=f"item.{test}", params=p),
    "affected": lambda h, test, p: h.affected(f"item.{test}", *RANGE, params=p),
    "diff": lambda h, test, p: h.diff("2026-01-01", "2026-01-08", where=f"item.{test}", params=p),
    "changes": lambda h, test, p: h.changes(*RANGE, where=f"new_image.{test}", params=p),
    "activity": lambda h, test, p: h.activity(*RANGE, where=f"new_image.{test}", params=p),
}
PARAMS = {"a": {"red", "blue"}, "b": ["red"]}
MEMBER = "LIKE finds nothing in tags, which is only a list or a set of strings; contains(…tags, x) finds a member"


@pytest.fixture
def shop(both: Both) -> list[histlib.History]:
    """Three items, each born on a day of its own."""
    return both([born(at, image, day=at + 1) for at, image in enumerate(SHOP)])


@pytest.mark.parametrize("question", [*OF_COLUMNS, *OF_PATHS])
def test_an_attribute_that_no_image_has_is_refused(shop, question):
    """With those there are, the nearest first; the empty column it was is no answer."""
    said = r"no image( of this item)? has an attribute 'prise'; there are price, "
    for history in shop:
        with pytest.raises(histlib.PathNotValidError, match=said):
            (OF_COLUMNS | OF_PATHS)[question](history, "prise")
        with pytest.raises(histlib.PathNotValidError, match="'Prise'"):
            (OF_COLUMNS | OF_PATHS)[question](history, "Prise.x")


@pytest.mark.parametrize("question", [*OF_COLUMNS, *OF_PATHS])
def test_a_name_in_other_case_is_the_one_that_differs_by_case_only(shop, question):
    """The answer is that of the name as images have it; nothing is told."""
    for history in shop:
        ask = (OF_COLUMNS | OF_PATHS)[question]
        found, meant = ask(history, "PRICE"), ask(history, "price")
        assert_same(found, meant)
        assert found.attrs == meant.attrs and notices(found) == []


@pytest.mark.parametrize("question", [*OF_COLUMNS, "changes"])
def test_names_that_differ_by_case_only(shop, question):
    """An exact name is itself; another that could be either is refused with both."""
    ask = (OF_COLUMNS | OF_PATHS)[question]
    for history in shop:
        assert notices(ask(history, "Size")) == notices(ask(history, "size")) == []
        with pytest.raises(histlib.PathNotValidError, match="'SIZE' could be Size or size; write one of them exactly"):
            ask(history, "SIZE")


@pytest.mark.parametrize("question", [*OF_COLUMNS, *OF_PATHS])
def test_a_path_below_an_attribute_that_no_image_has_is_told(shop, question):
    """On the answer, with what there is: elsewhere it may be there, so it is no error."""
    told = {
        "address.zipp": "address has zip, street",
        "address.zip.x.y": "address.zip is only a string",
        "items[9].x": "items has at most 2 entries, counted from 0",
        "items[1].x": "items[1] has qty",
        "items.qty": "items is a list of at most 2: its entries are [0] and so on",
        "items[0][1]": "items[0] has qty",
        "price.x": "price is only a number",
        "ADDRESS.zap": "address has zip, street",
        "address.zip": None,
        "items[1].qty": None,
    }
    item = " of this item" if question in {"timeline", "timeline in a range", "blame", "since"} else ""
    for history in shop:
        for path, there in told.items():
            asked = path.replace("ADDRESS", "address")
            expected = [] if there is None else [f"no image{item} has {asked}; {there}"]
            assert notices((OF_COLUMNS | OF_PATHS)[question](history, path)) == expected


@pytest.mark.parametrize("question", OF_WHERE)
def test_a_condition_of_which_a_part_finds_nothing_is_told(shop, question):
    """A path that no image has, and LIKE, functions or IN of a type that a path never holds; all else is not."""
    told = {
        "address.zipp = '1'": ["no image has address.zipp; address has zip, street"],
        "address.zipp IS MISSING": ["no image has address.zipp; address has zip, street"],
        "items[7].n > 1 OR keys.id = 'a'": ["no image has items[7].n; items has at most 2 entries, counted from 0"],
        'odd."$y" = 1': ["no image has odd.$y; odd has $x"],
        'odd."$x".y = 7': [],
        "address.zip = '99'": [],
        "price = 99": [],
        "mixed LIKE '%zzz%'": [],
        "address.zip LIKE '%zzz%'": [],
        "tags LIKE '%red%'": [MEMBER],
        "tags NOT LIKE '%red%'": [MEMBER],
        "price LIKE '1%'": ["LIKE finds nothing in price, which is only a number"],
        "items[0] LIKE '1%'": ["LIKE finds nothing in items[0], which is only a map"],
        "\"size cm\" LIKE '3%'": ['LIKE finds nothing in "size cm", which is only a number'],
        "price > 0 AND starts_with(item.price, '1')".replace("item.", _prefix(question)): [
            "starts_with(s, t) finds nothing in price, which is only a number"
        ],
        "tags IN (:a, :b)": [],
        "price IN :b": [],
        "price IN (:a, :b)": [
            "IN with these values finds nothing in price, which is only a number; "
            "values to choose from stand alone: IN :name"
        ],
    }
    for history in shop:
        for test, expected in told.items():
            params = {name: value for name, value in PARAMS.items() if f":{name}" in test}
            assert notices(OF_WHERE[question](history, test, params or None)) == expected, test


def _prefix(question: str) -> str:
    return "new_image." if question in {"changes", "activity"} else "item."


def test_in_with_sets_and_lists(shop):
    """Alone, a list or set is the values to choose from; of several each is compared whole, as a set or a list."""
    for history in shop:
        for test, params, keys in (
            ("item.tags IN (:a, :b)", {"a": {"red", "blue"}, "b": {"x"}}, "b"),
            ("item.tags IN (:a, :b)", {"a": {"red", "blue"}, "b": ["red"]}, "bc"),
            ("item.tags IN :a", {"a": [{"red", "blue"}, ["red"]]}, "bc"),
            ("item.tags NOT IN (:a, :b)", {"a": {"red", "blue"}, "b": {"red"}}, "ac"),
            ("item.mixed IN (:a)", {"a": {"text"}}, "c"),
            ("item.mixed IN (:a, :b)", {"a": ["x"], "b": ["y"]}, "b"),
        ):
            assert history.snapshot_at("2026-01-08", where=test, params=params)["keys.id"].tolist() == list(keys)


@pytest.mark.parametrize("view", ["KEYS_ONLY", "NEW_AND_OLD_IMAGES"])
def test_where_no_image_was_read_nothing_is_refused(both, view):
    """Nothing tells whether items have an attribute: the answers say that."""
    for history in both([born(0, None, view=view)]):
        for name, ask in (OF_COLUMNS | OF_PATHS).items():
            *_, told = notices(ask(history, "Price.x"))
            item = "of this item " if name in {"timeline", "timeline in a range", "blame", "since"} else ""
            assert told.startswith(f"no image {item}was read, so nothing tells whether there is Price.x") or (
                name.startswith("affected") and told.endswith("there is Price.x, price")
            )
        for ask_where in OF_WHERE.values():
            (told_,) = notices(ask_where(history, "Price LIKE 'x'", None))
            assert told_ == "no image was read, so nothing tells whether there is Price"


def test_the_notice_is_wherever_the_answer_is(shop, tmp_path, capsys):
    """In the text and the page of a frame and of since, in their JSON, and in the files that are written."""
    told = "no image has address.zipp; address has zip, street"
    frame = shop[0].snapshot_at("2026-01-08", columns="address.zipp")
    for text in (repr(frame), frame._repr_html_(), frame_json(frame)):
        assert told in text
    for suffix in ("csv", "parquet"):
        assert notices(histlib.read(histlib.write(frame, tmp_path / f"a.{suffix}"))) == [told]
    since = shop[0].since("a", "address.zipp", time="2026-01-08")
    assert since.notices == ("no image of this item has address.zipp; address has zip, street",)
    for text in (repr(since), since._repr_html_(), since.as_json()):
        assert since.notices[0] in text


def test_an_item_without_the_attribute_that_others_have(shop):
    """Of an item, its own images decide; of the table, those of all."""
    for history in shop:
        with pytest.raises(histlib.PathNotValidError, match="no image of this item has an attribute 'tags'; there are"):
            history.timeline("a", paths="tags")
        frame = history.snapshot_at("2026-01-08", keys=["a"], columns="tags")
        assert frame["item.tags"].tolist() == [histlib.MISSING] and notices(frame) == []


def test_a_rare_name_is_found_and_a_common_one_costs_no_look(tmp_path, monkeypatch):
    """What the rows show needs no look at other images; what a sample lacks is looked for in all."""
    rare = {"id": "z", "price": 1, "rare": {"deep": 1}}
    records = [born(at, {"id": f"i{at}", "price": at}) for at in range(12_000)]
    rare = [born(20_000 + at, {"id": f"r{at}", f"rare{at}": {"deep": 1}}) for at in range(20)]
    put(tmp_path, [*records, *rare])
    history = histlib.connect(tmp_path)
    source = history._opened.source
    asked: list[Any] = []
    fetch = source.fetch
    monkeypatch.setattr(source, "fetch", lambda query: (asked.append(query), fetch(query))[1])
    history.snapshot_at("2026-01-08", columns="price")
    history.snapshot_at("2026-01-08", keys=["r3"], columns="rare3.deep")
    assert Attributes(True) not in asked and not any(isinstance(one, Parts) for one in asked)
    for at in range(20):
        assert notices(history.snapshot_at("2026-01-08", keys=["i1"], columns=f"rare{at}.deep")) == []
    assert Attributes(True) in asked and any(isinstance(one, Parts) and one.exact for one in asked)


def test_what_is_at_a_path_is_the_same_on_athena(both):
    """Every type, and names that look like positions or wrappings."""
    folder, other = both([born(at, image) for at, image in enumerate(IMAGES)])
    assert parts_unlike(folder, other) == []
    found = folder._opened.source.fetch(Parts(("v",), exact=True)).column("kind").to_pylist()
    assert set(found) == {"S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS", "L", "M"}
