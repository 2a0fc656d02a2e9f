"""An attestation as the attesting job writes it, of what the rig knows: for tests that need no more of that job."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from whole.rig import BUCKET, PREFIX, Rig


def attest(rig: Rig, **fields: Any) -> dict[str, Any]:
    """Write an attestation of now; ``fields`` replace what it says."""
    now, undelivered = rig.clock.seconds, rig.undelivered()
    table = rig.app.dynamodb.describe_table(TableName=rig.app.table)["Table"]
    said = {
        "attested_at": int(now * 1_000_000),
        "table": table["TableArn"],
        "table_id": table["TableId"],
        "stream": rig.stream.arn,
        "view": "NEW_AND_OLD_IMAGES",
        "mapping": rig.mapping.uuid,
        "mapping_state": "Enabled" if rig.mapping.enabled else "Disabled",
        "iterator_age_ms": int(rig.mapping.iterator_age * 1_000),
        "firehose_freshness_s": int(rig.firehose.freshness + 0.999_999),
        "undelivered": len(undelivered),
        "healthy": table.get("LatestStreamArn") == rig.stream.arn,
        "redaction": None,
        "key_schema": table["KeySchema"],
        "retention_days": 0,
        **fields,
    }
    day = f"{datetime.fromtimestamp(now, UTC):%Y/%m/%d}"
    key = f"{PREFIX}coverage/{day}/attestation-{int(now * 1000)}.json"
    rig.s3.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(said).encode())
    return said
