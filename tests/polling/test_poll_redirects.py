"""Redirects and moves of a feed over many polls: part E."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from condget.feeds.subscriptions import single
from condget.feeds.values import Outcome
from condget.fetching.direct import DirectWire
from condget.fetching.sockets import connect as connect_socket
from condget.polling import RunOptions, poll
from condget.polling.executors import InProcess
from condget.stores.ledger import SqliteLedger
from condget.stores.memory_ledger import MemoryLedger
from tests.origin import Answer, Origin, conditional, not_modified, ok, redirect
from tests.polling.support import HOUR, NOON, Inline, Poller, rss, sent, titles


def test_e1_a_permanent_redirect_to_a_feed_is_a_move(origin: Origin, poller: Poller) -> None:
    """E1: told once, with the news, and the new URL is used from then on."""
    origin.script("/feed", ok(rss(1), etag='"1"'), redirect("/a", 301))
    origin.script("/a", redirect("/new", 308))
    origin.script("/new", conditional(rss(1, 2), etag='"2"'))
    poller.one(origin.url("/feed"))
    moved = poller.one(origin.url("/feed"))
    assert (moved.status, moved.moved_to, titles(moved)) == ("moved", origin.url("/new"), ["Entry 2"])
    assert poller.one(origin.url("/feed")).status == "unchanged"
    assert sent(origin, "/new") == [{}, {"if-none-match": '"2"'}]
    assert len(origin.requests_for("/feed")) == 2


@pytest.mark.parametrize("kind", [MemoryLedger, SqliteLedger])
def test_e1_who_changes_the_list_as_told_goes_on_where_the_feed_was(
    origin: Origin, tmp_path: Path, kind: type[MemoryLedger | SqliteLedger]
) -> None:
    """E1, B10, C1: pair, known entries and due time are those of the old URL, which another list may still have."""
    ledger = MemoryLedger() if kind is MemoryLedger else SqliteLedger(tmp_path / "feeds.sqlite3")
    poller = Poller(ledger=ledger)
    origin.script("/feed", redirect("/new", 301))
    origin.script("/new", ok(rss(1, 2), etag='"1"'), not_modified(), ok(rss(1, 2, 3), etag='"2"'), not_modified())
    poller.one(origin.url("/feed"))
    poller.one(origin.url("/feed"), after=HOUR)
    assert poller(origin.url("/new"), after=HOUR / 2, force=False) == []
    changed = poller.one(origin.url("/new"), after=HOUR)
    assert (changed.status, titles(changed)) == ("changed", ["Entry 3"])
    assert poller.one(origin.url("/new")).status == "unchanged"
    assert sent(origin, "/new") == [{}, *[{"if-none-match": '"1"'}] * 2, {"if-none-match": '"2"'}]
    assert ledger.load([origin.url("/new")])[origin.url("/new")].moved_to is None
    assert poller.one(origin.url("/feed")).status == "unchanged"
    ledger.close()


def test_e1_a_url_that_is_new_beside_the_one_that_moved_there_is_new(origin: Origin, poller: Poller) -> None:
    """E1, B9."""
    origin.script("/feed", redirect("/new", 301))
    origin.script("/new", ok(rss(1), etag='"1"'))
    poller.one(origin.url("/feed"))
    assert [outcome.status for outcome in poller(origin.url("/feed"), origin.url("/new"))] == ["new"]


@pytest.mark.parametrize("status", [302, 303, 307])
def test_e1_a_temporary_redirect_is_never_remembered(origin: Origin, poller: Poller, status: int) -> None:
    """E1: nor is a chain with a temporary redirect in it."""
    origin.script("/feed", redirect("/a", 301))
    origin.script("/a", redirect("/new", status))
    origin.script("/new", ok(rss(1)))
    for _ in range(2):
        assert poller.one(origin.url("/feed")).moved_to is None
    assert len(origin.requests_for("/feed")) == 2


@pytest.mark.parametrize("end", [Answer(404), ok(b"<html><title>Log in</title></html>"), Answer(401)])
def test_e2_a_permanent_redirect_to_no_feed_is_no_move(origin: Origin, poller: Poller, end: Answer) -> None:
    """E2."""
    origin.script("/feed", ok(rss(1), etag='"1"'), redirect("/new", 301))
    origin.script("/new", end)
    poller.one(origin.url("/feed"))
    for _ in range(2):
        outcome = poller.one(origin.url("/feed"))
        assert (outcome.status, outcome.moved_to) == ("error", None)
    assert len(origin.requests_for("/feed")) == 3


def test_e1_the_configured_url_is_not_lost_when_the_new_one_fails(origin: Origin, poller: Poller) -> None:
    """E1: after a failure the configured URL is asked in turn."""
    origin.script("/feed", redirect("/new", 301), ok(rss(1, 2), etag='"2"'))
    origin.script("/new", ok(rss(1), etag='"1"'), Answer(404))
    poller.one(origin.url("/feed"))
    assert poller.one(origin.url("/feed")).status == "error"
    assert titles(poller.one(origin.url("/feed"))) == ["Entry 2"]
    poller.one(origin.url("/feed"))
    assert [request.path for request in origin.requests] == ["/feed", "/new", "/new", "/feed", "/feed"]
    assert sent(origin)[-1] == {"if-none-match": '"2"'}


def test_c8_gone_where_it_moved_to_is_asked_at_home_first(origin: Origin, poller: Poller) -> None:
    """C8, E1: in the same poll, and it is gone only if that leads there as well."""
    origin.script("/feed", redirect("/new", 301), redirect("/newer", 301))
    origin.script("/new", ok(rss(1)), Answer(410))
    origin.script("/newer", ok(rss(1)), Answer(410))
    poller.one(origin.url("/feed"))
    assert poller.one(origin.url("/feed")).moved_to == origin.url("/newer")
    assert poller.one(origin.url("/feed")).status == "gone"


def test_e4_what_was_public_when_it_moved_must_stay_public(origin: Origin, poller: Poller) -> None:
    """E4: the new URL is remembered, but a name of a public site that later means this machine is refused."""
    addresses = {"old.example": "93.184.216.34", "new.example": "93.184.216.35"}

    async def resolve(host: str, port: int) -> list[str]:
        return [addresses[host]]

    async def connect(address: str, port: int) -> socket.socket:
        return await connect_socket("127.0.0.1", origin.port)

    def ask() -> Outcome:
        executor = InProcess(lambda: NOON, wire=lambda: DirectWire(resolve=resolve, connect=connect), parser=Inline)
        run_options = RunOptions(force=True)
        (outcome,) = poll(
            [single("http://old.example/feed")],
            poller.ledger,
            run_options=run_options,
            clock=lambda: NOON,
            executor=executor,
        )
        return outcome

    origin.script("/feed", redirect("http://new.example/new", 301))
    origin.script("/new", conditional(rss(1), etag='"1"'))
    assert ask().moved_to == "http://new.example/new"
    assert ask().http_status == 304
    addresses["new.example"] = "127.0.0.1"
    refused = ask()
    assert refused.status == "error"
    assert "private address" in (refused.error or "")
    assert len(origin.requests) == 3


def test_e5_secrets_do_not_follow_a_move_to_another_origin(origin: Origin, poller: Poller) -> None:
    """E5, D8: neither at the redirect nor when the new URL is asked directly."""
    with Origin() as other:
        origin.script("/feed", redirect(other.url("/new"), 301))
        other.script("/new", conditional(rss(1), etag='"1"'))
        line = origin.url("/feed", userinfo="me:pw") + " header=X-Key:k"
        for _ in range(2):
            poller.one(line)
        assert len(other.requests) == 2
        for request in other.requests:
            assert not {"authorization", "x-key"} & {name.lower() for name, _ in request.fields}


def test_b9_a_feed_that_moved_to_another_of_the_list_is_not_asked(origin: Origin, poller: Poller) -> None:
    """B9: the list has the new URL already."""
    origin.script("/feed", redirect("/new", 301))
    origin.script("/new", ok(rss(1), etag='"1"'))
    poller.one(origin.url("/feed"))
    assert [outcome.url for outcome in poller(origin.url("/feed"), origin.url("/new"))] == [origin.url("/new")]
