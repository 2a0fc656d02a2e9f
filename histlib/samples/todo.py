"""``sample:todo``: the story of the article that this project began with, its items, texts and times.

The article ("DynamoDBの変更履歴をKinesis Firehose経由でS3に保存してAthenaで見る") shows five of the nine times; the
other four (the second INSERT, both edits and the deletion of the first day) are set in the order it tells.
"""

from __future__ import annotations

from typing import Final

from histlib.samples.story import Story, fixed
from histlib.samples.stream import SECOND, Attribute, Delivery, Image, Table

KEY_SCHEMA: Final = ({"AttributeName": "todoId", "KeyType": "HASH"},)
TABLE: Final = "arn:aws:dynamodb:ap-northeast-1:111122223333:table/todo-sample-table"
LABEL: Final = "2020-10-26T02:10:33.117"
DELIVERY: Final = Delivery(window=0)

STORY: Final = Story(
    name="todo",
    title="The article's to-do list",
    text="Three to-do items over two days: t0001 is noted, edited and deleted; t2222 changes its mind about which "
    "iPhone to order; memo is an attribute that nobody had planned for.",
    region="ap-northeast-1",
    table=TABLE,
    stream=f"{TABLE}/stream/{LABEL}",
    key=fixed(todoId="t2222"),
    start="2020-10-26T02:28:24Z",
    end="2020-10-27T02:01:27Z",
    incident="2020-10-27T01:48:37Z",
    affected="item.title LIKE '%iPhone%'",
    ask=fixed(
        before="2020-10-27T01:48:36Z",
        at="2020-10-27T01:48:37Z",
        memo="2020-10-27T01:58:10Z",
        deleted="2020-10-26T03:00:00Z",
    ),
    keys=fixed(deleted=fixed(todoId="t0001"), added=fixed(todoId="t8888")),
    numbers=fixed(changes=9, delivered=9, items_before=0, items_at_end=2),
)


def build() -> Table:
    """The table after the article's two days."""
    table = Table(TABLE, LABEL, KEY_SCHEMA, seed=20201026, growth=2)
    table.put(_at(1603679304, 412_077), _todo("t0001"))
    table.put(_at(1603679371, 905_310), _todo("t2222", title="iPhone 12 miniを買う"))
    table.put(_at(1603680098, 127_446), _todo("t0001", title="いますぐ寝る!!!", done=False))
    table.put(_at(1603680163, 640_921), _todo("t2222", title="iPhone 12 miniを予約する", done=False))
    table.delete(_at(1603680547, 333_018), ("t0001",))
    table.put(_at(1603763256, 71_555), _todo("t8888", title="お米を買う", done=False))
    table.put(_at(1603763317, 818_264), _todo("t2222", title="iPhone 12 Pro Maxを予約する", done=False))
    memo = "Apple Storeオンラインで予約する"
    table.put(_at(1603763890, 250_873), _todo("t2222", title="iPhone 12 Pro Maxを予約する", done=False, memo=memo))
    table.put(_at(1603764087, 596_140), _todo("t8888", title="お米を買う", done=False, memo="あきたこまち！"))
    return table


def _at(seconds: int, micros: int) -> int:
    return seconds * SECOND + micros


def _todo(todo_id: str, **values: str | bool) -> Image:
    return {"todoId": {"S": todo_id}} | {name: _attribute(value) for name, value in values.items()}


def _attribute(value: str | bool) -> Attribute:
    return {"BOOL": value} if isinstance(value, bool) else {"S": value}
