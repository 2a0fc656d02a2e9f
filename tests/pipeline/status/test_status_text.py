"""How ``status`` reads in a terminal, and how durations and times are said."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from histlib.values.times import HOUR, MINUTE
from pipeline.common.words import duration, many
from pipeline.status.checks import Unanswered
from pipeline.status.seen.objects import Objects
from pipeline.status.text import as_text
from tests.support.pipeline.status_facts import FACTS, NOW, attested, measured, report_of, series

TROUBLED = report_of(
    undelivered=Objects(3, NOW - 2 * HOUR - 5 * MINUTE),
    baselines=Unanswered("s3:ListBucket (histories, orders/baseline/) is denied (AccessDenied): allow it"),
    **measured(freshness=series(5_000), writes=series()),
    **attested(healthy=False, undelivered=3, problems=["3 objects lie undelivered"]),
)

TEXT = """\
not whole: 2 problems, 1 unanswered question, 1 warning
captured through: not known
table orders, stack histlib-orders, eu-west-1

bad      undelivered         3 objects, the oldest 2 h 5 min ago (bad above 0)
         Changes lie beside the history, answers tell of them as holes, and no
         attestation is whole: find why in the recorder's log, then redrive.
         $ python -m pipeline redrive --table orders --region eu-west-1

bad      attestation         7 min ago, not whole
                             (warn above 30 min, bad above 1 d or if not whole)
         The last attestation is not whole: 3 objects lie undelivered. Mend
         that; the next one tells.
         $ aws logs tail /aws/lambda/histlib-orders-attester --since 1d --region eu-west-1

unknown  baseline            not known
         This could not be asked, so nothing is known of it: s3:ListBucket
         (histories, orders/baseline/) is denied (AccessDenied): allow it.

warn     firehose freshness  oldest change waits 1 h 23 min
                             (warn above 1 h, bad above 12 h)
         S3 does not take what Firehose has, which is gone for good after 24 h:
         see its log, mostly for a bucket, key or role that refuses it.
         $ aws logs tail /aws/kinesisfirehose/histlib-orders --since 1d --region eu-west-1

ok       stack               UPDATE_COMPLETE
ok       table               ACTIVE, id table-1
ok       stream              on, NEW_AND_OLD_IMAGES, read by the mapping
ok       mapping             Enabled, last batch: OK
ok       mapping settings    as deployed, batches of 1000 or 10 s
ok       iterator age        1 s behind
ok       recorder            no error or throttle in 24 h
ok       delivery stream     ACTIVE
ok       firehose throttled  no record in 24 h
ok       landing             newest object 3 min ago
ok       quarantined         0 objects
ok       losses              none
ok       attester            no error or throttle in 24 h
ok       alarms              none of 14 in ALARM
"""


def test_the_text_is_this() -> None:
    """The worst first and explained, with what to run; then what is well, a line each."""
    assert as_text(TROUBLED) == TEXT.rstrip("\n")


def test_lines_fit_a_terminal() -> None:
    """At most 80 columns, but for commands to be copied."""
    assert all(len(line) <= 80 for line in TEXT.splitlines() if not line.lstrip().startswith("$ "))


def test_colours_change_nothing_else() -> None:
    """Without its colours, the coloured text is the plain one."""
    coloured = as_text(TROUBLED, colour=True)
    assert coloured.startswith("\033[1;31mnot whole: ")
    assert "\n\033[33mwarn\033[0m     firehose freshness" in coloured
    assert "\n\033[32mok\033[0m       stack" in coloured
    assert re.sub(r"\033\[[0-9;]*m", "", coloured) == as_text(TROUBLED)


def test_long_values_stay_in_their_column() -> None:
    """A value that is too long goes on below itself."""
    quiet = report_of(landed=None, **measured(writes=series()))
    assert (
        "ok       landing             nothing today or yesterday; no writes in 24 h: a\n"
        "                             quiet table is quiet\n"
    ) in as_text(quiet)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"), (59.9, "59 s"), (60, "1 min"), (3_599, "59 min"), (3_600, "1 h"), (3_660, "1 h 1 min"),
        (86_399, "23 h 59 min"), (86_400, "1 d"), (90_000, "1 d 1 h"), (86_400 + 60, "1 d"),
    ],
)  # fmt: skip
def test_durations(seconds: float, said: str) -> None:
    """Two units at most, rounded down: nothing is called older than it is."""
    assert duration(seconds) == said


def test_counts() -> None:
    """One, and more with their thousands apart."""
    assert (many(1, "object"), many(0, "object"), many(2_000, "object")) == ("1 object", "0 objects", "2,000 objects")


def test_the_table_and_its_place_are_named() -> None:
    """A person with several deployments sees which one this is."""
    deployment = replace(FACTS.deployment, stack="other")
    assert as_text(report_of(deployment=deployment)).splitlines()[1] == "table orders, stack other, eu-west-1"
