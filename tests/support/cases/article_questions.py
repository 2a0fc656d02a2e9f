"""What the article's table says through Athena beside what its files say, on whichever engine runs the SQL."""

from __future__ import annotations

import random
import re
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import histlib
from histlib.format.streams import declared_stream, not_shown
from tests.support.athena.equal_answers import Question, questions_of, told
from tests.support.athena.old_histories import put_old_history
from tests.support.history.article_lines import old_line, put_article, put_old

#: A bigger history: numbers, sets, nested values, and names that are in lower case anyway.
MADE = (
    "struct<id:string,name:string,price:string,tags:string,open:boolean,"
    "address:struct<zip:string,lines:array<string>>,stock:map<string,string>,rows:array<struct<sku:string,qty:string>>>"
)
MADE_KEYS = "struct<id:string>"


def article(folder: Path) -> Path:
    """The article's files, their names in lower case as its table shows them."""
    put_article(folder)
    for file in [path for path in folder.rglob("*") if path.is_file()]:
        file.write_text(file.read_text().replace("todoId", "todoid"))
    return folder


def made(folder: Path, days: int = 4, changes: int = 60) -> Path:
    """Some items over some days; retries of the Lambda and deletes among the changes."""
    dice = random.Random(7)
    items: dict[str, Any] = {}
    for day in range(days):
        lines = []
        for _ in range(changes):
            key = f"i{dice.randrange(12)}'?"
            seconds = 1_603_679_304 + day * 86_400 + dice.randrange(3_600)
            old, new = items.get(key), None if key in items and dice.random() < 0.2 else _item(key, dice)
            action = "INSERT" if old is None else "REMOVE" if new is None else "MODIFY"
            lines += [old_line(action, {"id": key}, (old, new), seconds, dice=dice)] * (1 + (dice.random() < 0.1))
            items[key] = new
            if new is None:
                del items[key]
        put_old(folder, "".join(lines), f"2020/10/{26 + day}/02", f"stream-{day}")
    return folder


def in_local_days(folder: Path, hours: int, days: int = 4) -> Path:
    """A change each hour, in the folders of a zone so many hours ahead of UTC (Firehose's ``CustomTimeZone``)."""
    values: dict[str, int] = {}
    lines: dict[str, str] = {}
    for hour in range(24 * days):
        key, seconds = f"i{hour % 7}", 1_603_670_400 + hour * 3_600
        old, new = values.get(key), hour
        images = tuple(None if value is None else {"id": key, "price": str(value)} for value in (old, new))
        day = f"{datetime.fromtimestamp(seconds, timezone(timedelta(hours=hours))):%Y/%m/%d}"
        lines[day] = lines.get(day, "") + old_line(
            "MODIFY" if old is not None else "INSERT", {"id": key}, images, seconds
        )
        values[key] = new
    for day, text in lines.items():
        put_old(folder, text, day)
    return folder


def _item(key: str, dice: random.Random) -> dict[str, Any]:
    item: dict[str, Any] = {"id": key, "name": dice.choice(["", "null", "買う", "a\"b\\c\n%?'", "{x}"])}
    if dice.random() < 0.8:
        item |= {"price": dice.choice([5, 10**37 + 1]), "open": dice.random() < 0.5, "tags": {"a", "b"}}
    if dice.random() < 0.7:
        item |= {"address": {"zip": "1"} if dice.random() < 0.5 else {"zip": "2", "lines": ["x", "", "y"]}}
        item |= {"stock": {"A-1": 3}, "rows": [{"sku": "k", "qty": 1}, {"sku": "l"}]}
    return item


def connected(folder: Path, image: str, keys: str, cache: Path, **other: str) -> histlib.History:
    """The history of these files through the table that declares them so; ``other``: as of ``declare``."""
    return histlib.connect(put_old_history(folder, image, keys, **other), cache=cache)


def unlike(folder: Path, history: histlib.History, *, few: bool = False, every: int = 1) -> list[tuple[str, Any, Any]]:
    """The questions answered otherwise than from the files, but for saying how it was read; one of so many is asked."""
    files = histlib.connect(folder)
    questions = [*questions_of(files, few=few)[::every], *_statements()]
    answers = [(name, told(files, ask), _as_from_files(told(history, ask))) for name, ask in questions]
    return [
        (name, {key: one.get(key) for key in one if one.get(key) != other.get(key)}, other)
        for name, one, other in answers
        if one != other
    ]


def _statements() -> list[Question]:
    return [
        ("sql", lambda h: h.sql("SELECT * FROM history WHERE dateday = '2020/10/27' ORDER BY event_id, file LIMIT 10")),
        ("sql keys", lambda h: h.sql("SELECT keys, count(*) AS n FROM history GROUP BY keys ORDER BY keys")),
    ]


def _as_from_files(answer: dict[str, str]) -> dict[str, str]:
    shown = not_shown(declared_stream([]))
    alone = re.escape(repr({"name": "old_format", "detail": shown}))
    return {name: _without(text, shown, alone) for name, text in answer.items()}


def _without(text: str, shown: str, alone: str) -> str:
    text = re.sub(rf", {alone}|{alone}, |{alone}", "", text).replace(f"; {shown}", "")
    return text.replace(declared_stream([]), "format0:")
