"""Documents that crash or hang the parser cost only themselves (F3, F4)."""

from __future__ import annotations

import asyncio
import time

import pytest

from condget.errors import DocumentError
from condget.feeds.documents import parse
from condget.feeds.subscriptions import single
from condget.feeds.values import Document
from condget.polling import RunOptions, parser_process, poll
from condget.polling.executors import InProcess
from condget.polling.parser_process import Parser
from condget.stores.memory_ledger import MemoryLedger
from tests.origin import Origin, ok
from tests.polling.support import rss


def parser() -> Parser:
    return Parser(0.3, "tests.polling.hostile:parse")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"crash", "SIGSEGV"),
        (b"hang", "not read within 0.3 seconds"),
        (b"exit", "exit code 3"),
        (b"fail", "ValueError"),
    ],
)
def test_f3_f4_the_next_document_is_read_all_the_same(content: bytes, words: str) -> None:
    """F3, F4."""

    async def play() -> None:
        children = parser()
        try:
            with pytest.raises(DocumentError, match=words):
                await children.parse(content, None, "")
            assert (await children.parse(b"good", None, "")).title == "good"
        finally:
            await children.aclose()

    asyncio.run(play())


def test_f3_a_feed_may_have_more_or_less_time() -> None:
    """F3: the message names the option"""

    async def play() -> None:
        children = Parser(60, "tests.polling.hostile:parse")
        try:
            with pytest.raises(DocumentError, match=r"not read within 0\.2 seconds; parse-timeout= allows"):
                await children.parse(b"hang", None, "", seconds=0.2)
        finally:
            await children.aclose()

    asyncio.run(play())


def test_f4_a_long_document_holds_up_no_other() -> None:
    """F4"""

    async def play() -> None:
        children = Parser(60, "tests.polling.hostile:parse")
        try:
            long = asyncio.create_task(children.parse(b"hang" + b" " * 1_000_000, None, ""))
            await asyncio.sleep(0)
            assert (await children.parse(b"good", None, "")).title == "good"
            assert not long.done()
            long.cancel()
            await asyncio.wait([long])
        finally:
            await children.aclose()

    asyncio.run(play())


@pytest.mark.parametrize(("documents", "children"), [(1, 1), (9, 1), (40, 2)])
def test_another_child_is_started_for_many_documents_only(
    documents: int, children: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parser_process, "MOST_CHILDREN", 2)

    async def play() -> None:
        reader = parser()
        try:
            found = await asyncio.gather(*(reader.parse(b"good", None, "") for _ in range(documents)))
            assert [document.title for document in found] == ["good"] * documents
            assert len(reader.started) == children
        finally:
            await reader.aclose()

    asyncio.run(play())


def test_a_document_without_news_starts_no_child() -> None:
    stamps = [f"<lastBuildDate>Thu, 01 Jan 2026 00:00:0{n} GMT</lastBuildDate>" for n in range(2)]
    first, again = rss(1, 2, extra=stamps[0]), rss(2, 1, extra=stamps[1])
    known = parse(first, None, "http://a.example/")

    async def play() -> Document:
        reader = Parser(function="tests.polling.hostile:no_such_function")
        try:
            return await reader.parse(again, None, "http://a.example/", known.recall)
        finally:
            await reader.aclose()

    document = asyncio.run(play())
    assert (document.entries, set(document.known)) == ((), {entry.key for entry in known.entries})


def test_f4_one_feed_that_crashes_the_parser_stops_no_other(origin: Origin) -> None:
    """F4: in a run of several."""
    feeds = [origin.url(f"/{name}") for name in ("a", "crash", "b", "hang", "c")]
    origin.script("*", lambda request: ok(request.path.encode()))
    outcomes = poll(map(single, feeds), MemoryLedger(), executor=InProcess(time.time, parser=parser))
    found = {outcome.url.rpartition("/")[2]: outcome.status for outcome in outcomes}
    assert found == {"a": "new", "crash": "error", "b": "new", "hang": "error", "c": "new"}


def test_the_child_reads_feeds(origin: Origin) -> None:
    """F4: with the real parser, in the child that a poll really uses."""
    origin.script("/feed", ok(rss(1, 2)))
    (outcome,) = poll([single(origin.url("/feed"))], MemoryLedger(), run_options=RunOptions())
    assert (outcome.status, len(outcome.entries)) == ("new", 2)
