"""Responses that h11 reads: whole, in pieces, and with limits of ours."""

from __future__ import annotations

import asyncio

import pytest

from condget.fetching.failures import Failure
from condget.fetching.h11_response import H11Response
from condget.fetching.response_head import Head
from condget.fetching.targets import parse

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n4\r\n bye\r\n0\r\n\r\n"


def read(data: bytes, step: int = 65_536) -> tuple[Head, bytes, bytes]:
    """Return the head, the content, and what came behind it."""
    pieces = iter([data[start : start + step] for start in range(0, len(data), step)])

    async def receive() -> bytes:
        return next(pieces, b"")

    async def whole() -> tuple[Head, bytes, bytes]:
        response = H11Response(parse("http://a.example/"), [(b"Host", b"a.example")], b"", receive)
        head, content = await response.head(), b""
        while piece := await response.read():
            content += piece
        return head, content, response.surplus

    return asyncio.run(whole())


@pytest.mark.parametrize("step", [1, 7, 65_536])
def test_chunked_content_is_read_in_pieces_of_any_size(step: int) -> None:
    head, content, surplus = read(b"HTTP/1.1 103 Early\r\n\r\n" + CHUNKED, step)
    assert (head.status, head.http_version, content, surplus) == (200, "HTTP/1.1", b"hello bye", b"")


def test_what_comes_behind_the_content_is_known() -> None:
    assert read(CHUNKED + b"HTTP/1.1 200 OK\r\n\r\n")[2] == b"HTTP/1.1 200 OK\r\n\r\n"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "without an answer"),
        (CHUNKED[:-9], "ends before it is complete"),
        (b"junk\r\n\r\n", "is not valid HTTP"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70_000, "longer than 65,536 bytes"),
        (b"HTTP/1.1 103 Early\r\n\r\n" * 101 + CHUNKED, "more than 100 interim responses"),
    ],
)
def test_b5_f2_what_is_wrong_is_a_failure_in_words(data: bytes, words: str) -> None:
    """B5, F2."""
    with pytest.raises(Failure, match=words):
        read(data)
