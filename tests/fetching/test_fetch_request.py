"""The request of an exchange, as a raw origin received it.

Test names carry the point they check. Every test runs on every path through the direct wire.
"""

from __future__ import annotations

import pytest

from condget import settings
from condget.errors import ForbiddenTarget
from condget.fetching import codings
from tests.fetching.support import FEED, get, names, refused, town
from tests.origin import Origin, not_modified, ok, redirect

pytestmark = pytest.mark.usefixtures("path")


def test_d1_one_get_and_nothing_else(origin: Origin) -> None:
    origin.script("/feed", ok(FEED, etag='"a"'))
    fetched = get(origin.url("/feed"))
    assert [r.method for r in origin.requests] == ["GET"]
    assert fetched.content == FEED
    assert fetched.received == len(FEED)
    assert fetched.response.status == 200
    assert fetched.response.fields.get("etag") == '"a"'
    assert fetched.chain == (origin.url("/feed"),)
    assert fetched.permanent_to is None
    assert fetched.sent == ()


def test_a1_d3_d4_the_fields_of_a_plain_poll_are_these(origin: Origin) -> None:
    """A1 no preconditions, D3 no Cookie, D4 no Referer, Cache-Control or Pragma."""
    origin.script("/feed", ok(FEED))
    get(origin.url("/feed"))
    assert names(origin.requests[0]) == ["host", "user-agent", "accept", "accept-encoding", "connection"]


@pytest.mark.parametrize(
    "target",
    [
        "/feed?b=2&a=1",
        "/%7Euser/%e2%82%ac?q=a%20b+c&&=",
        "/a/../b/./c//d",
        "/?",
        "//x",
        "/a?u=http://x/y?z",
        "/'(x)*;,=:@[]|{}^`\"<>\\",
    ],
)
def test_d2_the_target_is_byte_identical(origin: Origin, target: str) -> None:
    origin.script("*", ok(FEED))
    fetched = get(origin.url(target))
    assert [r.target for r in origin.requests] == [target]
    assert fetched.chain == (origin.url(target),)


def test_d2_a_url_without_a_path_asks_for_the_root(origin: Origin) -> None:
    origin.script("*", ok(FEED))
    get(origin.url("?a=1"))
    get(origin.url(""))
    get(origin.url("/é"))
    assert [r.target for r in origin.requests] == ["/?a=1", "/", "/%C3%A9"]


def test_d3_no_cookie_follows_a_set_cookie(origin: Origin) -> None:
    origin.script("/feed", redirect("/there", set_cookie="a=1; Path=/"))
    origin.script("/there", ok(FEED, set_cookie="b=2"))
    shared = town()
    get(origin.url("/feed"), shared)
    get(origin.url("/there"), shared)
    assert len(origin.requests) == 3
    assert all("cookie" not in names(r) and "referer" not in names(r) for r in origin.requests)


def test_d5_the_user_agent_is_condgets_unless_set(origin: Origin) -> None:
    origin.script("/feed", ok(FEED))
    get(origin.url("/feed"))
    get(origin.url("/feed"), user_agent="mine/1")
    assert [r.fields.get("user-agent") for r in origin.requests] == [settings.USER_AGENT, "mine/1"]


def test_d6_accept_encoding_is_pinned(origin: Origin) -> None:
    """D6"""
    origin.script("/feed", ok(FEED))
    get(origin.url("/feed"))
    assert origin.requests[0].fields.get("accept-encoding") == ", ".join(codings.offered())


def test_d7_accept_prefers_feeds_and_ends_in_anything(origin: Origin) -> None:
    """D7"""
    origin.script("/feed", ok(FEED))
    get(origin.url("/feed"))
    accept = origin.requests[0].fields.get("accept") or ""
    assert accept.startswith("application/atom+xml, application/rss+xml")
    assert accept.split(", ")[-1].startswith("*/*")


def test_d8_no_fragment_and_userinfo_only_as_authorization(origin: Origin) -> None:
    origin.script("/feed", ok(FEED))
    fetched = get(origin.url("/feed#top", userinfo="me:p%40ss"))
    get(origin.url("/feed"), userinfo="me:p%40ss")
    for request in origin.requests:
        assert request.fields.all("authorization") == ["Basic bWU6cEBzcw=="]
        assert b"top" not in request.raw
        assert b"p%40ss" not in request.raw
    assert fetched.chain == (origin.url("/feed"),)


def test_d8_an_error_does_not_show_userinfo(origin: Origin) -> None:
    origin.script("/feed", b"junk\r\n\r\n")
    error = refused(origin.url("/feed", userinfo="me:hush"))
    assert "hush" not in str(error)
    assert origin.url("/feed") in str(error)


def test_d9_hosts_are_sent_as_idna(origin: Origin) -> None:
    origin.script("/feed", ok(FEED))
    get(f"http://bücher.test:{origin.port}/feed", town(**{"xn--bcher-kva_test": "93.184.216.34"}))
    assert origin.requests[0].fields.get("host") == f"xn--bcher-kva.test:{origin.port}"


@pytest.mark.parametrize("url", ["http://x.test/a b", "http://x.test/a\r\nX: y", "http://x.test/\x7f", "http:///a"])
def test_d9_a_url_that_cannot_be_asked_is_refused(url: str) -> None:
    assert refused(url)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://x.test/", "feed:http://x.test/", "/x"])
def test_d9_other_schemes_are_forbidden(url: str) -> None:
    assert isinstance(refused(url), ForbiddenTarget)


@pytest.mark.parametrize(
    "etag",
    [
        '"a"',
        'W/"a, b"',
        '""947e30c936""',
        "U4q478bDKLqZ8UMMC8A5afZuHug",
        '"x-gzip"',
        '"\xe9\xff"',
        '"' + "e" * 8190 + '"',
    ],
    ids=lambda etag: etag[:12].encode("unicode_escape").decode(),
)
def test_a3_validators_go_back_byte_for_byte(origin: Origin, etag: str) -> None:
    origin.script("/feed", ok(FEED, etag=etag, last_modified="yesterday  +0000"), not_modified())
    fields = get(origin.url("/feed")).response.fields
    pair = (("If-None-Match", fields.get("etag") or ""), ("If-Modified-Since", fields.get("last-modified") or ""))
    fetched = get(origin.url("/feed"), preconditions=pair)
    raw = origin.requests[1].raw
    assert b"\r\nIf-None-Match: " + etag.encode("latin-1") + b"\r\n" in raw
    assert b"\r\nIf-Modified-Since: yesterday  +0000\r\n" in raw
    assert fetched.response.status == 304
    assert fetched.sent == pair


def test_a6_a_precondition_is_sent_once_and_cannot_be_configured_again(origin: Origin) -> None:
    origin.script("/feed", ok(FEED))
    pair = (("If-None-Match", '"a"'), ("If-Modified-Since", "then"))
    get(origin.url("/feed"), preconditions=pair)
    assert names(origin.requests[0]).count("if-none-match") == 1
    assert names(origin.requests[0]).count("if-modified-since") == 1
    for name in ("if-none-match", "Host", "Cookie", "Content-Length", "accept-encoding"):
        error = refused(origin.url("/feed"), preconditions=pair, fields=((name, "hush"),))
        assert name.lower() in str(error)
        assert "hush" not in str(error)
    assert len(origin.requests) == 1


def test_configured_fields_are_sent_and_replace_the_default(origin: Origin) -> None:
    origin.script("/feed", ok(FEED))
    get(
        origin.url("/feed", userinfo="a:b"), fields=(("X-Key", " k "), ("accept", "text/xml"), ("Authorization", "T t"))
    )
    fields = origin.requests[0].fields
    assert fields.all("x-key") == ["k"]
    assert fields.all("accept") == ["text/xml"]
    assert fields.all("authorization") == ["T t"]


@pytest.mark.parametrize("pair", [("X-Key", "hush\r\nX: y"), ("X Key", "hush"), ("X-Key", "hush\u2026")])
def test_a_field_that_cannot_be_sent_is_refused_without_its_value(origin: Origin, pair: tuple[str, str]) -> None:
    error = refused(origin.url("/feed"), fields=(pair,))
    assert "hush" not in str(error)
    assert not origin.requests


def test_b11_the_second_try_after_an_unasked_for_304_says_no_cache(origin: Origin) -> None:
    origin.script("/feed", not_modified(), ok(FEED))
    first = get(origin.url("/feed"))
    assert (first.response.status, first.sent) == (304, ())
    get(origin.url("/feed"), no_cache=True)
    assert [r.fields.get("cache-control") for r in origin.requests] == [None, "no-cache"]
