"""The response that a stored response makes (RFC 9111 §4.3.2, RFC 9110 §14): status, fields, and which bytes (G10)."""

from __future__ import annotations

import pytest

from condget.cache.freshness import Freshness
from condget.cache.reuse import reused_as
from tests.cache.literals import BOTH, FRESH, get, held

FRESHNESS = Freshness(age=7.9, lifetime=60.0)


@pytest.mark.parametrize(
    ("request_fields", "method", "expected"),
    [
        ("", "GET", (200, 0, 10)),
        ("", "HEAD", (200, 0, 0)),
        ('If-None-Match: "a"', "GET", (304, 0, 0)),
        ('If-None-Match: "b"', "GET", (200, 0, 10)),
        ("Range: bytes=2-4", "GET", (206, 2, 5)),
        ("Range: bytes=-3", "GET", (206, 7, 10)),
        ("Range: bytes=10-", "GET", (416, 0, 0)),
        ("Range: bytes=2-4", "HEAD", (200, 0, 0)),
    ],
)
def test_a_complete_stored_response(request_fields: str, method: str, expected: tuple[int, int, int]) -> None:
    reuse = reused_as(get(request_fields, method), held(BOTH), FRESHNESS)
    assert reuse is not None
    assert (reuse.status_code, reuse.start, reuse.stop) == expected
    assert reuse.fields.all("Age") == ["7"]


def test_a_condition_that_fails_is_left_to_the_origin() -> None:
    assert reused_as(get('If-Match: "b"'), held(BOTH), FRESHNESS) is None


@pytest.mark.parametrize(
    ("request_fields", "expected"),
    [
        ("", None),
        ("Range: bytes=5-9", None),
        ("Range: bytes=9-10", None),
        ("Range: bytes=-5", (206, 5, 10)),
        ("Range: bytes=10-14", (206, 0, 5)),
    ],
)
def test_a_stored_part_of_twenty_bytes_from_the_tenth(
    request_fields: str, expected: tuple[int, int, int] | None
) -> None:
    part = held(FRESH, 206, first_byte=10, complete_length=20)
    reuse = reused_as(get(request_fields), part, FRESHNESS)
    assert (None if reuse is None else (reuse.status_code, reuse.start, reuse.stop)) == expected


def test_a_304_has_no_fields_of_the_content() -> None:
    """RFC 9110 §15.4.5"""
    reuse = reused_as(get('If-None-Match: "a"'), held(f"{BOTH} | Content-Type: text/plain | Vary: X"), FRESHNESS)
    assert reuse is not None
    assert "Content-Type" not in reuse.fields
    assert reuse.fields.get("Vary") == "X"


def test_a_range_says_where_its_bytes_stand() -> None:
    reuse = reused_as(get("Range: bytes=2-4"), held(f"{BOTH} | Content-Length: 10"), FRESHNESS)
    assert reuse is not None
    assert reuse.fields.all("Content-Range") == ["bytes 2-4/10"]
    assert reuse.fields.all("Content-Length") == ["3"]
