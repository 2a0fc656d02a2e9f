"""``make demo-aws``: the deployment on an emulated AWS, no account needed; a shop, a mistake, and what was it then?"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from histlib.errors import HistlibError
from pipeline.common.deployment import read_deployment
from pipeline.emulator.server import Emulator, running

TABLE: Final = "products"
TEAPOT: Final = "teapot"
PRICES: Final = {
    TEAPOT: ("kitchen", "24.90"),
    "kettle": ("kitchen", "39.00"),
    "pan": ("kitchen", "59.50"),
    "lamp": ("home", "45.00"),
    "rug": ("home", "120.00"),
}
#: Seconds until a change must be in S3, which takes minutes on AWS and moments here.
_PATIENCE: Final = 30


@dataclass
class Shop:
    """The application: it knows nothing of the pipeline. ``pause`` seconds lie between its steps, so that each has a
    second of its own."""

    dynamodb: Any
    pause: float = 1.2

    def open(self) -> None:
        """Make its table, and fill it."""
        schema = [{"AttributeName": "productId", "KeyType": "HASH"}]
        attributes = [{"AttributeName": "productId", "AttributeType": "S"}]
        self.dynamodb.create_table(
            TableName=TABLE, KeySchema=schema, AttributeDefinitions=attributes, BillingMode="PAY_PER_REQUEST"
        )
        for name, (category, price) in PRICES.items():
            item = {"productId": name, "category": category, "price": Decimal(price), "stock": 20, "by": "import"}
            self.dynamodb.Table(TABLE).put_item(Item=item)

    def sell(self) -> None:
        """A day's business, in a few seconds."""
        for name, count in ((TEAPOT, 1), ("lamp", 2), (TEAPOT, 3), ("pan", 1)):
            self._set(name, "stock = stock - :value", Decimal(count), "checkout")
        time.sleep(self.pause)

    def raise_price(self) -> None:
        """What the teapot should have cost since."""
        self._set(TEAPOT, "price = :value", Decimal("26.50"), "anna")
        time.sleep(self.pause)

    def release(self) -> None:
        """The mistake: a category's prices become 0."""
        for name, (category, _) in PRICES.items():
            if category == "kitchen":
                self._set(name, "price = :value", Decimal(0), "price-service@2.14.0")
        time.sleep(self.pause)

    def _set(self, name: str, what: str, value: Decimal, by: str) -> None:
        self.dynamodb.Table(TABLE).update_item(
            Key={"productId": name},
            UpdateExpression=f"SET {what}, #by = :by",
            ExpressionAttributeNames={"#by": "by"},
            ExpressionAttributeValues={":value": value, ":by": by},
        )


@dataclass
class Terminal:
    """Commands as a reader would type them in ``folder``: shown, run, and their output shown."""

    folder: Path
    environment: Mapping[str, str]

    def type(self, *command: str, leave_out: Callable[[str], bool] = lambda _: False) -> None:
        """Run a command, less those lines of its output.

        Raises:
            subprocess.CalledProcessError: it failed.
        """
        print(f"\n$ {shlex.join(command)}", flush=True)
        program = [sys.executable, *command[1:]] if command[0] == "python" else [sys.executable, "-m", *command]
        left_out = 0
        with subprocess.Popen(
            program, cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
        ) as running_command:
            assert running_command.stdout is not None
            for line in running_command.stdout:
                left_out += leave_out(line)
                if not leave_out(line):
                    print(line, end="", flush=True)
        if left_out:
            print(f"(left out here: {left_out} lines, of the change set and of what CloudFormation then did)")
        if running_command.returncode:
            raise subprocess.CalledProcessError(running_command.returncode, command)


def main(arguments: list[str]) -> int:
    """Run the demo into a folder (default ``out/aws``), and keep its AWS until Ctrl-C; returns the exit code."""
    folder = Path(arguments[0] if arguments else "out/aws").resolve()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with tempfile.TemporaryDirectory() as inside, running(Emulator(Path(inside))) as emulator:
            _show(emulator, folder)
            if sys.stdin.isatty():
                signal.pause()
    except KeyboardInterrupt:
        print("\nstopped: the emulated AWS and all that was in it are gone")
    except (HistlibError, subprocess.CalledProcessError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    return 0


def _show(emulator: Emulator, folder: Path) -> None:
    say("An AWS on this machine", f"MiniStack at {emulator.url}, with nothing in it. Nothing leaves this machine.")
    told = emulator.client_environment()
    os.environ.update(told)
    (folder / "env").write_text("".join(_exports(told)), encoding="utf-8")
    terminal = Terminal(folder, {**os.environ, "XDG_CACHE_HOME": str(folder / "cache")})
    shop = _open_shop()
    _deploy(terminal, shop)
    moments = _one_bad_day(shop)
    location = _landed(shop)
    _investigate(terminal, location, *moments)
    _say_what_next(folder, location)


def _open_shop() -> Shop:
    import boto3

    shop = Shop(boto3.resource("dynamodb"))
    shop.open()
    say("A shop", f"writes to its DynamoDB table {TABLE}: {', '.join(PRICES)}. It knows nothing of what follows.")
    return shop


def _deploy(terminal: Terminal, shop: Shop) -> None:
    say("Deploy", "what would be done to the table, and then do it:")
    terminal.type("python", "-m", "pipeline", "deploy", "--table", TABLE, "--dry-run")
    terminal.type("python", "-m", "pipeline", "deploy", "--table", TABLE, "--yes", leave_out=_is_event)
    say("Baseline", "what was in the table before the capture began:")
    terminal.type("python", "-m", "pipeline", "baseline", "--table", TABLE, "--yes")
    time.sleep(shop.pause)


def _is_event(line: str) -> bool:
    """Whether a line of ``deploy`` tells of one resource, or heads such lines."""
    return line.startswith("  ") and (" AWS::" in line or line.split(maxsplit=1)[0] == "action")


def _one_bad_day(shop: Shop) -> tuple[str, str]:
    """Let it come and go; returns a moment before the mistake and one after it."""
    say(
        "One day at the shop", "it sells, the teapot's price is raised, and a release sets prices of the kitchen to 0 …"
    )
    shop.sell()
    shop.raise_price()
    before = _now()
    time.sleep(shop.pause)
    shop.release()
    during = _now()
    time.sleep(shop.pause)
    shop.sell()
    return before, during


def _landed(shop: Shop) -> str:
    """Wait until the newest change is in S3; returns where.

    Raises:
        HistlibError: it did not land.
    """
    import histlib
    from pipeline.common.aws import Aws

    location = read_deployment(Aws(), TABLE).location
    newest = shop.dynamodb.Table(TABLE).get_item(Key={"productId": "pan"})["Item"]["stock"]
    until = time.monotonic() + _PATIENCE
    with tempfile.TemporaryDirectory() as cache:
        while time.monotonic() < until:
            rows = histlib.connect(location, cache=cache).changes("-1d", "now", keys=["pan"])
            if len(rows) and rows["new_image"].iloc[-1]["stock"] == newest:
                return location
            time.sleep(0.5)
    raise HistlibError(f"the shop's changes are not in {location} after {_PATIENCE} s", location)


def _investigate(terminal: Terminal, location: str, before: str, during: str) -> None:
    source = ("--source", location)
    say("What was it then?", f"customers got teapots for nothing. At {during} the teapot was:")
    terminal.type("histlib", "state-at", TEAPOT, during, *source)
    say("And before?", "")
    terminal.type("histlib", "state-at", TEAPOT, before, *source)
    say("What happened to its price, and by whom?", "")
    terminal.type("histlib", "timeline", TEAPOT, "--path", "price", "--path", "by", *source)
    say("Who else was hit?", "")
    terminal.type("histlib", "affected", before, during, "--where", "item.price = 0", "--column", "price", *source)


def _say_what_next(folder: Path, location: str) -> None:
    if not sys.stdin.isatty():
        say(
            "Done", "run it in a terminal, and the emulated AWS stays until you press Ctrl-C, for commands of your own."
        )
        return
    say("Try yourself", "in another terminal, while this one stays:")
    for command in (
        f"cd {folder} && source ./env",
        f"histlib since {TEAPOT} price --value 0 --source {location}",
        f"python -m pipeline status --table {TABLE}    # nothing is attested before 35 minutes",
        f"python -m pipeline destroy --table {TABLE} --dry-run",
    ):
        print(f"  {command}")
    say("Ctrl-C", "ends it, and with it all of this AWS.")


def _exports(told: Mapping[str, str]) -> Iterator[str]:
    yield "# Made by the demo: with these, commands ask its emulated AWS, as long as it runs, and no other.\n"
    yield from (f"export {name}={shlex.quote(value)}\n" for name, value in told.items())
    yield f"export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH\n"


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


def say(title: str, text: str) -> None:
    """A heading."""
    print(f"\n\033[1m{title}\033[0m  {text}" if sys.stdout.isatty() else f"\n== {title} {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
