"""A plan in words, with what it costs. Pure.

The prices are assumptions: Amazon DynamoDB and S3 pricing pages, us-east-1, November 2026.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import tzinfo
from typing import Final

from histlib.rules.chain.chain import stream_started
from histlib.values.times import format_time
from pipeline.backfill.exports import Description, export_id
from pipeline.backfill.plan import Plan
from pipeline.backfill.windows import Window

#: USD for each GB of change data that exports process, and the least that one export counts as.
USD_PER_GB: Final = 0.10
LEAST_GB: Final = 0.01
#: USD for 1,000 S3 requests that write.
USD_PER_1000_PUTS: Final = 0.005
#: Objects beside its data files that an export writes, and that it becomes in a history at least.
PUTS_PER_WINDOW: Final = 5 + 4


def describe(plan: Plan, there: Mapping[Window, Description], tz: tzinfo, *, keep_exports: bool) -> list[str]:
    """Every step, line by line; ``there`` are exports that are made, or going on, already."""
    span = span_text(plan.asked, tz)
    lines = [f"Table {plan.table.arn}, {span}, into {plan.target.place.address}:"]
    lines += [f"  there already: {span_text((one.start, one.end), tz)} (export {one.id})" for one in plan.done]
    lines += [f"  left out, shorter than the 15 minutes of an export: {span_text(one, tz)}" for one in plan.left_out]
    lines += [f"  remove {name}, which a run before left half written" for name in plan.half_written]
    lines += [f"  remove the files of export {one}, which is converted" for one in plan.unclear]
    for window in plan.windows:
        step = f"use export {export_id(there[window])}" if window in there else "start an export"
        lines.append(f"  {step}: {span_text(window, tz)}")
    return [*lines, *(_about(plan, len(plan.windows) - len(there), keep_exports, tz) if plan.windows else ())]


def _about(plan: Plan, started: int, keep_exports: bool, tz: tzinfo) -> Iterator[str]:
    target = plan.target
    after = "stay there" if keep_exports else "are removed once converted"
    yield f"Exports go to {target.exports.address}/{target.prefix}/AWSDynamoDB/ and {after}."
    if target.redaction.id:
        yield f"Never stored in the history, but in exports: {', '.join(target.redaction.rules)}."
    began = stream_started(target.stream)
    if target.stream and began < plan.asked[1]:
        yield (
            f"The pipeline's stream began at {format_time(began, tz)}: what it tells too is summed up once more, and a "
            "window that holds the pipeline's first change of an item may leave a gap right before it."
        )
    yield "Inside a window only an item's last write is told, and answers say net_change; its ends are exact."
    least, puts = started * LEAST_GB * USD_PER_GB, started * PUTS_PER_WINDOW
    exports = f"{started:,} export{'' if started == 1 else 's'}"
    yield (
        f"Cost: {exports}, billed by the change data of that time which they process. At {USD_PER_GB:.2f} USD a GB and "
        f"at least 10 MB each (assumed: us-east-1) {least:.3f} USD at least, and {USD_PER_GB:.2f} USD for each GB "
        f"more; about {puts:,} S3 puts, and 2 for each data file, at {USD_PER_1000_PUTS} USD a 1,000."
    )


def span_text(window: Window, tz: tzinfo) -> str:
    """``start to end``."""
    start, end = (format_time(edge, tz) for edge in window)
    return f"{start} to {end}"
