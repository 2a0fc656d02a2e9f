"""``sample:products``: a release writes price 0 to the kitchen, at night, and the shop puts it right as it can."""

from __future__ import annotations

from functools import partial
from typing import Final

from histlib.samples.catalogue import cents, money, n, product, product_id, s
from histlib.samples.shop import Shop
from histlib.samples.story import Story, fixed
from histlib.samples.stream import DAY, HOUR, MINUTE, SECOND, Delivery, Image, Key, Late, Table, micros_of

KEY_SCHEMA: Final = ({"AttributeName": "productId", "KeyType": "HASH"},)
TABLE: Final = "arn:aws:dynamodb:eu-west-1:111122223333:table/products"
LABEL: Final = "2026-10-31T22:04:11.502"
START: Final = micros_of("2026-11-01T00:00:00")
DAYS: Final = 10
INCIDENT: Final = micros_of("2026-11-08T02:28:00")
RELEASE: Final = "price-service@2.14.0"
CATEGORY: Final = "kitchen"

# Numbers 1 to 1050 were there before the capture, the rest comes in it. The silent ones never change.
BEFORE: Final = range(1, 1_051)
NEWCOMERS: Final = range(1_051, 1_201)
SILENT: Final = range(1_039, 1_051)

# Items whose every change is written down below; ordinary life leaves them alone.
MAIN, SCRIPT, HAND, DELETED, RECREATED, EXPIRED, BROKEN, GAP, TWICE, LATE = (
    (product_id(number),) for number in (417, 102, 138, 183, 237, 282, 318, 363, 453, 512)
)
CAST: Final = (MAIN, SCRIPT, HAND, DELETED, RECREATED, EXPIRED, BROKEN, GAP, TWICE, LATE)

BREAK: Final[Image] = {"price": n(0), "sale_price": {"NULL": True}}
LOST: Final = "2026-11-08T07:05:13.481516"
MAIN_BROKEN: Final = "2026-11-08T02:28:24.315207"

#: (time, item, who, what): the lines of the people and jobs in the story.
SCRIPT_LINES: Final[tuple[tuple[str, Key, str, Image], ...]] = (
    ("2026-11-02T10:14:05.220418", MAIN, "checkout", {"stock": n(13)}),
    ("2026-11-03T03:00:41.701993", MAIN, "catalogue-sync", {"tags": {"SS": ["O'Brien", "gift", "父の日"]}}),
    ("2026-11-03T11:20:12.015500", EXPIRED, "checkout", {"stock": n(6)}),
    ("2026-11-04T09:01:30.480001", TWICE, "reviews", {"note": s("5 stars; \"lovely\"")}),
    ("2026-11-05T09:30:12.640288", MAIN, "price-service@2.13.2", {"price": n("26.5")}),
    ("2026-11-06T17:45:58.133720", MAIN, "checkout", {"stock": n(12)}),
    ("2026-11-07T14:02:19.377145", GAP, "warehouse", {"stock": n(40)}),
    (MAIN_BROKEN, MAIN, RELEASE, BREAK),
    ("2026-11-08T02:28:31.004412", SCRIPT, RELEASE, BREAK),
    ("2026-11-08T02:28:47.926650", HAND, RELEASE, BREAK),
    ("2026-11-08T02:28:52.118303", DELETED, RELEASE, BREAK),
    ("2026-11-08T02:29:03.551777", RECREATED, RELEASE, BREAK),
    ("2026-11-08T02:29:10.204118", TWICE, RELEASE, BREAK),
    ("2026-11-08T02:29:10.871560", TWICE, "checkout", {"stock": n(30)}),
    ("2026-11-08T02:29:26.730094", EXPIRED, RELEASE, BREAK),
    ("2026-11-08T02:29:44.090871", GAP, RELEASE, BREAK),
    ("2026-11-08T02:29:51.662529", BROKEN, RELEASE, BREAK),
    ("2026-11-08T02:41:09.508831", MAIN, "checkout", {"stock": n(10)}),
    ("2026-11-08T04:05:02.417300", SCRIPT, "price-repair", {"price": n("18.9")}),
    ("2026-11-08T04:06:37.903614", TWICE, "price-repair", {"price": n("7.45")}),
    ("2026-11-08T05:12:33.286009", MAIN, "alice", {"price": n(27), "note": s("was 0 after the release")}),
    ("2026-11-08T06:48:20.750126", HAND, "bob", {"price": n("34.99")}),
    (LOST, GAP, "bob", {"price": n("9.99")}),
    ("2026-11-08T07:30:44.119265", EXPIRED, "bob", {"expires_at": n(1_794_142_800)}),
    ("2026-11-08T09:20:51.662008", GAP, "checkout", {"stock": n(38)}),
    ("2026-11-08T23:52:30.845512", LATE, "alice", {"active": {"BOOL": False}}),
    ("2026-11-09T12:37:15.560447", MAIN, "checkout", {"stock": n(9)}),
    ("2026-11-10T23:58:57.031666", LATE, "alice", {"active": {"BOOL": True}}),
)  # fmt: skip
TEAPOT: Final = "O'Brien's teapot \"Earl\", 1.2 l 🫖"
CAST_ITEMS: Final[dict[Key, Image]] = {
    MAIN: {"name": s(TEAPOT), "price": n("24.9"), "stock": n(14)},
    SCRIPT: {"price": n("18.9")},
    HAND: {"price": n("32.5")},
    DELETED: {"price": n("12")},
    RECREATED: {"price": n("59")},
    EXPIRED: {"price": n("4.2"), "stock": n(7)},
    BROKEN: {"price": n("21.75")},
    GAP: {"price": n("9.49"), "stock": n(12)},
    TWICE: {"price": n("7.45"), "stock": n(31)},
}

DELIVERY: Final = Delivery(
    window=5 * MINUTE,
    lost=(micros_of(LOST),),
    repeated=(micros_of("2026-11-05T09:30:12.640288"), micros_of(MAIN_BROKEN)),
    late=Late(
        start=micros_of("2026-11-08T23:20:00"),
        end=micros_of("2026-11-09T00:11:00"),
        resumed=micros_of("2026-11-09T00:12:00"),
    ),
)

STORY: Final = Story(
    name="products",
    title="A shop's products: a release at 02:28 writes price 0 to one category",
    text="On 2026-11-08 at 02:28 UTC the release price-service@2.14.0 writes price 0 to the category kitchen. It is "
    "rolled back at 02:34. A script repairs some prices, people correct some by hand, others are deleted by hand "
    "or expire by TTL, and some are still wrong two days later.",
    region="eu-west-1",
    table=TABLE,
    stream=f"{TABLE}/stream/{LABEL}",
    key=fixed(productId=MAIN[0]),
    start="2026-11-01T00:00:00Z",
    end="2026-11-10T23:59:00Z",
    incident="2026-11-08T02:28:00Z",
    affected="item.category = 'kitchen' AND item.price = 0",
    actor_attribute="updated_by",
    category=CATEGORY,
    ask=fixed(
        before="2026-11-08T02:00:00Z",
        during="2026-11-08T02:30:00Z",
        after="2026-11-08T06:00:00Z",
        gap="2026-11-08T08:00:00Z",
        same_second="2026-11-08T02:29:10Z",
        late="2026-11-08T23:55:00Z",
    ),
    keys=fixed(
        repaired_by_script=fixed(productId=SCRIPT[0]),
        repaired_by_hand=fixed(productId=HAND[0]),
        deleted_by_hand=fixed(productId=DELETED[0]),
        recreated=fixed(productId=RECREATED[0]),
        expired_by_ttl=fixed(productId=EXPIRED[0]),
        still_broken=fixed(productId=BROKEN[0]),
        gap=fixed(productId=GAP[0]),
        same_second=fixed(productId=TWICE[0]),
        late=fixed(productId=LATE[0]),
        never_changed=fixed(productId=product_id(SILENT[0])),
    ),
    numbers=fixed(
        changes=30_274,
        delivered=30_389,
        delivered_twice=116,
        delivered_late=18,
        lost=1,
        items_before=1_050,
        items_at_end=1_095,
        affected=127,
        repaired_by_script=53,
        repaired_by_hand=24,
        deleted_by_hand=16,
        expired_by_ttl=6,
        still_broken=28,
    ),
)


def build() -> Table:
    """The table after the ten days."""
    table = Table(TABLE, LABEL, KEY_SCHEMA, seed=1, growth=2_600)
    shop = Shop(table, seed=20261108, end=START + DAYS * DAY - MINUTE, frozen=_frozen)
    _stock(shop)
    shop.plan_days(START, DAYS, NEWCOMERS)
    for time, key, by, values in SCRIPT_LINES:
        shop.at(micros_of(time), partial(shop.sign, key=key, values=values, by=by))
    _scripted_deletions(shop)
    shop.at(INCIDENT, partial(_incident, shop))
    shop.run()
    return table


def _stock(shop: Shop) -> None:
    for number in BEFORE:
        written = START - DAY - shop.dice.below(90 * DAY)
        item = product(shop.dice, number, written, category="print" if number in SILENT else None)
        key = (product_id(number),)
        shop.table.load(item | CAST_ITEMS.get(key, {}))
        if key not in CAST and number not in SILENT:
            shop.live.append(key)


def _frozen(item: Image, micros: int) -> bool:
    """The price service lets the category rest once the release is known to have broken it."""
    return item["category"] == s(CATEGORY) and micros >= INCIDENT


def _scripted_deletions(shop: Shop) -> None:
    delete = shop.table.delete
    shop.at(micros_of("2026-11-08T08:15:20.664190"), partial(delete, key=DELETED))
    shop.at(micros_of("2026-11-08T08:16:02.330518"), partial(delete, key=RECREATED))
    shop.at(micros_of("2026-11-08T15:41:09.007255"), partial(delete, key=EXPIRED, ttl=True))
    shop.at(micros_of("2026-11-08T10:02:47.190334"), partial(_recreate, shop))


def _recreate(shop: Shop, now: int) -> None:
    item = product(shop.dice, int(RECREATED[0][1:]), now)
    shop.table.put(now, item | {"price": n("59"), "updated_by": s("bob")})


def _incident(shop: Shop, now: int) -> None:
    shop.release = RELEASE
    for key in shop.live:
        item = shop.table.items[key]
        if item["category"] == s(CATEGORY):
            broken = now + 7 * SECOND + shop.dice.below(126 * SECOND)
            shop.at(broken, partial(shop.write, key=key, values=BREAK, by=RELEASE))
            _outcome(shop, now, key, cents(item["price"]))
    shop.at(now + 6 * MINUTE, lambda _: setattr(shop, "release", "price-service@2.13.2"))


def _outcome(shop: Shop, now: int, key: Key, right: int) -> None:
    """What becomes of one broken item in the hours after."""
    roll = shop.dice.random()
    if roll < 0.45:
        when = now + 98 * MINUTE + shop.dice.below(80 * MINUTE)
        shop.at(when, partial(shop.write, key=key, values={"price": money(right)}, by="price-repair"))
    elif roll < 0.62:
        by = shop.dice.pick(("alice", "bob", "美香"))
        other = {"price": money(right + shop.dice.between(10, 300))}
        shop.at(_by_day(shop, now), partial(shop.write, key=key, values=other, by=by))
    elif roll < 0.72:
        shop.at(_by_day(shop, now), partial(shop.delete, key=key))
    elif roll < 0.80:
        shop.at(_by_day(shop, now), partial(shop.expire, key=key, by="bob"))


def _by_day(shop: Shop, incident: int) -> int:
    return incident + 4 * HOUR + shop.dice.below(6 * HOUR)
