"""The feeds that a run requests, and why not the rest: literals in, values out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from condget.feeds.pace import Pace
from condget.feeds.subscriptions import parse_list, single
from condget.feeds.values import FeedState, HostHold, Outcome
from condget.polling import Plan, RunOptions, begin, plan
from condget.stores.memory_ledger import MemoryLedger
from tests.polling.support import HOUR, NOON

A, B, C = "http://a.example/1", "http://a.example/2", "http://c.example/1"
DAY = 24 * HOUR


def known(url: str, **state: Any) -> Outcome:
    state = {"last_polled": NOON - HOUR, "next_poll": NOON - 1, "reason": "why", **state}
    return Outcome(url, "unchanged", state=FeedState(url, **state))


def planned(lines: str, outcomes: Iterable[Outcome] = (), now: float = NOON, **options: Any) -> Plan:
    ledger = MemoryLedger()
    ledger.commit(outcomes)
    return plan(parse_list(lines, "feeds.txt"), ledger, RunOptions(**options), now)


def requested(plan_: Plan) -> list[list[str]]:
    return [[feed.job.request.url for feed in host] for host in plan_.hosts]


def test_b9_c12_what_is_due_is_planned_by_host_and_each_feed_once() -> None:
    """B9, C12: the host with the most feeds comes first."""
    assert requested(planned(f"{C}\n{A}\n{B}\n{A} name=Again\n{A}#x")) == [[A, B], [C]]


@pytest.mark.parametrize(
    ("state", "options", "expected"),
    [
        ({"next_poll": NOON}, {}, [[A]]),
        ({"next_poll": NOON + 1}, {}, []),
        ({"next_poll": NOON + 1}, {"force": True}, [[A]]),
        ({"next_poll": NOON + 7 * DAY}, {}, []),
        ({"next_poll": NOON + 8 * DAY}, {}, [[A]]),
        ({"next_poll": NOON + 8 * DAY}, {"pace": Pace(cap=30 * DAY)}, []),
        ({"gone": True}, {"force": True}, []),
    ],
    ids=["due", "not due", "forced", "within the cap", "of a clock that ran ahead", "within another cap", "gone"],
)
def test_c1_c8_c14_what_is_due_now(state: dict[str, Any], options: dict[str, Any], expected: object) -> None:
    """C1, C8, C14."""
    plan_ = planned(A, [known(A, **state)], **options)
    assert requested(plan_) == expected
    if not expected:
        assert [(over.subscription.url, over.reason) for over in plan_.passed_over] == [(A, "why")]


def test_c8_a_gone_feed_is_requested_by_force_and_its_own_url() -> None:
    """C8."""
    ledger = MemoryLedger()
    ledger.commit([known(A, gone=True)])
    assert requested(plan([single(A)], ledger, RunOptions(force=True), NOON)) == [[A]]
    assert requested(plan([single(A)], ledger, RunOptions(), NOON)) == []


@pytest.mark.parametrize(
    ("until", "expected"), [(NOON + 60, [[C]]), (NOON - 1, [[A], [C]]), (NOON + 30 * DAY, [[A], [C]])]
)
def test_c6_c14_no_feed_of_a_silent_host_is_requested(until: float, expected: object) -> None:
    """C6, C14: not even by force; a silence beyond the cap was written by a clock that ran ahead."""
    hold = Outcome("x", "error", hold=HostHold("a.example", until, "429 of a"))
    plan_ = planned(f"{A}\n{C}", [hold], force=True)
    assert requested(plan_) == expected
    assert [over.reason for over in plan_.passed_over] == ([] if len(plan_.hosts) == 2 else ["429 of a"])


def test_e1_a_feed_is_requested_where_it_moved() -> None:
    """E1, C12: and counts among the feeds of that host."""
    assert requested(planned(f"{A}\n{C}", [known(A, moved_to="http://c.example/2")])) == [["http://c.example/2", C]]


def test_b9_a_feed_that_moved_to_another_of_the_list_is_passed_over() -> None:
    """B9."""
    plan_ = planned(f"{A}\n{C}", [known(A, moved_to=C)])
    assert requested(plan_) == [[C]]
    assert [over.reason for over in plan_.passed_over] == [f"it moved to {C}, which is in the list, too"]


def test_e1_who_changes_the_list_as_told_goes_on_where_the_feed_was() -> None:
    """E1: the state of the former URL, and its due time."""
    (feed,) = planned(C, [known(A, moved_to=C, title="Tea")]).feeds
    assert (feed.former, feed.job.key) == (A, C)
    assert feed.state is not None
    assert (feed.state.url, feed.state.title, feed.state.moved_to) == (C, "Tea", None)
    assert requested(planned(C, [known(A, moved_to=C, next_poll=NOON + 1)])) == []


def test_b9_c12_a_feed_that_redirects_to_a_host_of_another_run_is_passed_over() -> None:
    class Shared(MemoryLedger):
        def is_shared(self) -> bool:
            return True

        def hold_hosts(self, hosts: Iterable[str]) -> frozenset[str]:
            asked.update(hosts)
            return frozenset(hosts) - {"c.example"}

    asked: set[str] = set()
    ledger = Shared()
    for host, target in (("a", "c"), ("b", "d")):
        url = f"http://{host}.example/"
        ledger.commit([known(url, chain=(url, f"http://{target}.example/"), next_poll=NOON)])
    plan_ = begin(parse_list("http://a.example/\nhttp://b.example/", "l"), ledger, RunOptions(), NOON)
    assert requested(plan_) == [["http://b.example/"]]
    assert asked == {"a.example", "b.example", "c.example", "d.example"} == plan_.touched | {"a.example", "c.example"}


def test_c10_every_of_the_list_is_the_pace_of_that_feed() -> None:
    """C10: and of no other."""
    feeds = {feed.subscription.url: feed.pace.every for feed in planned(f"{A} every=2h\n{C}").feeds}
    assert feeds == {A: 2 * HOUR, C: None}


def test_a_paused_feed_is_passed_over() -> None:
    plan_ = planned(f"{A} pause=yes\n{C}")
    assert requested(plan_) == [[C]]
    assert [over.subscription.url for over in plan_.passed_over] == [A]
