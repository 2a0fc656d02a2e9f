"""The commands and clients over an emulated AWS, on one clock."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import boto3

import histlib
from histlib.history import History
from histlib.values.image_json import encode_image
from pipeline.common.aws import Aws as Account
from pipeline.common.deployment import read_deployment
from pipeline.emulator.server import Emulator
from tests.aws.app import App, Item, Key, Seen
from tests.aws.clock.shared_clock import VARIABLE, SharedClock

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parents[1]
#: The attester's schedule, seconds.
QUARTER: Final = 900
#: Buffer and batching window of the emulated pipelines: MiniStack has none, and the attester allows for them.
QUICK: Final = ("--parameter", "BufferSeconds=0", "--parameter", "BatchingWindowSeconds=0")


@dataclass
class Said:
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str


@dataclass
class Aws:
    """The emulated AWS in ``folder``, the ``clock`` of all, and the commands, which know no other AWS."""

    folder: Path
    clock_file: Path
    emulator: Emulator = field(init=False)

    def __post_init__(self) -> None:
        self.faults = self.folder / "faults"
        self.faults.mkdir()
        self.clock = SharedClock(self.clock_file)
        on_clock = {VARIABLE: str(self.clock_file), "PYTHONPATH": str(HERE / "clock")}
        self.emulator = Emulator(self.folder, command=(str(HERE / "faulty.py"), str(self.faults)), extra=on_clock)
        self._on_clock = on_clock
        self._keys: dict[str, dict[str, str]] = {}

    @contextmanager
    def harmed(self, fault: str) -> Iterator[None]:
        """A fault of ``faulty.py``, as long as the block lasts."""
        (self.faults / fault).touch()
        try:
            yield
        finally:
            (self.faults / fault).unlink()

    def environment(self) -> dict[str, str]:
        """Of the commands."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "HISTLIB_"))}
        here = {"XDG_CACHE_HOME": str(self.folder / "cache"), "PYTHONPATH": f"{ROOT}:{self._on_clock['PYTHONPATH']}"}
        return {**kept, **self.emulator.client_environment(), **self._on_clock, **here}

    def key_of(self, command: str) -> dict[str, str]:
        """The credentials of somebody who may do what docs/permissions.md says that the command needs, and nothing
        else."""
        if command not in self._keys:
            iam = boto3.client("iam")
            iam.create_user(UserName=command)
            allow = {"Effect": "Allow", "Action": actions_of(command), "Resource": "*"}
            policy = {"Version": "2012-10-17", "Statement": [allow]}
            iam.put_user_policy(UserName=command, PolicyName="readme", PolicyDocument=json.dumps(policy))
            made = iam.create_access_key(UserName=command)["AccessKey"]
            self._keys[command] = {
                "AWS_ACCESS_KEY_ID": made["AccessKeyId"],
                "AWS_SECRET_ACCESS_KEY": made["SecretAccessKey"],
            }
        return self._keys[command]

    def run(self, module: str, *arguments: str, code: int = 0, key: dict[str, str] | None = None) -> Said:
        """``python -m module arguments``, in ``folder``; its exit code is the one expected. ``key``: as whom."""
        done = subprocess.run(
            [sys.executable, "-m", module, *arguments],
            cwd=self.folder,
            env=self.environment() | (key or {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        said = Said(done.returncode, done.stdout, done.stderr)
        assert said.code == code, f"{module} {' '.join(arguments)}: {said}"
        return said


@dataclass
class Pipeline:
    """One table's: what is deployed for it, and the application that writes to it."""

    aws: Aws
    app: App
    given_up: list[Seen] = field(default_factory=list)

    @classmethod
    def make(cls, aws: Aws, table: str) -> Pipeline:
        """A new table, with nothing deployed."""
        app = App(table, aws.clock.sleep)
        app.create()
        return cls(aws, app)

    def __post_init__(self) -> None:
        self.deployment: Any = None
        self.cache = tempfile.mkdtemp(dir=self.aws.folder)
        self.lambda_, self.s3 = boto3.client("lambda"), boto3.client("s3")

    def command(self, command: str, *arguments: str, code: int = 0) -> Said:
        """``python -m pipeline command --table TABLE arguments``, with no more permissions than docs/permissions.md
        names for it."""
        key = self.aws.key_of(command)
        return self.aws.run("pipeline", command, "--table", self.app.table, *arguments, code=code, key=key)

    def deploy(self, *arguments: str) -> Said:
        """``deploy``, agreed to."""
        said = self.command("deploy", "--yes", *QUICK, *arguments)
        self.look()
        return said

    def look(self) -> None:
        """See what is deployed now."""
        self.deployment = read_deployment(Account(), self.app.table)

    def begin(self) -> None:
        """Deploy, and let the attester see that all is well: from here on, silence is attested."""
        self.deploy()
        self.go_on(3)

    def attest(self) -> None:
        """Run the attester, as its schedule does, and hold what it attests to the truth."""
        answer = self.lambda_.invoke(FunctionName=self.deployment.attester_function, Payload=b"{}")
        assert "FunctionError" not in answer, answer["Payload"].read()
        self.prove_attested_is_true()

    def go_on(self, quarters: int = 1) -> None:
        """Let so many quarters of an hour go by, each with its attestation."""
        for _ in range(quarters):
            self.aws.clock.sleep(QUARTER)
            self.attest()

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something is so, which takes the emulator real time (a cold start is a second)."""
        patience = time.monotonic() + 30
        while not condition():
            assert time.monotonic() < patience, "it did not come to be so within 30 s"
            self.aws.clock.sleep(1)

    def settle(self) -> None:
        """Wait until all that the application changed has landed."""
        self.until(lambda: bool(self.objects("changes/")) and not self._missing())

    def _missing(self) -> Counter[tuple[Key, int, str | None]]:
        kept = [one for one in self.app.changes() if one not in self.given_up]
        return Counter(map(_change, kept)) - _landed(self.history())

    def finish(self) -> None:
        """Settle, and let the attester see it."""
        self.settle()
        self.go_on(3)

    def history(self, *, anew: bool = False) -> History:
        """The history, read from S3; ``anew``: into a cache of its own."""
        cache = tempfile.mkdtemp(dir=self.aws.folder) if anew else self.cache
        return histlib.connect(self.deployment.location, cache=cache)

    def prove_attested_is_true(self) -> None:
        """Whatever happened within a span that is attested has landed, but for what was given up for good."""
        if not self.objects("changes/"):
            return
        history = self.history()
        landed = _landed(history)
        spans = history.coverage().spans
        for span in spans[spans["kind"] == "attested"].to_dict("records"):
            start, end = span["start"].timestamp(), span["end"].timestamp()
            held = [one for one in self.app.changes() if start < one.second <= end and one not in self.given_up]
            assert Counter(map(_change, held)) - landed == Counter(), f"attested from {start} to {end}, but not landed"

    def prove_whole(self, since: float = 0) -> None:
        """All changes from ``since`` on are there once, and nothing else is; each state is what the application saw,
        attested and without a doubt."""
        history, changes = self.history(anew=True), self.app.changes(since)
        made = Counter(map(_change, changes))
        there = Counter({one: count for one, count in _landed(history).items() if one[1] >= int(since)})
        assert (made - there, there - made) == (Counter(), Counter()), "lost, and not made by the application"
        assert [str(one) for one in self._answers(history, changes) if not one.is_sure] == []

    def prove_not_wrong(self, since: float = 0) -> None:
        """No answer is other than what the application saw, unless it says that it may be."""
        assert [str(one) for one in self._answers(self.history(), self.app.changes(since)) if one.is_wrong] == []

    def _answers(self, history: History, changes: list[Seen]) -> list[Answer]:
        """About each item changed: in each second of a change, just before, just after, and a minute later."""
        asked = {(one.key, one.second + later) for one in changes for later in (-1, 0, 1, 60)}
        return [self._answer(history, key, second) for key, second in sorted(asked)]

    def _answer(self, history: History, key: Key, second: int) -> Answer:
        state = history.state_at(list(key), datetime.fromtimestamp(second, UTC).isoformat())
        here = [one for one in self.app.changes() if (one.key, one.second) == (key, second)]
        return Answer(key, second, state, self.app.state_at(key, second), {"same_second"} if len(here) > 1 else set())

    def objects(self, under: str) -> list[str]:
        """The keys below a prefix of the history's bucket."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.deployment.history_bucket, Prefix=under)
        return [one["Key"] for page in pages for one in page.get("Contents", ())]

    def read(self, key: str) -> bytes:
        """An object's content."""
        return bytes(self.s3.get_object(Bucket=self.deployment.history_bucket, Key=key)["Body"].read())

    def undelivered(self) -> list[str]:
        """What waits to be redriven."""
        ours = [key for key in self.objects("failed/") if not key.startswith(("failed/done/", "failed/unreadable/"))]
        return ours + self.objects("aws/lambda/")

    def lines(self) -> int:
        """How many lines lie in the landing."""
        return sum(
            gzip.decompress(self.read(key)).count(b"\n") for key in self.objects("changes/") if key.endswith(".gz")
        )


@dataclass(frozen=True)
class Answer:
    """What histlib answers about an item in a second, beside what the application saw, and which caveats are due."""

    key: Key
    second: int
    state: Any
    seen: Item | None
    due: set[str]

    @property
    def is_sure(self) -> bool:
        """It is what was seen, attested, and with no other caveat than is due."""
        return (self.state.item, set(self.state.caveats), self.state.completeness) == (self.seen, self.due, "attested")

    @property
    def is_wrong(self) -> bool:
        """It is something else, and does not say so."""
        doubted = self.state.status == "unknown" or set(self.state.caveats) - self.due
        return self.state.item != self.seen and not doubted


def actions_of(command: str) -> list[str]:
    """The actions that docs/permissions.md names for a command: ``service:Action``, and then ``Action`` of that
    service; of what is no command there, one that anybody may do."""
    rows = (ROOT / "docs" / "permissions.md").read_text(encoding="utf-8").splitlines()
    found = (row.split("|")[2] for row in rows if re.match(rf"\|[^|]*`{command}`[^|]*\| `[a-z]+:", row))
    cell = next(found, "`sts:GetCallerIdentity`")
    service, actions = "", []
    for named, action in re.findall(r"`(?:([a-z0-9]+):)?([A-Z][A-Za-z0-9]+)`", cell):
        service = named or service
        actions.append(f"{service}:{action}")
    return actions


def _change(one: Seen) -> tuple[Key, int, str | None]:
    """A change as the history has it."""
    return one.key, one.second, None if one.item is None else encode_image(one.item)


def _landed(history: History) -> Counter[tuple[Key, int, str | None]]:
    """The changes that the history has."""
    frame = history.changes("2000-01-01", "now", limit=100_000)
    return Counter(
        (
            Key(row["keys.customer"], Decimal(row["keys.number"])),
            int(row["time"].timestamp()),
            None if row["action"] == "REMOVE" else row["new_image_json"],
        )
        for row in frame.to_dict("records")
    )
