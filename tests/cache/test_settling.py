"""The second question of a cache (RFC 9111 §3, §4.3, §4.4): what a response means."""

from __future__ import annotations

import pytest

from condget.cache.actions import Delete, Forward, Freshen, Invalidate, Save
from condget.cache.decisions import decide
from condget.cache.messages import Request, Response, StoredResponse
from condget.cache.policy import Policy
from condget.cache.settling import settle, settle_failure
from tests.cache.literals import BOTH, BROWSER, FRESH, URL, T, fields, get, held


def answered(request: Request, stored: list[StoredResponse], status: int, text: str, age: float = 100) -> list[str]:
    forward = decide(request, stored, BROWSER, T + age)
    assert isinstance(forward, Forward)
    settlement = settle(forward, Response(status, fields(text), T + age, T + age), BROWSER)
    words = {Save: "save", Freshen: "freshen", Delete: "delete", Invalidate: "invalidate"}
    given = ["again"] if settlement.retry else [f"give {settlement.reuse.status_code}"] if settlement.reuse else []
    return [words[type(write)] for write in settlement.writes] + given


@pytest.mark.parametrize(
    ("asked", "status", "text", "expected"),
    [
        ("", 304, "", ["freshen", "give 200"]),
        ("", 304, 'ETag: "b"', ["give 200"]),
        ("", 304, 'ETag: W/"b"', ["freshen", "give 200"]),
        ("", 304, 'ETag: "a-gzip"', ["freshen", "give 200"]),
        ("", 304, "ETag: a", ["freshen", "give 200"]),
        ("", 200, FRESH, ["save"]),
        ("", 200, "Cache-Control: no-store", ["delete"]),
        ("", 404, "", ["delete"]),
        ("", 410, FRESH, ["save"]),
        ("", 403, "", []),
        ("", 429, "", []),
        ("", 500, "", ["give 200"]),
        ("", 503, FRESH, ["give 200"]),
        ("", 501, "", []),
        ("", 505, "", []),
        ('If-None-Match: "a"', 304, "", ["freshen", "give 304"]),
        ('If-None-Match: "x"', 304, 'ETag: "a"', ["freshen", "give 200"]),
        ('If-None-Match: "x"', 304, 'ETag: "x"', []),
        ('If-None-Match: "x"', 304, "", []),
        ("Range: bytes=0-1", 304, "", ["freshen", "give 206"]),
        ("Cache-Control: no-cache", 500, "", []),
    ],
)
def test_what_an_answer_about_a_stale_response_means(asked: str, status: int, text: str, expected: list[str]) -> None:
    """G1, G9"""
    assert answered(get(asked), [held(BOTH)], status, text) == expected


@pytest.mark.parametrize(
    ("status", "text", "expected"),
    [
        (206, 'ETag: "a" | Content-Range: bytes 10-19/20', ["save"]),
        (206, 'ETag: "a" | Content-Range: bytes 10-14/20', ["again"]),  # not all of the rest
        (206, 'ETag: "b" | Content-Range: bytes 10-19/20', ["again"]),
        (206, 'ETag: "a" | Content-Range: bytes 11-19/20', ["again"]),
        (206, 'ETag: "a" | Content-Range: bytes 10-19/99', ["again"]),
        (206, 'ETag: "a"', ["again"]),
        (416, "Content-Range: bytes */5", ["again"]),
        (200, FRESH, ["save"]),
    ],
)
def test_what_an_answer_to_a_request_for_the_rest_means(status: int, text: str, expected: list[str]) -> None:
    """G10: RFC 9111 §3.3, §3.4"""
    assert answered(get(), [held(f'{FRESH} | ETag: "a"', 206, complete_length=20)], status, text, 0) == expected


def test_a_304_that_nobody_asked_for_is_passed_on() -> None:
    assert answered(get(), [], 304, "") == []


@pytest.mark.parametrize(
    ("method", "status", "text", "urls"),
    [
        ("POST", 200, "", [URL]),
        ("PUT", 204, "", [URL]),
        ("DELETE", 302, "", [URL]),
        ("FOO", 200, "", [URL]),
        ("POST", 404, "", None),
        ("POST", 500, "", None),
        ("OPTIONS", 200, "", None),
        ("TRACE", 200, "", None),
        ("POST", 201, "Location: /new | Content-Location: c?d#e", [URL, "http://a/new", "http://a/c?d"]),
        ("POST", 201, "Location: http://b/new | Content-Location: https://a/", [URL]),
        ("POST", 201, "Location: http://a:80/new", [URL, "http://a/new"]),
        ("POST", 201, "Location: HTTP://A/new", [URL, "http://a/new"]),
        ("POST", 201, "Location: http://[bad", [URL]),
        ("POST", 201, "Location: http://a:x/", [URL]),
    ],
)
def test_what_is_invalidated(method: str, status: int, text: str, urls: list[str] | None) -> None:
    """G1: by unsafe and unknown methods: the target, Location and Content-Location of the same origin (§4.4)."""
    forward = decide(get(method=method), [], Policy(), T)
    assert isinstance(forward, Forward)
    writes = settle(forward, Response(status, fields(text), T, T), Policy()).writes
    assert [list(write.urls) for write in writes if isinstance(write, Invalidate)] == ([] if urls is None else [urls])


@pytest.mark.parametrize(
    ("status", "text", "stored"),
    [
        (200, f"{FRESH} | Content-Location: {URL}", True),
        (200, f"{FRESH} | Content-Location: /", True),
        (200, f"{FRESH} | Content-Location: /other", False),
        (200, FRESH, False),
        (200, 'Content-Location: / | ETag: "a"', False),
        (200, f"{FRESH}, no-store | Content-Location: /", False),
        (201, f"{FRESH} | Content-Location: /", False),
    ],
)
def test_a_post_may_serve_later_gets(status: int, text: str, stored: bool) -> None:
    """G1: with explicit freshness and its own URL as Content-Location (RFC 9110 §9.3.3)."""
    assert ("save" in answered(get(method="POST"), [], status, text)) is stored


@pytest.mark.parametrize(
    ("status", "text", "expected"),
    [
        (200, 'ETag: "a"', ["freshen"]),
        (200, 'ETag: "b"', ["delete"]),
        (200, "Content-Length: 11", ["delete"]),
        (404, "", []),
    ],
)
def test_a_head_freshens_or_invalidates_what_a_get_stored(status: int, text: str, expected: list[str]) -> None:
    """G1: §4.3.5"""
    assert answered(get(method="HEAD"), [held(BOTH)], status, text) == expected


@pytest.mark.parametrize(
    ("text", "served"),
    [(BOTH, True), ("Cache-Control: no-cache", False), ("Cache-Control: max-age=1, must-revalidate", False)],
)
def test_a_stale_response_stands_in_for_an_origin_that_cannot_be_reached(text: str, served: bool) -> None:
    """G9"""
    forward = decide(get(), [held(text)], BROWSER, T + 1000)
    assert isinstance(forward, Forward)
    assert (settle_failure(forward, BROWSER, T + 1000, "ConnectError") is not None) is served
