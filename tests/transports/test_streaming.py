"""Content is streamed through, stored as received, and visible only when complete; no connection leaks (G5)."""

from __future__ import annotations

import asyncio
import gzip
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import brotli
import pytest

from tests.library import bound, condget, httpx
from tests.origin import Answer, Origin, Script, ok
from tests.transports.scenarios import KINDS, AsyncCalls, SyncCalls, answer, calling, wait_for_background


def one() -> dict[str, Any]:
    """One connection, so that a request that follows a leak waits in vain."""
    return {"limits": httpx.Limits(max_connections=1), "timeout": httpx.Timeout(3, pool=1)}


FRESH = "Cache-Control: max-age=60"
BODY = bytes(range(256)) * 1000
both = pytest.mark.parametrize("kind", KINDS)


def status_of(response: httpx.Response) -> condget.CacheStatus:
    status: condget.CacheStatus = response.extensions["condget"]
    return status


FAILURES = {
    "resets midway": answer(FRESH, BODY, truncate=1000, reset=True),
    "closes before Content-Length": answer(FRESH, BODY, truncate=1000),
    "promises more than it sends": answer(FRESH, b"short", declared_length=50),
    "leaves a chunked body unfinished": answer(FRESH, BODY, chunked=True, truncate=1000),
    "sends a broken chunk": Answer(
        raw=b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nTransfer-Encoding: chunked\r\n\r\nx"
    ),
    "resets at once": Answer(reset=True),
}


@both
@pytest.mark.parametrize("failure", FAILURES)
def test_nothing_is_stored_and_nothing_leaks_when_the_origin(
    failure: str, kind: str, origin: Origin, tmp_path: Path
) -> None:
    """G5"""
    origin.script("/", FAILURES[failure], FAILURES[failure], answer(FRESH, b"whole"))
    with calling(kind, cache=tmp_path, **one()) as calls:
        for _ in range(2):
            with pytest.raises(httpx.TransportError):
                calls.get(origin.url())
        assert calls.get(origin.url()).content == b"whole"
        assert status_of(calls.get(origin.url())).hit
    assert len(origin.requests) == 3


@both
@pytest.mark.parametrize("chunks", [0, 1])
def test_an_early_close_stores_nothing_and_says_so(kind: str, chunks: int, origin: Origin, tmp_path: Path) -> None:
    """G5, G12"""
    origin.script("/", answer(FRESH, chunks=[BODY] * 20, chunked=True))
    with calling(kind, cache=tmp_path, **one()) as calls:
        for _ in range(3):
            closed = calls.read_some(origin.url(), chunks=max(1, chunks))
            assert not status_of(closed).stored
            assert status_of(closed).detail == "not stored: its content was not read to the end"
        assert calls.get(origin.url()).content == BODY * 20
        assert calls.get(origin.url()).content == BODY * 20
    assert len(origin.requests) == 4


@both
def test_content_is_visible_when_it_is_complete_and_not_before(kind: str, origin: Origin, tmp_path: Path) -> None:
    """G5"""
    go_on = threading.Event()

    def pieces(request: object) -> Answer:
        def chunks():  # type: ignore[no-untyped-def]
            yield BODY * 10
            go_on.wait(5)
            yield b"end"

        return answer(FRESH, chunks=chunks(), chunked=True)

    origin.script("/", pieces)
    only = {"extensions": {"condget": "only-if-cached"}}
    with calling("sync", cache=tmp_path) as other, calling(kind, cache=tmp_path) as calls:
        reading = threading.Thread(target=calls.read_raw, args=(origin.url(),))
        reading.start()
        origin.wait_for(1)
        assert other.get(origin.url(), **only).status_code == 504
        go_on.set()
        reading.join(5)
        assert other.get(origin.url(), **only).content == BODY * 10 + b"end"


@both
def test_a_mock_whose_length_is_wrong_is_not_stored(kind: str, tmp_path: Path) -> None:
    """G5: a length mismatch stores nothing, whatever the transport lets pass."""
    fields = {"Cache-Control": "max-age=60", "Content-Length": "9"}
    mock = httpx.MockTransport(lambda request: httpx.Response(200, headers=fields, content=b"short"))
    with calling(kind, cache=tmp_path, transport=mock) as calls:
        response = calls.get("http://a.example/")
        assert response.content == b"short"
        assert status_of(response).detail == "not stored: 5 bytes came of 9 that Content-Length promised"
        assert not status_of(calls.get("http://a.example/")).hit


@both
@pytest.mark.parametrize(
    "script", [answer(status=304), answer("", b"x" * 100_000, 503), Answer(503, chunks=[b"x"] * 9)]
)
def test_answers_that_are_dropped_leak_no_connection(kind: str, script: Script, origin: Origin, tmp_path: Path) -> None:
    """G5"""
    origin.script("/", answer('ETag: "a"', b"stored"), script)
    policy = condget.Policy(stale_if_error=60)
    with calling(kind, cache=tmp_path, policy=policy, **one()) as calls:
        for _ in range(5):
            assert calls.get(origin.url()).content == b"stored"
    assert len(origin.requests) == 5
    if isinstance(script, Answer) and script.status == 304:
        assert origin.connections == 1


@both
def test_background_validation_leaks_no_connection(kind: str, origin: Origin, tmp_path: Path) -> None:
    """G5, G9"""
    text = 'Cache-Control: max-age=0, stale-while-revalidate=60 | ETag: "a"'
    origin.script("/", answer(text, b"1"), answer(status=304), answer(text, b"2"), answer(status=503))
    with calling(kind, cache=tmp_path, **one()) as calls:
        for _ in range(4):
            calls.get(origin.url())
            wait_for_background(calls)
        assert calls.get(origin.url()).content == b"2"
    assert len(origin.requests) <= 5


@both
def test_closing_waits_for_a_request_in_the_background(
    kind: str, origin: Origin, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """G9: it never outlives the client silently."""
    text = "Cache-Control: max-age=0, stale-while-revalidate=60"
    origin.script("/", answer(f'{text} | ETag: "a"', b"old"), answer(FRESH, b"new", delay=0.2))
    with calling(kind, cache=tmp_path) as calls:
        calls.get(origin.url())
        assert calls.get(origin.url()).content == b"old"
    with calling("sync", cache=tmp_path) as calls:
        assert calls.get(origin.url()).content == b"new"
    assert not caplog.records


@both
def test_closing_cuts_off_a_request_in_the_background_and_says_so(
    kind: str, origin: Origin, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G9"""
    monkeypatch.setattr(bound("condget.transports.caching") + "._PATIENCE", 0.1)
    text = 'Cache-Control: max-age=0, stale-while-revalidate=60 | ETag: "a"'
    origin.script("/", answer(text, b"old"), answer(FRESH, b"new", delay=20))
    with calling(kind, cache=tmp_path, timeout=0.3) as calls:
        calls.get(origin.url())
        assert calls.get(origin.url()).content == b"old"
        calls.pause(0.02)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    for thread in threading.enumerate():
        if thread.name == "condget-validate":
            thread.join(5)


@pytest.mark.parametrize("when", ["before the head", "midway"])
def test_a_task_that_is_cancelled_stores_nothing_and_leaks_nothing(when: str, origin: Origin, tmp_path: Path) -> None:
    """G5"""
    slow = (
        answer(FRESH, b"x", delay=5) if when == "before the head" else answer(FRESH, chunks=[b"x"] * 9, chunk_delay=1)
    )
    origin.script("/", slow, answer(FRESH, b"whole"))
    with calling("async", cache=tmp_path, **one()) as calls:
        assert isinstance(calls, AsyncCalls)

        async def cancel() -> None:
            task = asyncio.create_task(calls.client.get(origin.url()))
            await asyncio.sleep(0.15)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        calls.run(cancel)
        assert calls.get(origin.url()).content == b"whole"
        assert status_of(calls.get(origin.url())).hit


@both
@pytest.mark.parametrize("size", [0, 1, 1 << 20, (1 << 20) + 1, 3_500_000])
def test_a_body_of_any_size_comes_back_and_so_do_its_ranges(
    kind: str, size: int, origin: Origin, tmp_path: Path
) -> None:
    """G5, G10"""
    body = (BODY * (size // len(BODY) + 1))[:size]
    origin.script("/", ok(body, cache_control="max-age=60"))
    with calling(kind, cache=tmp_path) as calls:
        assert calls.get(origin.url()).content == body
        assert calls.read_raw(origin.url())[1] == body
        for first, last in ((0, 0), (size // 2, size - 1), ((1 << 20) - 2, (1 << 20) + 2), (1, size - 2)):
            wanted = calls.get(origin.url(), headers={"Range": f"bytes={first}-{last}"})
            if wanted.status_code == 206:
                assert wanted.content == body[first : last + 1]
            else:
                assert first >= size or last < first
        calls.read_some(origin.url())  # an early close of a hit
        assert status_of(calls.get(origin.url())).hit
    assert len(origin.requests) == 1


CODED = {"gzip": gzip.compress(BODY), "br": brotli.compress(BODY), "identity": BODY}


@both
@pytest.mark.parametrize("coding", CODED)
def test_content_is_stored_as_received_and_decoded_from_the_cache(
    kind: str, coding: str, origin: Origin, tmp_path: Path
) -> None:
    """G5"""
    origin.script("/", ok(CODED[coding], cache_control="max-age=60", content_encoding=coding))
    with calling(kind, cache=tmp_path) as calls:
        assert calls.get(origin.url()).content == BODY
        hit = calls.get(origin.url())
        assert (hit.content, hit.headers["Content-Encoding"], hit.num_bytes_downloaded) == (
            BODY,
            coding,
            len(CODED[coding]),
        )
        assert calls.read_raw(origin.url())[1] == CODED[coding]
    assert len(origin.requests) == 1


@both
def test_a_broken_coding_is_an_error_each_time(kind: str, origin: Origin, tmp_path: Path) -> None:
    """G5: httpx finds out while it decodes; what was not read to its end is not stored."""
    origin.script("/", answer(f"{FRESH} | Content-Encoding: gzip", chunks=[b"no gzip at all"] * 50, chunked=True))
    with calling(kind, cache=tmp_path, **one()) as calls:
        for _ in range(2):
            with pytest.raises(httpx.DecodingError):
                calls.get(origin.url())


def test_a_reader_holds_its_content_while_it_is_replaced(origin: Origin, tmp_path: Path) -> None:
    """G8"""
    old, new = b"o" * 3_000_000, b"n" * 3_000_000
    origin.script("/", answer(FRESH, old), answer(FRESH, new))
    with calling("sync", cache=tmp_path) as calls:
        assert isinstance(calls, SyncCalls)
        calls.get(origin.url())
        with calls.client.stream("GET", origin.url()) as hit:
            chunks = hit.iter_raw()
            read = next(chunks)
            calls.get(origin.url(), extensions={"condget": "reload"})
            assert read + b"".join(chunks) == old
        assert calls.get(origin.url()).content == new


CHILD = """
import asyncio, resource, sys
from tests.library import condget

url, directory, kind = sys.argv[1:]
cache = condget.Cache(directory, max_size=8 << 30)

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1 if sys.platform != "darwin" else 1024)

def sync():
    with condget.Client(cache=cache) as client:
        client.get(url + "small")
        before = peak()
        for _ in range(2):
            with client.stream("GET", url + "large") as response:
                length = sum(map(len, response.iter_raw()))
    return before, length, response

async def tasks():
    async with condget.AsyncClient(cache=cache) as client:
        await client.get(url + "small")
        before = peak()
        for _ in range(2):
            length = 0
            async with client.stream("GET", url + "large") as response:
                async for chunk in response.aiter_raw():
                    length += len(chunk)
    return before, length, response

before, length, response = sync() if kind == "sync" else asyncio.run(tasks())
print(length, peak() - before, response.extensions["condget"].hit)
"""


def memory(kind: str, megabytes: int, origin: Origin, directory: Path) -> tuple[str, int, str]:
    """Pass a long body through a client, and out of the cache again, in a process of its own."""
    zeros = b"\0" * (1 << 20)
    head = f"Cache-Control: max-age=86400 | Content-Length: {megabytes << 20}"
    large = answer(head, chunks=(zeros for _ in range(megabytes)))
    origin.script("/small", answer(FRESH, b"x"))
    origin.script("/large", large)
    root = str(Path(condget.__file__).parents[1])
    arguments = [sys.executable, "-c", CHILD, origin.url("/"), str(directory), kind]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True, cwd=root)
    length, kibibytes, hit = done.stdout.split()
    return length, int(kibibytes), hit


@pytest.mark.parametrize(("kind", "megabytes"), [("sync", 128), ("async", 64)])
def test_a_long_body_passes_in_constant_memory(kind: str, megabytes: int, origin: Origin, tmp_path: Path) -> None:
    """G5: from the origin and from the cache."""
    length, kibibytes, hit = memory(kind, megabytes, origin, tmp_path)
    assert (length, hit) == (str(megabytes << 20), "True")
    assert kibibytes < 25_000


@pytest.mark.skipif("CONDGET_SLOW" not in os.environ, reason="takes a minute and 2 GB of disk: set CONDGET_SLOW")
@pytest.mark.parametrize("kind", KINDS)
def test_two_gigabytes_pass_in_constant_memory(kind: str, origin: Origin, tmp_path: Path) -> None:
    """G5"""
    length, kibibytes, hit = memory(kind, 2048, origin, tmp_path)
    assert (length, hit) == (str(2048 << 20), "True")
    assert kibibytes < 25_000
