"""Bytes of strangers are read in time that grows with their length, whatever they are (F1).

Each function is fed a megabyte of its worst bytes, as far as a response can hold them, and measured in CPU time.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from condget.cache.dates import parse_date
from condget.cache.directives import parse_delta_seconds
from condget.cache.fields import Fields
from condget.cache.freshness import explicit_lifetime
from condget.cache.messages import StoredResponse
from condget.errors import CondgetError
from condget.fetching.addresses import is_known_private
from condget.fetching.codings import applied
from condget.fetching.failures import Failure, redacted, snippet
from condget.fetching.response_head import END_OF_HEAD, LONGEST_HEAD, usual
from condget.fetching.targets import host_of, parse, resolve
from condget.shown import address, line
from condget.urls import without_userinfo

MEGABYTE = 1_000_000
BASE = parse("http://a.example/b")
#: A head is no longer than this, so nor is a field.
FIELD = LONGEST_HEAD

PIECES = [
    *("a.", "a", " ", "\t", "<", "<!--", "<script", "</script ", "token", "a-token", "key=", "://", "a://b", "@", ":"),
    *("\x1b[", "\x1b]", "\x1b[0;", "0", "\r\n", "\n", "a:\r\n", "../", "/", "//", "%", "%25", ",", "gzip,", '"', "\\"),
    *(
        "basic ",
        "bearer aaaaaa",
        "charset=",
        "charset ",
        "0x",
        "1.",
        "xn--",
        "\u200b",
        "\u202e",
        "\xe9",
        "max-age=",
        ";",
    ),
]


def field(name: str) -> Callable[[str], object]:
    def read(text: str) -> object:
        return explicit_lifetime(StoredResponse("http://a/", 200, Fields([(name, text[:FIELD])]), 0.0, 0.0))

    return read


READERS: dict[str, Callable[[str], object]] = {
    "snippet": lambda text: snippet(text.encode("utf-8", "surrogatepass"), "text/html"),
    "snippet of a charset": lambda text: snippet(b"\xc3" * MEGABYTE, f"text/html; charset={text[:FIELD]}"),
    "redacted": lambda text: redacted(text[:16_384], ["hush-hush", "a.a.a.a.a", "aaaaaaaab"]),
    "line": line,
    "address": lambda text: address(text, 400),
    "without_userinfo": without_userinfo,
    "head": lambda text: usual(b"HTTP/1.1 200 OK\r\n" + text.encode("latin-1", "replace")[:FIELD]),
    "blank": lambda text: END_OF_HEAD.search(text.encode("latin-1", "replace")),
    "Location": lambda text: resolve(BASE, text.encode("utf-8", "replace").decode("latin-1")[:FIELD]),
    "target": lambda text: parse("http://" + text[:FIELD]),
    "target's path": lambda text: parse("http://a/" + text[:FIELD]),
    "host": lambda text: host_of("http://" + text[:FIELD]),
    "address in a URL": lambda text: is_known_private(text[:FIELD]),
    "Content-Encoding": lambda text: applied(text[:FIELD]),
    "date": lambda text: parse_date(text[:FIELD]),
    "delta-seconds": lambda text: parse_delta_seconds(text[:FIELD]),
    "Cache-Control": field("Cache-Control"),
    "Expires": field("Expires"),
}


def cpu(read: Callable[[str], object], text: str) -> float:
    """Return the CPU seconds of the fastest of three readings, so that a busy machine is not a failure."""
    return min(once(read, text) for _ in range(3))


def once(read: Callable[[str], object], text: str) -> float:
    with no_garbage():
        began = time.thread_time()
        try:
            read(text)
        except (Failure, CondgetError, ValueError):
            return time.thread_time() - began
        return time.thread_time() - began


@contextmanager
def no_garbage() -> Iterator[None]:
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def filled(pieces: Iterable[str]) -> str:
    text = "".join(pieces)
    return text * (MEGABYTE // len(text) + 1)


@pytest.mark.parametrize("name", READERS)
def test_f1_a_megabyte_of_one_piece_is_read_at_once(name: str) -> None:
    for piece in PIECES:
        for text in (filled(piece), "a" + filled(piece) + "!", "<" + filled(piece), "a:" + filled(piece)):
            assert cpu(READERS[name], text) < 0.05, (name, piece)


@pytest.mark.parametrize("name", READERS)
@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=5))
@settings(max_examples=8)
def test_f1_a_megabyte_of_any_pieces_is_read_at_once(name: str, pieces: list[str]) -> None:
    assert cpu(READERS[name], filled(pieces)) < 0.05, (name, pieces)
