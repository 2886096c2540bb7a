"""Part C of the contract as a pure function of values: when a feed is asked again, and the words that say why."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from condget.cache.dates import format_date
from condget.cache.fields import Fields
from condget.cache.messages import StoredResponse
from condget.feeds.durations import span
from condget.feeds.pace import SPREAD_MAXIMUM, Pace, horizon, is_due, set_back, spread
from condget.feeds.schedule import (
    NextPoll,
    after_failure,
    after_success,
    all_offline,
    explain,
    silence,
    undelivered,
    unreached,
)
from condget.feeds.values import FeedState, Hints, HostHold, Outcome

URL = "https://example.org/feed.xml"
HOST = "example.org"
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
#: Monday, 2 March 2026, 02:05 UTC
NOW = 1772417100.0
PACE = Pace()
ETAG = ("ETag", '"a"')


def head(*fields: tuple[str, str], status: int = 200) -> StoredResponse:
    return StoredResponse(URL, status, Fields(fields), request_time=NOW, response_time=NOW)


def polled(*fields: tuple[str, str], **facts: object) -> NextPoll:
    """Plan after a success; what is not named is the plainest case: a first 200 with an ETag."""
    settings = {"before": FeedState(URL), "stored": head(ETAG, *fields), "hints": Hints(), "status": 200}
    settings |= {"changed": False, "pace": PACE, "now": NOW} | facts
    before, stored, hints = (settings.pop(name) for name in ("before", "stored", "hints"))
    return after_success(before, stored, hints, **settings)  # type: ignore[arg-type]


def failed(
    status: int | None, *fields: tuple[str, str], failures: int = 0, pace: Pace = PACE, **state: object
) -> NextPoll:
    before = replace(FeedState(URL, failures=failures), **state)  # type: ignore[arg-type]
    return after_failure(before, HOST, status, Fields(fields), pace=pace, now=NOW)


def waits(due: NextPoll, seconds: float, now: float = NOW) -> bool:
    """Whether a plan waits so long: the spread may add a little, nothing is ever subtracted."""
    return seconds <= due.at - now <= seconds + min(seconds / 6, SPREAD_MAXIMUM)


class TestMinimum:
    def test_a_feed_is_asked_at_most_every_60_minutes(self) -> None:
        """C1"""
        due = polled()
        assert waits(due, HOUR)
        assert due.reason.startswith("requested at most every 60 min by default; next at 03:")

    def test_a_cron_that_comes_every_minute_for_a_week_never_asks_twice_within_an_hour(self) -> None:
        """C1"""
        state, last, polls = FeedState(URL), None, 0
        for minute in range(7 * 24 * 60):
            now = NOW + minute * MINUTE
            if not is_due(state.next_poll, pace=PACE, now=now):
                continue
            assert last is None or now - last >= HOUR
            due = polled(before=state, now=now, changed=minute % 3 == 0, status=304)
            state, last, polls = replace(due.applied(state), last_polled=now), now, polls + 1
        assert 24 < polls < 7 * 24

    def test_a_feed_without_validators_is_asked_every_4_hours(self) -> None:
        """C2"""
        due = polled(stored=head(("Cache-Control", "max-age=7200")))
        assert waits(due, 4 * HOUR)
        assert "no validators: requested at most every 4 h" in due.reason
        assert waits(polled(stored=None), 4 * HOUR)

    def test_an_empty_validator_is_none(self) -> None:
        """C2, A4"""
        assert waits(polled(stored=head(("ETag", ""), ("Last-Modified", ""))), 4 * HOUR)

    @pytest.mark.parametrize("every", [300.0, 6 * HOUR, 30 * DAY])
    def test_every_fixes_the_interval_whatever_anybody_says(self, every: float) -> None:
        """C2, C10"""
        hints = Hints(ttl=12 * HOUR, skip_hours=tuple(range(23)))
        stored = head(("Cache-Control", "max-age=43200"))
        due = polled(pace=Pace(every=every), stored=stored, hints=hints)
        assert waits(due, every)
        assert due.reason.startswith(f"every={span(every)} in the list; next at")
        assert not is_due(due.at, pace=Pace(every=every), now=NOW)


class TestFreshness:
    def test_max_age_of_a_304_delays_the_next_poll(self) -> None:
        """C3"""
        due = polled(("Cache-Control", "public, Max-Age=43200"), status=304)
        assert waits(due, 12 * HOUR)
        assert due.reason.startswith("max-age=43200 of the 304 at 02:05Z; next at 14:")

    def test_age_is_taken_off(self) -> None:
        """C3"""
        due = polled(("Cache-Control", "max-age=43200"), ("Age", "3600"))
        assert waits(due, 11 * HOUR)
        assert "max-age=43200 less Age 3600 of the 200" in due.reason

    def test_expires_counts_from_date_and_not_from_our_clock(self) -> None:
        """C3"""
        there = NOW - 400 * DAY
        due = polled(("Date", format_date(there)), ("Expires", format_date(there + 3 * HOUR)))
        assert waits(due, 3 * HOUR)
        assert "Expires: " in due.reason

    def test_max_age_overrides_expires(self) -> None:
        """C3"""
        due = polled(("Expires", format_date(NOW + DAY)), ("Cache-Control", "max-age=7200"))
        assert waits(due, 2 * HOUR)

    @pytest.mark.parametrize(
        "cache_control",
        [
            "no-cache",
            "no-cache, max-age=86400",
            "no-store, max-age=86400",
            "max-age=0",
            "max-age=-1",
            "max-age=99999999999999999999",
            "max-age=2147483648",
            "max-age=junk",
            "max-age",
            'max-age="',
            "max-age=1e9",
            ",,;=,",
            "max-age=86400.5",
        ],
    )
    def test_what_makes_no_sense_leaves_the_plain_minimum(self, cache_control: str) -> None:
        """C4"""
        due = polled(("Cache-Control", cache_control), ("Expires", format_date(NOW + DAY)))
        if cache_control == ",,;=,":
            assert waits(due, DAY)
        else:
            assert waits(due, HOUR)
            assert due.reason.startswith("requested at most every 60 min")

    @pytest.mark.parametrize("expires", ["0", "-1", "yesterday", "", "Thu, 01 Jan 1970 00:00:00 GMT"])
    def test_an_expires_that_is_no_date_or_gone_by_leaves_the_plain_minimum(self, expires: str) -> None:
        """C4"""
        assert waits(polled(("Expires", expires)), HOUR)

    def test_no_cache_with_a_field_name_forbids_that_field_alone(self) -> None:
        """C4"""
        assert waits(polled(("Cache-Control", 'no-cache="Set-Cookie", max-age=7200')), 2 * HOUR)

    @pytest.mark.parametrize(
        ("field", "words"),
        [
            (
                ("Cache-Control", "max-age=31536000"),
                "max-age=31536000 of the 200 at 02:05Z, capped at 7 days; next at 2026",
            ),
            (("Expires", "Fri, 31 Dec 9999 23:59:59 GMT"), ", capped at 7 days"),
        ],
    )
    def test_a_hint_is_capped_and_said_to_be(self, field: tuple[str, str], words: str) -> None:
        """C5"""
        due = polled(field)
        assert waits(due, 7 * DAY)
        assert words in due.reason


class TestFailures:
    def test_retry_after_of_a_429_silences_the_host(self) -> None:
        """C6"""
        due = failed(429, ("Retry-After", "7200"))
        assert due.hold == HostHold(
            HOST,
            NOW + 7200,
            "Retry-After: 7200 of the 429 at 02:05Z; no request to example.org until 04:05Z",
        )
        assert waits(due, 2 * HOUR)

    def test_retry_after_may_be_a_date(self) -> None:
        """C6"""
        due = failed(429, ("Retry-After", format_date(NOW + 3 * HOUR)))
        assert due.hold is not None
        assert due.hold.until == NOW + 3 * HOUR

    def test_retry_after_of_a_503_holds_that_url_alone(self) -> None:
        """C6"""
        due = failed(503, ("Retry-After", "43200"))
        assert due.hold is None
        assert waits(due, 12 * HOUR)
        assert due.reason.startswith("Retry-After: 43200 of the 503 at 02:05Z; next at 14:")

    @pytest.mark.parametrize("status", [429, 500, 503])
    def test_a_short_retry_after_does_not_undercut_the_back_off(self, status: int) -> None:
        """C1, C6, C7: the longest wait wins."""
        for failures, expected in enumerate([2 if status == 429 else 0.25, 4, 8, 16, 24, 24]):
            due = failed(status, ("Retry-After", "120"), failures=failures)
            assert waits(due, expected * HOUR)
            assert f"failure in a row (the {status} at 02:05Z)" in due.reason
            assert due.hold is None or due.hold.until == NOW + 120

    def test_retry_after_goes_before_every(self) -> None:
        """C6"""
        assert waits(failed(503, ("Retry-After", "7200"), pace=Pace(every=300)), 2 * HOUR)
        assert waits(failed(503, ("Retry-After", "120"), pace=Pace(every=300)), 300)

    def test_retry_after_is_capped_and_said_to_be(self) -> None:
        """C5, C6"""
        due = failed(429, ("Retry-After", "99999999999"))
        assert due.hold is not None
        assert due.hold.until == NOW + 7 * DAY
        assert "capped at 7 days" in due.reason

    @pytest.mark.parametrize("status", [429, 403, 404, 500, 503, None, 200])
    def test_each_failure_in_a_row_doubles_the_interval_up_to_a_cap(self, status: int | None) -> None:
        """C7: the first time, all but a 4xx may pass by itself, and is tried again soon."""
        hours = [2 if status in (429, 403, 404) else 0.25, 4, 8, 16, 24, 24, 24]
        for failures, expected in enumerate(hours):
            due = failed(status, failures=failures)
            assert waits(due, expected * HOUR)
            assert due.failures == failures + 1
            assert due.hold is None
        assert waits(failed(status, failures=10**6), DAY)

    @pytest.mark.parametrize("text", ["soon", "-5", "0", "", "1.5", format_date(NOW - HOUR)])
    def test_a_retry_after_that_says_nothing_counts_as_none(self, text: str) -> None:
        """C7"""
        due = failed(429, ("Retry-After", text), failures=1)
        assert due.hold is None
        assert waits(due, 4 * HOUR)

    def test_the_words_count_the_failures(self) -> None:
        """C7"""
        assert failed(500, failures=2).reason.startswith(
            "3rd failure in a row (the 500 at 02:05Z): requested again after 8 h; next at"
        )
        assert failed(None).reason.startswith("1st failure in a row (no answer at 02:05Z)")
        assert failed(None, failures=10).reason.startswith("11th")

    def test_the_first_success_returns_to_normal(self) -> None:
        """C7"""
        due = failed(500, failures=5, interval=2 * HOUR, last_polled=NOW - DAY)
        state = due.applied(FeedState(URL, last_polled=NOW - DAY))
        recovered = polled(before=state, changed=True)
        assert recovered.failures == 0
        assert waits(recovered, HOUR)

    def test_failures_double_what_is_normal_for_the_feed(self) -> None:
        """C7, C2"""
        assert waits(failed(404, interval=3 * HOUR), 6 * HOUR)
        assert waits(failed(500, failures=1, interval=3 * HOUR), 12 * HOUR)
        assert waits(failed(404, stored=head()), 8 * HOUR)
        assert waits(failed(404, pace=Pace(every=300)), 600)
        assert waits(failed(404, pace=Pace(every=30 * DAY)), 30 * DAY)

    def test_a_410_is_for_good(self) -> None:
        """C8"""
        due = failed(410)
        assert due.gone
        assert due.applied(FeedState(URL)).gone
        assert due.reason == "gone: the 410 at 02:05Z said so; never requested again, unless by --force and its URL"

    def test_a_410_that_does_not_speak_for_the_configured_url_is_a_failure_like_another(self) -> None:
        """C8, E1: behind a temporary redirect."""
        due = after_failure(FeedState(URL), HOST, 410, Fields(), pace=PACE, now=NOW, for_good=False)
        assert (due.gone, due.failures, waits(due, 2 * HOUR)) == (False, 1, True)
        gone = FeedState(URL, gone=True, reason="gone: told so", last_polled=NOW - DAY)
        due = after_failure(gone, HOST, 410, Fields(), pace=PACE, now=NOW, for_good=False)
        assert (due.gone, due.reason) == (True, "gone: told so")

    def test_a_feed_that_is_gone_comes_back_with_a_success_only(self) -> None:
        """C8"""
        gone = FeedState(URL, gone=True, reason="gone: told so", last_polled=NOW - DAY)
        due = after_failure(gone, HOST, 500, Fields(), pace=PACE, now=NOW)
        assert (due.gone, due.reason) == (True, "gone: told so")
        assert not polled(before=gone).gone


class TestHintsOfTheDocument:
    def test_ttl_delays_the_next_poll(self) -> None:
        """C9"""
        due = polled(hints=Hints(ttl=3 * HOUR))
        assert waits(due, 3 * HOUR)
        assert due.reason.startswith("ttl of the feed: 3 h; next at")

    @pytest.mark.parametrize("ttl", [0.0, -60.0, 60.0])
    def test_a_short_ttl_does_not_undercut_the_minimum(self, ttl: float) -> None:
        """C1, C9"""
        assert waits(polled(hints=Hints(ttl=ttl)), HOUR)

    def test_a_long_ttl_is_capped(self) -> None:
        """C5, C9"""
        due = polled(hints=Hints(ttl=365 * DAY))
        assert waits(due, 7 * DAY)
        assert "capped at 7 days" in due.reason

    @pytest.mark.parametrize(
        ("hints", "earliest"),
        [
            (Hints(skip_hours=(3, 4, 5)), "2026-03-02 06:00"),
            (Hints(skip_hours=(24, 3)), "2026-03-02 04:00"),
            (Hints(skip_days=("Monday",)), "2026-03-03 00:00"),
            (Hints(skip_days=("monday", " TUESDAY "), skip_hours=(0, 1)), "2026-03-04 02:00"),
            (Hints(skip_hours=(7, 8), skip_days=("Friday",)), "2026-03-02 03:05"),
        ],
    )
    def test_skip_hours_and_skip_days_are_honoured_in_gmt(self, hints: Hints, earliest: str) -> None:
        """C9"""
        from datetime import datetime

        at = datetime.fromisoformat(f"{earliest}+00:00").timestamp()
        due = polled(hints=hints)
        assert at <= due.at <= at + SPREAD_MAXIMUM
        assert ("skipHours" in due.reason) == (at > NOW + HOUR)

    def test_a_failing_feed_keeps_its_hours_too(self) -> None:
        """C9"""
        assert failed(404, hints=Hints(skip_hours=(4,))).at >= NOW + 2 * HOUR + 55 * MINUTE

    def test_a_feed_that_skips_all_hours_is_asked_all_the_same(self) -> None:
        """C9"""
        assert waits(polled(hints=Hints(skip_hours=tuple(range(24)))), HOUR)

    def test_update_period_counts_only_when_opted_in(self) -> None:
        """C9"""
        hints = Hints(update_period=DAY)
        assert waits(polled(hints=hints), HOUR)
        due = polled(hints=hints, pace=Pace(update_period=True))
        assert waits(due, DAY)
        assert due.reason.startswith("updatePeriod of the feed: 24 h")


class TestAdaptiveInterval:
    def test_the_interval_grows_while_nothing_changes_and_a_change_shortens_it(self) -> None:
        """C10"""
        state, now, intervals = FeedState(URL), NOW, []
        for changed in [True] + [False] * 6 + [True, True, True, True]:
            due = polled(before=state, now=now, changed=changed)
            state = replace(due.applied(state), last_polled=now)
            intervals.append(due.interval / HOUR)
            # C10, C11: the interval holds its spread.
            assert waits(due, max(HOUR, due.interval * 6 / 7), now)
            assert due.at - now <= max(due.interval, 70 * MINUTE)
            now = due.at
        assert intervals == [1, 1.5, 2.25, 3.375, 5.0625, 6, 6, 3, 1.5, 1, 1]

    def test_a_long_interval_says_so(self) -> None:
        """C10"""
        before = FeedState(URL, interval=2 * HOUR, last_polled=NOW - 3 * HOUR)
        assert polled(before=before).reason.startswith("rarely changes: every 3 h; next at")

    def test_a_forced_poll_without_news_does_not_stretch_the_interval(self) -> None:
        """C10, B8"""
        before = FeedState(URL, interval=2 * HOUR, last_polled=NOW - MINUTE)
        assert polled(before=before).interval == 2 * HOUR


class TestSpread:
    def test_a_thousand_feeds_added_at_once_do_not_fall_due_at_once(self) -> None:
        """C11"""
        minutes = [
            int(polled(before=FeedState(f"https://example.org/{number}")).at // MINUTE) for number in range(1000)
        ]
        assert max(minutes.count(minute) for minute in set(minutes)) < 150
        assert len(set(minutes)) >= 10

    def test_the_spread_is_the_same_on_every_run(self) -> None:
        """C11"""
        code = f"from condget.feeds.pace import spread; print(spread({URL!r}, 3600.0))"
        for seed in ("1", "2"):
            run = subprocess.run(
                [sys.executable, "-c", code],
                env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
                capture_output=True,
                check=True,
                text=True,
            )
            assert float(run.stdout) == spread(URL, HOUR)
        assert spread(URL, HOUR) == 504.6351186501025

    @given(st.text(), st.floats(0, 1e9))
    def test_the_spread_only_adds_and_is_bounded(self, url: str, wait: float) -> None:
        """C11"""
        assert 0 <= spread(url, wait) <= min(wait / 6, SPREAD_MAXIMUM)


def in_vain(
    before: FeedState | None,
    *,
    alone: bool = False,
    reached: bool = False,
    last_reached: float = 0,
    pace: Pace = PACE,
) -> FeedState:
    """Return the state after a run in which the feed could not be connected to."""
    known = before or FeedState(URL)
    counted = replace(known, failures=known.failures + 1, last_polled=NOW, next_poll=NOW + DAY, error="no route")
    failed = Outcome(URL, "error", state=counted, next_poll=counted.next_poll, connected=False)
    outcome = unreached(failed, before, alone=alone, reached=reached, last_reached=last_reached, pace=pace, now=NOW)
    assert outcome.state is not None
    assert outcome.state.next_poll == outcome.next_poll
    return outcome.state


class TestOffline:
    def test_a_run_that_reached_nobody_was_offline(self) -> None:
        """C13"""
        down = Outcome(URL, "error", connected=False)
        assert all_offline([down, down, Outcome(URL, "skipped")])
        assert not all_offline([down, Outcome(URL, "unchanged")])
        assert not all_offline([Outcome(URL, "skipped")])
        assert not all_offline([])

    def test_no_failure_is_counted_and_a_retry_comes_soon(self) -> None:
        """C13"""
        before = FeedState(URL, failures=2, interval=2 * HOUR, next_poll=NOW - 5, last_polled=NOW - DAY)
        state = in_vain(before, last_reached=NOW - HOUR)
        assert (state.failures, state.last_polled, state.unreached) == (2, NOW - DAY, NOW)
        assert 600 <= state.next_poll - NOW <= 700
        assert "offline at 02:05Z" in state.reason

    @pytest.mark.parametrize(("pace", "least"), [(PACE, HOUR), (Pace(every=300), 600), (Pace(every=DAY), HOUR)])
    def test_a_feed_asked_alone_comes_after_the_plain_minimum_from_the_second_time_on(
        self, pace: Pace, least: float
    ) -> None:
        """C1, C13: it may as well be dead; a machine where all of several feeds fail is offline."""
        before = FeedState(URL, failures=2, unreached=NOW - 600)
        assert in_vain(before, last_reached=NOW - 600).next_poll - NOW <= 700
        state = in_vain(before, alone=True, last_reached=NOW - 600, pace=pace)
        assert state.failures == 2
        assert least <= state.next_poll - NOW <= least * 7 / 6

    def test_a_failure_counts_where_somebody_was_reached_since_the_last_attempt(self) -> None:
        """C7, C13: which failed likewise; `last_polled` stays, for it tells when somebody was reached."""
        before = FeedState(URL, failures=2, last_polled=NOW - DAY, unreached=NOW - HOUR)
        state = in_vain(before, last_reached=NOW - MINUTE)
        assert (state.failures, state.last_polled, state.unreached) == (3, NOW - DAY, NOW)
        assert state.next_poll == NOW + DAY

    def test_a_failure_counts_where_the_run_reached_somebody(self) -> None:
        """C7, C13"""
        state = in_vain(FeedState(URL, failures=2), reached=True, last_reached=NOW - DAY)
        assert (state.failures, state.last_polled, state.unreached) == (3, NOW, NOW)

    def test_a_forced_poll_while_offline_brings_nothing_forward(self) -> None:
        """C13"""
        assert in_vain(FeedState(URL, next_poll=NOW + DAY)).next_poll == NOW + DAY

    def test_a_feed_never_polled_stays_so(self) -> None:
        """C13"""
        state = in_vain(None)
        assert (state.last_polled, state.failures) == (None, 0)


class TestClock:
    def test_a_clock_set_back_a_day_makes_nothing_due_and_nothing_sleep(self) -> None:
        """C14"""
        now = NOW - DAY
        next_poll, last_polled, reason = set_back(NOW - 600 + HOUR, NOW - 600, by=DAY, now=now)
        assert (next_poll, last_polled) == (now - 600 + HOUR, now - 600)
        assert reason == "the clock was set back by 24 h; next at 02:55Z"
        assert not is_due(next_poll, pace=PACE, now=now)

    def test_an_instant_that_no_rule_can_have_planned_is_due(self) -> None:
        """C14"""
        assert is_due(NOW + 365 * DAY, pace=PACE, now=NOW)
        assert not is_due(NOW + 7 * DAY, pace=PACE, now=NOW)
        assert not is_due(NOW + 20 * DAY, pace=Pace(every=30 * DAY), now=NOW)


FIELDS = st.lists(
    st.one_of(
        st.sampled_from([ETAG, ("Age", "10"), ("Date", "junk"), ("Expires", "Fri, 31 Dec 9999 23:59:59 GMT")]),
        st.tuples(
            st.sampled_from(["Cache-Control", "Expires", "Age", "Date"]),
            st.one_of(st.text('max-ge=0123456789," nocrh', max_size=30), st.integers().map("max-age={}".format)),
        ),
    ),
    max_size=6,
)
HINTS = st.builds(
    Hints,
    ttl=st.none() | st.floats(allow_nan=True),
    skip_hours=st.lists(st.integers(-3, 30)).map(tuple),
    skip_days=st.lists(st.sampled_from(["Monday", "sunday", "Someday", ""])).map(tuple),
    update_period=st.none() | st.floats(),
)
STATES = st.builds(
    FeedState,
    url=st.text(max_size=30),
    interval=st.floats(0, 1e6),
    failures=st.integers(0, 10**6),
    last_polled=st.none() | st.floats(0, 4e9),
    hints=HINTS,
)
PACES = st.builds(Pace, every=st.none() | st.floats(60, 1e7), update_period=st.booleans())
INSTANTS = st.floats(0, 4e9)


@given(STATES, FIELDS, HINTS, PACES, st.booleans(), INSTANTS)
def test_after_a_success_no_poll_comes_too_soon_or_too_late(
    before: FeedState, fields: list[tuple[str, str]], hints: Hints, pace: Pace, changed: bool, now: float
) -> None:
    """C1, C5"""
    due = after_success(before, head(*fields), hints, status=200, changed=changed, pace=pace, now=now)
    assert now + (pace.every or pace.minimum) <= due.at <= now + horizon(pace)
    assert pace.minimum <= due.interval <= pace.maximum
    assert due.reason.isprintable()


@given(STATES, st.none() | st.integers(200, 599), st.text(max_size=12) | st.integers().map(str), PACES, INSTANTS)
def test_after_a_failure_no_poll_comes_too_soon_or_too_late(
    before: FeedState, status: int | None, retry_after: str, pace: Pace, now: float
) -> None:
    """C1, C5, C7"""
    due = after_failure(before, HOST, status, Fields([("Retry-After", retry_after)]), pace=pace, now=now)
    floor = pace.every or pace.minimum
    assert now + (min(floor, pace.retry) if due.failures == 1 else floor) <= due.at or due.gone
    assert due.at <= now + max(horizon(pace), before.interval + SPREAD_MAXIMUM)
    assert (due.hold is None) or (status == 429 and now < due.hold.until <= now + pace.cap)


@pytest.mark.parametrize(
    ("state", "hold", "words"),
    [
        (None, None, "never requested: due now"),
        (FeedState(URL), None, "never requested: due now"),
        (FeedState(URL, last_polled=1, next_poll=NOW - 1, reason="why"), None, "due now (why)"),
        (
            FeedState(URL, last_polled=1, next_poll=NOW + 1, reason="why; next at 02:05Z"),
            None,
            "why; next at 02:05Z",
        ),
        (FeedState(URL, last_polled=1, next_poll=NOW + 60), None, "next at 02:06Z"),
        (FeedState(URL, gone=True, reason="gone: 410"), None, "gone: 410"),
        (None, HostHold(HOST, NOW + 1, "held"), "held"),
        (None, HostHold(HOST, NOW - 1, "held"), "never requested: due now"),
        (
            FeedState(URL, last_polled=1, next_poll=NOW + 9, reason="why"),
            HostHold(HOST, NOW + 1, "held"),
            "why",
        ),
    ],
)
def test_a_plan_is_explained_in_words(state: FeedState | None, hold: HostHold | None, words: str) -> None:
    assert explain(state, hold, NOW) == words


@pytest.mark.parametrize(
    ("status", "fields", "seconds"),
    [
        (429, [("Retry-After", "60")], 60),
        (429, [("Retry-After", "9999999")], 7 * 86_400),
        (429, [("Retry-After", "junk")], None),
        (429, [("Retry-After", "0")], None),
        (429, [], None),
        (503, [("Retry-After", "60")], None),
        (200, [("Retry-After", "60")], None),
    ],
)
def test_c6_a_429_with_retry_after_silences_its_host_and_nothing_else_does(
    status: int, fields: list[tuple[str, str]], seconds: float | None
) -> None:
    hold = silence(status, Fields(fields), HOST, PACE, NOW)
    assert (hold and (hold.host, hold.until)) == (None if seconds is None else (HOST, NOW + seconds))


@pytest.mark.parametrize(("redirected", "seconds"), [(False, 7_200), (True, 3_600)])
def test_c6_a_redirect_of_another_host_silences_for_an_hour_at_most(redirected: bool, seconds: float) -> None:
    hold = silence(429, Fields([("Retry-After", "7200")]), HOST, PACE, NOW, redirected=redirected)
    assert hold is not None
    assert hold.until == NOW + seconds


@pytest.mark.parametrize(
    ("before", "every", "due_in", "reason"),
    [
        (0, None, (0.0, 0.0), "its news were not delivered: due now"),
        (1, None, (0.0, 0.0), "its news were not delivered: due now"),
        (2, None, (HOUR, HOUR + SPREAD_MAXIMUM), "its news were not delivered 3 times in a row; next at 03:"),
        (9, 600.0, (600.0, 600.0 + SPREAD_MAXIMUM), "its news were not delivered 10 times in a row; next at 02:"),
    ],
)
def test_c1_news_that_no_hook_takes_come_at_once_and_then_hourly(
    before: int, every: float | None, due_in: tuple[float, float], reason: str
) -> None:
    """B7, C1: all else stays as it was."""
    known = FeedState(URL, title="Tea", digest="d", next_poll=NOW - 5, undelivered=before)
    outcome = undelivered(Outcome(URL, "changed"), known, pace=replace(PACE, every=every), now=NOW)
    assert outcome.state is not None
    assert (outcome.status, outcome.seen, outcome.entries) == ("skipped", (), ())
    assert replace(outcome.state, next_poll=known.next_poll, reason="", undelivered=before) == known
    assert outcome.state.undelivered == before + 1
    assert due_in[0] <= outcome.state.next_poll - NOW <= due_in[1]
    assert outcome.state.reason.startswith(reason)


def test_b7_a_feed_whose_first_news_no_hook_takes_stays_new() -> None:
    """B7, F8"""
    state = undelivered(Outcome(URL, "new"), None, pace=PACE, now=NOW).state
    assert state is not None
    assert (state.last_changed, state.next_poll) == (None, NOW)
