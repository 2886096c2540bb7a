"""The content of a response: framing, codings, and content that is not whole.

Test names carry the point they check. Every test runs on every path through the direct wire.
"""

from __future__ import annotations

import gzip
from typing import Any

import pytest

from tests.fetching.support import FEED, get, refused, town
from tests.origin import Answer, Origin, ok

pytestmark = pytest.mark.usefixtures("path")


@pytest.mark.parametrize(
    "answer",
    [
        Answer(body=FEED, truncate=10),
        Answer(body=FEED, declared_length=len(FEED) + 1),
        Answer(body=FEED, declared_length=len(FEED) - 7),
        Answer(body=FEED, truncate=10, reset=True),
        Answer(body=FEED, chunked=True, truncate=10),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nhello\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        b"HTTP/1.1 200 OK\r\nContent-Length: -3\r\n\r\nabcd",
        Answer(reset=True),
        b"",
        b"HTTP/1.1 200 OK\r\nContent-",
        b"SSH-2.0-OpenSSH_9.2\r\n",
    ],
)
def test_b5_an_answer_that_is_not_whole_is_an_error(origin: Origin, answer: Answer | bytes) -> None:
    origin.script("/feed", answer)
    error = refused(origin.url("/feed"))
    assert str(error).startswith(origin.url("/feed") + ": ")
    assert error.connected


@pytest.mark.parametrize("framed", [{"chunked": True}, {"chunks": [FEED[:9], FEED[9:]]}, {}])
def test_content_comes_in_every_framing(origin: Origin, framed: dict[str, Any]) -> None:
    origin.script("/feed", Answer(body=FEED, **framed), Answer(body=FEED, version="HTTP/1.0", **framed))
    for _ in range(2):
        assert get(origin.url("/feed")).content == FEED


@pytest.mark.parametrize(
    ("answer", "delimited"),
    [
        (Answer(body=FEED), True),
        (Answer(body=FEED, chunked=True), True),
        (Answer(304), True),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(FEED), True),
        (Answer(body=FEED, chunks=[FEED]), False),
        (b"HTTP/1.0 200 OK\n\n" + FEED, False),
    ],
)
def test_b5_content_that_only_the_connection_ends_is_told_apart(
    origin: Origin, answer: Answer | bytes, delimited: bool
) -> None:
    """B5: it may be cut off, and only the document itself can tell."""
    origin.script("/feed", answer)
    assert get(origin.url("/feed")).delimited is delimited


@pytest.mark.parametrize("pieces", [1, 7, 8, 9, 100])
def test_a_head_may_come_in_any_number_of_pieces(origin: Origin, pieces: int) -> None:
    answer = b'HTTP/1.1 200 OK\r\nETag: "a"\r\nContent-Length: 6\r\n\r\n<rss/>'
    size = -(-len(answer) // pieces)
    parts = [answer[n : n + size] for n in range(0, len(answer), size)]
    origin.script("/feed", Answer(raw=parts, chunk_delay=0.001))
    fetched = get(origin.url("/feed"))
    assert (fetched.content, fetched.response.fields.get("etag")) == (b"<rss/>", '"a"')


def test_b5_a_coding_that_is_broken_or_was_not_offered_is_an_error(origin: Origin) -> None:
    origin.script("/cut", Answer(fields=[("Content-Encoding", "gzip")], body=gzip.compress(FEED)[:-4]))
    origin.script("/odd", Answer(fields=[("Content-Encoding", "compress")], body=FEED))
    assert "coding" in str(refused(origin.url("/cut")))
    assert "'compress'" in str(refused(origin.url("/odd")))


def test_b5_content_beyond_its_length_is_noticed_when_it_comes_late_too(origin: Origin) -> None:
    pieces = (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n<rss>", b"</rss>")
    origin.script("/feed", lambda request: Answer(raw=pieces, chunk_delay=0.01, close=False))
    assert "longer than its Content-Length" in str(refused(origin.url("/feed")))


def test_coded_content_is_decoded_and_counted_as_received(origin: Origin) -> None:
    coded = gzip.compress(FEED * 50)
    origin.script("/feed", Answer(fields=[("Content-Encoding", "gzip")], body=coded))
    fetched = get(origin.url("/feed"))
    assert fetched.content == FEED * 50
    assert fetched.received == len(coded)


def test_a_surplus_response_reaches_nobody(origin: Origin) -> None:
    stray = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstray"
    origin.script("/a", Answer(body=FEED, surplus=stray, close=False))
    origin.script("/304", Answer(304, surplus=stray, close=False))
    origin.script("/b", ok(b"<b/>"))
    shared = town()
    assert get(origin.url("/a"), shared).content == FEED
    assert get(origin.url("/304"), shared).content == b""
    assert get(origin.url("/b"), shared).content == b"<b/>"
    assert origin.connections == 3


def test_a_304_and_a_204_have_no_content(origin: Origin) -> None:
    origin.script("/304", Answer(304, [("Content-Length", "100"), ("Content-Encoding", "gzip")]))
    origin.script("/204", Answer(204))
    assert get(origin.url("/304")).content == b""
    assert get(origin.url("/204")).content == b""
