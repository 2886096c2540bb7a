"""When a feed is asked again, and why, in words that name the source (RFC 9111 §4.2, RFC 9110 §10.2.3).

Several rules speak and the longest wait wins: the plain minimum, missing validators, the adaptive interval,
freshness that the origin states, the feed's own ttl. A stable hash of the URL then adds a little, so that
feeds do not fall due together; nothing is ever subtracted. `now` is always an argument, in POSIX seconds.

A minimum of 60 minutes is hard, so an hourly cron, which comes seconds too early, would ask an hourly feed
every second time only: let cron run every few minutes instead; a run with nothing due makes no request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from operator import itemgetter
from typing import Any

from condget.cache.dates import parse_date
from condget.cache.directives import MAX_DELTA_SECONDS, parse_delta_seconds
from condget.cache.fields import Fields
from condget.cache.freshness import FRESHNESS_FIELDS, age_value, explicit_lifetime, response_directives
from condget.cache.messages import StoredResponse
from condget.cache.validators import has_validator
from condget.feeds.durations import DAY, HOUR, instant, span, with_instant
from condget.feeds.pace import Pace, horizon, spread
from condget.feeds.values import FeedState, Hints, HostHold, Outcome

#: The adaptive interval (C10): gentle growth and quick decline settle where about one poll in three
#: finds news.
GROWTH, DECLINE = 1.5, 0.5

#: A wait in seconds, and what says why: words are made for the longest wait only.
_Rule = tuple[float, Callable[[], str]]

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class NextPoll:
    """The plan for a feed after one poll."""

    at: float
    #: The adaptive interval to remember (C10); a failure leaves it as it was.
    interval: float
    failures: int
    #: In words, with the source and the instant.
    reason: str
    gone: bool = False
    hold: HostHold | None = None

    def applied(self, state: FeedState, **changes: Any) -> FeedState:
        """Return a state with this plan in it, and with these changes."""
        return replace(
            state,
            **changes,
            next_poll=self.at,
            interval=self.interval,
            failures=self.failures,
            reason=self.reason,
            gone=self.gone,
        )


def after_success(
    before: FeedState,
    stored: StoredResponse | None,
    hints: Hints,
    *,
    status: int,
    changed: bool,
    pace: Pace,
    now: float,
) -> NextPoll:
    """Plan the next poll of a feed that answered.

    Args:
        before: the state as it was before this poll; `FeedState(url)` on first sight.
        stored: the head that will be remembered, already freshened by a 304.
        hints: what the document last read says; on a 304 those remembered.
        status: of the answer, for the words of the reason: 200, 304 or 226.
        changed: whether there was news.
    """
    interval = _adapted(before, changed, pace, now)
    answer = partial(_answer, status, now)
    wait, why = max(_waits(stored, hints, interval, answer, pace), key=itemgetter(0))
    at, reason = _planned(before.url, wait, why(), hints, pace, now)
    return NextPoll(at, interval, 0, reason)


def after_failure(
    before: FeedState,
    host: str,
    status: int | None,
    fields: Fields,
    *,
    pace: Pace,
    now: float,
    for_good: bool = True,
) -> NextPoll:
    """Plan the next poll of a feed that failed, whatever the failure was.

    Args:
        before: the state as it was before this poll; `FeedState(url)` on first sight.
        host: of the URL that answered last; a 429 with Retry-After silences it as a whole (C6).
        status: None where no answer came.
        fields: of the answer; empty where none came.
        for_good: whether the answer speaks for the configured URL, which gave it itself or by way of permanent
            redirects alone: a temporary one can lead elsewhere tomorrow (C8).
    """
    failures = before.failures + 1
    what = _answer(status, now)
    gone = status == 410 and for_good
    if before.gone and not gone:
        # Asked by force; only a success brings a feed back.
        return NextPoll(now + pace.cap, before.interval, failures, before.reason, gone=True)
    if gone:
        reason = f"gone: {what} said so; not asked again unless it is told to"
        return NextPoll(now + pace.cap, before.interval, failures, reason, gone=True)
    hold = None
    normal = _normal(before, pace)
    wait = max(normal, min(normal * 2.0 ** min(failures, 32), pace.failure_cap))
    why = f"{_ordinal(failures)} failure in a row ({what}): asked again after {span(wait)}"
    if (asked := _retry_after(fields, now)) is not None:
        silence = min(asked, pace.cap)
        words = f"Retry-After: {fields.first('retry-after')} of {what}{_capped(asked, pace)}"
        if status == 429:
            until = now + silence
            hold = HostHold(host, until, f"{words}; no request to {host} until {instant(until, now)}")
        if silence >= wait:
            wait, why = silence, words
    at, reason = _planned(before.url, wait, why, before.hints, pace, now)
    return NextPoll(at, before.interval, failures, reason, hold=hold)


def all_offline(outcomes: Iterable[Outcome]) -> bool:
    """Whether a run reached nobody: at least one feed was asked and none connected (C13)."""
    asked = [outcome for outcome in outcomes if outcome.status != "skipped"]
    return bool(asked) and not any(outcome.connected for outcome in asked)


def unreached(
    outcome: Outcome,
    before: FeedState | None,
    *,
    alone: bool,
    reached: bool,
    last_reached: float,
    pace: Pace,
    now: float,
) -> Outcome:
    """Return the outcome of a feed that could not be connected to, at the end of its run (C13).

    Where the run reached nobody, the machine may be offline: no failure is counted, and a retry comes soon. It was
    the feed itself if somebody was reached between this attempt and the last one, which failed likewise. So the
    failures of a dead feed are counted even if it always is due alone, and an offline machine counts none.

    A feed that was asked alone may as well be dead: it is not asked every few minutes for ever.

    Args:
        alone: whether the run asked no other feed.
        reached: whether the run reached anybody.
        last_reached: when any feed was reached last, before this run.
        now: the end of the run.
    """
    before, failed = before or FeedState(outcome.url), outcome.state
    if failed is not None and reached:
        return replace(outcome, state=replace(failed, unreached=now))
    if failed is not None and before.unreached is not None and last_reached > before.unreached:
        # This attempt reached nobody, and `last_polled` is what tells when somebody was.
        return replace(outcome, state=replace(failed, unreached=now, last_polled=before.last_polled))
    wait = pace.offline
    if alone and before.unreached is not None:
        wait = max(wait, min(pace.minimum, pace.every or pace.minimum))
    at = max(before.next_poll, now + wait + spread(outcome.url, wait))
    reason = with_instant(f"offline at {instant(now, now)}: no feed of the run could be reached", at, now)
    state = replace(before, next_poll=at, reason=reason, unreached=now)
    return replace(outcome, state=state, reason=reason, next_poll=at, hold=None)


def explain(state: FeedState | None, hold: HostHold | None, now: float) -> str:
    """Return in words when a feed will be asked next, and why."""
    if state is not None and state.gone:
        return state.reason
    if hold is not None and hold.until > max(now, state.next_poll if state else 0):
        return hold.reason
    if state is None or (state.last_polled is None and not state.reason):
        return "never asked: due now"
    if state.next_poll <= now:
        return f"due now ({state.reason})" if state.reason else "due now"
    return state.reason or f"next at {instant(state.next_poll, now)}"


def _waits(
    stored: StoredResponse | None, hints: Hints, interval: float, answer: Callable[[], str], pace: Pace
) -> list[_Rule]:
    """Return how long each rule wants to wait after a success, and why; of equal waits the first says why."""
    if (every := pace.every) is not None:
        return [(every, lambda: f"every={span(every)} in the list")]
    default = " by default" if pace.minimum == HOUR else ""
    waits: list[_Rule] = [(pace.minimum, lambda: f"asked at most every {span(pace.minimum)}{default}")]
    if stored is None or not has_validator(stored.fields):
        seldom = pace.without_validators
        waits.append((seldom, lambda: f"no validators: asked at most every {span(seldom)}"))
    if stored is not None and (freshness := _freshness(stored)):
        lifetime, words = freshness
        waits.append(_hint(lifetime, lambda: f"{words} of {answer()}", pace))
    if (ttl := hints.ttl) is not None:
        waits.append(_hint(ttl, lambda: f"ttl of the feed: {span(ttl)}", pace))
    if pace.update_period and (period := hints.update_period) is not None:
        waits.append(_hint(period, lambda: f"updatePeriod of the feed: {span(period)}", pace))
    waits.append((interval, lambda: f"rarely changes: every {span(interval)}"))
    return waits


def _answer(status: int | None, now: float) -> str:
    return f"the {status} at {instant(now, now)}" if status else f"no answer at {instant(now, now)}"


def _freshness(stored: StoredResponse) -> tuple[float, str] | None:
    """What the origin states about freshness, with its source; None where it states nothing that counts.

    RFC 9111 §1.2.2 takes an overflowing max-age for 2^31 seconds. That is how long a response may be reused,
    not how long a poller has to stay away: such a number is a mistake, and the plain minimum holds (C4).
    """
    if not stored.fields.has_any(FRESHNESS_FIELDS):
        return None
    directives = response_directives(stored)
    # no-cache="field" forbids that field alone (RFC 9111 §5.2.2.4).
    if "no-store" in directives or ("no-cache" in directives and directives["no-cache"] is None):
        return None
    lifetime = explicit_lifetime(stored)
    if not lifetime:
        return None
    if "max-age" not in directives:
        words = f"Expires: {stored.fields.first('expires')}"
    elif lifetime < MAX_DELTA_SECONDS:
        words = f"max-age={directives['max-age']}"
    else:
        return None
    age = age_value(stored.fields)
    return lifetime - age, f"{words} less Age {age}" if age else words


def _hint(seconds: float, words: Callable[[], str], pace: Pace) -> _Rule:
    return min(seconds, pace.cap), lambda: words() + _capped(seconds, pace)


def _capped(seconds: float, pace: Pace) -> str:
    return f", capped at {span(pace.cap)}" if seconds > pace.cap else ""


def _adapted(before: FeedState, changed: bool, pace: Pace, now: float) -> float:
    """Return the adaptive interval after a poll (C10)."""
    if not before.interval or before.last_polled is None:
        return pace.minimum
    if changed:
        interval = before.interval * DECLINE
    elif now - before.last_polled >= before.interval:
        interval = before.interval * GROWTH
    else:  # forced: asked so soon, no news says nothing
        interval = before.interval
    return max(pace.minimum, min(interval, pace.maximum))


def _normal(before: FeedState, pace: Pace) -> float:
    """Return the interval that failures double (C7)."""
    if pace.every is not None:
        return pace.every
    without = before.stored is not None and not has_validator(before.stored.fields)
    return max(pace.minimum, before.interval, pace.without_validators if without else 0)


def _retry_after(fields: Fields, now: float) -> float | None:
    """Return the seconds that Retry-After asks for (RFC 9110 §10.2.3), None where none can be read."""
    text = (fields.first("retry-after") or "").strip()
    seconds: float | None = parse_delta_seconds(text)
    if seconds is None:
        date = parse_date(text)
        seconds = None if date is None else date - now
    # A date gone by, or 0, says nothing about when to come back: then the back-off does.
    return seconds if seconds and seconds > 0 else None


def _after_skipped(at: float, hints: Hints) -> float:
    """Return the first instant from `at` on that skipHours and skipDays (GMT) leave open; `at` if none is."""
    hours = {hour % 24 for hour in hints.skip_hours}
    days = {day.strip().lower()[:3] for day in hints.skip_days}
    candidate = at
    for _ in range(8 * 24):
        day, second = divmod(candidate, DAY)
        # 1 January 1970 was a Thursday.
        if second // HOUR not in hours and _WEEKDAYS[(int(day) + 3) % 7] not in days:
            return candidate
        candidate = (candidate // HOUR + 1) * HOUR
    return at


def _planned(url: str, wait: float, why: str, hints: Hints, pace: Pace, now: float) -> tuple[float, str]:
    """Return the instant and the reason, after the spread (C11) and the hours that the feed leaves out (C9)."""
    at = now + wait + spread(url, wait)
    if pace.every is None:
        allowed = _after_skipped(at, hints)
        if allowed > at:
            # All that skip these hours would meet at the full hour: spread again. The cap holds here too.
            at = min(allowed + spread(url, HOUR), now + horizon(pace))
            why = f"{why}; skipHours and skipDays of the feed"
    return at, with_instant(why, at, now)


def _ordinal(number: int) -> str:
    suffix = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{suffix}"
