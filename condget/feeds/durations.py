"""Instants and lengths of time in words, and lengths of time as users write them. All in POSIX seconds."""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo
from functools import lru_cache

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0


def instant(at: float, now: float) -> str:
    """Return an instant in UTC to the minute; the date is left out where it is that of `now`."""
    return _minute(at // MINUTE, at // DAY == now // DAY)


def local_instant(at: float, now: float, zone: tzinfo | None = None) -> str:
    """Return an instant on the reader's clocks to the minute, short where it is near; None: those of this machine.

    >>> [local_instant(at, 0, UTC) for at in (3600, 86_400, 8 * 86_400)]
    ['01:00', 'Fri 00:00', '1970-01-09']
    """
    moment = datetime.fromtimestamp(at, UTC).astimezone(zone)
    if moment.date() == datetime.fromtimestamp(now, UTC).astimezone(zone).date():
        return moment.strftime("%H:%M")
    days = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    return f"{days[moment.weekday()]} {moment:%H:%M}" if abs(at - now) < 6 * DAY else f"{moment:%Y-%m-%d}"


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


_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


def duration(text: str) -> float:
    """Return the seconds of a length of time that a user wrote: a number and its unit.

    >>> duration("90s"), duration("6h"), duration("1.5d")
    (90.0, 21600.0, 129600.0)

    Raises:
        ValueError: the text is not a length above zero, or has no unit: 2 could mean minutes as well as days.
    """
    number = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)([smhdw]?)", text)
    seconds = float(number[1]) * _UNITS.get(number[2], 1) if number else 0.0
    if number is None or not seconds:
        raise ValueError(f'"{text}" is not a duration (such as 90s, 30m, 6h, 2d, 1w)')
    if not number[2]:
        raise ValueError(f'"{text}" has no unit; write {text}s, {text}m, {text}h, {text}d or {text}w')
    return seconds


def duration_or_seconds(text: str) -> float:
    """Return the seconds of a length of time where a number without a unit can only mean seconds, as in a time-out.

    Raises:
        ValueError: the text is not a length above zero.
    """
    return duration(f"{text}s" if re.fullmatch(r"[0-9]+(?:\.[0-9]+)?", text) else text)
