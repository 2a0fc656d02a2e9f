"""``sample:orders``: a composite key; an address job takes the zip code from all orders of one customer."""

from __future__ import annotations

from functools import partial
from typing import Final

from histlib.samples.catalogue import money, n, s
from histlib.samples.dice import Dice
from histlib.samples.schedule import Schedule
from histlib.samples.story import Story, fixed
from histlib.samples.stream import DAY, HOUR, MINUTE, Attribute, Delivery, Image, Key, Table, iso, micros_of

KEY_SCHEMA: Final = (
    {"AttributeName": "customerId", "KeyType": "HASH"},
    {"AttributeName": "orderId", "KeyType": "RANGE"},
)
TABLE: Final = "arn:aws:dynamodb:eu-west-1:111122223333:table/orders"
LABEL: Final = "2026-11-02T21:40:55.218"
START: Final = micros_of("2026-11-03T00:00:00")
DAYS: Final = 7
ORDERS: Final = 720
CUSTOMERS: Final = 240
CUSTOMER: Final = 106
_CUSTOMER_ID: Final = "c-0106"
JOB: Final = "address-normaliser@1.3.0"
DELIVERY: Final = Delivery(window=MINUTE)

_SURNAMES: Final = ("Müller", "佐藤", "O'Brien", "Nguyễn", "Smith; Jones", 'van "Dijk"', "Åberg", "Silva")
_CITIES: Final = (("Cork", "T12 W8KP"), ("Berlin", "10115"), ("札幌市", "060-0001"), ("Lyon", "69001"))
_STEPS: Final = (
    {"status": s("paid"), "updated_by": s("payments")},
    {"status": s("packed"), "updated_by": s("warehouse")},
    {"status": s("shipped"), "updated_by": s("carrier-webhook")},
    {"status": s("delivered"), "updated_by": s("carrier-webhook")},
)
_CANCEL: Final = {"status": s("cancelled"), "updated_by": s("support/dora")}
_SKUS: Final = 400

#: The customer's orders: orderId, placed, and the last step by the incident (how many of _STEPS).
STORY_ORDERS: Final = (
    (900_101, "2026-11-03T08:12:40.118204", 4),
    (900_117, "2026-11-03T19:31:05.660031", 4),
    (900_142, "2026-11-04T12:02:51.492877", 3),
    (900_150, "2026-11-05T07:45:19.035590", 3),
    (900_163, "2026-11-05T18:20:33.871146", 2),
    (900_178, "2026-11-05T21:09:58.204463", 1),
)
_BROKEN_AT: Final = micros_of("2026-11-06T09:14:30.207310")
#: What support did about them afterwards; two orders stay broken.
_ZIP: Final = "T12 W8KP"
_REPAIRS: Final = (
    ("2026-11-06T11:03:26.418907", 900_163, _ZIP),
    ("2026-11-06T11:05:02.730155", 900_178, _ZIP),
    ("2026-11-06T14:40:47.151620", 900_150, "T12 W8PK"),
)
_DELETED: Final = ("2026-11-06T12:20:09.556381", 900_142)

STORY: Final = Story(
    name="orders",
    title="Orders with a composite key: a job takes the zip code from one customer's addresses",
    text="On 2026-11-06 at 09:14 UTC address-normaliser@1.3.0 drops address.zip from the six orders of customer "
    "c-0106. Support restores three (one with a typing error), deletes one, and two still have no zip.",
    region="eu-west-1",
    table=TABLE,
    stream=f"{TABLE}/stream/{LABEL}",
    key=fixed(customerId=_CUSTOMER_ID, orderId=900_163),
    start="2026-11-03T00:00:00Z",
    end="2026-11-09T23:59:00Z",
    incident="2026-11-06T09:14:00Z",
    affected="item.customerId = 'c-0106' AND item.address.zip IS MISSING",
    actor_attribute="updated_by",
    ask=fixed(before="2026-11-06T09:14:00Z", during="2026-11-06T10:00:00Z", after="2026-11-06T12:00:00Z"),
    keys=fixed(
        repaired=fixed(customerId=_CUSTOMER_ID, orderId=900_178),
        repaired_wrongly=fixed(customerId=_CUSTOMER_ID, orderId=900_150),
        deleted=fixed(customerId=_CUSTOMER_ID, orderId=900_142),
        still_broken=fixed(customerId=_CUSTOMER_ID, orderId=900_101),
    ),
    numbers=fixed(
        changes=3_058,
        delivered=3_058,
        items_before=101,
        items_at_end=721,
        affected=6,
        repaired=2,
        repaired_wrongly=1,
        deleted=1,
        still_broken=2,
    ),
)


def build() -> Table:
    """The table after the seven days."""
    table = Table(TABLE, LABEL, KEY_SCHEMA, seed=2, growth=300)
    desk = Desk(table)
    for number in range(ORDERS):
        customer = desk.dice.below(CUSTOMERS)
        placed = START - DAY + desk.dice.below((DAYS + 1) * DAY)
        if customer != CUSTOMER:
            desk.plan(customer, 100_000 + number * 7, placed)
    for turn, (number, placed_at, steps) in enumerate(STORY_ORDERS):
        desk.plan_story_order(number, micros_of(placed_at), steps)
        desk.set_zip(_BROKEN_AT + turn * 2_318_077, number, None, JOB)
    for repaired_at, number, zip_code in _REPAIRS:
        desk.set_zip(micros_of(repaired_at), number, zip_code, "support/dora")
    desk.at(micros_of(_DELETED[0]), partial(table.delete, key=_key(CUSTOMER, _DELETED[1])))
    desk.run()
    return table


class Desk(Schedule):
    """The table with what happens to its orders, as a schedule."""

    def __init__(self, table: Table) -> None:
        super().__init__(START + DAYS * DAY - MINUTE)
        self.table = table
        self.dice = Dice(20261106)

    def plan(self, customer: int, number: int, placed: int) -> None:
        """One ordinary order: placed, paid, packed, shipped, delivered; some are cancelled on the way."""
        order = _order(self.dice, customer, number, placed)
        if placed < START:
            self.table.load(order)
        else:
            self.at(placed, partial(self.table.put, item=order))
        when = max(placed, START)
        for step in _STEPS:
            when += self.dice.between(3 * MINUTE, 22 * HOUR)
            cancelled = self.dice.chance(0.03)
            self.step(when, _key(customer, number), _CANCEL if cancelled else step)
            if cancelled:
                return

    def plan_story_order(self, number: int, placed: int, steps: int) -> None:
        """One order of the story's customer with its first steps."""
        order = _order(self.dice, CUSTOMER, number, placed) | {"address": _address(CUSTOMER, 0, _ZIP)}
        self.at(placed, partial(self.table.put, item=order))
        for turn, step in enumerate(_STEPS[:steps]):
            when = placed + (turn + 1) * 5 * HOUR + self.dice.below(HOUR)
            self.step(when, _key(CUSTOMER, number), step)

    def set_zip(self, when: int, number: int, zip_code: str | None, by: str) -> None:
        """Write the address of one of the customer's orders anew."""
        address = _address(CUSTOMER, 0, zip_code)
        self.step(when, _key(CUSTOMER, number), {"address": address, "updated_by": s(by)})

    def step(self, when: int, key: Key, values: Image) -> None:
        """Update an order at a time."""
        self.at(when, partial(self.table.update, key=key, values=values | {"updated_at": s(iso(when))}))


def _key(customer: int, number: int) -> Key:
    return (f"c-{customer:04}", str(number))


def _order(dice: Dice, customer: int, number: int, placed: int) -> Image:
    lines = [_line(dice) for _ in range(dice.between(1, 6))]
    city = dice.below(len(_CITIES))
    total = sum(int(line["M"]["qty"]["N"]) * dice.between(200, 6000) for line in lines)
    return {
        "customerId": s(_key(customer, number)[0]),
        "orderId": n(number),
        "email": s(f"{_surname(customer)}@example.com"),
        "status": s("placed"),
        "items": {"L": lines},
        "total": money(total),
        "address": _address(customer, city, _CITIES[city][1]),
        "gift": {"BOOL": dice.chance(0.1)},
        "voucher": {"NULL": True},
        "updated_by": s("checkout"),
        "updated_at": s(iso(placed)),
    }


def _surname(customer: int) -> str:
    return _SURNAMES[customer % len(_SURNAMES)]


def _line(dice: Dice) -> Attribute:
    return {"M": {"sku": s(f"p{dice.below(_SKUS):04}"), "qty": n(dice.between(1, 5))}}


def _address(customer: int, city: int, zip_code: str | None) -> Attribute:
    values = {"name": s(_surname(customer)), "street": s('1 Main St; rear "B"'), "city": s(_CITIES[city][0])}
    return {"M": values | ({"zip": s(zip_code)} if zip_code else {})}
