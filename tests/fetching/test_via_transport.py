"""A wire over an httpx transport, and proxies of the environment through it."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import httpx
import pytest

from condget.errors import FetchError, ForbiddenTarget
from condget.fetching.fetch import Fetched, fetch
from condget.fetching.request import FetchRequest
from condget.fetching.via_transport import TransportWire
from tests.fetching.support import CERTIFICATE, SHORT_FEED, SecureOrigin
from tests.fetching.support import get_here as get
from tests.fetching.support import refused_here as refused
from tests.origin import Answer, Origin, ok, redirect


def test_d2_a_proxy_of_the_environment_gets_the_exact_url(origin: Origin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://me:hush@{origin.netloc}")
    origin.script("*", ok(SHORT_FEED, etag='"\xe9"'))
    fetched = get("http://feeds.test/%7Ea/../b?x=%20&y", preconditions=(("If-None-Match", '"\xe9"'),))
    assert fetched.content == SHORT_FEED
    assert fetched.response.fields.get("etag") == '"\xe9"'
    (request,) = origin.requests
    assert request.target == "http://feeds.test/%7Ea/../b?x=%20&y"
    assert request.fields.all("host") == ["feeds.test"]
    assert request.fields.all("if-none-match") == ['"\xe9"']
    assert request.fields.get("proxy-authorization") == "Basic bWU6aHVzaA=="


def test_no_proxy_is_respected(origin: Origin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "feeds.test")
    origin.script("/feed", ok(SHORT_FEED))
    assert get(f"http://feeds.test:{origin.port}/feed").content == SHORT_FEED
    assert origin.requests[0].target == "/feed"
    error = refused(f"http://other.test:{origin.port}/feed")
    assert "proxy" in str(error)
    assert not error.connected


def test_https_goes_through_a_tunnel_of_the_proxy(secure: SecureOrigin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{secure.port}")
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    assert get("https://secure.test/feed").content == SHORT_FEED
    assert secure.heads[0].startswith(b"CONNECT secure.test:443 ")
    assert secure.heads[1].startswith(b"GET /feed HTTP/1.1\r\nHost: secure.test\r\n")
    assert b"User-Agent" not in secure.heads[0]


def test_a_proxy_that_refuses_is_named_as_the_cause(origin: Origin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", origin.url(""))
    origin.script("*", Answer(403, close=True))
    assert "the proxy refuses (403 Forbidden)" in str(refused("https://secure.test/feed"))


@pytest.mark.parametrize("proxy", ["gopher://me:hush@x", "http://me:hush@x:y/", "socks5://127.0.0.1:9"])
def test_a_proxy_that_cannot_be_used_is_an_error_without_its_password(
    monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("http_proxy", proxy)
    error = refused("http://feeds.test/")
    assert "proxy" in str(error).lower()
    assert "hush" not in str(error)


def test_b5_an_answer_cut_off_behind_a_proxy_is_an_error(origin: Origin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", origin.url(""))
    origin.script("*", Answer(body=SHORT_FEED, truncate=3))
    assert "through the proxy broke off" in str(refused("http://feeds.test/"))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "a.localhost", "[::1]", "127.1", "0x7f000001"])
def test_e4_private_targets_are_refused_behind_a_proxy_too(
    origin: Origin, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setenv("http_proxy", origin.url(""))
    origin.script("/feed", redirect(f"http://{host}/x"))
    assert isinstance(refused("http://feeds.test/feed"), ForbiddenTarget)
    assert len(origin.requests) == 1


def fetched_by(handler: Any, url: str = "http://feed.example/feed", **options: Any) -> Fetched:
    async def once() -> Fetched:
        wire = TransportWire(httpx.MockTransport(handler))
        return await fetch(wire, FetchRequest(url, **options), time.time)

    return asyncio.run(once())


def test_an_exchange_works_over_any_httpx_transport() -> None:
    """D1, D2: the request is that of the direct wire, and redirects, codings and conditions work alike."""
    requests: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        if request.url.path == "/feed":
            return httpx.Response(302, headers={"Location": "/%7Ethere?a=%20"})
        return httpx.Response(200, headers=[("ETag", '"1"'), ("X", "a"), ("X", "b")], content=SHORT_FEED)

    result = fetched_by(handler)
    assert [request.url.raw_path for request in requests] == [b"/feed", b"/%7Ethere?a=%20"]
    assert [request.headers["host"] for request in requests] == ["feed.example"] * 2
    assert result.content == SHORT_FEED
    assert result.response.fields.all("x") == ["a", "b"]
    assert result.chain[-1] == "http://feed.example/%7Ethere?a=%20"


def test_d2_a_real_transport_sends_the_exact_target(origin: Origin) -> None:
    origin.script("*", ok(SHORT_FEED))

    async def once() -> None:
        async with httpx.AsyncHTTPTransport() as transport:
            await fetch(TransportWire(transport), FetchRequest(origin.url("/%7Ea/../b?x=%20&[y]")), time.time)

    asyncio.run(once())
    assert origin.requests[0].target == "/%7Ea/../b?x=%20&[y]"


@pytest.mark.parametrize(
    ("error", "words", "connected"),
    [
        (httpx.ConnectError("no route"), "no connection (no route); check the address", False),
        (httpx.ReadError("reset"), "the connection broke off (reset); it will be requested again", True),
        (httpx.RemoteProtocolError("junk"), "the connection broke off (junk); it will be requested again", True),
    ],
)
def test_f9_what_a_transport_raises_is_a_failure_in_words(error: Exception, words: str, connected: bool) -> None:
    """F9, C13."""

    def handler(request: httpx.Request) -> httpx.Response:
        raise error

    with pytest.raises(FetchError) as raised:
        fetched_by(handler)
    assert str(raised.value) == f"http://feed.example/feed: {words}"
    assert raised.value.connected is connected


def test_e4_a_literal_private_address_is_refused_over_a_transport() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        return httpx.Response(302, headers={"Location": "http://169.254.169.254/latest"})

    with pytest.raises(ForbiddenTarget):
        fetched_by(handler)
