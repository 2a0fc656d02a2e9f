"""moto mended where it is no DynamoDB, so that product code sees what AWS would show it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from unittest import mock

from moto.awslambda.models import LambdaBackend
from moto.dynamodb.models import table as tables

from pipeline.replay.local import LocalClock


@contextmanager
def mended(clock: LocalClock) -> Iterator[None]:
    """For a while moto's tables and streams live by ``clock``; tables have ids; a disabled stream takes no record;
    a mapping of Lambda's calls no function (moto would, in Docker: the rig does)."""
    made, described, specify = tables.Table.__init__, tables.Table.describe, tables.Table.set_stream_specification

    def make(self: Any, *given: Any, **named: Any) -> None:
        self.histlib_table_id = str(uuid.uuid4())
        made(self, *given, **named)

    def describe(self: Any, base_key: str = "TableDescription") -> Any:
        """moto knows no TableId, by which a table made again under its name is told from the one before."""
        found = described(self, base_key)
        found[base_key]["TableId"] = self.histlib_table_id
        return found

    def set_stream_specification(self: Any, streams: Any) -> None:
        """moto leaves a disabled stream's shard, and each write then ends in HTTP 500; and its label, and enabling a
        stream is then refused."""
        specify(self, streams)
        if not self.stream_specification["StreamEnabled"]:
            self.stream_shard = self.latest_stream_label = None

    with (
        mock.patch.object(tables, "utcnow", lambda: datetime.fromtimestamp(clock.seconds, UTC).replace(tzinfo=None)),
        mock.patch.object(LambdaBackend, "send_dynamodb_items", lambda *_: None),
        mock.patch.object(tables.Table, "__init__", make),
        mock.patch.object(tables.Table, "describe", describe),
        mock.patch.object(tables.Table, "set_stream_specification", set_stream_specification),
    ):
        yield
