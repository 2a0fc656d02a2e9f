"""How old a result of Athena's may be and still be the answer."""

from __future__ import annotations

from typing import Final

from histlib.engines.athena.landing.objects import LandingDays, Revision
from histlib.format.days import MAX_LATENESS, day_begin
from histlib.values.times import DAY, HOUR, MINUTE

#: The oldest result that Athena reuses, minutes.
OLDEST: Final = 10_080
#: How long a statement may run (Athena's limit for DML): a result's age may count from its end, and it may have read
#: an object's day at its begin.
LONGEST_RUN: Final = 30 * MINUTE
#: How far the clocks of S3, Athena and this machine may be apart: S3 refuses requests beyond that.
CLOCKS: Final = 15 * MINUTE


def reuse_minutes(
    landing: LandingDays, days: tuple[str, str], revision: Revision, now: int, *, table_changed: int = 0
) -> int:
    """For how many minutes back an earlier result for a statement over these days (first and last) may be reused.

    ``now`` and ``table_changed``, when the catalog's table was last changed, are epoch µs. Athena takes an earlier
    result for the same text and never looks whether the data is still the same, so this must:

    - 0 unless all days are settled: the last one has ended, and ``MAX_LATENESS`` and an hour since. From then on only
      those write there who replace ``changes/_revision``; before, an object may come between this listing and the
      statement. The days must be bounded, too.
    - A result is as good as a new one if nothing that it read was written, replaced or removed after it began. What
      was written or replaced shows by LastModified, of the objects of these days and of ``_revision``. What was removed
      (as by a lifecycle rule, or into an archive, where LastModified stays) shows only by comparison: results from
      before this machine first saw the days as they are now do not count (:meth:`LandingDays.unchanged_since`).
    - The rest are margins: :data:`LONGEST_RUN` and :data:`CLOCKS`. A clock that was set back gives 0.

    Two things it cannot see, both of a day already past and without ``_revision`` being replaced: what came or went
    since all was last listed (an hour at most, as for each answer), and what went and came back unchanged between two
    listings, as where a delete marker is taken away again.
    """
    first, last = days
    if not (first and last and first <= last) or now < day_begin(last) + DAY + MAX_LATENESS + HOUR:
        return 0
    moments = (
        landing.newest_between(first, last),
        landing.unchanged_since(first, last),
        revision.modified,
        table_changed,
    )
    return max(0, min(OLDEST, (now - max(moments) - LONGEST_RUN - CLOCKS) // MINUTE))
