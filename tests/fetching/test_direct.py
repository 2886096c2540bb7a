"""The wire: what it reads of a head itself, TLS, proxies of the environment, name resolution in threads of its own."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h11
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from condget.errors import FetchError, ForbiddenTarget
from condget.fetching import direct, response_head
from condget.fetching.direct import Wire
from condget.fetching.fetch import Fetched, fetch
from condget.fetching.request import FetchRequest
from condget.fetching.targets import parse
from tests.origin import Answer, Origin, ok, redirect

#: A certificate for secure.test and 127.0.0.1 that signs itself, and its key; they guard nothing.
CERTIFICATE = Path(__file__).with_name("secure.test.pem")
FEED = b"<rss/>"


class SecureOrigin:
    """An origin behind TLS that answers each connection with one feed; a CONNECT before it is granted."""

    def __init__(self) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(CERTIFICATE)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.heads: list[bytes] = []
        self.resumed: list[bool | None] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        socket.create_connection(("127.0.0.1", self.port)).close()
        self._thread.join(5)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            with connection:
                beginning = connection.recv(7, socket.MSG_PEEK)
                if not beginning:
                    return
                if beginning == b"CONNECT":
                    self.heads.append(connection.recv(65536))
                    connection.sendall(b"HTTP/1.1 200 Fine\r\n\r\n")
                try:
                    with self._context.wrap_socket(connection, server_side=True) as secured:
                        self.heads.append(secured.recv(65536))
                        self.resumed.append(secured.session_reused)
                        secured.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n" + FEED)
                except OSError:
                    continue  # the client did not trust the certificate


@pytest.fixture
def secure() -> Iterator[SecureOrigin]:
    origin = SecureOrigin()
    yield origin
    origin.stop()


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def get(url: str, **options: Any) -> Fetched:
    async def once() -> Fetched:
        async def resolve(host: str, port: int) -> list[str]:
            return ["127.0.0.1"]

        try:
            return await fetch(Wire(resolve=resolve), FetchRequest(url, **options), time.time)
        finally:
            assert asyncio.all_tasks() == {asyncio.current_task()}

    return asyncio.run(once())


def refused(url: str, **options: Any) -> FetchError:
    with pytest.raises(FetchError) as raised:
        get(url, **options)
    return raised.value


STATUS_LINES = [
    *("HTTP/1.1 200 OK", "HTTP/1.0 304 Not Modified", "HTTP/1.1 200", "HTTP/1.1 200 ", "HTTP/1.1 299 \xe9\t x"),
    *("HTTP/1.1 103 Early", "HTTP/2.0 200 OK", "http/1.1 200 OK", "HTTP/1.1 2000 OK", "HTTP/1.1  200 OK"),
    *("HTTP/1.1 200 a\x00b", "HTTP/1.1 099 No", "HTTP/1.1 200\tOK", "ICY 200 OK"),
]
LINES = [
    *('ETag: "a"', "etag:b", "X-A:  two  words \t", "X-Empty:", "X-High: \xe9\xff", "Content-Length: 5"),
    *("Content-Length: 6", "content-length: +5", "Content-Length: 5, 5", "Content-Length: ", "Content-Length: \xb2"),
    *("Transfer-Encoding: chunked", "Transfer-Encoding: gzip", " folded", "No colon", "Bad name: x", ": x"),
    *("X-Nul: a\x00b", "X-Ctl: a\x01b", "X-Del: a\x7fb", "X-Cr: a\rb", "X-Vt: a\x0bb", "Connection: close"),
]


@given(
    st.sampled_from(STATUS_LINES),
    st.lists(st.sampled_from(LINES), max_size=4),
    st.sampled_from(["\r\n", "\r\n", "\n"]),
)
@example("HTTP/1.1 200 OK", ["X: " + "a" * 70_000], "\r\n")
def test_what_the_wire_reads_of_a_head_is_what_h11_reads(status: str, lines: list[str], end: str) -> None:
    """And what it does not read is left to h11: nothing is accepted that h11 would refuse."""
    data = (end.join([status, *lines]) + end * 2).encode("latin-1")
    if (head := response_head.usual(data)) is None:
        return
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=65_536)
    connection.send(h11.Request(method="GET", target="/", headers=[("Host", "a")]))
    connection.receive_data(data)
    event = connection.next_event()
    assert isinstance(event, h11.Response)
    assert (event.status_code, event.reason.decode("latin-1")) == (head.status, head.reason_phrase)
    assert response_head.fields_of(event.headers.raw_items()) == head.fields
    assert f"HTTP/{event.http_version.decode()}" == head.http_version


def test_the_wire_reads_what_is_usual_itself() -> None:
    usual = [status for status in STATUS_LINES if response_head.usual(f"{status}\r\nETag: a\r\n\r\n".encode("latin-1"))]
    assert usual == STATUS_LINES[:5]
    lines = [line for line in LINES if response_head.usual(f"HTTP/1.1 200 OK\r\n{line}\r\n\r\n".encode("latin-1"))]
    assert lines == [*LINES[:7], "Connection: close"]
    assert not response_head.usual(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n")


def test_an_evil_head_costs_little_time() -> None:
    started = time.monotonic()
    for evil in (b"X: " + b" " * 60_000, b"X" * 60_000, b"X:\r\n" * 15_000, b"X: " + b"\t " * 30_000 + b"\x00"):
        response_head.usual(b"HTTP/1.1 200 OK\r\n" + evil + b"\r\n\r\n")
    assert time.monotonic() - started < 0.3


def test_the_request_is_as_h11_would_send_it(origin: Origin) -> None:
    fields = [(b"Host", b"a"), (b"X-Key", b"k \xe9"), (b"If-None-Match", b'W/"x"')]
    expected = h11.Connection(h11.CLIENT).send(h11.Request(method="GET", target="/a?b", headers=fields))
    origin.script("*", ok(FEED))

    async def send() -> None:
        connection = await Wire().connect(parse(origin.url("/a?b")))
        await connection.exchange(parse(origin.url("/a?b")), fields)
        await connection.aclose()

    asyncio.run(send())
    assert origin.requests[0].raw == expected


def test_a_feed_is_fetched_over_tls(secure: SecureOrigin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    assert get(f"https://secure.test:{secure.port}/feed?x").content == FEED
    assert get(f"https://127.0.0.1:{secure.port}/feed").content == FEED
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
    secure._context.maximum_version = version

    async def ask() -> None:
        async def resolve(host: str, port: int) -> list[str]:
            return ["127.0.0.1"]

        shared = Wire(resolve=resolve)
        for again in (True, True, False, False):
            ask = FetchRequest(f"https://secure.test:{secure.port}/")
            assert (await fetch(shared, ask, time.time, again=again)).content == FEED
        assert shared._sessions == {}
        await fetch(shared, FetchRequest(f"https://secure.test:{secure.port}/"), time.time, again=True)
        with pytest.raises(FetchError, match="certificate is not valid"):
            await fetch(shared, FetchRequest(f"https://other.test:{secure.port}/"), time.time)

    asyncio.run(ask())
    assert secure.resumed == [False, True, True, False, False]


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
    make = direct._tls_context

    def counted() -> ssl.SSLContext:
        made.append(1)
        return make()

    monkeypatch.setattr(direct, "_tls_context", counted)
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    origin.script("/feed", ok(FEED))

    async def three() -> list[int]:
        shared = Wire()
        await fetch(shared, FetchRequest(origin.url("/feed")), time.time)
        counts = [len(made)]
        for _ in range(2):
            await fetch(shared, FetchRequest(f"https://127.0.0.1:{secure.port}/"), time.time)
        return [*counts, len(made)]

    assert asyncio.run(three()) == [0, 1]


def test_d2_a_proxy_of_the_environment_gets_the_exact_url(origin: Origin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://me:hush@{origin.netloc}")
    origin.script("*", ok(FEED, etag='"\xe9"'))
    fetched = get("http://feeds.test/%7Ea/../b?x=%20&y", preconditions=(("If-None-Match", '"\xe9"'),))
    assert fetched.content == FEED
    assert fetched.response.fields.get("etag") == '"\xe9"'
    (request,) = origin.requests
    assert request.target == "http://feeds.test/%7Ea/../b?x=%20&y"
    assert request.fields.all("host") == ["feeds.test"]
    assert request.fields.all("if-none-match") == ['"\xe9"']
    assert request.fields.get("proxy-authorization") == "Basic bWU6aHVzaA=="


def test_no_proxy_is_respected(origin: Origin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "feeds.test")
    origin.script("/feed", ok(FEED))
    assert get(f"http://feeds.test:{origin.port}/feed").content == FEED
    assert origin.requests[0].target == "/feed"
    error = refused(f"http://other.test:{origin.port}/feed")
    assert "proxy" in str(error)
    assert not error.connected


def test_https_goes_through_a_tunnel_of_the_proxy(secure: SecureOrigin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{secure.port}")
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    assert get("https://secure.test/feed").content == FEED
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
    origin.script("*", Answer(body=FEED, truncate=3))
    assert "through the proxy broke off" in str(refused("http://feeds.test/"))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "a.localhost", "[::1]"])
def test_e4_private_targets_are_refused_behind_a_proxy_too(
    origin: Origin, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setenv("http_proxy", origin.url(""))
    origin.script("/feed", redirect(f"http://{host}/x"))
    assert isinstance(refused("http://feeds.test/feed"), ForbiddenTarget)
    assert len(origin.requests) == 1


def test_names_are_looked_up_many_at_a_time_and_none_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    started = threading.Semaphore(0)
    release = threading.Event()

    def slow(host: str, port: int, **options: Any) -> Any:
        started.release()
        release.wait(5)
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", slow)

    async def lookups() -> list[BaseException | Fetched]:
        shared = Wire()
        asks = [FetchRequest(f"http://slow{n}.test/", timeout=0.25) for n in range(60)]
        return await asyncio.gather(*(fetch(shared, ask, time.time) for ask in asks), return_exceptions=True)

    before = time.monotonic()
    results = asyncio.run(lookups())
    assert time.monotonic() - before < 3
    release.set()
    assert all(isinstance(result, FetchError) and not result.connected for result in results)
    assert sum(started.acquire(blocking=False) for _ in range(100)) == 60


def test_the_systems_resolver_is_asked() -> None:
    assert set(asyncio.run(direct._look_up("localhost", 80))) <= {"127.0.0.1", "::1"}
    with pytest.raises((OSError, UnicodeError)):
        asyncio.run(direct._look_up("a" * 64 + ".test", 80))


def test_fetching_imports_neither_httpx_nor_httpcore_without_a_proxy() -> None:
    import subprocess
    import sys

    code = "import sys, condget.fetching.fetch as f; print('httpx' in sys.modules, 'httpcore' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["False", "False"]
