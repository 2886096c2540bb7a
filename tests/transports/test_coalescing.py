"""Concurrent identical misses become one request; waiting for another's is never a reason to hang (G8)."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.library import httpx
from tests.origin import Answer, Origin
from tests.transports.scenarios import KINDS, AsyncCalls, SyncCalls, answer, calling, together


class Meeting:
    """Answers that are given when so many requests have come: requests that wait for each other never meet."""

    def __init__(self, number: int) -> None:
        self._barrier = threading.Barrier(number, timeout=5)

    def __call__(self, given: Answer) -> Answer:
        self._barrier.wait()
        return given


both = pytest.mark.parametrize("kind", KINDS)
FRESH = "Cache-Control: max-age=60"
MANY = 8


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("condget.transports.flights.STANDSTILL", 0.2)


@both
@pytest.mark.parametrize(
    "text", [FRESH, 'Cache-Control: no-cache | ETag: "a"', "Cache-Control: max-age=60 | Vary: Accept"]
)
def test_identical_misses_become_one_request(kind: str, text: str, origin: Origin, tmp_path: Path) -> None:
    """G8, G12: the others are told that they were collapsed."""
    origin.script("/", answer(text, b"body", delay=0.15))
    with calling(kind, cache=tmp_path) as calls:
        results = together(calls, origin.url(), *[{}] * MANY)
    assert len(origin.requests) == 1
    assert [r.content for r in results if isinstance(r, httpx.Response)] == [b"body"] * MANY
    statuses = [r.extensions["condget"] for r in results if isinstance(r, httpx.Response)]
    assert sorted(status.collapsed for status in statuses) == [False] + [True] * (MANY - 1)


@both
def test_who_comes_while_the_content_streams_waits_for_it(kind: str, origin: Origin, tmp_path: Path) -> None:
    """G8"""
    origin.script("/", answer(FRESH, chunks=[b"x"] * 6, chunk_delay=0.05, chunked=True))
    with calling(kind, cache=tmp_path) as calls:
        if isinstance(calls, SyncCalls):
            first = threading.Thread(target=calls.get, args=(origin.url(),))
            first.start()
            origin.wait_for(1)
            time.sleep(0.1)
            late = calls.get(origin.url())
            first.join()
        else:
            client = calls.client

            async def run() -> httpx.Response:
                first = asyncio.create_task(client.get(origin.url()))
                await asyncio.sleep(0.15)
                late = await client.get(origin.url())
                await first
                return late

            late = calls.run(run)
        assert late.content == b"x" * 6
    assert len(origin.requests) == 1


@both
def test_identical_validations_become_one_request(kind: str, origin: Origin, tmp_path: Path) -> None:
    """G8"""
    origin.script("/", answer('ETag: "a"', b"body"), answer(status=304, delay=0.15))
    with calling(kind, cache=tmp_path) as calls:
        calls.get(origin.url())
        results = together(calls, origin.url(), *[{}] * MANY)
    assert len(origin.requests) == 2
    assert [r.content for r in results if isinstance(r, httpx.Response)] == [b"body"] * MANY


DIFFERENT: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "Authorization": ({"headers": {"Authorization": "1"}}, {"headers": {"Authorization": "2"}}),
    "auth": ({"auth": ("u", "1")}, {"auth": ("u", "2")}),
    "a field": ({"headers": {"X-A": "1"}}, {"headers": {"X-A": "2"}}),
    "a cookie": ({"headers": {"Cookie": "a=1"}}, {"headers": {"Cookie": "a=2"}}),
    "partition": ({"extensions": {"condget": {"partition": "1"}}}, {"extensions": {"condget": {"partition": "2"}}}),
    "mode": ({"extensions": {"condget": "reload"}}, {"extensions": {"condget": "no-store"}}),
    "query": ({"params": {"a": "1"}}, {"params": {"a": "2"}}),
}


@both
@pytest.mark.parametrize("difference", DIFFERENT)
def test_requests_that_differ_are_never_collapsed(kind: str, difference: str, origin: Origin, tmp_path: Path) -> None:
    """G8, G3"""

    origin.script("/", answer(FRESH, b"1", delay=0.1), answer(FRESH, b"2", delay=0.1))
    with calling(kind, cache=tmp_path) as calls:
        one, two = together(calls, origin.url(), *DIFFERENT[difference])
    assert isinstance(one, httpx.Response)
    assert isinstance(two, httpx.Response)
    assert len(origin.requests) == 2
    assert one.content != two.content


@both
def test_what_is_not_stored_is_asked_for_by_everybody(kind: str, origin: Origin, tmp_path: Path) -> None:
    """G8"""
    origin.script("/", answer("Cache-Control: no-store", b"mine", delay=0.1))
    with calling(kind, cache=tmp_path) as calls:
        results = together(calls, origin.url(), *[{}] * 4)
    assert [r.content for r in results if isinstance(r, httpx.Response)] == [b"mine"] * 4
    assert len(origin.requests) == 4


@both
@pytest.mark.parametrize("failing", [Answer(reset=True, delay=0.15), answer(FRESH, b"x" * 99, truncate=9, delay=0.15)])
def test_a_leader_that_fails_hangs_nobody(kind: str, failing: Answer, origin: Origin, tmp_path: Path) -> None:
    """G8"""
    origin.script("/", failing, answer(FRESH, b"body"))
    with calling(kind, cache=tmp_path, timeout=3) as calls:
        start = time.monotonic()
        results = together(calls, origin.url(), *[{}] * 4)
    assert time.monotonic() - start < 2.9
    assert sum(isinstance(result, httpx.TransportError) for result in results) == 1
    assert [r.content for r in results if isinstance(r, httpx.Response)] == [b"body"] * 3


@both
def test_a_leader_whose_stream_stalls_hangs_nobody(kind: str, origin: Origin, tmp_path: Path) -> None:
    """G8"""
    stalling = answer(FRESH, chunks=[b"a", b"b"], chunk_delay=0.5, chunked=True)
    origin.script("/", stalling, answer(FRESH, b"body"))
    with calling(kind, cache=tmp_path, timeout=3) as calls:
        results = together(calls, origin.url(), {}, {})
    contents = {r.content for r in results if isinstance(r, httpx.Response)}
    assert contents == {b"ab", b"body"}


def test_a_leader_that_never_reads_hangs_no_other_thread(origin: Origin, tmp_path: Path) -> None:
    """G8"""
    origin.script("/", answer(FRESH, b"body"))
    with calling("sync", cache=tmp_path) as calls:
        assert isinstance(calls, SyncCalls)
        with calls.client.stream("GET", origin.url()):
            start = time.monotonic()
            (other,) = together(calls, origin.url(), {})
            assert time.monotonic() - start < 1.5
            assert isinstance(other, httpx.Response)
            assert other.content == b"body"
            # The same thread does not wait for itself.
            assert calls.get(origin.url("/?2")).content == b"body"
            assert calls.get(origin.url()).content == b"body"


def test_a_leader_that_never_reads_hangs_no_other_task(origin: Origin, tmp_path: Path) -> None:
    """G8"""
    origin.script("/", answer("Cache-Control: no-cache", chunks=[b"x"] * 5, chunked=True))
    with calling("async", cache=tmp_path) as calls:
        assert isinstance(calls, AsyncCalls)
        client = calls.client

        async def run() -> None:
            async with client.stream("GET", origin.url()):
                await asyncio.wait_for(client.get(origin.url()), 1)  # the same task
                await asyncio.wait_for(asyncio.create_task(client.get(origin.url())), 2)

        calls.run(run)


def test_a_leader_that_is_cancelled_hangs_nobody(origin: Origin, tmp_path: Path) -> None:
    """G8"""
    origin.script("/", answer(FRESH, b"never", delay=3), answer(FRESH, b"body"))
    with calling("async", cache=tmp_path) as calls:
        assert isinstance(calls, AsyncCalls)
        client = calls.client

        async def run() -> None:
            leader = asyncio.create_task(client.get(origin.url()))
            await asyncio.sleep(0.1)
            others = [asyncio.create_task(client.get(origin.url())) for _ in range(3)]
            await asyncio.sleep(0.1)
            others[0].cancel()
            leader.cancel()
            rest = await asyncio.wait_for(asyncio.gather(*others[1:]), 2)
            assert [response.content for response in rest] == [b"body"] * 2

        calls.run(run)


@both
def test_many_stale_hits_ask_once_in_the_background(kind: str, origin: Origin, tmp_path: Path) -> None:
    """G8, G9"""
    text = 'Cache-Control: max-age=0, stale-while-revalidate=60 | ETag: "a"'
    origin.script("/", answer(text, b"old"), answer(FRESH, b"new", delay=0.2))
    with calling(kind, cache=tmp_path) as calls:
        calls.get(origin.url())
        results = together(calls, origin.url(), *[{}] * MANY)
        assert [r.content for r in results if isinstance(r, httpx.Response)] == [b"old"] * MANY
    assert len(origin.requests) == 2


@both
def test_who_waits_keeps_to_its_own_time_out(kind: str, origin: Origin, tmp_path: Path) -> None:
    """G7, G8: the leader may have none at all."""
    origin.script("/", answer(FRESH, b"late", delay=1.2))
    with calling(kind, cache=tmp_path) as calls:
        if isinstance(calls, SyncCalls):
            leader = threading.Thread(target=calls.get, args=(origin.url(),), kwargs={"timeout": None})
            leader.start()
            origin.wait_for(1)
            with pytest.raises(httpx.ReadTimeout):
                calls.get(origin.url(), timeout=0.2)
            leader.join()
        else:
            client = calls.client

            async def run() -> None:
                leader = asyncio.create_task(client.get(origin.url(), timeout=None))
                await asyncio.sleep(0.1)
                with pytest.raises(httpx.ReadTimeout):
                    await client.get(origin.url(), timeout=0.2)
                await leader

            calls.run(run)


def test_a_client_serves_several_event_loops_one_after_the_other(origin: Origin, tmp_path: Path) -> None:
    """G8: nothing is bound to the loop that was there first."""
    origin.script("/", answer(FRESH, b"body", close=True))
    transport = httpx.MockTransport(lambda request: httpx.Response(200, content=b"body"))
    with calling("async", cache=tmp_path, transport=transport) as calls:
        assert isinstance(calls, AsyncCalls)
        for _ in range(2):
            assert asyncio.run(_two(calls.client, "http://a.example/")) == [b"body", b"body"]


async def _two(client: httpx.AsyncClient, url: str) -> list[bytes]:
    return [response.content for response in await asyncio.gather(client.get(url), client.get(url))]


@both
def test_many_threads_and_tasks_share_one_store(kind: str, origin: Origin, tmp_path: Path) -> None:
    """G8"""
    origin.script("*", lambda request: answer(FRESH, request.target.encode() * 99))
    with calling(kind, cache=tmp_path) as calls, calling("sync", cache=tmp_path) as other:
        for _ in range(2):
            urls = [{"params": {"n": n % 20}} for n in range(60)]
            results = together(calls, origin.url("/"), *urls)
            for result, url in zip(results, urls, strict=True):
                assert isinstance(result, httpx.Response), result
                assert result.content == f"/?n={url['params']['n']}".encode() * 99
                assert other.get(origin.url("/"), **url).content == result.content
    assert len(origin.requests) == 20


@both
@pytest.mark.parametrize("text", ["Cache-Control: no-store", "Vary: *"])
def test_nobody_waits_for_a_url_whose_last_answer_was_not_storable(
    kind: str, text: str, origin: Origin, tmp_path: Path
) -> None:
    """G8: the second time all four are under way at once; a storable answer ends that."""
    with calling(kind, cache=tmp_path) as calls:
        origin.script("/", answer(text, b"mine"))
        calls.get(origin.url())
        origin.clear()
        together_at_the_origin = Meeting(4)
        origin.script("/", lambda request: together_at_the_origin(answer(text, b"mine")))
        results = together(calls, origin.url(), *[{}] * 4)
        assert [r.content for r in results if isinstance(r, httpx.Response)] == [b"mine"] * 4
        origin.script("/", answer("Cache-Control: max-age=0 | ETag: 1", b"stored"))
        calls.get(origin.url())
        origin.clear()
        origin.script("/", answer("Cache-Control: max-age=0 | ETag: 2", b"stored", delay=0.15))
        together(calls, origin.url(), *[{}] * 4)
    assert len(origin.requests) == 1


@both
def test_nobody_waits_for_an_event_stream(kind: str, origin: Origin, tmp_path: Path) -> None:
    """G8: neither one that the request names, nor one that the response is."""
    for accept, text in (("text/event-stream", FRESH), ("*/*", f"{FRESH} | Content-Type: text/event-stream")):
        meeting = Meeting(3)
        origin.script("/", lambda request, text=text, meeting=meeting: meeting(answer(text, b"data: 1")))
        with calling(kind, cache=tmp_path / accept.replace("/", "-")) as calls:
            if accept == "*/*":
                origin.script("/", answer(text, b"data: 0"))
                calls.get(origin.url(), headers={"Accept": accept, "Cache-Control": "no-cache"})
                origin.script("/", lambda request, text=text, meeting=meeting: meeting(answer(text, b"data: 1")))
            asking = {"headers": {"Accept": accept, "Cache-Control": "no-cache"}}
            results = together(calls, origin.url(), *[asking] * 3)
            assert [r.content for r in results if isinstance(r, httpx.Response)] == [b"data: 1"] * 3


@both
def test_nobody_waits_for_content_that_proves_long(
    kind: str, origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G8: it keeps coming, so it does not stand still."""
    monkeypatch.setattr("condget.transports.flights.LONG", 0.2)
    long = answer(FRESH, chunks=[b"x"] * 40, chunk_delay=0.05, chunked=True)
    origin.script("/", long, answer(FRESH, b"short"))
    with calling(kind, cache=tmp_path, timeout=None) as calls:
        results = together(calls, origin.url(), {}, {})
    assert {r.content for r in results if isinstance(r, httpx.Response)} == {b"x" * 40, b"short"}


@both
def test_the_time_out_of_who_waits_counts_from_its_start(kind: str, origin: Origin, tmp_path: Path) -> None:
    """G8: it does not begin anew when the wait is over."""
    origin.script("/", answer(FRESH, b"late", delay=1.2))
    impatient = {"timeout": httpx.Timeout(10, read=0.4)}
    with calling(kind, cache=tmp_path, timeout=10) as calls:
        results = together(calls, origin.url(), {}, impatient, impatient)
    assert [isinstance(result, httpx.ReadTimeout) for result in results].count(True) >= 1
    assert len(origin.requests) <= 2
