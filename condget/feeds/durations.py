"""Instants and lengths of time in words. All in POSIX seconds."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0


def instant(at: float, now: float) -> str:
    """Return an instant in UTC to the minute; the date is left out where it is that of `now`."""
    return _minute(at // MINUTE, at // DAY == now // DAY)


@lru_cache(maxsize=4096)
def _minute(minute: float, today: bool) -> str:
    return datetime.fromtimestamp(minute * MINUTE, UTC).strftime("%H:%MZ" if today else "%Y-%m-%d %H:%MZ")


def span(seconds: float) -> str:
    """Return a length of time as people say it.

    >>> [span(s) for s in (90, 3600, 14400, 12150, 604800)]
    ['90 s', '60 min', '4 h', '3.4 h', '7 days']
    """
    if seconds < 2 * MINUTE:
        return f"{seconds:.3g} s"
    if seconds < 2 * HOUR:
        return f"{seconds / MINUTE:.3g} min"
    if seconds < 2 * DAY:
        return f"{_one_decimal(seconds / HOUR)} h"
    return f"{_one_decimal(seconds / DAY)} days"


def with_instant(why: str, at: float, now: float) -> str:
    """Return a reason with the instant that it leads to."""
    return f"{why}; next at {instant(at, now)}"


def _one_decimal(number: float) -> str:
    return f"{round(number, 1):g}"
