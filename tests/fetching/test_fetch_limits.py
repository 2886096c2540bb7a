"""Limits of an exchange in time and size.

Test names carry the point they check. Every test runs on every path through the direct wire.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

import pytest

from condget.fetching.direct import DirectWire
from condget.fetching.request import Limits
from tests.fetching.support import FEED, get, refused
from tests.origin import Answer, Origin, drip, endless_body, endless_head

pytestmark = pytest.mark.usefixtures("path")


@pytest.mark.parametrize(
    "answer",
    [
        drip(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + b"x" * 100, every=0.02),
        Answer(body=FEED, chunks=[b"x"] * 100, chunk_delay=0.02),
        Answer(body=FEED, delay=5),
        Answer(302, [("Location", "/feed?again")], delay=0.16),
    ],
    ids=["drip", "slow body", "silence", "hops"],
)
def test_f1_one_deadline_covers_the_whole_exchange(origin: Origin, answer: Answer) -> None:
    origin.script("/feed", answer)
    error = refused(origin.url("/feed"), timeout=0.25)
    assert "0.25 seconds" in str(error) or "circle" in str(error)
    assert error.connected


def test_f1_the_deadline_covers_name_resolution(origin: Origin) -> None:
    async def never(host: str, port: int) -> Sequence[str]:
        await asyncio.sleep(60)
        return []

    error = refused("http://slow.test/", DirectWire(resolve=never), timeout=0.1)
    assert not error.connected


def test_f2_content_is_limited_as_received(origin: Origin) -> None:
    """F2"""
    origin.script("/feed", endless_body())
    origin.script("/declared", Answer(declared_length=10**12))
    limits = Limits(received=300_000)
    assert "300,000 bytes" in str(refused(origin.url("/feed"), limits=limits))
    assert "300,000 bytes" in str(refused(origin.url("/declared"), limits=limits))


def test_f2_heads_interim_responses_and_framing_are_limited(origin: Origin) -> None:
    """F2"""
    origin.script("/head", endless_head())
    interim = iter(lambda: b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 500, None)
    origin.script("/interim", Answer(raw=interim))
    origin.script("/framing", Answer(raw=framing()))
    limits = Limits(received=10_000)
    for path, words in (("/head", "header fields"), ("/interim", "sends more"), ("/framing", "sends more")):
        assert words in str(refused(origin.url(path), limits=limits))


def framing() -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    for _ in range(1000):
        yield b"1;" + b"x" * 10_000 + b"\r\nx\r\n"


def test_interim_responses_are_passed_over(origin: Origin) -> None:
    head = b"HTTP/1.1 103 Early Hints\r\nETag: no\r\n\r\nHTTP/1.1 200 OK\r\nETag: yes\r\nContent-Length: 1\r\n\r\nx"
    origin.script("/feed", head)
    assert get(origin.url("/feed")).response.fields.get("etag") == "yes"
