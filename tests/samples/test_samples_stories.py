"""The bundled incidents: each story is as it is told, with each trouble exactly where it says."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from itertools import pairwise
from typing import Any

import pytest

from histlib import samples
from histlib.samples import landing
from histlib.samples.stream import SECOND, micros_of
from histlib.values.image_json import decode_image, encode_image
from tests.support.cases.sample_facts import (
    LOST,
    NAMES,
    broken_chains,
    delivered_once,
    events,
    initial,
    key_of,
    number,
    records,
    text,
    truth,
)

# --- products ---


def test_products_has_the_promised_extent() -> None:
    """About 1,200 items and 30,000 changes; some were there before, some come later, some leave and come back."""
    keys = {text(key) for _, key, _ in truth("products")} | {
        text({"productId": item["productId"]}) for item in initial("products")
    }
    assert len(keys) == 1_200 and 29_000 < len(truth("products")) < 31_000
    first: dict[str, str] = {}
    lives: Counter[str] = Counter()
    for record in delivered_once("products"):
        first.setdefault(text(record["dynamodb"]["Keys"]), record["eventName"])
        lives[text(record["dynamodb"]["Keys"])] += record["eventName"] == "INSERT"
    assert Counter(first.values())["MODIFY"] > 1_000
    assert Counter(first.values())["INSERT"] > 100
    assert sum(first[key] == "MODIFY" and lives[key] > 0 for key in first) > 10
    assert key_of("products", "never_changed") not in first


def outcomes() -> dict[str, list[str]]:
    """How each item's time at price 0 in the kitchen ended: role → keys."""
    removed = {number(r): "userIdentity" in r for r in delivered_once("products") if r["eventName"] == "REMOVE"}
    by_time = {
        (int(r["dynamodb"]["ApproximateCreationDateTime"]), text(r["dynamodb"]["Keys"])): removed.get(number(r))
        for r in delivered_once("products")
    }
    broken: dict[str, int] = {}
    ends: dict[str, list[str]] = defaultdict(list)
    for micros, key, image in truth("products"):
        name = text(key)
        if image and image["category"] == {"S": "kitchen"} and image["price"] == {"N": "0"}:
            broken.setdefault(name, micros)
        elif broken.pop(name, None):
            by = image["updated_by"]["S"] if image else None
            expired = by_time.get((micros // SECOND, name))
            role = {"price-repair": "repaired_by_script", None: "expired_by_ttl" if expired else "deleted_by_hand"}
            ends[role.get(by, "repaired_by_hand")].append(name)
    return {**ends, "still_broken": list(broken)}


def test_products_incident_is_as_told() -> None:
    """A release writes 0 to the kitchen from 02:28; what became of each item is as the story counts it."""
    story = samples.story("products")
    ends = outcomes()
    assert {role: len(keys) for role, keys in ends.items()} == {role: story.numbers[role] for role in ends}
    assert sum(map(len, ends.values())) == story.numbers["affected"]
    assert all(key_of("products", role) in ends[role] for role in ends)
    assert key_of("products", "recreated") in ends["deleted_by_hand"]
    starts = [
        (micros, image["updated_by"]["S"], old)
        for micros, _, image, old in with_old("products")
        if image and image["category"] == {"S": "kitchen"} and image["price"] == {"N": "0"} != old["price"]
    ]
    assert len(starts) == story.numbers["affected"]
    assert {by for _, by, _ in starts} == {"price-service@2.14.0"}
    incident = micros_of(story.incident)
    assert all(incident < micros < incident + 3 * 60 * SECOND for micros, _, _ in starts)


def with_old(name: str) -> list[tuple[int, Any, Any, Any]]:
    state: dict[str, Any] = {text({"productId": item["productId"]}): item for item in initial(name)}
    rows = []
    for micros, key, image in truth(name):
        rows.append((micros, key, image, state.get(text(key))))
        state[text(key)] = image
    return rows


def test_products_main_item() -> None:
    """The item of the story: 26.5 before, 0 from 02:28:24, 27 by alice at 05:12:33."""
    story = samples.story("products")
    key = encode_image(dict(story.key))
    prices = [(micros, image["price"]["N"], image["updated_by"]["S"])
              for micros, k, image in truth("products") if text(k) == key and image]  # fmt: skip

    def asked(when: str) -> tuple[str, str]:
        return [(price, by) for micros, price, by in prices if micros <= micros_of(story.ask[when])][-1]

    assert len(prices) == 8
    assert asked("before") == ("26.5", "checkout")
    assert asked("during") == ("0", "price-service@2.14.0")
    assert asked("after") == ("27", "alice")
    assert (1794104904315207, "0", "price-service@2.14.0") in prices


def test_products_has_one_gap() -> None:
    """One change never came, of the item that the story names: its next old image is not the image before it."""
    lost = [(text(key), image) for micros, key, image in truth("products") if micros == micros_of(LOST)]
    assert [key for key, _ in lost] == broken_chains("products") == [key_of("products", "gap")]
    assert len(delivered_once("products")) == len(truth("products")) - samples.story("products").numbers["lost"]
    asked = micros_of(samples.story("products").ask["gap"])
    around = [m for m, key, _ in truth("products") if text(key) == lost[0][0]]
    assert micros_of(LOST) < asked < min(m for m in around if m > micros_of(LOST))


@pytest.mark.parametrize("name", ["orders", "todo"])
def test_the_other_samples_are_whole(name: str) -> None:
    """orders and todo are delivered once, on time, with nothing missing."""
    assert broken_chains(name) == []
    assert len({record["eventID"] for record in records(name)}) == len(records(name)) == len(truth(name))
    assert not any("arrival" in event for event in events(name))


def test_products_has_two_batches_delivered_twice() -> None:
    """A redelivered batch is the same batch again, right after; one of them holds the change of the story."""
    batches = events("products")
    twice = [b for a, b in pairwise(batches) if a == b]
    assert sum(len(event["Records"]) for event in twice) == samples.story("products").numbers["delivered_twice"]
    assert len(records("products")) - len(delivered_once("products")) == sum(len(e["Records"]) for e in twice)
    ids = Counter(record["eventID"] for record in records("products"))
    main = [r["eventID"] for r in records("products")
            if r["dynamodb"]["ApproximateCreationDateTime"] == 1794104904
            and r["dynamodb"]["Keys"] == {"productId": {"S": "p0417"}}]  # fmt: skip
    assert len(twice) == 2 and len(main) == ids[main[0]] == 2 and max(ids.values()) == 2


def test_products_has_a_late_delivery_across_midnight() -> None:
    """Changes of the evening of the 8th, the named item's among them, arrived after midnight."""
    late = [event for event in events("products") if "arrival" in event]
    stamps = [r["dynamodb"]["ApproximateCreationDateTime"] for event in late for r in event["Records"]]
    assert len(stamps) == samples.story("products").numbers["delivered_late"]
    arrivals = [micros_of(event["arrival"]) for event in late]
    midnight = micros_of("2026-11-09T00:00:00")
    assert all(arrival > midnight for arrival in arrivals) and min(stamps) * SECOND < midnight
    named = [r for event in late for r in event["Records"] if text(r["dynamodb"]["Keys"]) == key_of("products", "late")]
    assert [int(r["dynamodb"]["ApproximateCreationDateTime"]) for r in named] == [1794181950]
    whens = [landing.arrival(event) for event in events("products")]
    assert sorted(when[:10] for when in whens) == [when[:10] for when in whens]


@pytest.mark.parametrize("name", NAMES)
def test_two_changes_of_an_item_within_a_second_only_where_told(name: str) -> None:
    """Only the named item of products has two changes in one second."""
    seconds = Counter((micros // SECOND, text(key)) for micros, key, _ in truth(name))
    told = {(1794104950, key_of(name, "same_second")): 2} if name == "products" else {}
    assert {where: count for where, count in seconds.items() if count > 1} == told


def test_ttl_deletes_are_by_dynamodb_after_the_expiry() -> None:
    """A deletion carries the identity of DynamoDB exactly where an item had expired."""
    removed = [record for record in delivered_once("products") if record["eventName"] == "REMOVE"]
    by_ttl = [record for record in removed if "userIdentity" in record]
    assert 0 < len(by_ttl) < len(removed)
    assert all(record["eventName"] == "REMOVE" for record in records("products") if "userIdentity" in record)
    for record in by_ttl:
        assert record["userIdentity"] == {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
        change = record["dynamodb"]
        assert int(change["OldImage"]["expires_at"]["N"]) < change["ApproximateCreationDateTime"]


def test_names_try_the_exports() -> None:
    """Names hold what breaks a careless CSV, spreadsheet or page: quotes, separators, formulas, breaks, scripts."""
    names = {image["name"]["S"] for _, _, image in truth("products") if image}
    for part in ("O'Brien", '"', ";", ",", "=SUM(", "@", "\r\n", "\t", "<script>", "名前", "👨‍👩‍👧", "\u2028", "007"):
        assert any(part in name for name in names), part


# --- orders ---


def test_orders_story_is_as_told() -> None:
    """Six orders of one customer lose address.zip; what became of each is as the story says."""
    story = samples.story("orders")
    life: dict[str, list[tuple[int, Any]]] = defaultdict(list)
    for micros, key, image in truth("orders"):
        if image is None or image["customerId"] == {"S": story.key["customerId"]}:
            life[text(key)].append((micros, image and image["address"]["M"].get("zip")))
    hit = {key: zips for key, zips in life.items() if any(z is None for _, z in zips)}
    assert len(hit) == story.numbers["affected"]
    assert all(micros_of(story.incident) < next(m for m, z in zips if z is None) for zips in hit.values())
    last = {key: zips[-1][1] for key, zips in hit.items()}
    deleted = [text(key) for _, key, image in truth("orders") if image is None]
    assert deleted == [key_of("orders", "deleted")] and len(deleted) == story.numbers["deleted"]
    right = [key for key, z in last.items() if z == {"S": "T12 W8KP"}]
    wrong = [key for key, z in last.items() if z == {"S": "T12 W8PK"}]
    still = [key for key, z in last.items() if z is None and key not in deleted]
    assert sorted(right) == sorted([encode_image(dict(story.key)), key_of("orders", "repaired")])
    assert wrong == [key_of("orders", "repaired_wrongly")] and key_of("orders", "still_broken") in still
    counts = (story.numbers["repaired"], story.numbers["repaired_wrongly"], story.numbers["still_broken"])
    assert (len(right), len(wrong), len(still)) == counts


def test_orders_have_a_composite_key_and_nested_items() -> None:
    """A partition and a sort key, the latter a number; a list of maps with qty; O'Brien's e-mail address."""
    assert samples.key_schema("orders") == [
        {"AttributeName": "customerId", "KeyType": "HASH"},
        {"AttributeName": "orderId", "KeyType": "RANGE"},
    ]
    images = [image for _, _, image in truth("orders") if image]
    assert 2_000 < len(truth("orders")) < 5_000
    assert all("N" in image["orderId"] and "N" in line["M"]["qty"] for image in images for line in image["items"]["L"])
    assert {"S": "O'Brien@example.com"} in [image["email"] for image in images]
    assert {image["status"]["S"] for image in images} == {
        "placed", "paid", "packed", "shipped", "delivered", "cancelled",
    }  # fmt: skip


# --- todo ---

#: The lines that the article shows, as they stand there.
ARTICLE = r"""
{"action": "INSERT", "keys": {"todoId": "t0001"}, "new_image": {"todoId": "t0001"}, "old_image": null, "timestamp": 1603679304, "timestamp_utc": "2020-10-26 02:28:24"}
{"action": "INSERT", "keys": {"todoId": "t8888"}, "new_image": {"title": "\u304a\u7c73\u3092\u8cb7\u3046", "todoId": "t8888", "done": false}, "old_image": null, "timestamp": 1603763256, "timestamp_utc": "2020-10-27 01:47:36"}
{"action": "MODIFY", "keys": {"todoId": "t2222"}, "new_image": {"title": "iPhone 12 Pro Max\u3092\u4e88\u7d04\u3059\u308b", "todoId": "t2222", "done": false}, "old_image": {"title": "iPhone 12 mini\u3092\u4e88\u7d04\u3059\u308b", "todoId": "t2222", "done": false}, "timestamp": 1603763317, "timestamp_utc": "2020-10-27 01:48:37"}
{"action": "MODIFY", "keys": {"todoId": "t2222"}, "new_image": {"memo": "Apple Store\u30aa\u30f3\u30e9\u30a4\u30f3\u3067\u4e88\u7d04\u3059\u308b", "title": "iPhone 12 Pro Max\u3092\u4e88\u7d04\u3059\u308b", "todoId": "t2222", "done": false}, "old_image": {"title": "iPhone 12 Pro Max\u3092\u4e88\u7d04\u3059\u308b", "todoId": "t2222", "done": false}, "timestamp": 1603763890, "timestamp_utc": "2020-10-27 01:58:10"}
{"action": "MODIFY", "keys": {"todoId": "t8888"}, "new_image": {"memo": "\u3042\u304d\u305f\u3053\u307e\u3061\uff01", "title": "\u304a\u7c73\u3092\u8cb7\u3046", "todoId": "t8888", "done": false}, "old_image": {"title": "\u304a\u7c73\u3092\u8cb7\u3046", "todoId": "t8888", "done": false}, "timestamp": 1603764087, "timestamp_utc": "2020-10-27 02:01:27"}
"""  # noqa: E501


def test_todo_is_the_articles_story() -> None:
    """The lines that the article prints are in the sample, to the second and the character, in its order."""
    fields = ("action", "keys", "new_image", "old_image", "timestamp", "timestamp_utc")
    made = []
    for _, line in landing.lines("todo"):
        record = json.loads(line)
        images = {field: record[field] and decode_image(record[field]) for field in fields[1:4]}
        made.append({field: images.get(field, record[field]) for field in fields})
    shown = [json.loads(line) for line in ARTICLE.strip().splitlines()]
    assert [line for line in made if line in shown] == shown
    assert [(line["action"], line["keys"]["todoId"]) for line in made] == [
        ("INSERT", "t0001"), ("INSERT", "t2222"), ("MODIFY", "t0001"), ("MODIFY", "t2222"), ("REMOVE", "t0001"),
        ("INSERT", "t8888"), ("MODIFY", "t2222"), ("MODIFY", "t2222"), ("MODIFY", "t8888"),
    ]  # fmt: skip
    assert made[2]["new_image"] == {"todoId": "t0001", "title": "いますぐ寝る!!!", "done": False}
