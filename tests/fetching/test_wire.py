"""Connections that successive requests to one host share, and when they are not shared."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import pytest

from condget.errors import FetchError
from condget.fetching.fetch import Fetched, fetch
from condget.fetching.request import FetchRequest
from condget.fetching.wire import KeptConnections
from tests.fetching.support import FEED, names, town
from tests.origin import Answer, Origin, Script, not_modified, ok

pytestmark = pytest.mark.usefixtures("path")


def fetch_all(origin: Origin, paths: Sequence[str], pause: float = 0.0) -> list[Fetched]:
    """Fetch from one host, one after another, as a run does."""

    async def run() -> list[Fetched]:
        wire, kept, results = town(), KeptConnections(origin.host), []
        try:
            for number, path in enumerate(paths):
                kept.more_follow = number < len(paths) - 1
                results.append(await fetch(wire, FetchRequest(origin.url(path)), time.time, kept=kept))
                await asyncio.sleep(pause)
        finally:
            kept.close()
        return results

    return asyncio.run(run())


def test_feeds_of_one_host_share_a_connection(origin: Origin) -> None:
    origin.script("/a", ok(FEED))
    origin.script("/b", not_modified())
    origin.script("/c", Answer(body=FEED, chunked=True))
    origin.script("/d", Answer(404, body=b"no"))
    results = fetch_all(origin, ["/a", "/b", "/c", "/d", "/b"])
    assert [result.response.status for result in results] == [200, 304, 200, 404, 304]
    assert origin.connections == 1
    assert ["connection" in names(request) for request in origin.requests] == [False] * 4 + [True]


@pytest.mark.parametrize(
    "answer",
    [
        ok(FEED, connection="close"),
        Answer(body=FEED, version="HTTP/1.0"),
        Answer(body=FEED, chunks=[FEED]),
        Answer(body=FEED, close=True),
        Answer(302, [("Location", "/b"), ("Content-Length", "100000")], close=False),
        Answer(500, chunks=[b"x" * 70_000], chunked=True, close=False),
    ],
    ids=["close", "HTTP/1.0", "ended by closing", "closed", "redirect with content", "long error page"],
)
def test_a_connection_is_not_kept_where_its_response_was_the_last(origin: Origin, answer: Script) -> None:
    origin.script("/a", answer)
    origin.script("/b", not_modified())
    results = fetch_all(origin, ["/a", "/b"], pause=0.02)
    assert results[-1].response.status == 304
    assert {request.connection for request in origin.requests_for("/a")} == {1}
    assert min(request.connection for request in origin.requests_for("/b")) == 2


@pytest.mark.parametrize("delay", [0.0, 0.03])
def test_a_surplus_response_reaches_no_other_feed(origin: Origin, delay: float) -> None:
    """A response that nobody requested is dropped with its connection, also if it comes late."""
    stray = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstray"
    response = b"HTTP/1.1 304 Not Modified\r\n\r\n"
    origin.script("/a", lambda request: Answer(raw=[response, stray], chunk_delay=delay, close=False))
    origin.script("/b", ok(FEED))
    results = fetch_all(origin, ["/a", "/b"], pause=0.1)
    assert results[-1].content == FEED
    assert origin.connections == 2


def test_a_request_on_a_connection_that_was_closed_is_sent_anew(origin: Origin) -> None:
    """RFC 9112 §9.3.1: the server closes while the request is on its way; nothing of a response was received."""
    origin.script("/a", not_modified())
    origin.script("/b", Answer(raw=b"", close=True), ok(FEED))
    results = fetch_all(origin, ["/a", "/b"])
    assert results[-1].content == FEED
    assert [request.connection for request in origin.requests] == [1, 1, 2]


def test_a_response_that_breaks_off_is_not_requested_anew(origin: Origin) -> None:
    origin.script("/a", not_modified())
    origin.script("/b", Answer(body=FEED, truncate=5))
    with pytest.raises(FetchError):
        fetch_all(origin, ["/a", "/b", "/a"])
    assert [request.path for request in origin.requests] == ["/a", "/b"]
