"""Storing (RFC 9111 §3): which responses are stored, which of their fields, and why not."""

from __future__ import annotations

import pytest

from condget.cache.dates import format_date
from condget.cache.fields import Fields
from condget.cache.messages import Request, Response
from condget.cache.policy import Policy
from condget.cache.storing import storable_fields, to_stored, why_not

T = 1_000_000_000.0
REQUEST = Request("GET", "http://a/")
MODIFIED = ("Last-Modified", format_date(T - 1000))
FRESH = ("Cache-Control", "max-age=60")


def reason(status: int, *fields: tuple[str, str]) -> str | None:
    response = Response(status, Fields(fields), T, T)
    return why_not(REQUEST, response, Policy().lifetime(response))


# One ordered list, as OkHttp's CacheTest has it: status, stored with Last-Modified alone, stored with max-age.
STATUSES = [
    (100, False, False),
    (101, False, False),
    (103, False, False),
    (200, True, True),
    (201, False, True),
    (202, False, True),
    (203, True, True),
    (204, True, True),
    (205, False, True),
    (206, False, False),  # without a Content-Range; with one it is a part
    (226, False, True),
    (300, True, True),
    (301, True, True),
    (302, False, True),
    (303, False, True),
    (304, False, False),
    (305, False, True),
    (307, False, True),
    (308, True, True),
    (400, False, True),
    (401, False, True),
    (403, False, True),
    (404, True, True),
    (405, True, True),
    (408, False, True),
    (410, True, True),
    (414, True, True),
    (416, False, False),
    (418, False, True),
    (421, False, True),
    (429, False, True),
    (451, False, True),
    (499, False, True),
    (500, False, True),
    (501, True, True),
    (502, False, True),
    (503, False, True),
    (504, False, True),
    (599, False, True),
]


@pytest.mark.parametrize(("status", "heuristically", "explicitly"), STATUSES)
def test_which_statuses_are_stored(status: int, heuristically: bool, explicitly: bool) -> None:
    """G1: heuristically cacheable ones, and unknown ones with explicit freshness."""
    assert (reason(status, MODIFIED) is None) is heuristically
    assert (reason(status, FRESH) is None) is explicitly
    assert (reason(status, ("Expires", format_date(T + 60))) is None) is explicitly


@pytest.mark.parametrize(
    ("status", "fields", "expected"),
    [
        (200, [("ETag", '"a"')], None),
        (200, [("ETag", '"a"'), ("Cache-Control", "max-age=0")], None),
        (200, [("ETag", '"a"'), ("Cache-Control", "no-cache")], None),
        (200, [FRESH, ("Cache-Control", "private")], None),
        (200, [FRESH, ("Cache-Control", 'private="X-A"')], None),
        (200, [FRESH, ("Vary", "Cookie")], None),
        (200, [FRESH, ("Set-Cookie", "a=b")], None),
        (200, [FRESH, ("Vary", "*")], "Vary: * without a validator"),
        (200, [FRESH, ("Vary", "*"), ("ETag", '"a"')], None),
        (200, [], "neither fresh nor with a validator"),
        (200, [("ETag", "")], "neither fresh nor with a validator"),
        (200, [("Cache-Control", "max-age=0")], "neither fresh nor with a validator"),
        (200, [("Expires", "0")], "neither fresh nor with a validator"),
        (200, [FRESH, ("Cache-Control", "no-store")], "no-store in the response"),
        (200, [FRESH, ("Cache-Control", "NO-STORE")], "no-store in the response"),
        (200, [("ETag", '"a"'), ("cache-control", "no-store, max-age=9")], "no-store in the response"),
        (200, [FRESH, ("Cache-Control", 'x="no-store"')], None),
        (200, [FRESH, ("Cache-Control", "no-store, must-understand")], None),
        (499, [FRESH, ("Cache-Control", "must-understand")], "must-understand, and status 499 is not"),
        (499, [FRESH, ("Cache-Control", "must-understand, no-store")], "must-understand, and status 499 is not"),
        (500, [("ETag", '"a"')], "status 500 without explicit freshness"),
        (599, [("Cache-Control", "public"), ("ETag", '"a"')], None),
        (206, [FRESH, ("Content-Range", "bytes 0-1/9")], None),
        (206, [FRESH, ("Content-Range", "bytes 5-1/9")], "no single valid Content-Range"),
        (206, [FRESH, ("Content-Type", "multipart/byteranges; boundary=x")], "no single valid Content-Range"),
        (304, [FRESH], "status 304 has no content of its own"),
    ],
)
def test_what_is_stored_and_why_not(status: int, fields: list[tuple[str, str]], expected: str | None) -> None:
    """G1, G12: no-store is obeyed, must-understand, and a reason for each that is not stored."""
    assert reason(status, *fields) == expected


@pytest.mark.parametrize(
    ("fields", "dropped"),
    [
        ([("Connection", "close"), ("Keep-Alive", "x"), ("TE", "x"), ("Trailer", "x")], {"all"}),
        ([("Transfer-Encoding", "chunked"), ("Upgrade", "x"), ("Proxy-Connection", "x")], {"all"}),
        ([("Proxy-Authenticate", "x"), ("Proxy-Authentication-Info", "x"), ("Proxy-Authorization", "x")], {"all"}),
        ([("Set-Cookie", "a"), ("set-cookie", "b")], {"all"}),
        ([("Connection", "X-A, x-b"), ("X-A", "1"), ("x-a", "2"), ("X-B", "3")], {"all"}),
        ([("Connection", "X-A"), ("Connection", "X-B"), ("X-A", "1"), ("X-B", "2")], {"all"}),
        ([("Cache-Control", 'no-cache="X-A, X-B"'), ("X-A", "1"), ("X-B", "2"), ("X-C", "3")], {"X-A", "X-B"}),
        ([("Cache-Control", "no-cache"), ("X-A", "1")], set()),
        ([("Cache-Control", 'private="X-A"'), ("X-A", "1")], set()),
        ([("X-A", "1"), ("x-A", "2"), ("X-B", "\xff")], set()),
    ],
)
def test_which_fields_are_stored(fields: list[tuple[str, str]], dropped: set[str]) -> None:
    """G2: not those of the connection, nor those that it names; repeated ones are kept. G4: no Set-Cookie."""
    kept = () if dropped == {"all"} else tuple(pair for pair in fields if pair[0] not in dropped)
    assert storable_fields(Fields(fields)).pairs == kept


def test_what_is_stored_of_a_response() -> None:
    request = Request("GET", "http://a/x", Fields([("Accept", "b , a")]), partition="p")
    response = Response(200, Fields([("Vary", "accept"), FRESH]), 1.5, 2.5, "Fine", "HTTP/1.0")
    stored = to_stored(request, response)
    assert (stored.url, stored.partition, stored.status, stored.reason_phrase) == ("http://a/x", "p", 200, "Fine")
    assert (stored.request_time, stored.response_time, stored.http_version) == (1.5, 2.5, "HTTP/1.0")
    assert stored.selecting == ((("accept", "b,a"),),)
    assert stored.content_length is None


def test_what_is_stored_of_a_part() -> None:
    """G10"""
    stored = to_stored(REQUEST, Response(206, Fields([("Content-Range", "bytes 5-9/20")]), T, T), content_length=5)
    assert (stored.first_byte, stored.content_length, stored.complete_length) == (5, 5, 20)
