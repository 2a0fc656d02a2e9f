"""The small facts of a history in S3 that Athena reads: mirrored into the private cache, where they are few and small.

Attestations, manifests and failed objects are what answers depend on beside the rows; they are in no table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from histlib.engines.athena.landing.objects import LandingDays
from histlib.engines.beside.facts import SmallFacts
from histlib.format.problems import Problem
from histlib.rules.coverage.baselines import Manifest
from histlib.stores.s3.address import Address
from histlib.stores.s3.mirror import Mirror


class BucketFacts:
    """The small facts of one history; ``limit``: bytes fetched at once without being asked (default 1 GiB)."""

    def __init__(
        self, client: Any, address: Address, cache: Path, *, profile: str | None = None, limit: int | None = None
    ) -> None:
        self._mirror = Mirror(client, address, cache, profile=profile, limit=limit, landing=False)
        self._facts = SmallFacts(self._mirror.folder)
        self._missing: Sequence[Problem] = ()

    def refresh(self) -> bool:
        """Fetch what is new; whether anything has changed.

        Call it before rows are read: an attestation then never vouches for more than these show.

        Raises:
            SourceError: S3 cannot be listed or read, or one of those that every answer depends on (below ``coverage/``
                and ``baseline/``) cannot be had; of others a hole tells.
        """
        with self._mirror.fresh() as missing:
            changed = self._facts.refresh() or missing != self._missing
        self._missing = missing
        return changed

    def attestations(self) -> pa.Table:
        """What :class:`histlib.engines.queries.Attestations` yields."""
        return self._facts.attestations()

    def net_windows(self) -> pa.Table:
        """What :class:`histlib.engines.queries.NetWindows` yields."""
        return self._facts.net_windows()

    def holes(self, tables: Iterable[str | None], landing: LandingDays, *, local: bool = False) -> pa.Table:
        """What :class:`histlib.engines.queries.Holes` yields: what failed of these tables (ARNs), cannot be had, or is
        unseen by Athena; ``local``: datedays may be of another zone than UTC."""
        return self._facts.holes(tables, [*landing.problems, *self._missing], local=local)

    def baselines(self, landing: LandingDays, count: Callable[[Manifest], int]) -> pa.Table:
        """What :class:`histlib.engines.queries.Baselines` yields; ``count`` gives the distinct keys of a baseline's
        rows.

        ``damaged`` is null: an object that cannot be read is an error of Athena's query. What is missing is not
        counted: the baseline does not exist.
        """

        def found(baseline: Manifest) -> dict[str, Any]:
            missing = next((file for file in baseline.files if not landing.has(file)), None)
            return {"missing": missing, "damaged": None, "keys": None if missing else count(baseline)}

        return self._facts.baselines(found)
