"""Politeness of a run to hosts, over the wire: one request at a time, gaps, silence, and hosts that never respond."""

from __future__ import annotations

import itertools
import pickle
import socket
import threading
from collections.abc import Callable, Sequence

import pytest

from condget.feeds.subscriptions import parse_list
from condget.feeds.values import HostHold, Outcome
from condget.fetching import host_limits
from condget.fetching.direct import DirectWire
from condget.fetching.sockets import connect as connect_socket
from condget.polling import RunOptions, plan, poll
from condget.polling.executors import InProcess
from condget.stores.memory_ledger import MemoryLedger
from condget.stores.protocols import Ledger
from tests.origin import Answer, Origin, RawRequest, ok, redirect
from tests.polling.support import HOUR, NOON, Inline, Poller, rss

HOSTS = [f"127.0.0.{n}" for n in range(2, 8)]


class Town:
    """One origin under all names, and a run against it."""

    def __init__(self, origin: Origin, now: Callable[[], float] = lambda: NOON) -> None:
        self.origin = origin
        self.ledger: Ledger = MemoryLedger()
        self.now = now
        self.slept: list[float] = []

    def poll(self, *lines: str, run_options: RunOptions | None = None) -> dict[str, Outcome]:
        async def resolve(host: str, port: int) -> Sequence[str]:
            return ["127.0.0.1"]

        async def connect(address: str, port: int) -> socket.socket:
            return await connect_socket("127.0.0.1", self.origin.port)

        async def sleep(seconds: float) -> None:
            self.slept.append(seconds)

        executor = InProcess(
            self.now, wire=lambda: DirectWire(resolve=resolve, connect=connect), parser=Inline, sleep=sleep
        )
        feeds = parse_list("\n".join(lines), "feeds.txt")
        run_options = run_options or RunOptions(force=True)
        found = poll(feeds, self.ledger, run_options=run_options, clock=self.now, executor=executor)
        return {outcome.url: outcome for outcome in found}


def test_c12_redirects_of_many_hosts_to_one_are_followed_one_at_a_time(origin: Origin) -> None:
    """C12: six hosts at once, but one request at a time where all of them lead."""
    origin.script("/feed", lambda request: redirect(f"http://common.example/there?{request.fields.get('Host')}"))
    origin.script("/there", Answer(200, body=rss(1), delay=0.03))
    town = Town(origin)
    outcomes = town.poll(*(f"http://h{n}.example/feed" for n in range(6)), run_options=RunOptions(gap=0))
    assert [outcome.status for outcome in outcomes.values()] == ["new"] * 6
    came = [request.received_at for request in origin.requests_for("/there")]
    assert len(came) == 6
    assert all(after - before >= 0.03 for before, after in itertools.pairwise(came))


def test_hosts_that_wait_for_their_gap_do_not_let_ever_more_be_begun(
    origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each host that is begun takes memory, and a list may have a million. Nothing is left out for it."""
    monkeypatch.setattr("condget.polling.worker.MOST_HOSTS", 2)
    origin.script("*", ok(rss(1)))
    lines = [f"http://h{host}.example/{number}" for host in range(6) for number in range(3)]
    outcomes = Town(origin).poll(*lines)
    assert [outcome.status for outcome in outcomes.values()] == ["new"] * 18
    asked = [request.fields.get("Host") for request in origin.requests]
    first, last = ({host: n for n, host in enumerate(order)} for order in (asked[::-1], asked))
    begun = {host: len(asked) - 1 - n for host, n in first.items()}
    for at in range(len(asked)):
        assert sum(begun[host] <= at <= last[host] for host in begun) <= 3  # one may end while the next begins


def test_c12_the_gap_holds_for_redirect_targets(origin: Origin) -> None:
    """C12: one second by default, for public hosts."""
    origin.script("/feed", lambda request: redirect(f"http://common.example/there?{request.fields.get('Host')}"))
    origin.script("/there", ok(rss(1)))
    town = Town(origin)
    town.poll(*(f"http://h{n}.example/feed" for n in range(3)))
    assert len(town.slept) == 2
    assert all(0.5 < seconds <= 1 for seconds in town.slept)


def test_c12_a_host_that_allows_it_gets_several_requests_at_a_time(origin: Origin) -> None:
    """C12: `parallel=` of its feeds, and each of these slots has its gap. One feed that does not say so counts."""
    together = threading.Barrier(3)

    def answer(request: RawRequest) -> Answer:
        together.wait(10)
        return ok(rss(1))

    origin.script("*", answer)
    town, feeds = Town(origin), [f"http://own.example/{n} parallel=3" for n in range(6)]
    assert {outcome.status for outcome in town.poll(*feeds).values()} == {"new"}
    assert len(town.slept) == 3
    origin.script("*", ok(rss(1)))
    town.slept.clear()
    town.poll(*feeds, "http://own.example/6")
    assert len(town.slept) == 6


def test_f1_waiting_for_a_turn_is_not_counted_against_the_deadline(origin: Origin) -> None:
    """F1, C12: the last of four waits longer than its deadline, and is answered still."""
    origin.script("/feed", lambda request: redirect(f"http://common.example/there?{request.fields.get('Host')}"))
    origin.script("/there", Answer(200, body=rss(1), delay=0.1))
    outcomes = Town(origin).poll(
        *(f"http://h{n}.example/feed" for n in range(4)), run_options=RunOptions(gap=0, timeout=0.25)
    )
    assert {outcome.status for outcome in outcomes.values()} == {"new"}


def test_c6_a_redirect_leads_to_no_host_that_asked_for_silence(origin: Origin) -> None:
    """C6, C1: in this run and in later ones; the feed is as it was, and due when that ends."""
    origin.script("/feed", lambda request: redirect(f"http://busy.example/there?{request.fields.get('Host')}"))
    origin.script("/there", Answer(429, fields=[("Retry-After", "3000")]))
    town = Town(origin)
    lines = [f"http://h{n}.example/feed" for n in range(4)]
    outcomes = town.poll(*lines[:3], run_options=RunOptions(force=True, gap=0))
    assert sorted(outcome.status for outcome in outcomes.values()) == ["error", "skipped", "skipped"]
    assert len(origin.requests_for("/there")) == 1
    for outcome in outcomes.values():
        assert (outcome.next_poll or 0) >= NOON + 3_000
        assert "busy.example" in (outcome.reason or "") or outcome.status == "error"

    later = town.poll(lines[3], run_options=RunOptions(force=True, gap=0))[lines[3]]
    assert (later.status, later.error, len(origin.requests_for("/there"))) == ("skipped", None, 1)
    state = town.ledger.load([lines[3]])[lines[3]]
    assert (state.failures, state.error, state.stored, state.last_changed) == (0, None, None, None)
    assert state.next_poll == later.next_poll
    assert "429" in state.reason
    origin.script("/there", ok(rss(1)))
    town.now = lambda: NOON + 3 * HOUR
    assert {o.status for o in town.poll(*lines, run_options=RunOptions(gap=0)).values()} == {"new"}


def test_c6_a_strangers_redirect_silences_a_host_for_an_hour_at_most(origin: Origin) -> None:
    """C6: for the feeds that are listed for that host; its own 429 holds for as long as it says."""
    origin.script("/evil", redirect("http://good.example/limited"))
    origin.script("/limited", Answer(429, fields=[("Retry-After", "604800")]))
    origin.script("/feed", ok(rss(1)))
    town = Town(origin)
    failed = town.poll("http://evil.example/evil")["http://evil.example/evil"]
    assert (failed.next_poll or 0) >= NOON + 7 * 24 * HOUR
    assert town.ledger.holds()["good.example"].until == NOON + HOUR
    town.now = lambda: NOON + HOUR + 1
    assert town.poll("http://good.example/feed")["http://good.example/feed"].status == "new"
    town.poll("http://good.example/limited")
    assert town.ledger.holds()["good.example"].until > NOON + 7 * 24 * HOUR


def test_c6_what_is_known_of_a_feed_stays_while_a_host_is_silent(origin: Origin) -> None:
    """C6, B4: the pair above all; and C1, its own host is not asked again within the hour."""
    origin.script("/feed", redirect("http://busy.example/there"))
    origin.script("/there", ok(rss(1), etag='"1"'), Answer(429, fields=[("Retry-After", "60")]))
    town, url = Town(origin), "http://h.example/feed"
    town.poll(url)
    before = town.ledger.load([url])[url]
    town.ledger.commit([Outcome("x", "error", hold=HostHold("busy.example", NOON + 60, "429 of busy"))])
    skipped = town.poll(url)[url]
    assert skipped.status == "skipped"
    after = town.ledger.load([url])[url]
    assert (after.stored, after.digest, after.failures) == (before.stored, before.digest, before.failures)
    assert after.next_poll >= NOON + HOUR
    assert "leads to busy.example: 429 of busy" in after.reason


def test_c6_holds_are_in_the_batch_and_picklable() -> None:
    ledger = MemoryLedger()
    holds = [HostHold("busy.example", NOON + 60, "429"), HostHold("over.example", NOON - 1, "429")]
    ledger.commit([Outcome(hold.host, "error", hold=hold) for hold in holds])
    planned = plan(parse_list("http://a.example/", "feeds.txt"), ledger, RunOptions(), NOON).batch()
    assert pickle.loads(pickle.dumps(planned)).silences == (holds[0],)


def test_f1_more_silent_hosts_than_slots_hold_nobody_up(origin: Origin, monkeypatch: pytest.MonkeyPatch) -> None:
    """F1: an exchange that waits long for a response hands its place on, and the good feed is the first to be done."""
    monkeypatch.setattr(host_limits, "PATIENCE", 0.02)
    listeners = [socket.create_server((host, 0)) for host in HOSTS]
    try:
        silent = [f"http://{host}:{s.getsockname()[1]}/" for host, s in zip(HOSTS, listeners, strict=True)]
        origin.script("/feed", ok(rss(1)))
        outcomes = Poller()(*silent, origin.url("/feed"), run_options=RunOptions(timeout=0.5, concurrency=2))
    finally:
        for listener in listeners:
            listener.close()
    assert outcomes[0].url == origin.url("/feed")
    assert [outcome.status for outcome in outcomes] == ["new"] + ["error"] * 6


def test_f1_a_silent_host_is_given_up_after_three_time_outs_in_a_row(origin: Origin) -> None:
    """F1, C7: its other feeds fail without a request, and back off like those that were requested."""
    origin.script("/slow", Answer(200, delay=5))
    feeds = [origin.url(f"/slow?{n}") + " timeout=0.05" for n in range(8)]
    outcomes = Poller()(*feeds)
    assert len(origin.requests) == 3
    assert [outcome.status for outcome in outcomes] == ["error"] * 8
    assert "not complete after 0.05 seconds" in (outcomes[0].error or "")
    assert "did not respond to 3 requests in a row" in (outcomes[-1].error or "")
    assert [outcome.state.failures for outcome in outcomes if outcome.state] == [1] * 8


def test_f1_a_response_in_between_keeps_a_slow_host(origin: Origin) -> None:
    origin.script("/slow", Answer(200, delay=5))
    origin.script("/feed", ok(rss(1)))
    paths = ["/slow?1", "/slow?2", "/feed", "/slow?3", "/slow?4", "/feed?2"]
    outcomes = Poller()(*(origin.url(path) + (" timeout=0.05" if "slow" in path else "") for path in paths))
    assert len(origin.requests) == 6
    assert [outcome.status for outcome in outcomes].count("new") == 2
