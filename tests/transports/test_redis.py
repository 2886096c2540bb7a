"""Clients of several machines share a cache in Redis; whatever happens to it, requests go on (G6, G8)."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.library import condget, httpx
from tests.origin import Answer, Origin, RawRequest
from tests.redis_server import RedisServer
from tests.servers import wait_until
from tests.transports.scenarios import FRESH, KINDS, TLS, answer, calling, together

ROOT = Path(__file__).parents[2]
MIB = 1 << 20
both = pytest.mark.parametrize("kind", KINDS)


class Held:
    """An answer that the origin gives when it is told to."""

    def __init__(self, given: Answer) -> None:
        self._given = given
        self.release = threading.Event()

    def __call__(self, request: RawRequest) -> Answer:
        assert self.release.wait(60)
        return self._given


@pytest.fixture
def held(origin: Origin) -> Iterator[Held]:
    held = Held(answer(FRESH, b"body"))
    origin.script("/", held)
    yield held
    held.release.set()


def wait_for_waiters(server: RedisServer, number: int) -> None:
    """Return when so many connections look for a lease."""
    with server.client() as client:
        looking = lambda: sum(one["cmd"] == "exists" for one in client.client_list())  # noqa: E731
        wait_until(lambda: looking() >= number, "nobody waits for a lease")


@both
def test_two_machines_share_what_is_stored(kind: str, origin: Origin, redis_server: RedisServer) -> None:
    """G8, G9: content, validation and invalidation."""
    content = bytes(range(256)) * (12 * MIB // 256 // 4)
    origin.script("/", answer(f'{FRESH} | ETag: "a"', content), answer(status=304), answer(FRESH, b"new"))
    origin.script("/post", answer("Location: /", status=201))
    with calling(kind, cache=redis_server.url) as one, calling(kind, cache=redis_server.socket_url) as two:
        assert one.get(origin.url()).extensions["condget"].stored
        hit = two.get(origin.url())
        assert (hit.extensions["condget"].hit, hit.content == content) == (True, True)
        part = two.get(origin.url(), headers={"Range": "bytes=1000000-1000009"})
        assert (part.status_code, part.content) == (206, content[1000000:1000010])
        assert two.get(origin.url(), extensions={"condget": "no-cache"}).extensions["condget"].revalidated
        one.request("DELETE", origin.url())
        assert two.get(origin.url()).content == b"new"


@both
def test_a_server_that_is_not_there_costs_no_request(
    kind: str, origin: Origin, own_redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    """G6, F9"""
    origin.script("/", answer(FRESH, b"body"))
    own_redis.kill()
    url = own_redis.url.replace("://", "://ann:secret@")
    with caplog.at_level(logging.WARNING), calling(kind, cache=url) as calls:
        for _ in range(3):
            response = calls.get(origin.url())
            assert response.content == b"body"
            assert not response.extensions["condget"].stored
    (text,) = [record.getMessage() for record in caplog.records if record.name == "condget"]
    assert "cannot be used" in text
    assert "Requests go on without the cache." in text
    assert "secret" not in text


@both
def test_a_server_that_is_restarted_is_used_again(
    kind: str, origin: Origin, own_redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G6"""
    monkeypatch.setattr("condget.transports.guarded_store._PAUSE", 0.0)
    origin.script("/", answer(FRESH, b"body"))
    with calling(kind, cache=own_redis.url) as calls:
        assert calls.get(origin.url()).extensions["condget"].stored
        own_redis.kill()
        assert calls.get(origin.url()).content == b"body"
        own_redis.start()
        assert calls.get(origin.url()).extensions["condget"].stored
        assert calls.get(origin.url()).extensions["condget"].hit


@both
def test_a_server_that_dies_while_content_is_stored_costs_nothing(
    kind: str, origin: Origin, own_redis: RedisServer
) -> None:
    """G6"""

    def dies(request: RawRequest) -> Answer:
        def chunks() -> Iterator[bytes]:
            yield b"x" * MIB
            own_redis.kill()
            yield b"y" * MIB

        return answer(FRESH, chunks=chunks(), chunked=True)

    origin.script("/", dies)
    with calling(kind, cache=own_redis.url) as calls:
        response = calls.get(origin.url())
    assert response.content == b"x" * MIB + b"y" * MIB
    assert not response.extensions["condget"].stored


@both
def test_a_hit_whose_content_is_flushed_away_never_looks_whole(
    kind: str, origin: Origin, redis_server: RedisServer
) -> None:
    """G6: FLUSHALL in the middle of a hit is an error for this one reader, and a miss for the next."""
    origin.script("/", answer(FRESH, b"x" * (4 * MIB)))
    with redis_server.client() as server, calling(kind, cache=redis_server.url) as calls:
        calls.get(origin.url())

        def sync_read() -> None:
            with calls.client.stream("GET", origin.url()) as response:
                assert response.extensions["condget"].hit
                chunks = response.iter_raw()
                next(chunks)
                server.flushall()
                for _ in chunks:
                    pass

        async def async_read() -> None:
            async with calls.client.stream("GET", origin.url()) as response:
                assert response.extensions["condget"].hit
                chunks = response.aiter_raw()
                await anext(chunks)
                server.flushall()
                async for _ in chunks:
                    pass

        with pytest.raises(httpx.ReadError, match="gone"):
            sync_read() if kind == "sync" else calls.run(async_read)  # type: ignore[union-attr]
        again = calls.get(origin.url())
        assert again.extensions["condget"].stored
        assert len(again.content) == 4 * MIB


@both
def test_behind_a_network_that_was_cut_requests_go_on(
    kind: str, origin: Origin, own_redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    """G6: a server that is silent costs one short wait, and no later one for a while."""
    origin.script("/", answer(FRESH, b"body"))
    with condget.RedisCache(own_redis.address, timeout=0.2) as cache, calling(kind, cache=cache) as calls:
        calls.get(origin.url())
        own_redis.freeze()
        assert calls.get(origin.url()).content == b"body"
        own_redis.thaw()
    assert "Timeout" in caplog.text


def test_an_event_loop_goes_on_while_the_server_is_silent(origin: Origin, own_redis: RedisServer) -> None:
    """G8: calls of a store behind a network go to a thread."""
    import anyio

    origin.script("/", answer(FRESH, b"body"))
    silence = 4.0

    async def run() -> float:
        async with condget.AsyncClient(cache=condget.RedisCache(own_redis.address, timeout=silence)) as client:
            await client.get(origin.url())
            own_redis.freeze()
            longest = 0.0
            async with anyio.create_task_group() as group:
                group.start_soon(client.get, origin.url())
                started = last = time.monotonic()
                while time.monotonic() < started + silence / 2:
                    await anyio.sleep(0.01)
                    longest, last = max(longest, time.monotonic() - last), time.monotonic()
            own_redis.thaw()
            return longest

    assert anyio.run(run) < silence / 2


@both
def test_identical_misses_of_two_machines_become_one_request(
    kind: str, origin: Origin, held: Held, redis_server: RedisServer
) -> None:
    """G8"""
    with (
        calling("sync", cache=redis_server.url, timeout=60) as one,
        calling(kind, cache=redis_server.url, timeout=60) as two,
        ThreadPoolExecutor(2) as pool,
    ):
        # The fields that httpx adds are the same in both, but for the library that they name.
        first = pool.submit(one.get, origin.url())
        origin.wait_for(1)
        others = pool.submit(together, two, origin.url(), {}, {}, {})
        wait_for_waiters(redis_server, 1)
        held.release.set()
        assert first.result().extensions["condget"].stored
        for response in others.result():
            assert isinstance(response, httpx.Response)
            assert response.content == b"body"
            assert response.extensions["condget"].collapsed
    assert len(origin.requests) == 1


CHILD = """
import sys
from tests.library import condget
url, cache, timeout = sys.argv[1:]
with condget.Client(cache=cache, verify=False, timeout=float(timeout)) as client:
    print("ready", flush=True)
    sys.stdin.readline()
    print(client.get(url).text, flush=True)
"""


class Child:
    """A client in a process of its own, which sends a request when it is told to."""

    def __init__(self, url: str, cache: str, timeout: float = 60) -> None:
        self.process: subprocess.Popen[str] = subprocess.Popen(
            [sys.executable, "-c", CHILD, url, cache, str(timeout)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def go(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def result(self) -> str:
        return self.process.communicate(timeout=60)[0]


def test_processes_send_one_request(origin: Origin, held: Held, redis_server: RedisServer) -> None:
    """G8: the origin's log shows it."""
    children = [Child(origin.url(), redis_server.url) for _ in range(3)]
    children[0].go()
    origin.wait_for(1)
    for child in children[1:]:
        child.go()
    wait_for_waiters(redis_server, 2)
    held.release.set()
    assert [child.result() for child in children] == ["body\n"] * 3
    assert len(origin.requests) == 1


def test_a_machine_that_dies_holds_up_nobody_for_long(origin: Origin, held: Held, redis_server: RedisServer) -> None:
    """G8: its lease ends with the time-out of its request."""
    dead, alive = Child(origin.url(), redis_server.url, timeout=4), Child(origin.url(), redis_server.url)
    dead.go()
    origin.wait_for(1)
    alive.go()
    wait_for_waiters(redis_server, 1)
    dead.process.kill()
    dead.process.communicate()
    held.release.set()
    assert alive.result() == "body\n"
    assert len(origin.requests) == 2


@both
def test_nobody_waits_for_another_machine_longer_than_its_own_time_out(
    kind: str, origin: Origin, held: Held, redis_server: RedisServer
) -> None:
    """G8"""
    with calling("sync", cache=redis_server.url, timeout=60) as one, ThreadPoolExecutor(1) as pool:
        first = pool.submit(one.get, origin.url())
        origin.wait_for(1)
        with calling(kind, cache=redis_server.url, timeout=0.3) as two, pytest.raises(httpx.ReadTimeout):
            two.get(origin.url())
        held.release.set()
        assert first.result().content == b"body"
    assert len(origin.requests) == 1


@both
def test_a_reader_who_stops_holds_up_no_other_machine(kind: str, origin: Origin, redis_server: RedisServer) -> None:
    """G8"""
    origin.script("/", answer(FRESH, chunks=[b"x" * 10, b"y" * 10], chunked=True))
    with calling("sync", cache=redis_server.url, timeout=60) as one, calling(kind, cache=redis_server.url) as two:
        with one.client.stream("GET", origin.url()):
            assert two.get(origin.url()).content == b"x" * 10 + b"y" * 10
        assert two.get(origin.url()).extensions["condget"].hit


@both
def test_what_is_not_stored_is_waited_for_once(kind: str, origin: Origin, redis_server: RedisServer) -> None:
    """G8"""
    held = Held(answer("Cache-Control: no-store", b"mine"))
    origin.script("/", held)
    with (
        calling("sync", cache=redis_server.url, timeout=60) as one,
        calling(kind, cache=redis_server.url, timeout=60) as two,
        ThreadPoolExecutor(2) as pool,
    ):
        results = [pool.submit(one.get, origin.url())]
        origin.wait_for(1)
        results.append(pool.submit(two.get, origin.url()))
        wait_for_waiters(redis_server, 1)
        held.release.set()
        assert [result.result().content for result in results] == [b"mine"] * 2
        with redis_server.client() as server:
            assert not list(server.scan_iter("condget:lease:*"))


FORK = """
import os, sys, warnings
warnings.simplefilter("ignore", DeprecationWarning)
from tests.library import condget
url, server = sys.argv[1:]
cache = condget.RedisCache(server)
with condget.Client(cache=cache, verify=False) as client:
    client.get(url)
    pid = os.fork()
    if pid == 0:
        with condget.Client(cache=cache, verify=False) as mine:
            ok = mine.get(url).extensions["condget"].hit and mine.get(url + "?child").content == b"body"
        os._exit(0 if ok else 9)
    _, status = os.waitpid(pid, 0)
    assert status == 0, status
    assert client.get(url).extensions["condget"].hit
    assert client.get(url + "?child").extensions["condget"].hit
"""


def test_a_cache_works_on_after_a_fork_on_both_sides(origin: Origin, redis_server: RedisServer) -> None:
    """G6, G8"""
    origin.script("*", answer(FRESH, b"body"))
    arguments = [sys.executable, "-W", "error", "-c", FORK, origin.url(), redis_server.url]
    done = subprocess.run(arguments, capture_output=True, text=True, cwd=ROOT, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_task_that_is_cancelled_gives_its_lease_back(
    backend: str, origin: Origin, held: Held, redis_server: RedisServer
) -> None:
    """G8: both the one that requests and the one that waits for another machine."""
    anyio = pytest.importorskip("anyio")
    pytest.importorskip(backend)

    async def run() -> None:
        async with (
            condget.AsyncClient(cache=redis_server.url, verify=TLS, timeout=60) as one,
            condget.AsyncClient(cache=redis_server.url, verify=TLS, timeout=60) as two,
        ):
            async with anyio.create_task_group() as group:
                group.start_soon(one.get, origin.url())
                await anyio.to_thread.run_sync(origin.wait_for, 1)
                group.start_soon(two.get, origin.url())
                await anyio.to_thread.run_sync(wait_for_waiters, redis_server, 1)
                group.cancel_scope.cancel()
            held.release.set()
            for client in (two, one):
                assert (await client.get(origin.url())).content == b"body"

    anyio.run(run, backend=backend)
    with redis_server.client() as server:
        assert not list(server.scan_iter("condget:lease:*"))
