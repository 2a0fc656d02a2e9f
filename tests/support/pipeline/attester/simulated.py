"""A pipeline as far as the attester can see it: shards, calls that fail and are tried again, Firehose, and CloudWatch,
which tells of all that late. What AWS names no limit for happens at random within what
:mod:`pipeline.functions.attester.reach` believes of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any

from pipeline.functions.attester.judging import Previous, judge
from pipeline.functions.attester.observing import Observed
from pipeline.functions.attester.reach import CALL, LATE, LOOKBACK, PATIENCE, TOLD, UNREAD, from_json
from pipeline.functions.attester.settings import Settings

STREAM = "arn:aws:dynamodb:eu-west-1:123456789012:table/things/stream/2026-01-01T00:00:00.000"
SETTINGS = Settings("things", STREAM, "m", "recorder", "delivery", "history", "histlib-things")
BEGIN = 1_800_000_000 // 86_400 * 86_400
DAY = 86_400
STEP = 30
TABLE = {
    "TableId": "i",
    "LatestStreamArn": STREAM,
    "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
}
#: The one text for all shards is that of another shard than the one that fails.
MAPPING = {
    "State": "Enabled",
    "EventSourceArn": STREAM,
    "FunctionArn": "arn:aws:lambda:eu-west-1:123456789012:function:recorder",
    "DestinationConfig": {"OnFailure": {"Destination": "arn:aws:s3:::history"}},
    "FunctionResponseTypes": ["ReportBatchItemFailures"],
    "LastProcessingResult": "OK",
    "LastModified": datetime.fromtimestamp(BEGIN, UTC),
}

Times = Sequence[tuple[int, int]]
HIGHEST = ("iterator_age", "freshness")
LOWEST = ("success",)


@dataclass
class Change:
    """A change, made at a time; ``stamp``: what the stream says of it. ``poison``: no call with it succeeds."""

    made: int
    stamp: int
    poison: bool = False
    landed: bool = False


@dataclass
class Shard:
    """``waiting`` has what was not read. A batch is ``in_hand`` until a call with it has succeeded."""

    id: int
    readable: int
    parent: Shard | None = None
    closed: bool = False
    waiting: list[Change] = field(default_factory=list)
    in_hand: list[Change] = field(default_factory=list)
    attempts: int = 0
    next_poll: int = 0
    next_try: int = 0
    call: tuple[int, int] | None = None

    @property
    def done(self) -> bool:
        return self.closed and not self.waiting and not self.in_hand


@dataclass
class Faults:
    """When (from, until, seconds after the begin) what stands still. ``refused``: calls give back a part of a batch;
    ``errors``: calls raise; ``mapping``: it is off; ``unread``: only the first shard is read, beyond all belief."""

    refused: Times = ()
    errors: Times = ()
    throttled: Times = ()
    mapping: Times = ()
    s3: Times = ()
    attester: Times = ()
    unread: Times = ()
    splits: Sequence[int] = ()

    @property
    def edges(self) -> list[int]:
        """When something begins or ends."""
        intervals = (self.refused, self.errors, self.throttled, self.mapping, self.s3, self.attester)
        return [*self.splits, *(edge for some in intervals for one in some for edge in one)]


@dataclass
class World:
    """What happens is decided by ``random`` alone.

    ``retries`` bound what is tried, after which batches are set aside or, if ``dropping``, lost; ``slow``: calls take
    as long as they may, with a change each. ``skew``: the attester's clock less that of AWS, seconds.
    """

    changes: list[Change]
    faults: Faults
    random: Random
    shards: list[Shard]
    skew: int = 0
    retries: int = 1_000
    dropping: bool = False
    slow: bool = False
    every: int = 900
    now: int = BEGIN
    firehose: list[tuple[int, Change]] = field(default_factory=list)
    due: int = 0
    told: int = 0
    aside: list[Change] = field(default_factory=list)
    metrics: dict[str, dict[int, list[tuple[int, float]]]] = field(default_factory=dict)
    said: list[dict[str, Any]] = field(default_factory=list)

    def run(self, seconds: int) -> Iterator[int]:
        """Let time go by; yields the time of each attestation, just after it."""
        made = sorted(self.changes, key=lambda one: one.made)
        for self.now in range(BEGIN, BEGIN + seconds, STEP):
            while made and made[0].made <= self.now:
                self.random.choice([one for one in self.shards if not one.closed]).waiting.append(made.pop(0))
            self._split()
            for shard in list(self.shards):
                self._work(shard)
            self._deliver()
            if (self.now - BEGIN) % self.every == 0 and self.now > BEGIN and not self._is("attester"):
                self._attest()
                yield self.now

    def _is(self, what: str) -> bool:
        return any(begin <= self.now - BEGIN < end for begin, end in getattr(self.faults, what))

    def _tell(self, name: str, value: float, at: int | None = None) -> None:
        minute = (self.now if at is None else at) // 60 * 60
        visible = self.now + self.random.choice((60, 120, LATE - STEP))
        self.metrics.setdefault(name, {}).setdefault(minute, []).append((visible, value))

    def _split(self) -> None:
        for moment in self.faults.splits:
            if self.now == BEGIN + moment // STEP * STEP:
                parent = self.random.choice([one for one in self.shards if not one.closed])
                parent.closed = True
                found = self.now + self.random.choice((0, PATIENCE - STEP))
                self.shards.append(Shard(len(self.shards), found, parent))

    def _work(self, shard: Shard) -> None:
        shard.waiting = [one for one in shard.waiting if self.now - one.made < DAY]
        if shard.call and shard.call[1] <= self.now:
            self._end_call(shard)
        if self._is("mapping"):
            shard.readable = max(shard.readable, self.now + self.random.randrange(STEP, PATIENCE - STEP, STEP))
        elif shard.in_hand and not shard.call and self.now >= shard.next_try:
            self._begin_call(shard)
        elif not shard.in_hand and self._can_be_read(shard):
            self._poll(shard)

    def _can_be_read(self, shard: Shard) -> bool:
        unread = self._is("unread") and shard is not self.shards[0]
        waits = shard.parent is not None and not shard.parent.done
        return self.now >= max(shard.readable, shard.next_poll) and not unread and not waits and not shard.done

    def _poll(self, shard: Shard) -> None:
        size = 1 if self.slow else self.random.choice((1, 3, 100))
        shard.in_hand, shard.waiting = shard.waiting[:size], shard.waiting[size:]
        shard.attempts = 0
        self._tell("polled", len(shard.in_hand))
        if shard.in_hand:
            self._begin_call(shard)
        elif self.random.random() < 0.05:
            shard.next_poll = self.now + self.random.randrange(STEP, UNREAD - STEP, STEP)

    def _begin_call(self, shard: Shard) -> None:
        if self._is("throttled"):
            self._tell("throttles", 1)
            self._again(shard)
        else:
            shard.call = self.now, self.now + (CALL if self.slow else self.random.choice((1, 1, STEP, CALL)))

    def _end_call(self, shard: Shard) -> None:
        assert shard.call
        begun, shard.call = shard.call[0], None
        self._tell("iterator_age", max(0, begun - shard.in_hand[-1].stamp) * 1_000)
        if self._is("errors"):
            self._tell("errors", 1, begun)
            self._fail(shard, 0)
        elif self._is("refused"):
            self._fail(shard, self.random.randrange(len(shard.in_hand)))
        elif poisoned := [place for place, one in enumerate(shard.in_hand) if one.poison]:
            self._fail(shard, poisoned[0])
        else:
            self._store(shard.in_hand)
            shard.in_hand = []

    def _fail(self, shard: Shard, stored: int) -> None:
        self._tell("failed", len(shard.in_hand))
        self._store(shard.in_hand[:stored])
        shard.in_hand = shard.in_hand[stored:]
        shard.attempts += 1
        if shard.attempts <= self.retries:
            self._again(shard)
        else:
            if self.dropping:
                self._tell("dropped", len(shard.in_hand))
            else:
                self.aside += shard.in_hand
            shard.in_hand = []

    def _again(self, shard: Shard) -> None:
        shard.next_try = self.now + self.random.choice((STEP, STEP, 120, PATIENCE - STEP))

    def _store(self, changes: Sequence[Change]) -> None:
        if changes:
            self._tell("incoming", len(changes))
            if not self.firehose:
                self.due = self.now + SETTINGS.buffer_seconds + self.random.randrange(0, 60, STEP)
            self.firehose += [(self.now, one) for one in changes]

    def _deliver(self) -> None:
        """DataFreshness is told at a delivery, and from time to time while nothing can be delivered."""
        self.firehose = [one for one in self.firehose if self.now - one[0] < DAY]
        if not self.firehose or self.now < self.due:
            return
        oldest = self.now - self.firehose[0][0]
        if self._is("s3"):
            if self.now - self.told >= TOLD - SETTINGS.buffer_seconds:
                self._tell("freshness", oldest)
                self._tell("success", 0)
                self.told = self.now
            return
        self._tell("freshness", oldest)
        self._tell("success", 1)
        for _, change in self.firehose:
            change.landed = True
        self.firehose = []

    def _attest(self) -> None:
        last = self.said[-1] if self.said else None
        now = self.now + self.skew
        since = max(last["attested_at"] / 1e6 - LATE, now - 2 * DAY) if last else now - DAY
        begin = max(last["landed"] / 1e6 - LOOKBACK, now - 2 * DAY) if last else now - DAY
        mapping = MAPPING | {"State": "Disabled" if self._is("mapping") else "Enabled"}
        open_shards = [str(one.id) for one in self.shards if not one.closed]
        seen = Observed(now, since, TABLE, mapping, self._visible(min(since, begin)), len(self.aside), open_shards)
        self.said.append(judge(SETTINGS, seen, _previous(last)))

    def _visible(self, begin: float) -> dict[str, dict[int, float]]:
        found: dict[str, dict[int, float]] = {}
        for name, minutes in self.metrics.items():
            fold = max if name in HIGHEST else min if name in LOWEST else sum
            for minute in range(int(begin) // 60 * 60, self.now, 60):
                values = [value for visible, value in minutes.get(minute, ()) if visible <= self.now]
                if values:
                    found.setdefault(name, {})[minute] = fold(values)
        return found


def _previous(last: dict[str, Any] | None) -> Previous | None:
    if last is None:
        return None
    captured, lost_at = last["captured"], last["lost_at"]
    return Previous(
        last["losses"],
        last["attested_at"],
        None if captured is None else captured / 1e6,
        last["landed"] / 1e6,
        from_json(last["shards"]),
        None if lost_at is None else lost_at / 1e6,
        last["passing"],
    )
