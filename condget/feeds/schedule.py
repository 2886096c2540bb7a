"""When a feed is requested next, and why, in words that name the source (RFC 9111 §4.2, RFC 9110 §10.2.3).

Several rules want to wait, and the longest wait wins: the plain minimum, missing validators, the adaptive interval,
freshness that the origin states, the feed's own ttl. A stable hash of the URL then adds a little, so that feeds do not
fall due together; nothing is ever subtracted. `now` is always an argument, in POSIX seconds.

A minimum of 60 minutes is hard. An hourly cron job comes seconds too early and would request an hourly feed every
second time only: cron should run every few minutes instead, since a run with nothing due sends no request.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

from condget.cache.dates import parse_date
from condget.cache.directives import MAX_DELTA_SECONDS, parse_delta_seconds
from condget.cache.fields import Fields
from condget.cache.freshness import FRESHNESS_FIELDS, age_value, explicit_lifetime, response_directives
from condget.cache.messages import StoredResponse
from condget.cache.validators import has_validator
from condget.feeds.durations import DAY, HOUR, instant, span, with_instant
from condget.feeds.pace import SPREAD_FRACTION, SPREAD_MAXIMUM, SPREAD_OF_FIXED, Pace, horizon, spread
from condget.feeds.subscriptions import Subscription
from condget.feeds.values import FeedState, Hints, HostHold, Outcome

#: The adaptive interval (C10): gentle growth and quick decline settle where about one poll in three
#: finds news.
GROWTH, DECLINE = 1.5, 0.5

#: The adaptive interval holds its spread: a feed is polled as often as the interval says, and not a sixth later.
_WITH_SPREAD = 1 + SPREAD_FRACTION

#: The longest silence of a host, in seconds, that a response to a redirected request can ask for.
MOST_BY_REDIRECT = HOUR

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
    ignored: int = 0,
) -> NextPoll:
    """Plan the next poll of a feed that responded.

    Args:
        before: the state as it was before this poll; `FeedState(url)` on first sight.
        stored: the head that will be remembered, already freshened by a 304.
        hints: what the document last read says; on a 304 those remembered.
        status: of the response, for the words of the reason: 200, 304 or 226.
        changed: whether there was news.
        ignored: responses in a row that held the same content once more, though validators were sent.
    """
    interval = _adapted(before, changed, pace, now)
    waits = _waits(stored, hints, interval, ignored, pace)
    rule = max(waits, key=waits.__getitem__)  # of equal waits, the first
    why = _why(rule, waits[rule], stored, hints, status, pace, now)
    at, reason = _planned(before.url, waits[rule], why, hints, pace, now)
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
    redirected: bool = False,
    cause: str | None = None,
) -> NextPoll:
    """Plan the next poll of a feed that failed, whatever the failure was.

    Args:
        before: the state as it was before this poll; `FeedState(url)` on first sight.
        host: of the URL that responded last; a 429 with Retry-After silences the whole host (C6).
        status: None where no response was received.
        fields: of the response; empty where none was received.
        for_good: whether the response speaks for the configured URL: that URL itself sent it, or permanent redirects
            alone led there. A temporary redirect can lead elsewhere tomorrow (C8).
        redirected: whether a redirect of another host led to the host that responded.
        cause: for the words of the reason, where no request was sent.
    """
    failures = before.failures + 1
    answer = _answer(status, now)
    gone = status == 410 and for_good
    if before.gone and not gone:
        # Requested by force; only a success brings a feed back.
        return NextPoll(now + pace.cap, before.interval, failures, before.reason, gone=True)
    if gone:
        reason = f"gone: {answer} said so; never requested again, unless by --force and its URL"
        return NextPoll(now + pace.cap, before.interval, failures, reason, gone=True)
    normal = _normal(before, pace)
    wait = max(normal, min(normal * 2.0 ** min(failures, 32), pace.failure_cap))
    if failures == 1 and (status is None or not 400 <= status < 500):
        # It may pass by itself; a 4xx is the server's word on the request, which another one soon would not change.
        wait = min(normal, pace.retry)
    why = f"{_ordinal(failures)} failure in a row ({cause or answer}): requested again after {span(wait)}"
    if (seconds := _retry_after(fields, now)) is not None and min(seconds, pace.cap) >= wait:
        wait, why = min(seconds, pace.cap), _retry_words(fields, seconds, answer, pace)
    at, reason = _planned(before.url, wait, why, before.hints, pace, now)
    hold = None if status is None else silence(status, fields, host, pace, now, redirected=redirected)
    return NextPoll(at, before.interval, failures, reason, hold=hold)


def silence(
    status: int, fields: Fields, host: str, pace: Pace, now: float, *, redirected: bool = False
) -> HostHold | None:
    """Return the silence of a host that a response asks for: a 429 with Retry-After (C6, RFC 6585 §4).

    Where another host's redirect led there (`redirected`), an hour is the most: no stranger can silence a host for the
    feeds that are listed for it.
    """
    if status != 429 or (seconds := _retry_after(fields, now)) is None:
        return None
    until = now + min(seconds, pace.cap, MOST_BY_REDIRECT if redirected else pace.cap)
    words = _retry_words(fields, seconds, _answer(status, now), pace)
    return HostHold(host, until, f"{words}; no request to {host} until {instant(until, now)}")


def unusable(subscription: Subscription, before: FeedState | None, error: str, *, pace: Pace, now: float) -> Outcome:
    """Return the outcome of a feed that cannot be requested, since a secret of it is missing: a failure (C7)."""
    before = before or FeedState(subscription.key)
    due = after_failure(before, "", None, Fields(), pace=pace, now=now, cause=error.partition(";")[0])
    state = due.applied(before, first_polled=before.first_polled or now, error=error)
    return Outcome(
        subscription.key,
        "error",
        state=state,
        name=subscription.name,
        title=state.title,
        error=error,
        reason=due.reason,
        next_poll=due.at,
    )


def put_off(outcome: Outcome, before: FeedState | None, until: float, *, own: bool, pace: Pace, now: float) -> Outcome:
    """Return the outcome of a feed whose request met a silent host (C6).

    The feed stays as it was, and is requested again when the silence ends.

    Args:
        until: when the silence ends.
        own: the feed's own host is silent. Otherwise that host sent a redirect to a silent host; it is not requested
            again before the minimum has passed (C1).
    """
    if own:
        return replace(outcome, next_poll=until)
    at = max(until, now + (pace.minimum if pace.every is None else pace.every))
    at += spread(outcome.url, at - now)
    reason = with_instant(str(outcome.reason), at, now)
    state = replace(before or FeedState(outcome.url), next_poll=at, reason=reason)
    return replace(outcome, state=state, next_poll=at, reason=reason)


#: So often in a row does the very next run try to deliver news again.
_TRIES_AT_ONCE = 2


def undelivered(outcome: Outcome, before: FeedState | None, *, pace: Pace, now: float) -> Outcome:
    """Return what is remembered of a feed whose news were not delivered: the feed stays as it was (B7).

    The next run polls the feed again, and the news come with it. Where that fails again and again, the minimum passes
    between two polls (C1): the server need not pay for a hook that is broken.
    """
    before = before or FeedState(outcome.url)
    times = before.undelivered + 1
    at, reason = now, "its news were not delivered: due now"
    if times > _TRIES_AT_ONCE:
        at += pace.minimum if pace.every is None else pace.every
        at += spread(outcome.url, at - now)
        reason = with_instant(f"its news were not delivered {times} times in a row", at, now)
    state = replace(before, undelivered=times, next_poll=at, reason=reason)
    return Outcome(outcome.url, "skipped", state=state)


def all_offline(outcomes: Iterable[Outcome]) -> bool:
    """Whether a run reached nobody: at least one feed was requested, and no connection came about (C13)."""
    requested = [outcome for outcome in outcomes if outcome.status != "skipped"]
    return bool(requested) and not any(outcome.connected for outcome in requested)


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

    A feed that was requested alone may as well be dead: it is not requested every few minutes for ever.

    Args:
        alone: whether the run requested no other feed.
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
    """Return in words when a feed is requested next, and why."""
    if state is not None and state.gone:
        return state.reason
    if hold is not None and hold.until > max(now, state.next_poll if state else 0):
        return hold.reason
    if state is None or (state.last_polled is None and not state.reason):
        return "never requested: due now"
    if state.next_poll <= now:
        return f"due now ({state.reason})" if state.reason else "due now"
    return state.reason or f"next at {instant(state.next_poll, now)}"


#: Responses in a row after which a server counts as one that ignores validators (C2).
MOST_IGNORED = 2

_Rule = Literal["every", "minimum", "validators", "ignored", "freshness", "ttl", "update period", "interval"]


def _waits(
    stored: StoredResponse | None, hints: Hints, interval: float, ignored: int, pace: Pace
) -> dict[_Rule, float]:
    """Return how long each rule waits after a success, in seconds."""
    if pace.every is not None:
        return {"every": pace.every}
    waits: dict[_Rule, float] = {"minimum": pace.minimum}
    if stored is None or not has_validator(stored.fields):
        waits["validators"] = pace.without_validators
    elif ignored >= MOST_IGNORED:
        waits["ignored"] = pace.without_validators
    if stored is not None and (lifetime := _freshness(stored)) is not None:
        waits["freshness"] = min(lifetime, pace.cap)
    if hints.ttl is not None:
        waits["ttl"] = min(hints.ttl, pace.cap)
    if pace.update_period and hints.update_period is not None:
        waits["update period"] = min(hints.update_period, pace.cap)
    waits["interval"] = interval / _WITH_SPREAD
    return waits


def _why(
    rule: _Rule, wait: float, stored: StoredResponse | None, hints: Hints, status: int, pace: Pace, now: float
) -> str:
    """Return in words why a feed waits, by the rule whose wait is the longest."""
    match rule:
        case "every":
            return f"every={span(wait)} in the list"
        case "minimum":
            return f"requested at most every {span(wait)}{' by default' if wait == HOUR else ''}"
        case "validators":
            return f"no validators: requested at most every {span(wait)}"
        case "ignored":
            return f"the server ignores its validators: requested at most every {span(wait)}"
        case "freshness":
            assert stored is not None
            lifetime, age = _freshness(stored) or 0, age_value(stored.fields)
            maximum = response_directives(stored).get("max-age")
            words = f"Expires: {stored.fields.first('expires')}" if maximum is None else f"max-age={maximum}"
            return f"{words}{f' less Age {age}' if age else ''} of {_answer(status, now)}{_capped(lifetime, pace)}"
        case "ttl":
            return f"ttl of the feed: {span(hints.ttl or 0)}{_capped(hints.ttl or 0, pace)}"
        case "update period":
            period = hints.update_period or 0
            return f"updatePeriod of the feed: {span(period)}{_capped(period, pace)}"
        case "interval":
            return f"rarely changes: every {span(wait * _WITH_SPREAD)}"


def _answer(status: int | None, now: float) -> str:
    return f"the {status} at {instant(now, now)}" if status else f"no answer at {instant(now, now)}"


def _freshness(stored: StoredResponse) -> float | None:
    """Return for how long the origin states that a response is fresh, from now on; None: it states nothing that counts.

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
    if not lifetime or ("max-age" in directives and lifetime >= MAX_DELTA_SECONDS):
        return None
    return lifetime - age_value(stored.fields)


def _retry_words(fields: Fields, seconds: float, answer: str, pace: Pace) -> str:
    return f"Retry-After: {fields.first('retry-after')} of {answer}{_capped(seconds, pace)}"


def _capped(seconds: float, pace: Pace) -> str:
    return f", capped at {span(pace.cap)}" if seconds > pace.cap else ""


def _adapted(before: FeedState, changed: bool, pace: Pace, now: float) -> float:
    """Return the adaptive interval after a poll (C10)."""
    if not before.interval or before.last_polled is None:
        return pace.minimum
    if changed:
        interval = before.interval * DECLINE
    elif now - before.last_polled >= before.interval / _WITH_SPREAD:
        interval = before.interval * GROWTH
    else:  # by force: no news after so short a time says nothing
        interval = before.interval
    return max(pace.minimum, min(interval, pace.maximum))


def _normal(before: FeedState, pace: Pace) -> float:
    """Return the interval that failures double (C7)."""
    if pace.every is not None:
        return pace.every
    useless = before.ignored >= MOST_IGNORED or (before.stored is not None and not has_validator(before.stored.fields))
    return max(pace.minimum, before.interval, pace.without_validators if useless else 0)


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
    at = now + wait + spread(url, wait, most=SPREAD_MAXIMUM if pace.every is None else SPREAD_OF_FIXED)
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
