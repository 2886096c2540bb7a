"""No credentials and no cookies on disk; what reaches the caller once is not replayed (G3, G4, F12)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.library import condget, httpx
from tests.origin import Origin, RawRequest
from tests.transports.scenarios import KINDS, TLS, answer, calling

both = pytest.mark.parametrize("kind", KINDS)
FRESH = "Cache-Control: max-age=60"
SECRET = "hunter2hunter2"
BASE64 = "dXNlcjpodW50ZXIyaHVudGVyMg=="  # of user:hunter2hunter2


def on_disk(directory: Path) -> bytes:
    return b"".join(file.read_bytes() for file in directory.rglob("*") if file.is_file())


REQUESTS: dict[str, dict[str, Any]] = {
    "Authorization": {"headers": {"Authorization": f"Bearer {SECRET}"}},
    "auth": {"auth": ("user", SECRET)},
    "digest": {},
    "Cookie": {"headers": {"Cookie": f"session={SECRET}"}},
    "a key": {"headers": {"X-Api-Key": SECRET}},
    "Proxy-Authorization": {"headers": {"Proxy-Authorization": SECRET}},
    "partition": {"extensions": {"condget": {"partition": SECRET}}},
    "userinfo": {},
    "a cookie that is set": {},
}


@both
@pytest.mark.parametrize("what", REQUESTS)
def test_no_secret_is_on_disk(what: str, kind: str, origin: Origin, tmp_path: Path) -> None:
    """G3, F12: grep the bytes of every file, while open and when closed."""
    vary = "Vary: Authorization, Cookie, X-Api-Key, Proxy-Authorization"

    def script(request: RawRequest):  # type: ignore[no-untyped-def]
        challenge = 'WWW-Authenticate: Digest realm="r", nonce="n", qop="auth"'
        if what == "digest" and "authorization" not in request.fields:
            return answer(challenge, status=401)
        cookies = f"Set-Cookie: a={SECRET} | Set-Cookie: b={SECRET}"
        return answer(f'{FRESH} | ETag: "a" | {vary} | {cookies} | Authentication-Info: nextnonce="1"', b"body")

    origin.script("/", script)
    url = origin.url("/", userinfo=f"user:{SECRET}" if what == "userinfo" else "")
    arguments = {"auth": httpx.DigestAuth("user", SECRET)} if what == "digest" else REQUESTS[what]
    with calling(kind, cache=tmp_path) as calls:
        response = calls.get(url, **arguments)
        assert response.headers.get_list("Set-Cookie") == [f"a={SECRET}", f"b={SECRET}"]
        calls.client.cookies.clear()
        if what != "digest":  # whose Authorization is never the same twice
            hit = calls.get(url, **arguments)
            assert hit.extensions["condget"].hit
            assert "Set-Cookie" not in hit.headers
        assert len(on_disk(tmp_path)) > 100
        for secret in (SECRET, BASE64):
            assert secret.encode() not in on_disk(tmp_path)
    assert SECRET.encode() not in on_disk(tmp_path)
    assert BASE64.encode() not in on_disk(tmp_path)


@both
def test_files_are_readable_by_their_owner_alone(kind: str, origin: Origin, tmp_path: Path) -> None:
    """F12"""
    origin.script("/", answer(FRESH, b"body"))
    with calling(kind, cache=tmp_path / "a" / "b") as calls:
        calls.get(origin.url())
        files = list((tmp_path / "a").rglob("*"))
        assert len(files) >= 2
        assert all(file.stat().st_mode & 0o077 == 0 for file in files)


@both
def test_userinfo_separates_and_is_no_part_of_the_url(kind: str, origin: Origin, tmp_path: Path) -> None:
    """G3"""
    origin.script("/", answer(FRESH, b"0"), answer(FRESH, b"1"), answer(FRESH, b"2"), answer(FRESH, b"3"))
    with calling(kind, cache=tmp_path) as calls:
        users = ("", "u:1", "u:2", "u:")
        first = [calls.get(origin.url("/", userinfo=user)).content for user in users]
        again = [calls.get(origin.url("/", userinfo=user)).content for user in users]
    assert first == again == [b"0", b"1", b"2", b"3"]
    with condget.Cache(tmp_path) as cache:
        assert {stored.url for stored in cache.responses()} == {origin.url("/")}


@both
def test_userinfo_that_httpx_does_not_turn_into_a_field_separates_too(
    kind: str, origin: Origin, tmp_path: Path
) -> None:
    """G3: a transport that is used without a client."""
    origin.script("/", answer(FRESH, b"1"), answer(FRESH, b"2"))
    requests = [httpx.Request("GET", origin.url("/", userinfo=f"{user}:x")) for user in "abab"]

    def read() -> list[bytes]:
        with condget.CacheTransport(httpx.HTTPTransport(verify=TLS), cache=tmp_path) as transport:
            return [transport.handle_request(request).read() for request in requests]

    async def aread() -> list[bytes]:
        async with condget.AsyncCacheTransport(httpx.AsyncHTTPTransport(verify=TLS), cache=tmp_path) as transport:
            return [await (await transport.handle_async_request(request)).aread() for request in requests]

    assert (read() if kind == "sync" else asyncio.run(aread())) == [b"1", b"2", b"1", b"2"]


@both
def test_a_redirect_to_another_origin_takes_no_stored_secret_along(kind: str, origin: Origin, tmp_path: Path) -> None:
    """E5, G3: from the cache as from the network."""
    with Origin() as other:
        origin.script("/", answer(f"{FRESH} | Location: {other.url('/x')}", status=301))
        other.script("/x", answer("Cache-Control: no-store", b"there"))
        with calling(kind, cache=tmp_path, follow_redirects=True) as calls:
            for _ in range(2):
                assert calls.get(origin.url("/"), auth=("user", SECRET)).content == b"there"
        assert len(origin.requests) == 1
        assert all("authorization" not in request.fields for request in other.requests)


@both
def test_the_log_and_the_status_hold_no_secret(
    kind: str, origin: Origin, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """F12: not when the store fails either."""
    (tmp_path / "cache").write_text("a file where the directory was to be")
    origin.script("/", answer(FRESH, b"body"))
    caplog.set_level("DEBUG", logger="condget")
    with calling(kind, cache=tmp_path / "cache") as calls:
        status = calls.get(origin.url("/", userinfo=f"user:{SECRET}")).extensions["condget"]
    assert SECRET not in str(status)
    assert caplog.records
    assert all(SECRET not in record.getMessage() for record in caplog.records if record.name == "condget")
