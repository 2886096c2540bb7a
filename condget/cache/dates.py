"""HTTP dates (RFC 9110 §5.6.7): IMF-fixdate in any case, RFC 850 and asctime; no other form is a date."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH_NUMBERS = {name.lower(): number for number, name in enumerate(_MONTHS, 1)}

_DAY = "|".join(_DAYS)
_LONG_DAY = "monday|tuesday|wednesday|thursday|friday|saturday|sunday"
_MONTH = f"(?P<month>{'|'.join(_MONTHS)})"
_TIME = r"(?P<hour>[01]\d|2[0-3]):(?P<minute>[0-5]\d):(?P<second>[0-5]\d|60)"
_FORMATS = tuple(
    re.compile(pattern, re.ASCII | re.IGNORECASE)
    for pattern in (
        rf"(?:{_DAY}), (?P<day>\d\d) {_MONTH} (?P<year>\d{{4}}) {_TIME} GMT",
        rf"(?:{_LONG_DAY}), (?P<day>\d\d)-{_MONTH}-(?P<short_year>\d\d) {_TIME} GMT",
        rf"(?:{_DAY}) {_MONTH} (?P<day>\d\d| \d) {_TIME} (?P<year>\d{{4}})",
    )
)


@lru_cache(maxsize=1024)
def parse_date(text: str) -> float | None:
    """Return the instant that an HTTP-date names, in POSIX seconds, or None where the text is not one.

    A two-digit year counts from 1970 to 2069, the POSIX reading of the fifty-year rule.

    >>> parse_date("Sun, 06 Nov 1994 08:49:37 GMT")
    784111777.0
    >>> parse_date("yesterday") is None
    True
    """
    for pattern in _FORMATS:
        match = pattern.fullmatch(text)
        if match is None:
            continue
        parts = match.groupdict()
        short_year = parts.get("short_year")
        year = int(parts["year"]) if short_year is None else int(short_year) + (1900 if int(short_year) >= 70 else 2000)
        try:
            minute = datetime(
                year,
                _MONTH_NUMBERS[parts["month"].lower()],
                int(parts["day"]),
                int(parts["hour"]),
                int(parts["minute"]),
                tzinfo=UTC,
            )
        except ValueError:  # 31 February, year 0
            return None
        return minute.timestamp() + int(parts["second"])
    return None


def format_date(instant: float) -> str:
    """Return an instant in POSIX seconds as IMF-fixdate.

    >>> format_date(784111777)
    'Sun, 06 Nov 1994 08:49:37 GMT'
    """
    when = datetime.fromtimestamp(instant, UTC)
    return f"{_DAYS[when.weekday()]}, {when.day:02} {_MONTHS[when.month - 1]} {when.year:04} {when:%H:%M:%S} GMT"
