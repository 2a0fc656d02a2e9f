"""How durations, times and counts are said. Pure; times are epoch µs, durations seconds."""

from __future__ import annotations

from datetime import UTC

from histlib.values.times import SECOND, from_micros

_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def seconds_between(earlier: int, later: int) -> float:
    """The seconds from one time to another; 0 where clocks differ so that it would be less."""
    return max(later - earlier, 0) / SECOND


def duration(seconds: float) -> str:
    """``45 s``, ``8 min``, ``2 h 5 min``, ``3 d 4 h``: its two largest units, but seconds only below a minute."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    parts: list[tuple[int, str]] = []
    for unit, size in _UNITS[:-1]:
        if (count := whole // size) or parts:
            parts.append((count, unit))
        whole %= size
    return " ".join(f"{count} {unit}" for count, unit in parts[:2] if count)


def ago(moment: int, now: int) -> str:
    """``8 min ago``."""
    return f"{duration(seconds_between(moment, now))} ago"


def clock(moment: int) -> str:
    """``2026-11-26 02:10:03 UTC``."""
    return f"{from_micros(moment, UTC):%Y-%m-%d %H:%M:%S} UTC"


def iso(moment: int | None) -> str | None:
    """``2026-11-26T02:10:03+00:00``, with a fraction only where there is one; None stays None."""
    return None if moment is None else from_micros(moment, UTC).isoformat()


def many(count: float, what: str) -> str:
    """``1 object``, ``2,000 objects``."""
    return f"{count:,.0f} {what}{'' if count == 1 else 's'}"
