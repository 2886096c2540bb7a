"""Simulates due times over a week with the poller's own rules: how many feeds are polled in each minute.

`feeds/schedule.py` is asked once for the wait of each kind of feed and adaptive interval; the spread of each URL is
that of `feeds/pace.py`. A sample of the feeds is simulated, and its figures are scaled; the noise of so small a sample
makes the peaks higher than they would be.
"""

from __future__ import annotations

import random
from array import array
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import mean, quantiles
from typing import NamedTuple

from condget.cache.fields import Fields
from condget.cache.messages import StoredResponse
from condget.feeds.durations import DAY, HOUR, MINUTE
from condget.feeds.pace import SPREAD_MAXIMUM, Pace, spread
from condget.feeds.schedule import after_failure, after_success
from condget.feeds.values import FeedState, Hints

PACE = Pace()
WEEK = 7 * DAY


class Kind(NamedTuple):
    """Feeds that behave alike."""

    name: str
    #: Of all feeds.
    share: float
    #: New entries a day, on average.
    news: float
    #: Fields of the responses that the schedule reads.
    fields: tuple[tuple[str, str], ...] = (("ETag", '"1"'),)
    #: How many polls of a hundred fail.
    failures: float = 1.0


#: An assumption, not a measurement: mostly quiet feeds, as lists of many years have them.
KINDS = (
    Kind("news, every half hour", 0.03, 48),
    Kind("several entries a day", 0.12, 4),
    Kind("an entry a day", 0.20, 1),
    Kind("an entry a week", 0.30, 1 / 7),
    Kind("no entries any more", 0.15, 0),
    Kind("max-age of two hours", 0.05, 1, (("ETag", '"1"'), ("Cache-Control", "max-age=7200"))),
    Kind("no validators", 0.08, 1, ()),
    Kind("fails always", 0.07, 0, failures=100.0),
)


@dataclass(frozen=True, slots=True)
class Load:
    """The polls of each minute; figures are those of all feeds."""

    polls: Sequence[float]
    #: Feeds that were due and not yet polled, at the end of each minute.
    waiting: Sequence[float]

    def part(self, begin: float, end: float) -> Load:
        """Return the minutes between two instants, in seconds since the start."""
        first, last = round(begin / MINUTE), round(end / MINUTE)
        return Load(self.polls[first:last], self.waiting[first:last])

    @property
    def mean(self) -> float:
        return mean(self.polls)

    @property
    def peak_to_mean(self) -> float:
        return max(self.polls) / self.mean

    @property
    def p99_to_mean(self) -> float:
        return quantiles(self.polls, n=100)[98] / self.mean

    def minutes_waiting(self) -> int:
        """Return how many minutes pass until no feed waits."""
        return next((minute for minute, waiting in enumerate(self.waiting) if minute and not waiting), len(self.polls))


def simulate(
    feeds: int,
    sample: int,
    *,
    days: float = 7,
    capacity: float | None = None,
    outage: tuple[float, float] | None = None,
    pace: Pace = PACE,
    seed: int = 1,
) -> Load:
    """Simulate a week that begins with feeds that were never polled.

    Args:
        feeds: how many there are.
        sample: how many of them are simulated.
        capacity: polls a second, of all feeds, at most; None: all that is due is polled at once.
        outage: begin and end of hours in which nothing is polled, in seconds since the start.
    """
    chance = random.Random(seed)
    kinds = array("B", chance.choices(range(len(KINDS)), [kind.share for kind in KINDS], k=sample))
    fractions = array("d", (spread(f"https://{n}.example/feed", 6 * HOUR) / SPREAD_MAXIMUM for n in range(sample)))
    #: The adaptive interval and the failures in a row of each feed, and when it was polled last.
    intervals, failures = array("d", bytes(8 * sample)), array("B", bytes(sample))
    polled = array("d", bytes(8 * sample))
    minutes = round(days * DAY / MINUTE)
    due: list[list[int]] = [[] for _ in range(minutes)]
    queue: deque[int] = deque(range(sample))
    most = sample if capacity is None else round(capacity * MINUTE * sample / feeds)
    polls, waiting = [], []
    for minute in range(minutes):
        queue.extend(due[minute])
        due[minute] = []
        start = minute * MINUTE
        is_down = outage is not None and outage[0] <= start < outage[1]
        number = 0 if is_down else min(most, len(queue))
        for place in range(number):
            feed = queue.popleft()
            now = start + MINUTE * (place / number)
            kind = KINDS[kinds[feed]]
            if kind.failures and chance.random() * 100 < kind.failures:
                failures[feed] = min(failures[feed] + 1, 200)
                wait = _wait_after_failure(kinds[feed], intervals[feed], failures[feed], pace)
            else:
                failures[feed] = 0
                before = intervals[feed]
                is_news = bool(before) and chance.random() < kind.news * (now - polled[feed]) / DAY
                wait, intervals[feed] = _wait_after_success(kinds[feed], before, is_news, pace)
            polled[feed] = now
            at = now + wait + fractions[feed] * _most_spread(wait)
            if (then := int(at // MINUTE)) < minutes:
                # A run of the next minute at the earliest finds it.
                due[max(then, minute + 1) if minute + 1 < minutes else minute].append(feed)
        polls.append(number * feeds / sample)
        waiting.append(len(queue) * feeds / sample)
    return Load(polls, waiting)


_URL = "https://example.org/feed"


@lru_cache(maxsize=10_000)
def _wait_after_success(kind: int, interval: float, changed: bool, pace: Pace) -> tuple[float, float]:
    """Return wait and adaptive interval after a success, as `feeds/schedule.py` has them."""
    stored = StoredResponse(_URL, 200, Fields(KINDS[kind].fields), 0, 0)
    now = 10 * WEEK
    before = FeedState(_URL, interval=interval, last_polled=now - max(interval, HOUR) if interval else None)
    planned = after_success(before, stored, Hints(), status=200, changed=changed, pace=pace, now=now)
    return _without_spread(planned.at - now), planned.interval


@lru_cache(maxsize=10_000)
def _wait_after_failure(kind: int, interval: float, failures: int, pace: Pace) -> float:
    stored = StoredResponse(_URL, 200, Fields(KINDS[kind].fields), 0, 0)
    now = 10 * WEEK
    before = FeedState(_URL, interval=interval, failures=failures - 1, stored=stored)
    return _without_spread(after_failure(before, "example.org", None, Fields(), pace=pace, now=now).at - now)


def _without_spread(seconds: float) -> float:
    """Return the wait that makes so many seconds with its spread, which grows with the wait."""
    low, high = 0.0, seconds
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if middle + spread(_URL, middle) < seconds else (low, middle)
    return round(high, 3)


@lru_cache(maxsize=10_000)
def _most_spread(wait: float) -> float:
    """Return the most that the spread adds to a wait."""
    return spread(_URL, wait) / (spread(_URL, 6 * HOUR) / SPREAD_MAXIMUM)


def report(feeds: int, sample: int) -> Iterator[str]:
    """Yield what simulated weeks show, a line each."""
    yield f"{feeds:,} feeds over a week, of which {sample:,} are simulated"
    free = simulate(feeds, sample)
    steady = free.part(5 * DAY, 7 * DAY)
    rate = steady.mean / MINUTE
    yield f"  in the long run {rate:,.0f} polls a second: each feed every {feeds / rate / HOUR:.1f} h"
    noise = 1 + 4 * (steady.mean * sample / feeds) ** -0.5
    yield f"  noise of the sample alone: peak to mean up to about {noise:.2f}"
    yield ""
    yield "  Polls in a minute, to the mean of that time       peak      p99"
    yield "  all due at once, and polled within a minute"
    for begin, end, words in (
        (HOUR, 6 * HOUR, "hours 2 to 6"),
        (6 * HOUR, 12 * HOUR, "hours 7 to 12"),
        (12 * HOUR, DAY, "hours 13 to 24"),
        (DAY, 2 * DAY, "day 2"),
        (2 * DAY, 3 * DAY, "day 3"),
        (4 * DAY, 7 * DAY, "days 5 to 7"),
    ):
        yield _line(words, free.part(begin, end))
    for factor in (1.25, 2.0):
        yield ""
        yield f"  at most {factor:g} times the long-run rate, cold start, six hours of outage on day 4"
        down = (3 * DAY, 3 * DAY + 6 * HOUR)
        load = simulate(feeds, sample, capacity=rate * factor, outage=down)
        yield _line("day 1", load.part(0, DAY))
        yield _line("day 3", load.part(2 * DAY, 3 * DAY))
        yield _line("the day after the outage", load.part(down[1], down[1] + DAY))
        yield _line("days 6 and 7", load.part(5 * DAY, 7 * DAY))
        yield f"    nothing waits any more after a cold start: {_hours(load.minutes_waiting())}"
        after = load.part(down[1] - MINUTE, 7 * DAY).minutes_waiting()
        yield f"    nothing waits any more after the outage:   {_hours(after)}"


def _line(words: str, load: Load) -> str:
    return f"    {words:46} {load.peak_to_mean:6.2f} {load.p99_to_mean:8.2f}"


def _hours(minutes: int) -> str:
    return f"{minutes / 60:.1f} h"
