"""One stranger must not stop the others: hostile servers beside good ones, with a watchdog on the event loop.

The documents are read by the real parser, in its child process.
"""

from __future__ import annotations

import asyncio
import gzip
import itertools
import zlib
from collections.abc import Callable, Iterator

import pytest

from condget.feeds.subscriptions import single
from condget.feeds.values import Outcome
from condget.polling import RunOptions, poll
from condget.polling.parser_process import Parser
from condget.stores.memory_ledger import MemoryLedger
from tests.origin import Answer, Origin, RawRequest, Script, endless_body, ok
from tests.polling.support import rss

GOOD = 5


def empty_blocks(length: int) -> bytes:
    """A gzip stream of nothing but empty stored blocks, which decode to nothing."""
    stream = zlib.compressobj(9, wbits=31)
    return stream.compress(b"") + stream.flush(zlib.Z_FULL_FLUSH) + b"\x00\x00\x00\xff\xff" * (length // 5)


def one_byte_chunks() -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    yield from itertools.repeat(b"1\r\nx\r\n" * 10_000, 200)


def interim() -> Iterator[bytes]:
    return itertools.repeat(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 2_000, 200)


def coded(coding: str, content: bytes) -> Answer:
    return Answer(fields=[("Content-Encoding", coding), ("Content-Type", "text/xml")], body=content)


#: Made when they are needed, since some are large.
STRANGERS: dict[str, Callable[[], Script]] = {
    "an error page to redact": lambda: Answer(500, body=b"a." * 500_000),
    "an error page of an odd charset": lambda: Answer(
        500, [("Content-Type", "text/html; charset=punycode")], body=b"z" * 65_000
    ),
    "a coded error page": lambda: Answer(
        404, [("Content-Encoding", "gzip, gzip")], body=gzip.compress(empty_blocks(30_000_000))
    ),
    "codings over one another": lambda: coded(
        "gzip, gzip, gzip", gzip.compress(gzip.compress(empty_blocks(30_000_000)))
    ),
    "a coding that swallows": lambda: coded("gzip, gzip", gzip.compress(empty_blocks(60_000_000))),
    "a bomb": lambda: coded("gzip", gzip.compress(bytes(80_000_000))),
    "chunks of one byte": lambda: lambda request: Answer(raw=one_byte_chunks()),
    "interim responses": lambda: lambda request: Answer(raw=interim()),
    "many fields": lambda: Answer(raw=b"HTTP/1.1 200 OK\r\n" + b"a:\r\n" * 15_000 + b"\r\n"),
    "many odd fields": lambda: Answer(
        raw=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" + b"a:\r\n" * 15_000 + b"\r\n"
    ),
    "many trailers": lambda: Answer(
        raw=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"a:\r\n" * 15_000 + b"\r\n"
    ),
    "an endless redirect": lambda: (
        lambda request: Answer(302, [("Location", "/good")], chunks=itertools.repeat(b"x" * 65_536), chunked=True)
    ),
    "an endless error": lambda: endless_body(),
    "a long Location": lambda: Answer(302, [("Location", "/" + "../" * 20_000)]),
    "a document of a megabyte": lambda: ok(rss(1).replace(b"<title>", b"<title>" + b"tea " * 250_000, 1)),
    "a document of many entries": lambda: ok(rss(*range(5_000))),
    "an entry of many categories": lambda: ok(
        rss(1).replace(b"<item>", b"<item>" + b"".join(b"<category>%d</category>" % n for n in range(100_000)), 1)
    ),
    "a long title": lambda: ok(rss(1).replace(b"<title>", b"<title>" + "\U0001f600".encode() * 1_000_000, 1)),
}


@pytest.mark.parametrize("stranger", STRANGERS)
def test_f1_f2_f4_a_stranger_does_not_hold_the_others(stranger: str) -> None:
    """F1, F2, F4: three of a kind, on hosts of their own; the watchdog fails the run that one of them holds."""
    with Origin("0.0.0.0") as town:
        town.script("/stranger", STRANGERS[stranger]())
        town.script("/good", ok(rss(1)))
        hosts = [f"http://127.0.0.{n}:{town.port}" for n in range(1, GOOD + 4)]
        feeds = [single(f"{host}/{'stranger' if n < 3 else 'good'}") for n, host in enumerate(hosts)]
        outcomes = list(poll(feeds, MemoryLedger(), run_options=RunOptions(timeout=20)))
    statuses = {outcome.url: outcome.status for outcome in outcomes}
    assert [statuses[f"{host}/good"] for host in hosts[3:]] == ["new"] * GOOD
    assert len(outcomes) == len(feeds)


def test_f1_a_long_document_is_not_compared_in_the_loop(origin: Origin) -> None:
    """F1: with a document type declaration of a megabyte, once the feed is known."""
    declared = b"<!DOCTYPE rss [" + b"<!ENTITY a 'b'>" * 60_000 + b"]>"
    bodies = iter([rss(1), declared + rss(1), declared + rss(1, 2)])

    def answer(request: RawRequest) -> Answer:
        return ok(next(bodies))

    origin.script("/feed", answer)
    ledger, outcomes = MemoryLedger(), list[Outcome]()
    for _ in range(3):
        outcomes += poll([single(origin.url("/feed"))], ledger, run_options=RunOptions(force=True))
    assert len(outcomes) == 3
    assert outcomes[0].status == "new"


def test_f1_what_a_child_has_read_does_not_hold_the_loop_either() -> None:
    """F1: 40 MB come from the child process in frames"""

    async def play() -> int:
        parser = Parser(function="tests.polling.hostile:many_long_texts")
        try:
            return len((await parser.parse(b"", None, "")).entries)
        finally:
            await parser.aclose()

    assert asyncio.run(play()) == 400


def test_f2_large_documents_wait_for_each_other() -> None:
    """F2: more than four documents of over half a megabyte at once; all are read in the end."""
    large = rss(1).replace(b"</title>", b"tea " * 200_000 + b"</title>", 1)
    with Origin("0.0.0.0") as town:
        town.script("/feed", ok(large))
        feeds = [single(f"http://127.0.0.{n}:{town.port}/feed") for n in range(1, 11)]
        outcomes = list(poll(feeds, MemoryLedger(), run_options=RunOptions(timeout=20)))
    assert [outcome.status for outcome in outcomes] == ["new"] * 10
