"""condget.Client is an httpx.Client: hooks, redirects, auth, cookies, mounts, proxies, time-outs, extensions (G7)."""

from __future__ import annotations

import importlib.util
import pickle
import sqlite3
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import respx

from tests.library import condget, httpx
from tests.origin import Answer, Origin, RawRequest
from tests.transports.scenarios import KINDS, TLS, AsyncCalls, FakeClock, SyncCalls, answer, calling

both = pytest.mark.parametrize("kind", KINDS)
FRESH = "Cache-Control: max-age=60"


def hit(response: httpx.Response) -> bool:
    return bool(response.extensions["condget"].hit)


@both
def test_event_hooks_see_hits_too(kind: str, origin: Origin, tmp_path: Path) -> None:
    """G7"""
    origin.script("/", answer(FRESH, b"body"))
    seen: list[Any] = []
    hooks: dict[str, list[Callable[..., Any]]]
    if kind == "sync":
        hooks = {"request": [lambda r: seen.append(r.method)], "response": [lambda r: seen.append(r.status_code)]}
    else:

        async def on_request(request: httpx.Request) -> None:
            seen.append(request.method)

        async def on_response(response: httpx.Response) -> None:
            await response.aread()
            seen.append(response.status_code)

        hooks = {"request": [on_request], "response": [on_response]}
    with calling(kind, cache=tmp_path, event_hooks=hooks) as calls:
        calls.get(origin.url())
        assert hit(calls.get(origin.url()))
    assert seen == ["GET", 200] * 2


@both
def test_redirects_are_cached_hop_by_hop(kind: str, origin: Origin, tmp_path: Path) -> None:
    """G7"""
    origin.script("/1", answer("Location: /2", status=302))
    origin.script("/2", answer(f"{FRESH} | Location: /3", status=301))
    origin.script("/3", answer(FRESH, b"end"))
    with calling(kind, cache=tmp_path, follow_redirects=True) as calls:
        for _ in range(2):
            response = calls.get(origin.url("/1"))
            assert (response.content, response.url.path) == (b"end", "/3")
            assert [hop.status_code for hop in response.history] == [302, 301]
        assert [hit(hop) for hop in (*response.history, response)] == [False, True, True]
    assert [request.path for request in origin.requests] == ["/1", "/2", "/3", "/1"]


@both
def test_a_loop_of_stored_redirects_ends(kind: str, origin: Origin, tmp_path: Path) -> None:
    """G7"""
    origin.script("/", answer(f"{FRESH} | Location: /", status=308))
    with calling(kind, cache=tmp_path, follow_redirects=True, max_redirects=5) as calls:
        with pytest.raises(httpx.TooManyRedirects):
            calls.get(origin.url())
        assert calls.get(origin.url(), follow_redirects=False).status_code == 308
    assert len(origin.requests) == 1


@both
def test_basic_auth(kind: str, origin: Origin, tmp_path: Path) -> None:
    """G7, G3"""
    origin.script("/", answer(FRESH, b"body"))
    with calling(kind, cache=tmp_path, auth=("u", "p")) as calls:
        calls.get(origin.url())
        assert hit(calls.get(origin.url()))
    assert origin.requests[0].fields.get("authorization") == "Basic dTpw"


@both
def test_digest_auth(kind: str, origin: Origin, tmp_path: Path) -> None:
    """G7"""

    def script(request: RawRequest) -> Answer:
        if "authorization" in request.fields:
            return answer("Cache-Control: max-age=60", b"for you")
        return answer('WWW-Authenticate: Digest realm="r", nonce="n", qop="auth"', b"who are you?", 401)

    origin.script("/", script)
    with calling(kind, cache=tmp_path) as calls:
        for _ in range(2):
            response = calls.get(origin.url(), auth=httpx.DigestAuth("u", "p"))
            assert (response.status_code, response.content) == (200, b"for you")


@both
def test_the_cookie_jar_is_filled_and_used(kind: str, origin: Origin, tmp_path: Path) -> None:
    """G7, G4: a hit sets no cookie again."""
    origin.script("/", answer(f"{FRESH} | Set-Cookie: a=1"))
    origin.script("/no", answer("Cache-Control: no-store"))
    with calling(kind, cache=tmp_path) as calls:
        calls.get(origin.url())
        assert calls.client.cookies["a"] == "1"
        calls.get(origin.url("/no"))
        assert origin.requests[-1].fields.get("cookie") == "a=1"
        calls.client.cookies.set("a", "2", domain="127.0.0.1")
        calls.client.cookies.delete("a")
        assert hit(calls.get(origin.url()))
        assert "a" not in calls.client.cookies


@both
def test_a_mock_transport_is_cached(kind: str, tmp_path: Path) -> None:
    """G7: transport=."""
    asked: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        if "if-none-match" in request.headers:
            return httpx.Response(304)
        return httpx.Response(200, headers={"ETag": '"a"', "Cache-Control": "max-age=60"}, text="gr\xfc\xdfe")

    clock = FakeClock()
    with calling(kind, cache=tmp_path, transport=httpx.MockTransport(handler), clock=clock) as calls:
        for later, count in ((0, 1), (59, 1), (2, 2), (59, 2)):
            clock.now += later
            response = calls.get("https://a.example/")
            assert response.text == "gr\xfc\xdfe"
            assert len(asked) == count
        assert hit(response)


@both
def test_applications_in_process_are_cached(kind: str, tmp_path: Path) -> None:
    """G7: WSGI and ASGI transports."""
    asked: list[str] = []

    def wsgi(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        asked.append(environ["PATH_INFO"])
        start_response("200 OK", [("Cache-Control", "max-age=60"), ("Content-Length", "4")])
        return [b"bo", b"dy"]

    async def asgi(scope: dict[str, Any], receive: Any, send: Any) -> None:
        asked.append(scope["path"])
        headers = [(b"cache-control", b"max-age=60")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"bo", "more_body": True})
        await send({"type": "http.response.body", "body": b"dy"})

    transport = httpx.WSGITransport(app=wsgi) if kind == "sync" else httpx.ASGITransport(app=asgi)
    with calling(kind, cache=tmp_path, transport=transport) as calls:
        assert [calls.get("http://a.example/x").content for _ in range(2)] == [b"body"] * 2
    assert asked == ["/x"]


@both
def test_respx_is_cached(kind: str, tmp_path: Path) -> None:
    """G7: respx as a transport, and as a patch of what httpx sends."""
    router = respx.Router(assert_all_called=False)
    route = router.get("https://a.example/").respond(200, headers={"Cache-Control": "max-age=60"}, json={"a": 1})
    handler = router.handler if kind == "sync" else router.async_handler
    with calling(kind, cache=tmp_path / "1", transport=httpx.MockTransport(handler)) as calls:
        for _ in range(2):
            assert calls.get("https://a.example/").json() == {"a": 1}
    assert route.call_count == 1
    with respx.mock(base_url="https://b.example") as mock:
        patched = mock.get("/").respond(200, headers={"Cache-Control": "max-age=60"}, json={"b": 2})
        with calling(kind, cache=tmp_path / "2") as calls:
            for _ in range(2):
                assert calls.get("https://b.example/").json() == {"b": 2}
        assert patched.call_count == 1


@both
def test_mounts_are_cached(kind: str, tmp_path: Path) -> None:
    """G7"""
    asked: list[str] = []

    def mounted(name: str) -> httpx.MockTransport:
        def handler(request: httpx.Request) -> httpx.Response:
            asked.append(name)
            return httpx.Response(200, headers={"Cache-Control": "max-age=60"}, text=name)

        return httpx.MockTransport(handler)

    mounts = {"https://a.example": mounted("a"), "all://": mounted("all"), "https://none.example": None}
    with calling(kind, cache=tmp_path, mounts=mounts, transport=mounted("main")) as calls:
        for url, name in (("https://a.example/", "a"), ("http://b.example/", "all"), ("https://none.example/", "main")):
            assert [calls.get(url).text for _ in range(2)] == [name] * 2
    assert asked == ["a", "all", "main"]


@both
@pytest.mark.parametrize("how", ["environment", "argument"])
def test_proxies_are_used_and_cached(
    kind: str, how: str, origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G7: from the environment as in httpx, exceptions included."""
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    arguments: dict[str, Any] = {}
    with Origin() as proxy:
        proxy.script("*", answer(FRESH, b"by proxy"))
        origin.script("*", answer(FRESH, b"direct"))
        if how == "environment":
            monkeypatch.setenv("HTTP_PROXY", proxy.url(""))
            monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        else:
            arguments["proxy"] = proxy.url("")
        with calling(kind, cache=tmp_path, **arguments) as calls:
            assert [calls.get("http://a.invalid/x").content for _ in range(2)] == [b"by proxy"] * 2
            direct = calls.get(origin.url()).content
        assert proxy.requests[0].target == "http://a.invalid/x"
        assert (len(proxy.requests), direct) == ((1, b"direct") if how == "environment" else (2, b"by proxy"))


@both
def test_http2_is_accepted(kind: str, origin: Origin, tmp_path: Path) -> None:
    """G7"""
    origin.script("/", answer(FRESH, b"body"))
    with calling(kind, cache=tmp_path, http2=True) as calls:
        for _ in range(2):
            response = calls.get(origin.url())
            assert (response.http_version, response.reason_phrase) == ("HTTP/1.1", "OK")


@both
def test_the_version_and_the_reason_phrase_of_a_hit_are_the_stored_ones(
    kind: str, origin: Origin, tmp_path: Path
) -> None:
    """G7"""
    origin.script("/", answer(FRESH, b"body", version="HTTP/1.0", reason="Quite F\xefne"))
    with calling(kind, cache=tmp_path) as calls:
        for _ in range(2):
            response = calls.get(origin.url())
            assert response.extensions["http_version"] == b"HTTP/1.0"
            assert response.extensions["reason_phrase"] == b"Quite F\xefne"
        assert hit(response)


@both
def test_extensions(kind: str, origin: Origin, tmp_path: Path) -> None:
    """G7: those of the request reach the transport below; a hit has no network stream."""
    origin.script("/", answer('ETag: "a"', b"body"), answer(FRESH, status=304), answer(FRESH))
    traced: list[str] = []
    if kind == "sync":

        def trace(event: str, info: dict[str, Any]) -> None:
            traced.append(event)
    else:

        async def trace(event: str, info: dict[str, Any]) -> None:
            traced.append(event)

    with calling(kind, cache=tmp_path) as calls:
        first = calls.get(origin.url(), extensions={"trace": trace})
        assert "network_stream" in first.extensions
        assert traced
        traced.clear()
        validated = calls.get(origin.url(), extensions={"trace": trace})
        assert validated.extensions["condget"].revalidated
        assert traced
        traced.clear()
        reused = calls.get(origin.url(), extensions={"trace": trace})
        assert hit(reused)
        assert "network_stream" not in reused.extensions
        assert not traced


@both
def test_time_outs_are_those_of_httpx(kind: str, origin: Origin, tmp_path: Path) -> None:
    """G7"""
    origin.script("/", answer(FRESH, delay=2))
    with calling(kind, cache=tmp_path, timeout=0.1) as calls:
        start = time.monotonic()
        with pytest.raises(httpx.ReadTimeout) as caught:
            calls.get(origin.url())
        assert time.monotonic() - start < 1
        assert caught.value.request.url == origin.url()


@both
def test_exceptions_are_httpx_s_own(kind: str, tmp_path: Path) -> None:
    """G7"""
    with Origin() as gone:
        url = gone.url()
    with calling(kind, cache=tmp_path) as calls:
        with pytest.raises(httpx.ConnectError):
            calls.get(url)
        with pytest.raises(httpx.UnsupportedProtocol):
            calls.get("ftp://a.example/")
        with pytest.raises(httpx.InvalidURL):
            calls.get("http://a.example:port/")


@both
def test_a_hit_is_a_response_like_any_other(kind: str, origin: Origin, tmp_path: Path) -> None:
    """G7: elapsed, request, pickling, raise_for_status, encoding, num_bytes_downloaded, is_closed."""
    origin.script("/", answer(f"{FRESH} | Content-Type: text/plain; charset=latin-1", "\xe9".encode("latin-1"), 404))
    with calling(kind, cache=tmp_path) as calls:
        calls.get(origin.url())
        response = calls.get(origin.url())
        assert hit(response)
        assert isinstance(response.elapsed, timedelta)
        assert (response.text, response.request.url, response.num_bytes_downloaded) == ("\xe9", origin.url(), 1)
        assert response.is_closed
        with pytest.raises(httpx.HTTPStatusError, match="404 Not Found"):
            response.raise_for_status()
        again = pickle.loads(pickle.dumps(response))
        assert (again.status_code, again.content, again.headers) == (404, b"\xe9", response.headers)


@both
def test_a_stream_of_a_hit_can_be_read_in_every_way(kind: str, origin: Origin, tmp_path: Path) -> None:
    """G7"""
    origin.script("/", answer(FRESH, b"one\ntwo\n"))
    with calling(kind, cache=tmp_path) as calls:
        for _ in range(2):
            if isinstance(calls, SyncCalls):
                with calls.client.stream("GET", origin.url()) as response:
                    assert list(response.iter_lines()) == ["one", "two"]
                with calls.client.stream("GET", origin.url()) as response:
                    assert list(response.iter_bytes(3)) == [b"one", b"\ntw", b"o\n"]
            else:
                calls.run(_read_in_every_way, calls.client, origin.url())
        response, raw = calls.read_raw(origin.url())
        assert raw == b"one\ntwo\n"
        with pytest.raises(httpx.ResponseNotRead):
            _ = response.content
    assert len(origin.requests) == 1


async def _read_in_every_way(client: httpx.AsyncClient, url: str) -> None:
    async with client.stream("GET", url) as response:
        assert [line async for line in response.aiter_lines()] == ["one", "two"]
    async with client.stream("GET", url) as response:
        assert [chunk async for chunk in response.aiter_bytes(3)] == [b"one", b"\ntw", b"o\n"]


@both
def test_a_request_body_is_sent_once_and_whole(kind: str, origin: Origin, tmp_path: Path) -> None:
    """G7"""
    origin.script("/", answer(status=201))
    with calling(kind, cache=tmp_path) as calls:
        calls.request("POST", origin.url(), content=b"x" * 100_000)
        calls.request("PUT", origin.url(), json={"a": 1})
    assert [request.body for request in origin.requests] == [b"x" * 100_000, b'{"a":1}']


@both
def test_a_get_with_content_is_not_answered_for_another_content(kind: str, origin: Origin, tmp_path: Path) -> None:
    """G1: content of a GET has no meaning that HTTP knows (RFC 9110 §9.3.1); servers that give it one exist."""
    origin.script("/", lambda request: answer(FRESH, request.body))
    with calling(kind, cache=tmp_path) as calls:
        for body in (b"1", b"2", b"1"):
            response = calls.request("GET", origin.url(), content=body)
            assert response.content == body
            assert response.extensions["condget"].detail == "not stored: content in the request"


@both
def test_urls_that_are_the_same_target_share_what_is_stored(kind: str, tmp_path: Path) -> None:
    """G1: an empty path is "/", the default port is left out, a fragment is not sent (RFC 9110 §4.2.3)."""
    mock = httpx.MockTransport(lambda request: httpx.Response(200, headers={"Cache-Control": "max-age=60"}))
    same = (
        "http://a.example",
        "http://a.example/",
        "http://A.Example:80/",
        "http://a.example/#b",
        "http://a.example/./",
    )
    with calling(kind, cache=tmp_path, transport=mock) as calls:
        assert [hit(calls.get(url)) for url in same] == [False, True, True, True, True]
        calls.request("PUT", "http://a.example")
        assert not hit(calls.get("http://a.example/"))
        for other in ("http://a.example/?", "https://a.example/", "http://a.example:8080/", "http://a.example/%2F"):
            assert not hit(calls.get(other)), other


@both
def test_fields_that_httpx_adds_reach_the_origin_unchanged(kind: str, origin: Origin, tmp_path: Path) -> None:
    """D2, D4, G7: the first request is the one that bare httpx sends, byte for byte."""
    origin.script("*", answer('ETag: "a"', b"body"))
    with httpx.Client(verify=TLS) as bare:
        bare.get(origin.url("/x?b=%20&a=/"), headers={"X-A": "1"})
    with calling(kind, cache=tmp_path) as calls:
        calls.get(origin.url("/x?b=%20&a=/"), headers={"X-A": "1"})
    assert origin.requests[0].raw == origin.requests[1].raw


def test_get_is_one_request_through_a_cache(origin: Origin, tmp_path: Path) -> None:
    """G7: condget.get()."""
    origin.script("/", answer(FRESH, b"body"))
    for expected in (False, True):
        response = condget.get(origin.url(), cache=tmp_path, verify=TLS, timeout=5, headers={"X-A": "1"})
        assert (response.content, hit(response)) == (b"body", expected)
    assert condget.get(origin.url(), cache=tmp_path, verify=TLS, params={"b": "2"}, follow_redirects=True).is_success
    assert origin.requests[-1].target == "/?b=2"


def test_get_takes_what_httpx_takes() -> None:
    """G7"""
    with pytest.raises(TypeError):
        condget.get("http://a.example/", nonsense=True)


def test_a_cache_in_the_user_s_own_directory(origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """G7: no argument at all."""
    monkeypatch.setenv("CONDGET_CACHE_DIR", str(tmp_path / "own"))
    origin.script("/", answer(FRESH, b"body"))
    with condget.Client(verify=TLS) as client:
        client.get(origin.url())
    assert sqlite3.connect(tmp_path / "own" / "cache.sqlite3").execute("PRAGMA quick_check").fetchone() == ("ok",)


@both
def test_the_transports_work_under_httpx_s_own_clients(kind: str, origin: Origin, tmp_path: Path) -> None:
    """G7"""
    origin.script("/", answer(FRESH, b"body"))
    if kind == "sync":
        with httpx.Client(transport=condget.CacheTransport(cache=tmp_path)) as client:
            assert [hit(client.get(origin.url())) for _ in range(2)] == [False, True]
        return

    async def run() -> list[bool]:
        async with httpx.AsyncClient(transport=condget.AsyncCacheTransport(cache=tmp_path)) as client:
            return [hit(await client.get(origin.url())) for _ in range(2)]

    with calling("async") as calls:
        assert isinstance(calls, AsyncCalls)
        assert calls.run(run) == [False, True]


@pytest.mark.skipif(importlib.util.find_spec("trio") is None, reason="trio is not installed")
def test_trio(origin: Origin, tmp_path: Path) -> None:
    """G7: stale-while-revalidate validates at once there, since there is no background."""
    import trio

    text = 'Cache-Control: max-age=0, stale-while-revalidate=60 | ETag: "a"'
    origin.script("/", answer(text, b"1"), answer(text, b"2"))

    async def run() -> list[bytes]:
        async with condget.AsyncClient(cache=tmp_path, verify=TLS) as client:
            got: list[bytes] = []

            async def one() -> None:
                got.append((await client.get(origin.url("/2"))).content)

            origin.script("/2", answer(FRESH, b"body", delay=0.1))
            async with trio.open_nursery() as nursery:
                nursery.start_soon(one)
                nursery.start_soon(one)
            return [*got, (await client.get(origin.url())).content, (await client.get(origin.url())).content]

    assert trio.run(run) == [b"body", b"body", b"1", b"2"]
