"""How often feeds may be requested, and whether one is due. All in POSIX seconds.

This is the part of the schedule that a run with nothing due needs; such a run loads no other.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from condget.feeds.durations import DAY, HOUR, MINUTE, span, with_instant

#: The most that the spread adds (C11): a sixth of the wait, and never more than this, or than that where the list fixes
#: the interval. Ten minutes for all would keep feeds that were added at once together for a week: many wait for six
#: hours (docs/scale.md).
SPREAD_FRACTION, SPREAD_MAXIMUM, SPREAD_OF_FIXED = 1 / 6, 3600.0, 600.0

#: A clock that was set back by less than this moves nothing (C14).
CLOCK_SLACK = 5 * MINUTE


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a feed may be requested; all in seconds.

    `every` is the list's own word for one feed: it replaces all rules but Retry-After and the back-off.
    """

    minimum: float = HOUR
    #: For a feed whose answers carry no validators: each poll costs its server a full answer (C2).
    without_validators: float = 4 * HOUR
    #: Where the adaptive interval stops growing (C10).
    maximum: float = 6 * HOUR
    #: The most that a hint of the origin or of the document counts for (C5).
    cap: float = 7 * DAY
    #: Where the doubling after failures stops (C7).
    failure_cap: float = DAY
    #: The wait after a first failure that may pass by itself: no response, an error of the server, a broken document.
    retry: float = 15 * MINUTE
    #: The wait after a run in which nothing at all could be reached (C13); the second time in a row it is `minimum`.
    offline: float = 10 * MINUTE
    #: Whether the Syndication module's update period counts (C9); it is often a template's default.
    update_period: bool = False
    every: float | None = None


@dataclass(frozen=True, slots=True)
class Patience:
    """How long failures in a row go unreported: until there are so many, or for so many seconds."""

    failures: int = 3
    seconds: float = DAY


class Due(NamedTuple):
    """When a feed may be requested next, why then, and whether it is gone (C8)."""

    next_poll: float
    reason: str
    gone: bool


def is_due(next_poll: float, *, pace: Pace, now: float) -> bool:
    """Whether a feed may be requested now, by the instant that was planned for it and the feed's own pace.

    An instant that no rule can have planned counts as due: a clock ran ahead once, and nothing sleeps for a
    year because of it (C14).
    """
    # An instant within the cap is within the horizon, which is dearer to compute: most feeds of a long list pass here.
    return next_poll <= now or (next_poll > now + pace.cap and next_poll > now + horizon(pace))


@lru_cache(maxsize=64)
def horizon(pace: Pace) -> float:
    """Return the longest wait that any rule can plan, spread included."""
    return SPREAD_MAXIMUM + max(
        pace.minimum, pace.without_validators, pace.maximum, pace.cap, pace.failure_cap, pace.every or 0
    )


def set_back(next_poll: float, last_polled: float, *, by: float, now: float) -> tuple[float, float, str]:
    """Return (next_poll, last_polled, reason) of a feed, moved along with a clock that was set back (C14).

    `by` is how far the last poll of any feed lies ahead of `now`: the clock was set back by that much at least.
    Plans of the old clock move with it, so that the gaps between polls stay: no feed falls due for this reason, and
    none waits longer than was planned.
    """
    at = next_poll - by
    return at, last_polled - by, with_instant(f"the clock was set back by {span(by)}", at, now)


def spread(url: str, wait: float, *, most: float = SPREAD_MAXIMUM) -> float:
    """Return what is added to a wait, the same for a URL on every run and every machine (C11)."""
    import hashlib  # here: a run with nothing due need not load OpenSSL

    digest = hashlib.sha256(url.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") / 2**64 * min(wait * SPREAD_FRACTION, most)
