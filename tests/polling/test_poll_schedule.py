"""When feeds are requested, and when not: part C, over the wire."""

from __future__ import annotations

import socket
from itertools import pairwise

import pytest

from condget.feeds.subscriptions import single
from condget.polling import RunOptions, poll
from tests.origin import Answer, Origin, conditional, ok, redirect
from tests.polling.support import HOUR, NOON, Poller, closed_port, rss


def test_c1_not_twice_within_the_hour(origin: Origin, poller: Poller) -> None:
    """C1: however often it runs."""
    origin.script("/feed", conditional(rss(1), etag='"1"'))
    for _ in range(12):
        poller(origin.url("/feed"), after=299, force=False)
    assert len(origin.requests) == 1
    poller(origin.url("/feed"), after=1200, force=False)
    assert len(origin.requests) == 2


@pytest.mark.parametrize(("fields", "hours"), [({}, 4.0), ({"etag": '"1"', "cache_control": "max-age=86400"}, 24.0)])
def test_c2_c3_what_delays_the_next_poll(origin: Origin, poller: Poller, fields: dict[str, str], hours: float) -> None:
    """C2, C3."""
    origin.script("/feed", ok(rss(1), **fields))
    poller.one(origin.url("/feed"))
    assert poller(origin.url("/feed"), after=hours * HOUR - 1, force=False) == []
    assert len(poller(origin.url("/feed"), after=HOUR + 1, force=False)) == 1


def test_c6_a_host_that_says_429_is_left_alone(origin: Origin, poller: Poller) -> None:
    """C6: the rest of its feeds in this run, and all of them until then."""
    paths = [origin.url(f"/{n}") for n in range(4)]
    origin.script("*", ok(rss(1), etag='"1"'))
    origin.script("/1", Answer(429, fields=[("Retry-After", "7200")]))
    assert [outcome.status for outcome in poller(*paths)] == ["new", "error", "skipped", "skipped"]
    assert len(origin.requests) == 2
    assert poller(*paths, after=HOUR) == []
    assert len(poller(*paths, after=HOUR + 60)) == 4


def test_c7_c13_failures_back_off_but_offline_counts_nothing(origin: Origin, poller: Poller) -> None:
    """C7, C13: a run that reaches nobody raises no failure count; beside one that answers it does."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        dead = f"http://127.0.0.1:{closed.getsockname()[1]}/feed"
    offline = poller.one(dead)
    assert offline.status == "error"
    assert offline.state is not None
    assert offline.state.failures == 0
    assert poller(dead, after=5 * 60, force=False) == []
    origin.script("/feed", ok(rss(1)))
    failures = {o.url: o.state.failures for o in poller(dead, origin.url("/feed"), after=HOUR) if o.state}
    assert failures == {dead: 1, origin.url("/feed"): 0}


def test_c7_c13_a_dead_feed_that_always_is_due_alone_backs_off(origin: Origin, poller: Poller) -> None:
    """C1, C7, C13: others were reached meanwhile, so that it is not the machine."""
    dead = f"http://127.0.0.1:{closed_port()}/feed"
    origin.script("*", conditional(rss(1), etag='"1"'))
    asked: list[float] = []
    for _ in range(96):
        outcomes = poller(origin.url("/a"), dead, origin.url("/b"), after=HOUR / 4, force=False)
        asked += [poller.now for outcome in outcomes if outcome.url == dead]
    gaps = [(later - earlier) / HOUR for earlier, later in pairwise(asked)]
    assert len(gaps) >= 3
    assert all(gap >= wait for gap, wait in zip(gaps, [0.25, 1, 4, 8], strict=False))


def test_c13_a_machine_that_goes_offline_counts_no_failure(origin: Origin, poller: Poller) -> None:
    """C13: neither of feeds that were well, asked one by one or together, nor of one that was dead before."""
    with Origin() as other:
        other.script("*", conditional(rss(1), etag='"1"'))
        well, dead = [other.url("/a"), other.url("/b")], f"http://127.0.0.1:{closed_port()}/feed"
        poller(*well, dead)
        poller(well[1], after=HOUR)
    for _ in range(3):
        for lines in ([well[0]], [dead], [well[1]], [*well, dead]):
            outcomes = poller(*lines, after=HOUR / 3)
            assert [outcome.status for outcome in outcomes] == ["error"] * len(lines)
    states = poller.ledger.load([*well, dead])
    assert [states[url].failures for url in (*well, dead)] == [0, 0, 2]


def test_c8_gone_is_told_once_and_not_asked_again(origin: Origin, poller: Poller) -> None:
    """C8: until the user names the feed, with force."""
    origin.script("/feed", ok(rss(1)), Answer(410), ok(rss(1, 2)))
    poller.one(origin.url("/feed"))
    assert poller.one(origin.url("/feed")).status == "gone"
    assert poller(origin.url("/feed"), after=365 * 24 * HOUR) == []
    assert len(origin.requests) == 2
    named = poll([single(origin.url("/feed"))], poller.ledger, run_options=RunOptions(force=True), clock=lambda: NOON)
    assert [outcome.status for outcome in named] == ["changed"]


def test_c12_one_at_a_time_with_a_gap(origin: Origin, poller: Poller) -> None:
    """C12: a gap between starts, as set; none for loopback by default."""
    feeds = [origin.url(f"/{n}") for n in range(3)]
    origin.script("*", ok(rss(1)))
    poller(*feeds)
    assert poller.slept == []
    poller(*feeds, run_options=RunOptions(force=True, gap=5))
    assert len(poller.slept) == 2
    assert all(4 < seconds <= 5 for seconds in poller.slept)
    assert [request.path for request in origin.requests[:3]] == ["/0", "/1", "/2"]


@pytest.mark.parametrize("by", [24 * HOUR, 365 * 24 * HOUR])
def test_c14_a_clock_set_back_makes_no_burst(origin: Origin, poller: Poller, by: float) -> None:
    """C14: nobody is asked at once, and nobody waits longer than was planned."""
    origin.script("/feed", conditional(rss(1), etag='"1"'))
    poller.one(origin.url("/feed"))
    assert poller(origin.url("/feed"), after=-by, force=False) == []
    assert len(poller(origin.url("/feed"), after=2 * HOUR, force=False)) == 1


def test_c8_gone_behind_a_temporary_redirect_is_a_failure(origin: Origin, poller: Poller) -> None:
    """C8, E1: only the configured URL itself, or an unbroken permanent chain, can be gone."""
    origin.script("/gone", Answer(410))
    origin.script("/away", redirect("/gone", 302))
    origin.script("/feed", ok(rss(1)), redirect("/gone", 302), redirect("/away", 301), ok(rss(1, 2)))
    outcomes = [poller.one(origin.url("/feed")) for _ in range(4)]
    assert [outcome.status for outcome in outcomes] == ["new", "error", "error", "changed"]
    assert [outcome.state and outcome.state.failures for outcome in outcomes] == [0, 1, 2, 0]
    assert not any("off the list" in outcome.error for outcome in outcomes if outcome.error)

    origin.script("/feed", redirect("/moved", 301))
    origin.script("/moved", redirect("/gone", 308))
    assert poller.one(origin.url("/feed")).status == "gone"
