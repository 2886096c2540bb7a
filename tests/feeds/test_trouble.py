"""Failures that deserve words, as literals."""

from __future__ import annotations

from dataclasses import replace

import pytest

from condget.feeds.pace import Patience
from condget.feeds.trouble import noticed, noticed_offline
from condget.feeds.values import FeedState, Outcome, Status, Trouble

URL = "https://example.org/feed"
HOUR, DAY, NOW = 3600.0, 86400.0, 1_767_268_800.0
WORKED = FeedState(URL, last_changed=NOW - 30 * DAY)
PATIENCE = Patience()


def outcome(
    status: Status = "error", failures: int = 1, *, http_status: int | None = 503, connected: bool = True
) -> Outcome:
    return Outcome(
        URL, status, state=FeedState(URL, failures=failures), http_status=http_status, connected=connected, error="x"
    )


def before(failures: int, since: float, reported: float | None = None, kinds: tuple[str, ...] = ()) -> FeedState:
    return replace(WORKED, failures=failures, trouble=Trouble(since, reported, kinds))


@pytest.mark.parametrize(
    ("state", "failures", "http_status", "is_notable"),
    [
        pytest.param(None, 1, 404, True, id="a feed that never worked"),
        pytest.param(FeedState(URL, failures=1, trouble=Trouble(NOW - HOUR)), 2, 404, True, id="nor was reported"),
        pytest.param(WORKED, 1, 503, False, id="the first time"),
        pytest.param(before(1, NOW - HOUR), 2, 503, False, id="the second time"),
        pytest.param(before(2, NOW - HOUR), 3, 503, True, id="the third time"),
        pytest.param(before(1, NOW - DAY), 2, 503, True, id="for a day"),
        pytest.param(before(3, NOW - DAY, NOW - HOUR, ("5xx",)), 4, 500, False, id="the same kind again"),
        pytest.param(before(3, NOW - DAY, NOW - HOUR, ("5xx",)), 4, 404, True, id="another kind"),
        pytest.param(before(4, NOW - DAY, NOW - HOUR, ("5xx", "404")), 5, 503, False, id="a kind that was there"),
        pytest.param(before(9, NOW - 8 * DAY, NOW - 7 * DAY, ("5xx",)), 10, 503, True, id="after a week"),
    ],
)
def test_c15_a_failure_is_reported_if_it_deserves_words(
    state: FeedState | None, failures: int, http_status: int, is_notable: bool
) -> None:
    """C15"""
    found = noticed(outcome(failures=failures, http_status=http_status), state, PATIENCE, NOW)
    assert (found.is_notable, found.failures) == (is_notable, failures)
    assert found.failing_since == (state.trouble.since if state and state.trouble else NOW)
    assert found.state is not None
    assert found.state.trouble is not None
    assert (found.state.trouble.reported == NOW) == is_notable


def test_c15_patience_can_be_set() -> None:
    """C15"""
    assert noticed(outcome(), WORKED, Patience(1), NOW).is_notable
    assert noticed(outcome(failures=2), before(1, NOW - HOUR), Patience(9, HOUR), NOW).is_notable


@pytest.mark.parametrize(("reported", "is_notable"), [(NOW - HOUR, True), (None, False)])
def test_c15_the_end_of_failures_is_reported_if_they_were(reported: float | None, is_notable: bool) -> None:
    """C15"""
    found = noticed(outcome("unchanged", 0, http_status=304), before(4, NOW - DAY, reported), PATIENCE, NOW)
    assert (found.is_notable, found.failures, found.failing_since) == (is_notable, 4, NOW - DAY)
    assert found.state is not None
    assert found.state.trouble is None


def test_a_success_without_failures_before_is_as_it_was() -> None:
    success = outcome("unchanged", 0, http_status=304)
    assert noticed(success, WORKED, PATIENCE, NOW) is success


def test_c13_a_machine_that_stays_offline_is_reported_once() -> None:
    """C13, C15"""
    many = [outcome(connected=False, http_status=None)] * 5
    online, dead = replace(WORKED, last_polled=NOW), replace(WORKED, failures=3, unreached=NOW + 60)
    first = noticed_offline(many, [online, dead, online, online, None], NOW)
    assert {found.is_notable for found in first} == {True}
    offline = replace(WORKED, unreached=NOW + HOUR)
    second = noticed_offline(many, [offline, dead, online, offline, None], NOW)
    assert {found.is_notable for found in second} == {False}
    again = noticed_offline(many, [offline, dead, online, offline, None], NOW + 2 * HOUR)
    assert {found.is_notable for found in again} == {True}
