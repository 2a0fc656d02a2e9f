"""What a product of the shop looks like: an item with every DynamoDB type, some with awkward names."""

from __future__ import annotations

import base64
from hashlib import blake2b
from typing import Final

from histlib.samples.dice import Dice
from histlib.samples.stream import Attribute, Image, iso

CATEGORIES: Final = (
    "bath", "books", "garden", "kitchen", "lighting", "office", "print", "tea", "toys",
)  # fmt: skip
_KINDS: Final = {
    "bath": ("Towel", "Soap dish", "Bath mat", "Duschvorhang"),
    "books": ("Atlas", "Cookbook", "俳句集", "Notebook, ruled"),
    "garden": ("Trowel", "Watering can", "Gießkanne", 'Hose 1/2"'),
    "kitchen": ("Teapot", "Pan", "Bread knife", "お茶碗"),
    "lighting": ("Desk lamp", "Lantern", "Ampoule LED", "Candle"),
    "office": ("Stapler", "Tape; clear", "Pen", "Chair"),
    "print": ("Catalogue", "Poster", "Postcard", "Leaflet"),
    "tea": ("Sencha", "Earl Grey", "ほうじ茶", "Rooibos"),
    "toys": ("Kite", "Puzzle", "Kendama 🪀", "Drum"),
}
_STYLES: Final = ("blue", "large", "No. 7", "“Classic”", "O'Brien's", "nº 2", "mini", "✨ new")
_AWKWARD: Final = (
    "=SUM(A1:A9) apron", "O'Brien's \"Earl\" cup", "Salt; pepper; chili", "@home coaster", "-20% board",
    "+1 spoon", "Knife\tset\r\nin two lines", "C:\\kitchen\\pan", "<b>Bold</b> & <script>", "名前, カンマ",
    "Crème brûlée torch", "007", "1E5", "NULL", "line\u2028separator", "  spaces  ", "👨‍👩‍👧 family set",
    "=HYPERLINK(\"http://example.com\")", "'quoted'",
)  # fmt: skip
_AWKWARD_EVERY: Final = 29
_TAGS: Final = ("gift", "new", "sale", "eco; organic", "O'Brien", "父の日", "fragile", "=cheap")
_COLOURS: Final = ("red", "blue", "ivory", "緑", "noir")


def s(text: str) -> Attribute:
    """A string."""
    return {"S": text}


def n(number: int | str) -> Attribute:
    """A number."""
    return {"N": str(number)}


def money(cents: int) -> Attribute:
    """A price as DynamoDB gives it back: zeros at the end trimmed."""
    return n(f"{cents // 100}.{cents % 100:02}".rstrip("0").rstrip("."))


def cents(price: Attribute) -> int:
    """The cents of a price."""
    whole, _, rest = price["N"].partition(".")
    return int(whole) * 100 + int(rest.ljust(2, "0"))


def checksum(text: str) -> Attribute:
    """Eight bytes of binary."""
    return {"B": base64.b64encode(blake2b(text.encode(), digest_size=8).digest()).decode()}


def product_id(number: int) -> str:
    """The key of the product of this number."""
    return f"p{number:04}"


def category_of(number: int) -> str:
    """The category of the product of this number."""
    return CATEGORIES[number % len(CATEGORIES)]


def tags(dice: Dice) -> Attribute:
    """One to eight tags, as DynamoDB's set (order means nothing)."""
    chosen = [tag for tag in _TAGS if dice.chance(0.3)]
    return {"SS": chosen or ["new"]}


def attributes(dice: Dice) -> Attribute:
    """A nested map."""
    size: Attribute = {"L": [n(dice.between(5, 90)) for _ in range(3)]}
    values: Image = {"colour": s(dice.pick(_COLOURS)), "weight_g": n(dice.between(20, 4000)), "size cm": size}
    if dice.chance(0.2):
        values["colour.inside"] = s(dice.pick(_COLOURS))
    return {"M": values}


def rating(average: int, count: int) -> Attribute:
    """The average of the reviews (in hundredths) and how many there are."""
    return {"M": {"average": money(average), "count": n(count)}}


def product(dice: Dice, number: int, micros: int, category: str | None = None) -> Image:
    """A new product as the shop writes it at this time."""
    category = category or category_of(number)
    key = product_id(number)
    item: Image = {
        "productId": s(key),
        "name": s(_name(dice, number, category)),
        "category": s(category),
        "price": _first_price(dice, number, category),
        "stock": n(dice.between(0, 200)),
        "active": {"BOOL": True},
        "tags": tags(dice),
        "attributes": attributes(dice),
        "rating": rating(dice.between(250, 500), dice.below(400)),
        "images": {"L": [s(f"img/{key}-{image}.webp") for image in range(dice.below(4))]},
        "sale_price": {"NULL": True},
        "barcode": n(4_006_381_000_000 + number * 7919),
        "checksum": checksum(f"{key}/{micros}"),
        "updated_by": s("catalogue-sync"),
        "updated_at": s(iso(micros)),
    }
    return item | _rarities(dice, number)


def _rarities(dice: Dice, number: int) -> Image:
    rare: Image = {}
    if number % 5 == 0:
        rare["supplier_ref"] = n("".join(str(dice.between(1, 10)) for _ in range(38)))
    if number % 7 == 0:
        rare["lots"] = {"NS": [str(100 + number), "0.5", "-3"]}
    if number % 11 == 0:
        rare["seals"] = {"BS": [checksum(f"a{number}")["B"], checksum(f"b{number}")["B"]]}
    if number % 13 == 0:
        rare["note"] = s("")
    return rare


def _name(dice: Dice, number: int, category: str) -> str:
    turn, rest = divmod(number, _AWKWARD_EVERY)
    if rest == 0 and turn <= len(_AWKWARD):
        return _AWKWARD[turn - 1]
    return f"{dice.pick(_KINDS[category])} {dice.pick(_STYLES)}"


def _first_price(dice: Dice, number: int, category: str) -> Attribute:
    free = category == "print" and number % 4 == 0
    return n(0) if free else money(dice.between(199, 9999))
