"""The direct wire: the bytes of a request, TLS, name resolution in threads of its own."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
import time
from typing import Any

import h11
import pytest

from condget.errors import FetchError
from condget.fetching import direct
from condget.fetching.direct import DirectWire
from condget.fetching.fetch import Fetched, fetch
from condget.fetching.request import FetchRequest
from condget.fetching.targets import parse
from condget.fetching.wire import KeptConnections
from tests.fetching.support import CERTIFICATE, SHORT_FEED, SecureOrigin
from tests.fetching.support import get_here as get
from tests.fetching.support import refused_here as refused
from tests.origin import Origin, ok


def test_the_request_is_as_h11_would_send_it(origin: Origin) -> None:
    fields = [(b"Host", b"a"), (b"X-Key", b"k \xe9"), (b"If-None-Match", b'W/"x"')]
    expected = h11.Connection(h11.CLIENT).send(h11.Request(method="GET", target="/a?b", headers=fields))
    origin.script("*", ok(SHORT_FEED))

    async def send() -> None:
        connection = await DirectWire().connect(parse(origin.url("/a?b")))
        await connection.exchange(parse(origin.url("/a?b")), fields)
        await connection.aclose()

    asyncio.run(send())
    assert origin.requests[0].raw == expected


def test_a_feed_is_fetched_over_tls(secure: SecureOrigin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    assert get(f"https://secure.test:{secure.port}/feed?x").content == SHORT_FEED
    assert get(f"https://127.0.0.1:{secure.port}/feed").content == SHORT_FEED
    assert secure.heads[0].startswith(b"GET /feed?x HTTP/1.1\r\nHost: secure.test:")


def test_a_certificate_is_always_verified(secure: SecureOrigin, monkeypatch: pytest.MonkeyPatch) -> None:
    error = refused(f"https://secure.test:{secure.port}/feed")
    assert "certificate is not valid (self" in str(error)
    assert error.connected
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    assert "certificate is not valid (" in str(refused(f"https://other.test:{secure.port}/feed"))
    assert secure.heads == []


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_tls_session_is_resumed_where_more_feeds_follow(
    secure: SecureOrigin, monkeypatch: pytest.MonkeyPatch, version: ssl.TLSVersion
) -> None:
    """By the same name only; for another one, the certificate is verified anew."""
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    secure.context.maximum_version = version

    async def ask() -> None:
        async def resolve(host: str, port: int) -> list[str]:
            return ["127.0.0.1"]

        shared = DirectWire(resolve=resolve)
        kept = KeptConnections("secure.test")
        request = FetchRequest(f"https://secure.test:{secure.port}/")
        for connections in (kept, kept, kept, None):
            assert (await fetch(shared, request, time.time, kept=connections)).content == SHORT_FEED
        with pytest.raises(FetchError, match="certificate is not valid"):
            await fetch(shared, FetchRequest(f"https://other.test:{secure.port}/"), time.time)

    asyncio.run(ask())
    assert secure.resumed == [False, True, True, False]


def test_a_server_without_tls_is_told_apart() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        error = refused(f"https://127.0.0.1:{listener.getsockname()[1]}/feed")
        thread.join()
    assert "TLS could not be agreed on" in str(error)


def test_f1_the_deadline_covers_a_silent_handshake() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        error = refused(f"https://127.0.0.1:{listener.getsockname()[1]}/", timeout=0.2)
    assert "0.2 seconds" in str(error)


def test_the_tls_context_is_made_once_and_only_for_https(
    origin: Origin, secure: SecureOrigin, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    make = direct.tls_context

    def counted() -> ssl.SSLContext:
        made.append(1)
        return make()

    monkeypatch.setattr(direct, "tls_context", counted)
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    origin.script("/feed", ok(SHORT_FEED))

    async def three() -> list[int]:
        shared = DirectWire()
        await fetch(shared, FetchRequest(origin.url("/feed")), time.time)
        counts = [len(made)]
        for _ in range(2):
            await fetch(shared, FetchRequest(f"https://127.0.0.1:{secure.port}/"), time.time)
        return [*counts, len(made)]

    assert asyncio.run(three()) == [0, 1]


def test_names_are_looked_up_many_at_a_time_and_none_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    started = threading.Semaphore(0)
    release = threading.Event()

    def slow(host: str, port: int, **options: Any) -> Any:
        started.release()
        release.wait(5)
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", slow)

    async def lookups() -> list[BaseException | Fetched]:
        shared = DirectWire()
        asks = [FetchRequest(f"http://slow{n}.test/", timeout=0.25) for n in range(60)]
        return await asyncio.gather(*(fetch(shared, ask, time.time) for ask in asks), return_exceptions=True)

    results = asyncio.run(lookups())
    release.set()
    assert all(isinstance(result, FetchError) and not result.connected for result in results)
    assert sum(started.acquire(blocking=False) for _ in range(100)) == 60


def test_the_systems_resolver_is_asked() -> None:
    assert set(asyncio.run(direct.look_up("localhost", 80))) <= {"127.0.0.1", "::1"}
    with pytest.raises((OSError, UnicodeError)):
        asyncio.run(direct.look_up("a" * 64 + ".test", 80))


def test_fetching_imports_neither_httpx_nor_httpcore_without_a_proxy() -> None:
    import subprocess
    import sys

    code = "import sys, condget.fetching.fetch as f; print('httpx' in sys.modules, 'httpcore' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["False", "False"]
