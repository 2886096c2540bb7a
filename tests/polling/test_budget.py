"""The limits of a run: requests, bytes, seconds. The feeds that are overdue longest come first."""

from __future__ import annotations

import time

import pytest

from condget.polling import RunOptions
from condget.polling.run_options import LEFT, Budget
from tests.origin import Answer, Origin, ok, redirect
from tests.polling.support import HOUR, Poller, rss


@pytest.fixture
def lines(origin: Origin, poller: Poller) -> list[str]:
    """Four feeds; the last of the list is overdue longest."""
    origin.script("*", ok(rss(1), etag='"1"'))
    lines = [origin.url(f"/{number}") for number in range(4)]
    for line in reversed(lines):
        poller.one(line, after=HOUR)
    origin.clear()
    return lines


def _requested(origin: Origin) -> list[str]:
    return [request.target for request in origin.requests]


def _polled(poller: Poller, lines: list[str], **limits: float) -> list[str]:
    budget = Budget(**limits)  # type: ignore[arg-type]
    outcomes = poller(*lines, after=6 * HOUR, force=False, run_options=RunOptions(budget=budget))
    return [outcome.url for outcome in outcomes if outcome.status != "skipped"]


def test_requests_are_limited_and_the_rest_comes_next_time(origin: Origin, poller: Poller, lines: list[str]) -> None:
    assert _polled(poller, lines, requests=3) == [lines[3], lines[2], lines[1]]
    assert _requested(origin) == ["/3", "/2", "/1"]
    assert _polled(poller, lines, requests=3)[0] == lines[0]


def test_a_redirect_is_a_request(origin: Origin, poller: Poller, lines: list[str]) -> None:
    origin.script("/3", redirect(origin.url("/elsewhere")))
    assert _polled(poller, lines, requests=3) == [lines[3], lines[2]]
    assert len(origin.requests) == 3


def test_a_feed_that_was_never_polled_comes_first(origin: Origin, poller: Poller, lines: list[str]) -> None:
    assert _polled(poller, [*lines, origin.url("/new")], requests=1) == [origin.url("/new")]


def test_bytes_are_limited(origin: Origin, poller: Poller, lines: list[str]) -> None:
    origin.script("*", ok(rss(1) + b" " * 5000))
    assert _polled(poller, lines, bytes=8_000) == [lines[3], lines[2]]
    assert len(origin.requests) == 2


def test_a_run_ends_at_its_deadline_and_counts_no_failure(origin: Origin, poller: Poller, lines: list[str]) -> None:
    origin.script("/2", Answer(200, body=rss(1), delay=20))
    started = time.monotonic()
    assert _polled(poller, lines, seconds=3) == [lines[3]]
    assert time.monotonic() - started < 15
    states = poller.ledger.load(lines)
    assert [states[line].failures for line in lines] == [0, 0, 0, 0]
    origin.script("/2", ok(rss(1)))
    assert set(_polled(poller, lines, seconds=60)) == set(lines)


def test_those_that_are_left_say_why(origin: Origin, poller: Poller, lines: list[str]) -> None:
    origin.script("*", ok(rss(1) + b" " * 5000))
    outcomes = poller(*lines, run_options=RunOptions(force=True, budget=Budget(bytes=1)))
    assert [outcome.reason for outcome in outcomes if outcome.status == "skipped"] == [LEFT] * 3
