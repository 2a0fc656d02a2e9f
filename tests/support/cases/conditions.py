"""Conditions on items, each with what it says in plain Python."""

from __future__ import annotations

#: Conditions on the worlds' items, each with what it says in plain Python.
CONDITIONS = {
    "item.price = 1": lambda item: type(item.get("price")) is int and item["price"] == 1,
    "item.price = '1'": lambda item: item.get("price") == "1",
    "item.price IS NULL": lambda item: item.get("price", 0) is None,
    "item.price IS MISSING": lambda item: "price" not in item,
    "item.price <> 1": lambda item: not (type(item.get("price")) is int and item["price"] == 1),
    "item.secret = 's' OR item.deep.list[0] = 1": lambda item: item.get("secret") == "s" or "deep" in item,
}
