"""HTTP errors and connections of an exchange.

Test names carry the point they check. Every test runs on every path through the direct wire.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import pytest

from condget.errors import FetchError
from condget.fetching.direct import DirectWire
from condget.fetching.fetch import Fetched, fetch
from condget.fetching.request import FetchRequest
from condget.fetching.sockets import connect as connect_socket
from tests.fetching.support import FEED, get, refused, town
from tests.origin import Answer, Origin, ok, redirect

pytestmark = pytest.mark.usefixtures("path")


@pytest.mark.parametrize("status", [400, 401, 404, 410, 429, 500, 503, 300, 305, 999])
def test_an_http_error_is_an_answer_whatever_its_page_is(origin: Origin, status: int) -> None:
    fields = [("Retry-After", "7"), ("Content-Encoding", "gzip")]
    origin.script("/feed", Answer(status, fields, body=b"\xff not gzip", truncate=3))
    fetched = get(origin.url("/feed"))
    assert fetched.response.status == status
    assert fetched.response.fields.get("retry-after") == "7"


def test_of_an_error_page_only_the_beginning_is_read(origin: Origin) -> None:
    origin.script("/feed", Answer(500, chunks=iter(lambda: b"sorry " * 1000, None), chunked=True))
    fetched = get(origin.url("/feed"))
    assert fetched.content.startswith(b"sorry ")
    assert len(fetched.content) < 200_000


def test_c13_where_no_connection_came_about_the_error_says_so(origin: Origin) -> None:
    unused = origin.port
    origin.stop()
    error = refused(f"http://127.0.0.1:{unused}/")
    assert not error.connected
    assert f"refuses connections on port {unused}" in str(error)
    error = refused("http://nowhere.test/")
    assert not error.connected
    assert "nowhere.test cannot be resolved" in str(error)


def test_c13_who_was_redirected_is_not_offline(origin: Origin) -> None:
    origin.script("/feed", redirect("http://nowhere.test/"))
    assert refused(origin.url("/feed")).connected


def test_the_next_address_is_tried_when_the_first_refuses(origin: Origin) -> None:
    origin.script("/feed", ok(FEED))
    tried = []

    async def resolve(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.2", "127.0.0.1"]

    async def connect(address: str, port: int) -> Any:
        tried.append(address)
        return await connect_socket(address, port)

    assert get(f"http://two.test:{origin.port}/feed", DirectWire(resolve=resolve, connect=connect)).content == FEED
    assert tried == ["127.0.0.2", "127.0.0.1"]


def test_instants_of_the_last_hop_come_from_the_clock(origin: Origin) -> None:
    origin.script("/a", redirect("/b"))
    origin.script("/b", ok(FEED))
    ticks = iter(range(100))
    response = get(origin.url("/a"), clock=lambda: float(next(ticks))).response
    assert (response.request_time, response.response_time) == (2.0, 3.0)


def test_cancelling_leaves_nothing_behind(origin: Origin) -> None:
    origin.script("/feed", Answer(body=FEED, delay=5))

    async def cancelled() -> None:
        task = asyncio.create_task(fetch(town(), FetchRequest(origin.url("/feed")), time.time))
        await asyncio.to_thread(origin.wait_for, 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(cancelled())


def test_f4_many_exchanges_share_one_wire(origin: Origin) -> None:
    origin.script("/good", ok(FEED))
    origin.script("/bad", Answer(reset=True))

    async def all_at_once() -> list[Fetched | BaseException]:
        shared = town()
        asks = [FetchRequest(origin.url("/bad" if n % 5 == 0 else "/good")) for n in range(40)]
        return await asyncio.gather(*(fetch(shared, ask, time.time) for ask in asks), return_exceptions=True)

    results = asyncio.run(all_at_once())
    assert [isinstance(result, FetchError) for result in results] == [n % 5 == 0 for n in range(40)]
