"""Byte ranges (RFC 9110 §14, RFC 9111 §3.3 and §3.4)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from condget.cache.fields import Fields
from condget.cache.messages import Response, StoredResponse
from condget.cache.ranges import (
    if_range_holds,
    is_complete,
    may_combine,
    parse_content_range,
    parse_range,
    resolve,
    strong_validator,
)

DATE, LATER = "Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:50:37 GMT"
A = ("ETag", '"a"')


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bytes 0-4/10", (0, 4, 10)),
        ("Bytes 5-5/*", (5, 5, None)),
        (" bytes 0-9/10 ", (0, 9, 10)),
        ("bytes 4-3/10", None),
        ("bytes 0-10/10", None),
        ("bytes */10", None),
        ("bytes 0-4", None),
        ("bytes=0-4/10", None),
        ("items 0-4/10", None),
        ("bytes -1-4/10", None),
        ("bytes 0-4/10, bytes 5-6/10", None),
        ("bytes 0-" + "9" * 30 + "/*", None),
        ("", None),
        (None, None),
    ],
)
def test_content_range(text: str | None, expected: tuple[int, int, int | None] | None) -> None:
    """G10: §14.4"""
    assert parse_content_range(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bytes=0-4", (0, 4)),
        ("bytes=5-", (5, None)),
        ("bytes=-5", (None, 5)),
        ("BYTES=0-0", (0, 0)),
        ("bytes=-", None),
        ("bytes=4-3", None),
        ("bytes=0-1,3-4", None),
        ("items=0-4", None),
        ("bytes 0-4", None),
        ("bytes=a-b", None),
        ("bytes=" + "9" * 30 + "-", None),
        ("", None),
        (None, None),
    ],
)
def test_range(text: str | None, expected: tuple[int | None, int | None] | None) -> None:
    """G10: a single range; §14.1.2"""
    assert parse_range(text) == expected


@given(st.binary(max_size=40), st.integers(0, 50), st.integers(0, 50), st.sampled_from(["{a}-{b}", "{a}-", "-{b}"]))
def test_a_range_is_a_slice(content: bytes, a: int, b: int, form: str) -> None:
    """G10: against the obvious model."""
    wanted = parse_range("bytes=" + form.format(a=a, b=b))
    if wanted is None:
        assert form == "{a}-{b}"
        assert b < a
        return
    suffix = content[max(0, len(content) - b) :]
    expected = {"{a}-{b}": content[a : b + 1], "{a}-": content[a:], "-{b}": suffix}[form]
    span = resolve(wanted, len(content))
    assert (b"" if span is None else content[span[0] : span[1] + 1]) == expected
    assert span is None or 0 <= span[0] <= span[1] < len(content)


@given(st.text(max_size=30))
def test_no_range_raises(text: str) -> None:
    parse_range(text)
    parse_range(f"bytes={text}")
    parse_content_range(text)


@pytest.mark.parametrize(
    ("condition", "fields", "holds"),
    [
        ('"a"', [A], True),
        ('"b"', [A], False),
        ('W/"a"', [("ETag", 'W/"a"')], False),
        ('"a"', [("ETag", 'W/"a"')], False),
        ('"a"', [], False),
        (DATE, [("Last-Modified", DATE), ("Date", LATER)], True),
        (DATE, [("Last-Modified", DATE), ("Date", DATE)], False),
        (DATE, [("Last-Modified", DATE)], False),
        (LATER, [("Last-Modified", DATE), ("Date", LATER)], False),
        ("junk", [A], False),
        ("", [A], False),
    ],
)
def test_if_range(condition: str, fields: list[tuple[str, str]], holds: bool) -> None:
    """G10: strong validators only, dates exactly."""
    assert if_range_holds(condition, Fields(fields)) is holds


@pytest.mark.parametrize(
    ("fields", "validator"),
    [
        ([A], '"a"'),
        ([("ETag", 'W/"a"')], None),
        ([("ETag", 'W/"a"'), ("Last-Modified", DATE), ("Date", LATER)], None),
        ([("Last-Modified", DATE), ("Date", LATER)], DATE),
        ([("Last-Modified", DATE)], None),
        ([], None),
    ],
)
def test_the_strong_validator(fields: list[tuple[str, str]], validator: str | None) -> None:
    assert strong_validator(Fields(fields)) == validator


def part(*fields: tuple[str, str], first: int = 0, length: int = 5) -> StoredResponse:
    return StoredResponse(
        "http://a/", 206, Fields(fields), 0, 0, content_length=length, first_byte=first, complete_length=20
    )


@pytest.mark.parametrize(
    ("stored", "fields", "combines"),
    [
        (part(A), [A, ("Content-Range", "bytes 5-9/20")], True),
        (part(A), [A, ("Content-Range", "bytes 5-19/*")], True),
        (part(A, first=5), [A, ("Content-Range", "bytes 10-19/20")], True),
        (part(A), [A, ("Content-Range", "bytes 6-9/20")], False),
        (part(A), [A, ("Content-Range", "bytes 4-9/20")], False),
        (part(A), [A, ("Content-Range", "bytes 5-9/30")], False),
        (part(A), [("ETag", '"b"'), ("Content-Range", "bytes 5-9/20")], False),
        (part(A), [("Content-Range", "bytes 5-9/20")], False),
        (part(), [("Content-Range", "bytes 5-9/20")], False),
        (part(("ETag", 'W/"a"')), [("ETag", 'W/"a"'), ("Content-Range", "bytes 5-9/20")], False),
        (part(A), [A], False),
    ],
)
def test_which_parts_combine(stored: StoredResponse, fields: list[tuple[str, str]], combines: bool) -> None:
    """G10: the same strong validator, without a gap."""
    assert may_combine(stored, Response(206, Fields(fields), 0, 0)) is combines


@pytest.mark.parametrize(
    ("status", "length", "complete", "expected"),
    [(200, 5, None, True), (404, 5, None, True), (200, None, None, False), (206, 5, 20, False), (206, 20, 20, False)],
)
def test_what_is_complete(status: int, length: int | None, complete: int | None, expected: bool) -> None:
    """G2: a 206 is never a 200."""
    stored = StoredResponse("http://a/", status, Fields(), 0, 0, content_length=length, complete_length=complete)
    assert is_complete(stored) is expected
