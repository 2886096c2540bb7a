"""Freshening (RFC 9111 §3.2, §4.3.4, §4.3.5): which stored response a 304 means, and what it changes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from condget.cache.fields import Fields
from condget.cache.freshening import freshened, head_agrees, may_freshen, selected
from condget.cache.messages import Response, StoredResponse

Pairs = list[tuple[str, str]]
A, B = ("ETag", '"a"'), ("ETag", '"b"')
DATE, LATER = "Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:50:37 GMT"


def stored(*fields: tuple[str, str], length: int = 3) -> StoredResponse:
    return StoredResponse("http://a/", 200, Fields(fields), 1, 2, content_length=length, id=7)


def answer(*fields: tuple[str, str], status: int = 304) -> Response:
    return Response(status, Fields(fields), 100, 101)


@pytest.mark.parametrize(
    ("validated", "fields", "index"),
    [
        ([stored(A)], [], 0),
        ([stored(A)], [A], 0),
        ([stored(A)], [("ETag", 'W/"a-gzip"')], 0),
        ([stored(A), stored(B)], [B], 1),
        ([stored(A), stored(B)], [("ETag", '"b-gzip"')], 1),
        ([stored(("ETag", '"a-br"')), stored(A)], [A], 1),
        ([stored(A), stored(B)], [("ETag", 'W/"b"')], 1),
        ([stored(A), stored(B)], [("ETag", '"c"')], None),
        ([stored(A), stored(B)], [], None),
        ([stored(("Last-Modified", DATE)), stored(("Last-Modified", LATER))], [("Last-Modified", LATER)], 1),
        ([stored(("Last-Modified", DATE)), stored(("Last-Modified", DATE))], [("Last-Modified", DATE)], None),
        ([], [A], None),
    ],
)
def test_the_304_selects(validated: list[StoredResponse], fields: Pairs, index: int | None) -> None:
    """G2: several variants, all ETags offered, the 304 says which."""
    assert selected(validated, answer(*fields)) == (None if index is None else validated[index])


@pytest.mark.parametrize(
    ("own", "fields", "expected"),
    [
        ([A], [], True),
        ([A], [A], True),
        ([A], [B], False),
        ([A], [("ETag", 'W/"b"')], True),
        ([A], [("ETag", '"a-gzip"')], True),
        ([("ETag", '"a-br"')], [A], True),
        ([("Last-Modified", DATE)], [B], True),
    ],
)
def test_a_304_with_another_strong_tag_freshens_nothing(own: Pairs, fields: Pairs, expected: bool) -> None:
    """G1: RFC 9111 §4.3.4"""
    assert may_freshen(stored(*own), answer(*fields)) is expected


@pytest.mark.parametrize(
    ("held", "news", "expected"),
    [
        ([("X", "1")], [("X", "2")], [("X", "2")]),
        ([("X", "1"), ("x", "2")], [("X", "3")], [("X", "3")]),
        ([("X", "1")], [("X", "2"), ("X", "3")], [("X", "2"), ("X", "3")]),
        ([("X", "1")], [("Y", "2")], [("X", "1"), ("Y", "2")]),
        ([("Content-Type", "a/b")], [("Content-Type", "c/d")], [("Content-Type", "a/b")]),
        ([("Content-Encoding", "gzip")], [("Content-Encoding", "br")], [("Content-Encoding", "gzip")]),
        ([("Content-Length", "3")], [("Content-Length", "0")], [("Content-Length", "3")]),
        ([], [("Content-Encoding", "gzip"), ("Content-Length", "0"), ("Content-Range", "bytes 0-0/1")], []),
        ([A], [B], [A]),
        ([A], [("ETag", "")], [A]),
        ([], [A], [A]),
        ([("Last-Modified", DATE)], [("Last-Modified", LATER)], [("Last-Modified", LATER)]),
        ([("Last-Modified", DATE)], [("Last-Modified", "")], [("Last-Modified", DATE)]),
        ([("Age", "50"), ("Date", DATE)], [], []),
        ([("Age", "50"), ("Date", DATE)], [("Date", LATER)], [("Date", LATER)]),
        ([("Cache-Control", "max-age=1")], [("Cache-Control", "max-age=9")], [("Cache-Control", "max-age=9")]),
        ([("X", "1")], [("Connection", "X-A"), ("X-A", "1"), ("Set-Cookie", "a=b")], [("X", "1")]),
    ],
)
def test_what_a_304_changes(held: Pairs, news: Pairs, expected: Pairs) -> None:
    """G2: new fields kept, those of the content not merged."""
    after = freshened(stored(*held), answer(*news))
    assert list(after.fields) == expected
    assert (after.request_time, after.response_time, after.id, after.content_length) == (100, 101, 7, 3)


@pytest.mark.parametrize(
    ("held", "news", "expected"),
    [
        ([A, ("Last-Modified", DATE)], [], [A, ("Last-Modified", DATE)]),
        ([A, ("Last-Modified", DATE)], [B], [("Last-Modified", DATE), B]),
        ([A, ("Last-Modified", DATE)], [("ETag", "")], [A, ("Last-Modified", DATE)]),
    ],
)
def test_a_poller_takes_the_validators_of_a_304(held: Pairs, news: Pairs, expected: Pairs) -> None:
    """B3"""
    assert list(freshened(stored(*held), answer(*news), replace_validators=True).fields) == expected


@pytest.mark.parametrize(
    ("held", "news", "agrees"),
    [
        ([A], [A], True),
        ([A], [], True),
        ([A], [B], False),
        ([A], [("ETag", 'W/"a"')], False),
        ([], [A], False),
        ([("Last-Modified", DATE)], [("Last-Modified", LATER)], False),
        ([A], [A, ("Content-Length", "3")], True),
        ([A], [A, ("Content-Length", "4")], False),
    ],
)
def test_a_head_agrees_or_not(held: Pairs, news: Pairs, agrees: bool) -> None:
    """G1: §4.3.5"""
    assert head_agrees(stored(*held), answer(*news, status=200)) is agrees


NAMES = st.sampled_from(["ETag", "Date", "Age", "X", "Content-Length", "Cache-Control", "Connection", "Set-Cookie"])
PAIRS = st.lists(st.tuples(NAMES, st.text("ab0", max_size=3)), max_size=6)


@given(PAIRS, PAIRS)
def test_freshening_twice_changes_no_more_than_once(held: Pairs, news: Pairs) -> None:
    once = freshened(stored(*held), answer(*news))
    assert sorted(freshened(once, answer(*news)).fields) == sorted(once.fields)
