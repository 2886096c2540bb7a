"""`condget.poll` and `condget.async_poll`, as programs use them: through mocked transports and against an origin."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, closing
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx

import condget
from condget.stores.lock import lock
from condget.stores.memory_ledger import MemoryLedger
from tests.origin import Answer, Origin, conditional, ok
from tests.polling.support import NOON, rss

SITE = "https://feeds.example/"


def site(request: httpx.Request) -> httpx.Response:
    """Answer conditionally with a feed of two entries, titled by the path."""
    if request.headers.get("If-None-Match") == '"1"':
        return httpx.Response(304)
    return httpx.Response(200, headers={"ETag": '"1"'}, content=rss(1, 2, title=request.url.path[1:]))


def poll(*feeds: Any, **options: Any) -> list[condget.Outcome]:
    return list(condget.poll(feeds, **{"transport": httpx.MockTransport(site), "gap": 0} | options))


def apoll(*feeds: Any, **options: Any) -> list[condget.Outcome]:
    async def run() -> list[condget.Outcome]:
        options_ = {"transport": httpx.MockTransport(site), "gap": 0} | options
        return [outcome async for outcome in condget.async_poll(feeds, **options_)]

    return asyncio.run(run())


both = pytest.mark.parametrize("call", [poll, apoll], ids=["sync", "async"])
Call = Callable[..., list[condget.Outcome]]


@both
def test_outcomes_come_with_their_entries_once(call: Call, tmp_path: Path) -> None:
    state = tmp_path / "state.sqlite3"
    (first,) = call(SITE + "tea", state=state)
    assert (first.status, first.title, [entry.title for entry in first.entries]) == (
        "new",
        "tea",
        ["Entry 1", "Entry 2"],
    )
    assert call(SITE + "tea", state=state) == []
    (again,) = call(SITE + "tea", state=state, force=True)
    assert (again.status, again.http_status, again.entries) == ("unchanged", 304, ())
    (skipped,) = call(SITE + "tea", state=state, skipped=True)
    assert skipped.status == "skipped"


@both
def test_feeds_are_lists_urls_or_values(call: Call, tmp_path: Path) -> None:
    feeds = tmp_path / "feeds.txt"
    feeds.write_text(f"{SITE}a name=A\n{SITE}b\n")
    outcomes = call(feeds, SITE + "c", condget.Feed(SITE + "d", name="D"), str(feeds), state=":memory:")
    assert {(outcome.name, outcome.title) for outcome in outcomes} == {("A", "a"), (None, "b"), (None, "c"), ("D", "d")}


def test_one_feed_needs_no_list(tmp_path: Path) -> None:
    transport = httpx.MockTransport(site)
    feeds: list[Any] = [SITE + "tea", condget.Feed(SITE + "tea"), tmp_path / "feeds.txt"]
    feeds[2].write_text(SITE + "tea")
    for feed in feeds:
        (outcome,) = condget.poll(feed, state=":memory:", transport=transport)
        assert outcome.title == "tea"


def test_a_ledger_of_the_callers_own_is_used_and_left_open() -> None:
    ledger = MemoryLedger()
    assert [outcome.status for outcome in poll(SITE, state=ledger)] == ["new"]
    assert ledger.urls() == [SITE]


def test_without_a_state_it_is_the_one_of_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONDGET_STATE_DIR", str(tmp_path))
    assert len(poll(SITE)) == 1
    assert (tmp_path / "feeds.sqlite3").exists()


def _taken(number: int, **options: Any) -> list[str | None]:
    with closing(condget.poll([SITE + letter for letter in "abcd"], gap=0, **options)) as outcomes:
        return [next(outcomes).title for _ in range(number)]


def test_b7_leaving_early_acknowledges_what_was_followed_by_another_request(tmp_path: Path) -> None:
    """B7: the outcome in hand and those not taken come again, and no others."""
    options = {"state": tmp_path / "state", "transport": httpx.MockTransport(site)}
    taken = _taken(3, **options)
    left = [outcome.title for outcome in poll(*[SITE + letter for letter in "abcd"], **options)]
    assert sorted(left) == sorted({"a", "b", "c", "d"} - set(taken[:2]))


def test_b7_leaving_an_async_loop_early_loses_nothing(tmp_path: Path) -> None:
    """B7"""
    options: dict[str, Any] = {"state": tmp_path / "state", "transport": httpx.MockTransport(site), "gap": 0}

    async def leave() -> None:
        async with aclosing(condget.async_poll([SITE + letter for letter in "ab"], **options)) as outcomes:
            async for _ in outcomes:
                break

    asyncio.run(leave())
    assert sorted(str(outcome.title) for outcome in poll(SITE + "a", SITE + "b", **options)) == ["a", "b"]


def test_b7_an_exception_in_the_loop_loses_nothing(tmp_path: Path) -> None:
    """B7"""
    options: dict[str, Any] = {"state": tmp_path / "state", "transport": httpx.MockTransport(site)}

    def fail() -> None:
        with closing(condget.poll(SITE, **options)) as outcomes:
            for _ in outcomes:
                raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert [outcome.status for outcome in poll(SITE, **options)] == ["new"]


def test_a_cancelled_async_poll_ends_at_once_and_releases_the_state(origin: Origin, tmp_path: Path) -> None:
    origin.script("/slow", Answer(200, body=rss(1), delay=20))
    state = tmp_path / "state"

    async def run() -> None:
        async def consume() -> None:
            async with aclosing(condget.async_poll(origin.url("/slow"), state=state)) as outcomes:
                async for _ in outcomes:
                    pass

        task = asyncio.create_task(consume())
        await asyncio.to_thread(origin.wait_for, 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 10)

    asyncio.run(run())
    with lock(state):
        pass


@both
def test_failures_and_bad_lines_are_outcomes(call: Call, tmp_path: Path) -> None:
    """D9, F4"""
    feeds = tmp_path / "feeds.txt"
    feeds.write_text(f"{SITE}ok\nfile:///etc/passwd\n")
    outcomes = call(feeds, state=":memory:")
    assert [(outcome.status, outcome.title) for outcome in outcomes] == [("error", None), ("new", "ok")]
    assert "feeds.txt:2: " in str(outcomes[0].error)


@both
def test_wrong_arguments_raise(call: Call, tmp_path: Path) -> None:
    with pytest.raises(condget.SubscriptionError, match="cannot be read"):
        call(tmp_path / "nowhere.txt", SITE)
    with pytest.raises(condget.SubscriptionError, match="not a duration"):
        call(condget.Feed(SITE, every="soon"), state=":memory:")
    with pytest.raises(TypeError, match="transport= takes a transport of httpx, not int"):
        call(SITE, transport=5)
    with pytest.raises(TypeError, match="forse"):
        call(SITE, forse=True)


def test_b9_a_state_that_another_run_holds_raises(tmp_path: Path) -> None:
    """B9"""
    with lock(tmp_path / "state"), pytest.raises(condget.StateLocked):
        poll(SITE, state=tmp_path / "state")


def test_what_was_mended_in_the_state_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """F11"""
    poll(SITE, state=tmp_path / "state")
    content = bytearray((tmp_path / "state").read_bytes())
    content[100:] = b"x" * (len(content) - 100)
    (tmp_path / "state").write_bytes(content)
    with caplog.at_level(logging.WARNING, "condget"):
        poll(SITE, state=tmp_path / "state")
    assert "set aside" in caplog.text


def test_c1_the_clock_is_an_argument() -> None:
    """C1"""
    ledger = MemoryLedger()
    numbers = [len(poll(SITE, state=ledger, clock=lambda now=NOON + minutes * 60: now)) for minutes in (0, 59, 90)]
    assert numbers == [1, 0, 1]


def test_without_a_transport_it_connects_by_itself(origin: Origin) -> None:
    origin.script("/feed", conditional(rss(1), etag='"1"'))
    (outcome,) = condget.poll(origin.url("/feed"), state=":memory:")
    assert outcome.title == "Tea"


class OnlySync(httpx.BaseTransport):
    """A synchronous transport whose responses come in pieces."""

    def __init__(self) -> None:
        self.closed = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = site(request)
        outer = self

        class Stream(httpx.SyncByteStream):
            def __iter__(self) -> Iterator[bytes]:
                yield from (bytes([byte]) for byte in response.content)

            def close(self) -> None:
                outer.closed += 1

        return httpx.Response(response.status_code, headers=response.headers, stream=Stream())


class OnlyAsync(httpx.AsyncBaseTransport):
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = site(request)

        class Stream(httpx.AsyncByteStream):
            async def __aiter__(self) -> AsyncIterator[bytes]:
                yield response.content

        return httpx.Response(response.status_code, headers=response.headers, stream=Stream())


@both
@pytest.mark.parametrize("make", [OnlySync, OnlyAsync])
def test_any_transport_of_httpx_will_do(call: Call, make: Callable[[], Any]) -> None:
    transport = make()
    (outcome,) = call(SITE + "tea", state=":memory:", transport=transport)
    assert outcome.title == "tea"
    assert getattr(transport, "closed", 1) == 1


def test_respx_mocks_a_poll() -> None:
    with respx.mock() as router:
        route = router.get(SITE).mock(side_effect=site)
        (outcome,) = condget.poll(SITE, state=":memory:", transport=httpx.AsyncHTTPTransport())
        assert (outcome.status, route.call_count) == ("new", 1)


def test_the_same_transport_serves_one_poll_after_the_other(origin: Origin) -> None:
    """Each poll has an event loop of its own."""
    origin.script("/feed", ok(rss(1)))
    transport, ledger = httpx.AsyncHTTPTransport(), MemoryLedger()
    for _ in range(3):
        assert len(poll(origin.url("/feed"), transport=transport, state=ledger, force=True)) == 1


@both
@pytest.mark.parametrize("kind", ["both", "sync"])
def test_a_transport_of_httpx2_will_do_as_well(kind: str, call: Call) -> None:
    httpx2 = pytest.importorskip("httpx2")

    def answer(request: Any) -> Any:
        if request.url.path == "/gone":
            raise httpx2.ConnectError("no route")
        return httpx2.Response(200, content=rss(1))

    class Sync(httpx2.BaseTransport):  # type: ignore[misc, name-defined]
        def handle_request(self, request: Any) -> Any:
            return answer(request)

    transport = httpx2.MockTransport(answer) if kind == "both" else Sync()
    (outcome,) = call(SITE + "tea", state=":memory:", transport=transport)
    assert (outcome.status, len(outcome.entries)) == ("new", 1)
    (outcome,) = call(SITE + "gone", state=":memory:", transport=transport)
    assert "no connection (no route)" in (outcome.error or "")


def test_the_workers_of_an_executor_poll(origin: Origin, tmp_path: Path) -> None:
    """And what they learn is remembered, as without them; from asyncio, too."""
    origin.script("/feed", conditional(rss(1), etag='"1"'))
    url, state = origin.url("/feed"), tmp_path / "state.sqlite3"

    async def again() -> list[str]:
        return [outcome.status async for outcome in condget.async_poll(url, state=state, force=True, executor=pool)]

    with ThreadPoolExecutor(2) as pool:
        assert [outcome.status for outcome in condget.poll(url, state=state, executor=pool, workers=2)] == ["new"]
        assert asyncio.run(again()) == ["unchanged"]
        with pytest.raises(ValueError, match="leave one of the two out"):
            condget.poll(url, executor=pool, transport=httpx.MockTransport(lambda request: httpx.Response(200)))
