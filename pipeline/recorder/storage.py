"""What goes to S3 directly: lines too long for Firehose, and records that cannot be converted."""

import gzip
import hashlib
import json
import time

from botocore.exceptions import BotoCoreError, ClientError


class Storage:
    """The history's place in S3: bucket and prefix (empty, or ending in ``/``)."""

    def __init__(self, s3, bucket, prefix="", clock=time.time):
        self._s3 = s3
        self._bucket = bucket
        self._prefix = prefix
        self._clock = clock

    def put_line(self, number, line):
        """A line as a landing object of its own, named by its sequence number; the day is that of arrival."""
        day = time.strftime("%Y/%m/%d", time.gmtime(self._clock()))
        return self._put(f"changes/{day}/oversize-{number:040}.gz", gzip.compress(line, mtime=0))

    def put_failed(self, number, record, redaction):
        """A record that cannot be converted, raw but for what must not be stored."""
        body = json.dumps(_storable(record, redaction), ensure_ascii=False, default=str).encode("utf-8", "replace")
        name = f"{number:040}" if number is not None else "unnumbered-" + hashlib.sha256(body).hexdigest()[:32]
        return self._put(f"failed/records/{name}", body)

    def _put(self, key, body):
        """Whether S3 took it."""
        try:
            self._s3.put_object(Bucket=self._bucket, Key=self._prefix + key, Body=body)
        except (ClientError, BotoCoreError):
            return False
        return True


def _storable(record, redaction):
    """The record; where there are rules, without all that they could mean."""
    if not redaction.id:
        return record
    change = record.get("dynamodb") if isinstance(record, dict) else None
    if not isinstance(change, dict) or not isinstance(change.get("Keys"), dict):
        return {"message": "a record of another shape; it is not kept, because of the redaction rules"}
    images = {
        name: redaction.apply_bluntly(change[name], change["Keys"])
        for name in ("NewImage", "OldImage")
        if name in change
    }
    return {**record, "dynamodb": {**change, **images}}
