"""Ten ordinary days of a shop's ``products`` table: who writes, when, and what."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Final

from histlib.samples.catalogue import attributes, cents, checksum, money, n, product, product_id, rating, s, tags
from histlib.samples.dice import Dice
from histlib.samples.schedule import Schedule
from histlib.samples.stream import DAY, HOUR, MINUTE, SECOND, Image, Key, Table, iso

Write = tuple[Image, Sequence[str]]

_SYNCED: Final = 0.55  # the share of the items that a nightly sync touches
_CURVE: Final = (1, 1, 1, 1, 1, 2, 4, 7, 9, 10, 10, 11, 12, 11, 10, 10, 10, 11, 13, 15, 16, 13, 8, 3)
_ORDINARY_A_DAY: Final = 2_420


class Shop(Schedule):
    """The table with the people and jobs that write to it, as a schedule.

    ``live`` are the keys that ordinary writers pick from; ``frozen`` says whether the price of an item is not
    to be touched at a time.
    """

    def __init__(self, table: Table, seed: int, end: int, frozen: Callable[[Image, int], bool]) -> None:
        super().__init__(end)
        self.table = table
        self.dice = Dice(seed)
        self.live: list[Key] = []
        self.release = "price-service@2.13.2"
        self._frozen = frozen

    def write(self, micros: int, key: Key, values: Image, by: str, remove: Sequence[str] = ()) -> None:
        """Update an item, signed; a second later where its last change was in the same second."""
        if key not in self.table.items:
            return
        if self.table.changed_in_second(key, micros):
            self.at(micros + SECOND, partial(self.write, key=key, values=values, by=by, remove=remove))
            return
        self.sign(micros, key, values, by, remove)

    def sign(self, micros: int, key: Key, values: Image, by: str, remove: Sequence[str] = ()) -> None:
        """Update an item at this very time, signed with who did it and when."""
        signed = values | {"updated_by": s(by), "updated_at": s(iso(micros))}
        self.table.update(micros, key, signed, remove)

    def delete(self, micros: int, key: Key, *, ttl: bool = False) -> None:
        """Delete an item if it is there; ordinary writers leave it alone from then on."""
        if key not in self.table.items:
            return
        if self.table.changed_in_second(key, micros):
            self.at(micros + SECOND, partial(self.delete, key=key, ttl=ttl))
            return
        self.table.delete(micros, key, ttl=ttl)
        if key in self.live:
            self.live.remove(key)

    def add(self, micros: int, number: int) -> None:
        """A product comes into the table, or comes back."""
        key = (product_id(number),)
        if key not in self.table.items and not self.table.changed_in_second(key, micros):
            self.table.put(micros, product(self.dice, number, micros))
            self.live.append(key)

    def expire(self, micros: int, key: Key, by: str) -> None:
        """Give an item a time to live; DynamoDB deletes it some time after that."""
        expires = micros + self.dice.between(2 * HOUR, 9 * HOUR)
        self.write(micros, key, {"expires_at": n(expires // SECOND)}, by)
        self.at(expires + self.dice.between(4 * MINUTE, 5 * HOUR), partial(self.delete, key=key, ttl=True))

    # --- ordinary life ---

    def plan_days(self, start: int, days: int, newcomers: Sequence[int]) -> None:
        """Ten days' work: by day customers and colleagues, by night the sync, new products now and then."""
        for day in range(days):
            midnight = start + day * DAY
            for micros in self._times(midnight, _ORDINARY_A_DAY):
                self.at(micros, self._ordinary)
            self.at(midnight + 3 * HOUR, self._sync)
        for number in newcomers:
            self.at(start + self.dice.below(days * DAY), partial(self.add, number=number))

    def _times(self, midnight: int, count: int) -> Iterator[int]:
        hours = [hour for hour, weight in enumerate(_CURVE) for _ in range(weight)]
        for _ in range(count):
            yield midnight + self.dice.pick(hours) * HOUR + self.dice.below(HOUR)

    def _sync(self, micros: int) -> None:
        for key in self.live:
            if self.dice.chance(_SYNCED):
                self.at(micros + self.dice.below(9 * MINUTE), partial(self._synchronise, key=key))

    def _synchronise(self, micros: int, key: Key) -> None:
        values: Image = {"checksum": checksum(f"{key[0]}/{micros}")}
        if self.dice.chance(0.2):
            values["attributes"] = attributes(self.dice)
        self.write(micros, key, values, "catalogue-sync")

    def _ordinary(self, micros: int) -> None:
        key = self._popular()
        item = self.table.items[key]
        roll = self.dice.random()
        if roll < 0.52:
            self._sell(micros, key, item)
        elif roll < 0.64:
            stock = int(item["stock"]["N"]) + self.dice.between(10, 60)
            self.write(micros, key, {"stock": n(stock)}, "warehouse")
        elif roll < 0.79:
            self._review(micros, key, item)
        elif roll < 0.93:
            self._reprice(micros, key, item)
        elif roll < 0.994:
            self._edit(micros, key)
        else:
            self._retire(micros, key, item)

    def _popular(self) -> Key:
        skewed = self.dice.random() ** 2
        return self.live[int(skewed * len(self.live))]

    def _sell(self, micros: int, key: Key, item: Image) -> None:
        stock = int(item["stock"]["N"])
        sold = min(stock, self.dice.between(1, 4))
        by, left = ("checkout", stock - sold) if sold else ("warehouse", 25)
        self.write(micros, key, {"stock": n(left)}, by)

    def _review(self, micros: int, key: Key, item: Image) -> None:
        count = int(item["rating"]["M"]["count"]["N"]) + 1
        self.write(micros, key, {"rating": rating(self.dice.between(250, 500), count)}, "reviews")

    def _reprice(self, micros: int, key: Key, item: Image) -> None:
        price = item["price"]
        if price == n(0) or self._frozen(item, micros):
            return
        new = max(50, cents(price) * self.dice.between(92, 110) // 100)
        self.write(micros, key, {"price": money(new)}, self.release)

    def _edit(self, micros: int, key: Key) -> None:
        by = self.dice.pick(("alice", "bob", "美香"))
        match self.dice.below(5):
            case 0:
                self.write(micros, key, {"tags": tags(self.dice)}, by)
            case 1:
                self.write(micros, key, {"active": {"BOOL": self.dice.chance(0.7)}}, by)
            case 2:
                self.write(micros, key, {}, by, ["sale_price"])
            case 3:
                self.write(micros, key, {"sale_price": money(self.dice.between(99, 999))}, by)
            case _:
                self.write(micros, key, {"note": s(f"checked by {by}; O'K")}, by)

    def _retire(self, micros: int, key: Key, item: Image) -> None:
        if item["category"] == s("kitchen"):
            return
        if self.dice.chance(0.4):
            self.expire(micros, key, "bob")
            return
        self.delete(micros, key)
        if self.dice.chance(0.5):
            back = micros + self.dice.between(HOUR, 30 * HOUR)
            self.at(back, partial(self.add, number=int(key[0][1:])))
